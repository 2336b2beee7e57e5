"""Which scenes are for training, validation and test: by scene, never by clip or crop."""

import hashlib
from collections.abc import Iterable, Mapping

from rainclean.errors import UsageError

_FIRST_SERVED = ("train", "test", "val")
"""Where there are fewer scenes than splits: in this order."""


def split_scenes(scenes: Iterable[str], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """The split of each scene: a function of names, shares and seed alone.

    shares: split → share of the scenes, in any unit. Each split with a share gets at least one scene while there
    are enough; the remaining numbers are rounded by largest remainder. Which scene goes where is drawn by hash.
    Raises UsageError for shares that cannot be meant.
    """
    if not shares or any(not 0 <= share < float("inf") for share in shares.values()) or not sum(shares.values()):
        raise UsageError(f"split {_text(shares)}: shares must be 0 or more, and one of them more than 0")
    wanted = {name: share / sum(shares.values()) for name, share in shares.items() if share}
    drawn = sorted(set(scenes), key=lambda scene: hashlib.sha256(f"{seed}\n{scene}".encode()).digest())
    counts = _counts(len(drawn), wanted)
    names = [name for name in shares for _ in range(counts.get(name, 0))]
    return dict(zip(drawn, names, strict=True))


def _counts(total: int, wanted: Mapping[str, float]) -> dict[str, int]:
    served = sorted(wanted, key=lambda name: _FIRST_SERVED.index(name) if name in _FIRST_SERVED else len(_FIRST_SERVED))
    counts = {name: int(i < total) for i, name in enumerate(served)}
    while sum(counts.values()) < total:
        # The one that is furthest behind its share gets the next scene.
        behind = max(served, key=lambda name: (wanted[name] * total - counts[name], -served.index(name)))
        counts[behind] += 1
    return counts


def _text(shares: Mapping[str, float]) -> str:
    return ",".join(f"{name}={share:g}" for name, share in shares.items())
