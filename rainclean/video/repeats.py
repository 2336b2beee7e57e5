"""Find frames that repeat the picture of the frame before: stalls, pulldown, recordings of a screen.

A picture that comes twice is no new evidence. It differs from a calm scene: what changes from frame to frame all
through the clip (rain, noise) stands still, in the middle of its change, streaks and all. A codec copies a repeated
picture block by block and repairs it a little. So steps from frame to frame are compared with what is usual in the
clip, and need not be 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rainclean import _kernels

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

_ROWS = 64
"""Rows of a frame that are compared, up to twice as many of small ones: 0.13 MB of luma at 1080p."""

_CELLS = 8
"""Cells across and down, by which it is found out where a clip changes."""

_HALF_OF_THEM, _MOST = (5.0, 0.2), (16.0, 0.45)
"""Change (see `_Step`) that half of the steps of repeats must keep below, and all of them: in grey levels, and as a
share of the usual change. The larger ones are key frames, which code the same picture anew."""

_FLOOR = 0.4
"""Change that counts as none."""

_APART = 2.0
"""Factor by which the steps of repeats change less than all others."""

_BETWEEN = 0.04
"""Share of the steps that may lie between."""

_FEWEST = 3
"""Steps that must be no repeats: one or two are cuts of a clip in which nothing moves."""

_FROZEN = 0.3
"""Share of the usual brightening into a repeated picture, and of the usual darkening out of it, that there has to be:
rain that stands still was falling. Of a picture without rain the same frames could be a lull."""

_EVERYWHERE, _CHANGED = 0.1, 0.25
"""Share of the picture that has to change in the usual step, by so many grey levels on average: people and cars do
that now here, now there."""

_TOGETHER, _OFTEN, _STRONG = 0.25, 0.12, 8.0
"""Share of the usual steps that come one after another; or that they are of all steps, with so much change. Cuts, and
key frames of a clip in which nothing moves, are neither: they stand alone, and are seldom or weak."""

_FOURTH = np.arange(256, dtype=np.float64) ** 4


class Repeats:
    """Collects steps between frames, and finds which frames of a clip repeat the one before."""

    def __init__(self) -> None:
        self._before: U8 | None = None
        self._steps: list[_Step] = []

    def add_frame(self, rgb: U8) -> None:
        """Add the next frame, (H, W, 3) uint8, in time order."""
        import cv2

        rows = np.ascontiguousarray(rgb[:: max(1, len(rgb) // _ROWS)])
        now = np.asarray(cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY), np.uint8)
        if self._before is not None:
            self._steps.append(_Step.between(self._before, now))
        self._before = now

    def result(self) -> dict[int, int]:
        """Return the position of each frame that repeats a picture → position of the frame that showed it first.

        In a clip that never changes, these are all but the first. Calm clips have none: where nothing usually changes,
        a repeat cannot be distinguished.
        """
        if not any(step.change for step in self._steps):
            return dict.fromkeys(range(1, len(self._steps) + 1), 0)
        still = _stand_still(self._steps)
        usual = _Usual.measure([step for step, stands in zip(self._steps, still, strict=True) if not stands])
        return {
            again: first
            for first, last in _runs(still)
            if usual.fell_into(self._steps, first, last)
            for again in range(first + 1, last + 1)
        }


def distinct(frames: Sequence[int], repeats: Mapping[int, int]) -> list[int]:
    """Drop frames that repeat another one.

    Args:
        frames: indices.
        repeats: as `Repeats.finish` returns them.

    Example:
        >>> distinct([0, 1, 2, 3], {1: 0})
        [0, 2, 3]
    """
    return [frame for frame in frames if frame not in repeats]


def stand_for(repeats: Mapping[int, int], wanted: int) -> dict[int, int]:
    """Let a wanted frame represent its picture instead of the one that showed it first.

    Args:
        repeats: as `Repeats.finish` returns them.
        wanted: index of a frame.

    Returns:
        The same repeats, of the wanted frame.
    """
    first = repeats.get(wanted)
    if first is None:
        return dict(repeats)
    changed = {again: wanted if one == first else one for again, one in repeats.items() if again != wanted}
    return dict(sorted({**changed, first: wanted}.items()))


def joined(some: Mapping[int, int], others: Mapping[int, int]) -> dict[int, int]:
    """Join repeats that two passes over a clip found, the second one over more of its frames.

    Args:
        some: of the first pass.
        others: of the second.
    """
    both = {**some, **others}
    for again, first in both.items():
        while first in both:
            first = both[first]
        both[again] = first
    return dict(sorted(both.items()))


def even(repeats: Mapping[int, int], frames: Sequence[int]) -> bool:
    """Return whether all pictures are shown equally often, except the first and the last, which may be cut off.

    Args:
        repeats: as `Repeats.finish` returns them.
        frames: indices, rising.
    """
    shows = [repeats.get(frame, frame) for frame in frames]
    lengths = [len(list(same)) for _, same in groupby(shows)]
    usual = lengths[1:-1] or lengths
    return len(set(usual)) == 1 and max(lengths) == usual[0]


def describe(repeats: Mapping[int, int], frames: Sequence[int]) -> list[str]:
    """Describe the repeats among frames in one line; [] where there are none.

    Args:
        repeats: as `Repeats.finish` returns them.
        frames: indices, rising.
    """
    if not repeats:
        return []
    many = f"{len(repeats)} of {len(frames)} frames repeat the one before"
    if len(repeats) == len(frames) - 1:
        return [f"{many}: all show the same image, so rain cannot be removed"]
    return [many + (", all images equally often" if even(repeats, frames) else ": each image counts once")]


@dataclass(frozen=True)
class _Step:
    """The change from a frame to the next.

    brighter, darker: fourth root of the mean fourth power of the change, in grey levels. The fourth power makes a few
    streaks count more than what a codec repairs everywhere. cells: (CELLS²,) mean change of each.
    """

    brighter: float
    darker: float
    cells: F32

    @property
    def change(self) -> float:
        return max(self.brighter, self.darker)

    @classmethod
    def between(cls, before: U8, now: U8) -> Self:
        import cv2

        change, counts = np.empty(now.shape, np.float32), np.zeros(511, np.int64)
        _kernels.count_steps(before, now, counts, change)
        cells = cv2.resize(change, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
        brighter, darker = (_size(side, now.size) for side in (counts[255:], counts[255::-1]))
        return cls(brighter, darker, np.asarray(cells, np.float32).ravel())


@dataclass(frozen=True)
class _Usual:
    """The usual step of a clip: medians of all that are no repeats."""

    brighter: float
    darker: float
    everywhere: bool

    @classmethod
    def measure(cls, steps: Sequence[_Step]) -> Self:
        cells = np.median([step.cells for step in steps], axis=0)
        brighter, darker = (float(np.median([getattr(s, side) for s in steps])) for side in ("brighter", "darker"))
        return cls(brighter, darker, bool((cells >= _CHANGED).mean() >= _EVERYWHERE))

    @property
    def change(self) -> float:
        return min(self.brighter, self.darker)

    def fell_into(self, steps: Sequence[_Step], first: int, last: int) -> bool:
        """Return whether a picture shown from a frame to a later one has rain that came and goes with it."""
        came = first == 0 or steps[first - 1].brighter >= _FROZEN * self.brighter
        goes = last == len(steps) or steps[last].darker >= _FROZEN * self.darker
        return came and goes and (first > 0 or last < len(steps))


def _stand_still(steps: Sequence[_Step]) -> list[bool]:
    """Return of each step whether it changes far less than those that do change; all False where none differs so."""
    change = np.array([step.change for step in steps])
    rising = np.sort(change)
    fewest = min(_FEWEST, max(1, len(steps) // 4))
    for count in range(len(steps) - fewest, 0, -1):
        below = float(rising[count - 1])
        above = _APART * max(below, _FLOOR)
        first = int(np.searchsorted(rising, above))
        if first - count > _BETWEEN * len(steps) or first > len(steps) - fewest or below > _MOST[0]:
            continue
        still = change <= below
        others = [step for step in steps if step.change >= above]
        usual = _Usual.measure(others)
        half = float(np.median(rising[:count]))
        if below > _MOST[1] * usual.change or half > min(_HALF_OF_THEM[0], _HALF_OF_THEM[1] * usual.change):
            continue
        changes = change >= above
        together = float((changes[1:] & changes[:-1]).sum()) / len(others)
        often = len(others) >= _OFTEN * len(steps) and usual.change >= _STRONG
        if usual.everywhere and (together >= _TOGETHER or often):
            return [bool(stands) for stands in still]
    return [False] * len(steps)


def _runs(still: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield the first and last frame of each picture that is shown for several frames."""
    first = 0
    for frame, stands in enumerate([*still, False]):
        if not stands:
            if frame > first:
                yield first, frame
            first = frame + 1


def _size(counts: NDArray[np.int64], pixels: int) -> float:
    """Return the fourth root of the mean fourth power of changes; counts: (256,), of px that change by so much."""
    return float((counts @ _FOURTH / pixels) ** 0.25)
