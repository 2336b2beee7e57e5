"""Looks at frames as they pass on their way to the stack: the reference frame, scene cuts, camera motion."""

import numpy as np
from numpy.typing import NDArray

from rainclean.candidates import Selection
from rainclean.temporal import luma
from rainclean.video.cuts import scene_cuts, thumbnail
from rainclean.video.motion import camera_shift

U8 = NDArray[np.uint8]

STILL_PX = 0.5
"""Shift against the reference frame, in px, up to which frames are said to show the same picture."""


class Watch:
    """Collects what is needed to warn of a moving camera or a scene cut.

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

    def see(self, position: int, rgb: U8) -> None:
        """Take note of the frame at this position among those used, (H, W, 3) uint8."""
        self._thumbnails.append(thumbnail(rgb))
        if position == self._selection.reference:
            self.reference = rgb
        elif position in self._sampled:
            self._lumas[position] = luma(rgb)

    def motion(self) -> dict[int, float]:
        """Frame index → shift against the reference frame in px, where the picture has texture enough to tell."""
        reference = luma(self.reference)
        shifts = {}
        for position, picture in sorted(self._lumas.items()):
            shift = camera_shift(reference, picture)
            if shift is not None:
                shifts[self._selection.indices[position]] = round(shift, 2)
        self._lumas.clear()
        return shifts

    def still_window(self, motion: dict[int, float]) -> int:
        """Index of the largest window over which the camera stood still; the smallest if it never did.

        Candidates are judged by how the values of that window crowd: where the camera moves, values of more
        frames crowd around another picture than the reference frame's.
        """
        still = 0
        for number, (start, stop) in enumerate(self._selection.windows):
            within = self._selection.indices[start:stop]
            if any(shift > STILL_PX for index, shift in motion.items() if within[0] <= index <= within[-1]):
                break
            still = number
        return still

    def warnings(self, motion: dict[int, float]) -> list[str]:
        """One line for each thing a person should know."""
        said = []
        cuts = [self._selection.indices[i] for i in scene_cuts(np.stack(self._thumbnails))]
        if cuts:
            where = ", ".join(map(str, cuts[:5])) + (", …" if len(cuts) > 5 else "")
            said.append(f"scene cut at frame {where}: shots were mixed; use --in-point and --out-point")
        if motion and max(motion.values()) > STILL_PX:
            start, stop = self._selection.windows[self.still_window(motion)]
            within = self._selection.indices[start:stop]
            moves = any(motion.get(index, 0) > STILL_PX for index in (within[0], within[-1]))
            where = "every candidate" if moves else f"candidates of more than {stop - start} frames"
            said.append(
                f"the camera moves, up to {max(motion.values()):.1f} px against the reference frame: "
                f"expect lost detail in {where}"
            )
        return said
