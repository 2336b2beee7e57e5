"""Split scenes into training, validation and test: by scene, never by clip or crop."""

import hashlib
from collections.abc import Iterable, Mapping

from rainclean.errors import UsageError

_FIRST_SERVED = ("train", "test", "val")
"""Order in which splits get scenes where there are fewer scenes than splits."""


def split_scenes(scenes: Iterable[str], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Return the split of each scene: a function of names, shares and seed alone.

    Each split with a share gets at least one scene while there are enough; the other counts are rounded by largest
    remainder. A hash draws the scenes of each split.

    Args:
        scenes: Names; repetitions do not count.
        shares: Split → share of the scenes, in any unit.
        seed: Of the draw.

    Raises:
        UsageError: A share is negative or not finite, or all are 0.
    """
    if not shares or any(not 0 <= share < float("inf") for share in shares.values()) or not sum(shares.values()):
        raise UsageError(f"split {_text(shares)}: shares must be at least 0, and one of them above 0")
    wanted = {name: share / sum(shares.values()) for name, share in shares.items() if share}
    drawn = sorted(set(scenes), key=lambda scene: hashlib.sha256(f"{seed}\n{scene}".encode()).digest())
    counts = _counts(len(drawn), wanted)
    names = [name for name in shares for _ in range(counts.get(name, 0))]
    return dict(zip(drawn, names, strict=True))


def _counts(total: int, wanted: Mapping[str, float]) -> dict[str, int]:
    served = sorted(wanted, key=lambda name: _FIRST_SERVED.index(name) if name in _FIRST_SERVED else len(_FIRST_SERVED))
    counts = {name: int(i < total) for i, name in enumerate(served)}
    while sum(counts.values()) < total:
        # The split that is farthest below its share gets the next scene.
        behind = max(served, key=lambda name: (wanted[name] * total - counts[name], -served.index(name)))
        counts[behind] += 1
    return counts


def _text(shares: Mapping[str, float]) -> str:
    return ",".join(f"{name}={share:g}" for name, share in shares.items())
