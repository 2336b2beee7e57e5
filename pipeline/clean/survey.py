"""Looks at frames as they pass on their way to the stack: the reference frame, scene cuts, camera motion."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainclean.candidates import Selection
from rainclean.temporal import luma
from rainclean.video import camera_shift, scene_cuts, thumbnail

U8 = NDArray[np.uint8]

STILL_PX = 0.5
"""Shift against the reference frame, in px, up to which frames are said to show the same picture."""


class Watch:
    """Collects what is needed to warn of a moving camera or a scene cut: a `FrameObserver`.

    Motion is measured at the first and last frame of every window, so that it can be said up to which window
    the camera stood still.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        edges = {edge for start, stop in selection.windows for edge in (start, stop - 1)}
        self._sampled = edges - {selection.reference}
        self._lumas: dict[int, U8] = {}
        self._thumbnails: list[U8] = []
        self.reference: U8 = np.empty((0, 0, 3), np.uint8)

    def add_frame(self, rgb: U8) -> None:
        """See `FrameObserver.add_frame`."""
        position = len(self._thumbnails)
        self._thumbnails.append(thumbnail(rgb))
        if position == self._selection.reference:
            self.reference = rgb
        elif position in self._sampled:
            self._lumas[position] = luma(rgb)

    def cuts(self) -> list[int]:
        """Indices of the first frame of each new shot among those seen."""
        return [self._selection.indices[i] for i in scene_cuts(np.stack(self._thumbnails))]

    def result(self, known: Mapping[int, float] | None = None, still: float = STILL_PX) -> "Findings":
        """Measure motion and cuts, once all frames were seen.

        known: shifts by frame index, if they are; still: px up to which these are no motion.
        """
        shifts: dict[int, float | None] = {i: round(shift, 2) for i, shift in (known or {}).items()}
        reference = luma(self.reference)
        for position, picture in sorted(self._lumas.items()) if known is None else ():
            shift = camera_shift(reference, picture)
            shifts[self._selection.indices[position]] = None if shift is None else round(shift, 2)
        self._lumas.clear()
        return Findings(self._selection, shifts, self.cuts(), still)


@dataclass(frozen=True)
class Findings:
    """What was seen. shifts: frame index → px against the reference frame, None where it cannot be told.

    cuts: indices of the first frame of each new shot. still: px up to which a frame shows the same picture.
    """

    selection: Selection
    shifts: dict[int, float | None]
    cuts: list[int]
    still: float = STILL_PX

    @property
    def still_window(self) -> int:
        """Index of the largest window of one shot over which the camera stood still; the smallest if none is.

        Candidates are judged by how the values of that window lie densest: where the camera moves, values of more
        frames lie around another picture than the reference frame's.
        """
        still = 0
        for number, window in enumerate(self.selection.windows):
            if self._moves(window) or self._is_cut(window):
                break
            still = number
        return still

    def warnings(self) -> list[str]:
        """One line for each thing a person should know."""
        said = []
        if self.cuts:
            where = ", ".join(map(str, self.cuts[:5])) + (", …" if len(self.cuts) > 5 else "")
            worst = self._candidates_beyond(self._is_cut)
            said.append(f"scene cut at frame {where}: {worst} mix shots; use --in-point and --out-point")
        known = [shift for shift in self.shifts.values() if shift is not None]
        if known and max(known) > self.still:
            least = "at least " if None in self.shifts.values() else "up to "
            said.append(
                f"the camera moves, {least}{max(known):.1f} px against the reference frame: "
                f"expect lost detail in {self._candidates_beyond(self._moves)}"
            )
        return said

    def _candidates_beyond(self, bad: Callable[[tuple[int, int]], bool]) -> str:
        good = [stop - start for start, stop in self.selection.windows if not bad((start, stop))]
        return f"candidates of more than {max(good)} frames" if good else "all candidates"

    def _moves(self, window: tuple[int, int]) -> bool:
        first, last = self._ends(window)
        inside = [shift for index, shift in self.shifts.items() if first <= index <= last]
        # A shift that cannot be told is one too far to tell, where others show that there is texture enough.
        told = any(shift is not None for shift in self.shifts.values())
        return any(shift > self.still if shift is not None else told for shift in inside)

    def _is_cut(self, window: tuple[int, int]) -> bool:
        first, last = self._ends(window)
        return any(first < cut <= last for cut in self.cuts)

    def _ends(self, window: tuple[int, int]) -> tuple[int, int]:
        return self.selection.indices[window[0]], self.selection.indices[window[1] - 1]
