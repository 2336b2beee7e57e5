"""Find foreground and moving places in a clip, and separate them from rain: people, foliage, water, splashes, overlays.

Frames are added one after the other with the clean image they are compared with. Of each only residuals on a coarse
grid are kept (`residual_grid`, at most 66 MB, and up to 350 MB while they are classified). At the end the `detectors`
classify them all at once, because what is usual at a place is known only then: foreground in `foreground`, places in
`dynamic_texture` and `overlays`. Where the camera moves, overlays are found before, in frames that are not warped
(`stabilization.find_marks`, `place_marks`).
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainclean.moving.detectors import Scene, all_kinds, find_all, texts
from rainclean.moving.dynamic_texture import MIN_FRAMES
from rainclean.moving.place_marks import Drawn
from rainclean.moving.residual_grid import Background, Grid, Residuals, chroma_cells, luma_of, residual
from rainclean.moving.short_clips import MIN_FRAMES as MIN_FRAMES_AT_ALL

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

_MIN_AREA_FRACTION = 0.0002
"""Fraction of the picture below which a kind is not worth a line to a person."""

_MIN_FOREGROUND_FRACTION = 0.003
"""Fraction of a frame below which foreground is not mentioned: large splashes reach 0.002."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Foreground and moving places of a clip.

    Attributes:
        areas: (h, w) bool for each of `KINDS`; of "passing", wherever foreground was in any frame.
        doubtful: (h, w) bool, where a clean image must not be trusted: all kinds but "passing", and of that only where
            foreground stayed for `STAYED_FRACTION` of the frames or more.
        share: (N,) float64, fraction of each frame that foreground covers, 0…1.
        labels: one line for each kind found, for a person.
    """

    areas: Mapping[str, Mask]
    doubtful: Mask
    share: NDArray[np.float64]
    labels: list[str]
    grid: Grid
    packed: NDArray[np.uint8]
    """Foreground and overlays that move over the scene, of each frame on the grid: (N, ⌈gh·gw/8⌉) uint8, as
    `numpy.packbits` returns them."""
    drawn: NDArray[np.uint8] | None = None
    """Those overlays alone; None where there are none."""

    def per_frame(self, position: int) -> Mask:
        """Return what hides the scene in a frame, (h, w) bool; empty for a frame that was not added.

        Args:
            position: of the frame among those used.

        Raises:
            IndexError: there is no such frame.
        """
        if not 0 <= position < len(self.packed):
            raise IndexError(f"frame {position} of {len(self.packed)}")
        rows, columns = self.grid.cells
        cells = np.unpackbits(self.packed[position], count=rows * columns).reshape(rows, columns)
        return self.grid.enlarge(cells.astype(bool))


class MotionDetector:
    """Collects residuals of frames and classifies them in the end: a `FrameObserver`."""

    def __init__(
        self, shape: tuple[int, int], frames: int, *, overlays: bool = True, drawn: Drawn | None = None
    ) -> None:
        """Make room for the frames.

        Args:
            shape: (h, w) px of the frames.
            frames: how many will be added.
            overlays: whether to look for any: in warped frames nothing stays where it was drawn.
            drawn: what was found to be drawn over frames before they were warped.
        """
        self._overlays, self._drawn = overlays, drawn
        self._grid = Grid.over(shape, frames)
        self._shape, self._frames = (*shape, 3), frames
        cells = self._grid.cells
        self._luma = np.zeros((frames, *cells), np.int8)
        self._chroma = np.zeros((2, frames, *chroma_cells(cells)), np.int8)
        self._seen = np.zeros(frames, bool)
        self._next = 0
        self._background: Background | None = None

    def compare_with(self, clean: F32, sigma: F32) -> None:
        """Set what frames added from now on are compared with; neither array is needed any more after that.

        Args:
            clean: (h, w, 3) float32, grey levels.
            sigma: (h, w) float32, standard deviation of the noise of a px's luma, grey levels.

        Raises:
            ValueError: an array has another shape.
        """
        if clean.shape != self._shape or sigma.shape != self._shape[:2]:
            raise ValueError(f"clean {clean.shape}, sigma {sigma.shape}; not {self._shape}")
        self._background = Background.from_clean(self._grid, clean, sigma)

    def add_frame(self, rgb: U8, position: int | None = None) -> None:
        """Add a frame; each once, in any order, after `compare_with`.

        Args:
            rgb: (h, w, 3) uint8, aligned with the clean image and in its exposure.
            position: of the frame among those used; by default the one after the last.

        Raises:
            ValueError: it has another shape, or nothing to compare it with was set.
            IndexError: there is no such position.
        """
        position = self._next if position is None else position
        if not 0 <= position < self._frames:
            raise IndexError(f"frame {position} of {self._frames}")
        if rgb.shape != self._shape:
            raise ValueError(f"frame {rgb.shape}; not {self._shape}")
        if self._background is None:
            raise ValueError("call compare_with() before frames are added")
        self._luma[position], self._chroma[:, position] = residual(self._grid, rgb, self._background)
        self._seen[position] = True
        self._next = position + 1

    def on_grid(self, clean: F32) -> F32:
        """Return the luma of a clean image (h, w, 3) float32 as `result` takes it, (gh, gw) float32."""
        return luma_of(self._grid, clean)

    def result(self, came_out: Callable[[], F32] | None = None) -> Findings:
        """Classify all frames that were added. Takes some milliseconds for each.

        Args:
            came_out: returns the final clean image, see `on_grid`; called when all else is done, so that the image may
                still be in the making. What it does not explain is found, too.
        """
        if self._background is None:
            return self._findings(None)
        with ThreadPoolExecutor(1, thread_name_prefix="rainclean-places") as pool:
            scene = self._scene(self._background, pool, came_out)
            find_all(scene)
        return self._findings(scene)

    def _scene(self, background: Background, pool: ThreadPoolExecutor, came_out: Callable[[], F32] | None) -> Scene:
        everything = bool(self._seen.all())
        luma = self._luma if everything else self._luma[self._seen]
        chroma = self._chroma if everything else self._chroma[:, self._seen]
        return Scene(
            residuals=Residuals(luma, chroma, background),
            grid=self._grid,
            positions=np.flatnonzero(self._seen).tolist(),
            pool=pool,
            overlays=self._overlays,
            marks=self._drawn,
            clean=came_out,
            areas=self._nothing(),
        )

    def _nothing(self) -> dict[str, Mask]:
        return {kind: np.zeros(self._grid.cells, bool) for kind in all_kinds()}

    def _findings(self, scene: Scene | None) -> Findings:
        """What was found, px by px and frame by frame; None: no frame was seen."""
        rows, columns = self._grid.cells
        packed, marks = np.zeros((self._frames, -(-rows * columns // 8)), np.uint8), None
        areas, share = self._nothing() if scene is None else scene.areas, np.zeros(self._frames)
        stayed = areas["passing"] if scene is None else scene.stayed
        if scene is not None:
            share[self._seen] = scene.passing.mean(axis=(1, 2))
            if scene.drawn is not None:
                marks = np.zeros_like(packed)
                marks[self._seen] = _packed(scene.drawn)
                scene.passing |= scene.drawn
            packed[self._seen] = _packed(scene.passing)
        doubtful = np.logical_or.reduce([stayed, *(area for kind, area in areas.items() if kind != "passing")])
        large = {kind: self._grid.enlarge(area) for kind, area in areas.items()}
        labels = _labels(areas, share, stayed)
        return Findings(
            areas=large,
            doubtful=self._grid.enlarge(doubtful),
            share=share,
            labels=labels,
            grid=self._grid,
            packed=packed,
            drawn=marks,
        )


def _packed(masks: Mask) -> U8:
    return np.packbits(masks.reshape(len(masks), -1), axis=1)


def _labels(areas: Mapping[str, Mask], share: NDArray[np.float64], stayed: Mask) -> list[str]:
    """Describe each kind found in one line."""
    frames, labels = len(share), []
    if frames < MIN_FRAMES_AT_ALL:
        return [f"{frames} frames are too few to look for what moves: nothing is excluded"]
    if frames < MIN_FRAMES:
        some = f"something moves in {100 * stayed.mean():.1f} % of the frame"
        return [f"{some}; {frames} frames are too few to say what, or to find what moves slowly"] * bool(stayed.any())
    if share.max(initial=0) > _MIN_FOREGROUND_FRACTION:
        seen = f"{np.count_nonzero(share)} of {frames} frames"
        labels.append(f"something passes in {seen}, covering up to {100 * share.max():.1f} % of the frame")
    for kind, text in texts().items():
        covered = float(areas[kind].mean())
        if covered > _MIN_AREA_FRACTION:
            labels.append(f"{text}: {100 * covered:.1f} % of the frame")
    return labels
