"""Register the frames of a clip to its reference frame under rain, and warp them to it in one resampling.

`FrameAligner` keeps a small picture of each used frame while the clip is decoded. From them it finds out cheaply
whether the camera stood still (`stillness`). If not, it registers each frame to the reference frame (`alignment`,
`parallax`), finds which frames do not fit, and the rectangle that all others show. `Registration.warp` then takes full
frames into the geometry of the reference frame. A camera that stood still leaves every pixel as it is.
"""

import logging
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean._kernels import square_means
from rainclean.stabilization.alignment import Aligned, align
from rainclean.stabilization.find_marks import find_drawn
from rainclean.stabilization.gauss_newton import sample_grid, transform_points
from rainclean.stabilization.motion_models import STILL
from rainclean.stabilization.parallax import LocalMotion, refine
from rainclean.stabilization.resampling import MARGIN_PX, resample
from rainclean.stabilization.stillness import MEASURABLE_PX, measure_stillness, still_threshold
from rainclean.temporal import prior
from rainclean.video import Region

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_log = logging.getLogger(__name__)

MIN_REGION_FRACTION = 0.8
"""Fraction of the frame that all used frames should show; frames that cost more of it are dropped."""

_REDUCED_SIDE_PX = 640  # of a reduced picture: with all its px compared, more detail makes it no better
_JOLT_PX = 0.5  # of the full frame, by which a frame of a still clip may be off before it is dropped, at least
_MEASURABLE_JOLT = 3.0  # times what is measurable at all, likewise
_ENOUGH_FRAMES = 12  # below this number, the region shrinks rather than that another frame is dropped
_SMALLEST_REGION = 0.25  # fraction of the frame: smaller regions are not worth any frame


@dataclass(frozen=True, kw_only=True)
class Placement:
    """One frame as registered to the reference frame.

    Attributes:
        matrix: (3, 3) float64, px of the reference frame to px of this frame (x, y; the middle of a pixel at a whole
            number).
        residual: px of motion left after registration, root mean square over the picture.
        fits: whether the frame may be used.
        reason: why it may not, or "".
        mesh: (gh, gw, 2) float32, px (x, y) to add in this frame, at nodes spaced evenly from the first to the last
            pixel of the reference frame, bilinear between them; None where no more than the matrix is certain.
    """

    matrix: F64
    residual: float = 0.0
    fits: bool = True
    reason: str = ""
    mesh: F32 | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Registration:
    """All used frames as registered to the reference frame.

    Attributes:
        model: name of a motion model, `STILL` or how the camera moves.
        reference: position of the reference frame among those used.
        placements: one a used frame.
        region: rectangle of the reference frame that all frames that fit show.
        size: (height, width) px of a frame.
        still_threshold_px: px by which a frame of a still clip may be off and still count as aligned.
        drawn: (mh, mw) bool over a whole frame, smaller than it or as large, True where something stays at its place
            in the frames while the scene moves; None where the camera stands still.
    """

    model: str
    reference: int
    placements: tuple[Placement, ...]
    region: Region
    size: tuple[int, int]
    still_threshold_px: float = _JOLT_PX
    drawn: NDArray[np.bool_] | None = field(default=None, repr=False)

    @property
    def moves(self) -> bool:
        """Whether frames have to be warped at all."""
        return self.model != STILL

    @property
    def fitting(self) -> list[int]:
        """Positions of the frames that may be used, rising."""
        return [i for i, placement in enumerate(self.placements) if placement.fits]

    def run(self, start: int = 0, stop: int | None = None) -> tuple[int, int]:
        """Find the longest run of consecutive frames that fit and include the reference frame.

        Args:
            start: first position to look at (of one of the windows, say).
            stop: first position not to look at; None: to the end.

        Returns:
            Start and stop positions of the run.
        """
        stop = len(self.placements) if stop is None else stop
        first = last = self.reference
        while first > start and self.placements[first - 1].fits:
            first -= 1
        while last + 1 < stop and self.placements[last + 1].fits:
            last += 1
        return first, last + 1

    def warp(self, position: int, rgb: U8 | F32) -> F32:
        """Warp a frame to the reference frame's geometry, cut to the region.

        Args:
            position: of the frame among those used.
            rgb: (H, W, 3) uint8 or float32.

        Returns:
            (h, w, 3) float32 grey levels, neither rounded nor clipped: ONE resampling (Lanczos), which may leave 0…255
            by a little at edges. Of a still camera: the input, cut.

        Raises:
            ValueError: the frame has another size than those registered.
        """
        x, y, width, height = self.region
        if rgb.shape[:2] != self.size:
            raise ValueError(f"a frame of {rgb.shape[:2]} where {self.size} (height, width) is registered")
        placement = self.placements[position]
        if placement.mesh is None and not self.moves:
            return rgb[y : y + height, x : x + width].astype(np.float32)
        return resample(rgb, placement.matrix, placement.mesh, (x, y, width, height))


class FrameAligner:
    """Collects a reduced picture of each used frame, then registers them.

    Memory: at most 640·640 bytes a frame.
    """

    def __init__(self, workers: int | None = None) -> None:
        """Begin with no frames.

        Args:
            workers: threads; None: one a core.
        """
        self._workers = workers or os.cpu_count() or 1
        self._pictures: list[U8] = []
        self._size = (0, 0)

    def add_frame(self, frame: U8) -> None:
        """Add the next used frame, in time order.

        Args:
            frame: (H, W, 3) uint8, or its luma, (H, W) uint8.

        Raises:
            ValueError: the size changes.
        """
        import cv2

        height, width = frame.shape[:2]
        if self._pictures and self._size != (height, width):
            raise ValueError(f"frames of two sizes: {self._size} and {(height, width)}")
        self._size = (height, width)
        scale = min(1.0, _REDUCED_SIDE_PX / max(height, width))
        step = max(height, width) // _REDUCED_SIDE_PX
        whole = step * _REDUCED_SIDE_PX == max(height, width) and min(height, width) % step == 0
        if frame.ndim == 3 and step > 1 and whole:  # full HD and 4K: without making all of their luma
            means = np.empty((height // step, width // step, 3), np.float32)
            square_means(np.ascontiguousarray(frame).reshape(height, -1), step, means)
            grey = means @ np.array((0.299, 0.587, 0.114), np.float32)
            self._pictures.append((grey + np.float32(0.5)).astype(np.uint8))
            return
        luma = prior.luma(frame) if frame.ndim == 3 else frame
        if scale < 1.0:
            target = (max(1, round(width * scale)), max(1, round(height * scale)))
            self._pictures.append(np.asarray(cv2.resize(luma, target, interpolation=cv2.INTER_AREA), np.uint8))
        else:
            self._pictures.append(luma.copy() if luma is frame else luma)

    def keep(self, start: int, stop: int) -> None:
        """Forget all frames but those at positions start ≤ i < stop, which are counted from 0 from now on."""
        self._pictures = self._pictures[start:stop]

    def result(
        self, reference: int | None = None, windows: Sequence[tuple[int, int]] = ()
    ) -> Generator[float, None, Registration]:
        """Register the frames added; the pictures are released when this ends.

        Args:
            reference: position of the reference frame; None: the one that shares enough of its picture with most
                others.
            windows: (start, stop) positions of the windows that will be used; frames outside all of them are left
                out.

        Yields:
            The fraction of the work that is done, 0…1.

        Returns:
            The registration.

        Raises:
            ValueError: no frame was added, or the reference is none of them.
        """
        pictures, self._pictures = self._pictures, []
        if not pictures:
            raise ValueError("no frame was seen")
        count = len(pictures)
        inside = [not windows or any(start <= i < stop for start, stop in windows) for i in range(count)]
        if reference is not None and not 0 <= reference < count:
            raise ValueError(f"reference frame {reference} is none of {count}")
        small = pictures[0].shape
        scale = max(small) / max(self._size)
        jolt_px = max(_JOLT_PX, _MEASURABLE_JOLT * MEASURABLE_PX / scale)
        stillness = yield from measure_stillness(pictures, scale, self._workers)
        if stillness.is_still:
            _log.info("registered %d frames: the camera stands still", count)
            return self._still(reference, stillness.shifts_px, inside, jolt_px)
        aligned = yield from align(pictures, reference, scale, self._workers)
        local = yield from refine(aligned, scale, self._workers)
        result = self._moving(aligned, local, inside, jolt_px)
        _log.info("registered %d frames: %s, %d usable", count, result.model, len(result.fitting))
        return result

    def _still(
        self, reference: int | None, shifts: Sequence[float], inside: Sequence[bool], jolt_px: float
    ) -> Registration:
        """Return the registration of a camera that stands still; frames that were knocked do not fit."""
        middle = len(shifts) // 2 if reference is None else reference
        if reference is None and shifts[middle] > jolt_px:
            middle = min(range(len(shifts)), key=lambda i: (shifts[i] > jolt_px, abs(i - middle)))
        placements = []
        for i, shift in enumerate(shifts):
            reason = "" if inside[i] else "outside the windows"
            if i != middle and shift > jolt_px and not reason:
                reason = "the camera was knocked"
            placements.append(Placement(matrix=np.eye(3), residual=float(shift), fits=not reason, reason=reason))
        return self._as_still(middle, placements, jolt_px)

    def _as_still(self, reference: int, placements: Sequence[Placement], jolt_px: float) -> Registration:
        height, width = self._size
        return Registration(
            model=STILL,
            reference=reference,
            placements=tuple(placements),
            region=Region(0, 0, width, height),
            size=self._size,
            still_threshold_px=jolt_px,
        )

    def _moving(
        self, aligned: Aligned, local: Sequence[LocalMotion], inside: Sequence[bool], jolt_px: float
    ) -> Registration:
        """Return the registration of a camera that moved, in px of the full frame."""
        height, width = self._size
        small_height, small_width = aligned.target.size
        # Middles of pixels stand at whole numbers: (x + ½)·s − ½ is where x is found in the reduced picture.
        across, down = small_width / width, small_height / height
        shrink = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
        scale = 0.5 * (across + down)
        matrices = []
        for matrix in aligned.matrices:
            full = np.linalg.inv(shrink) @ matrix @ shrink
            matrices.append(full / full[2, 2])
        matrices[aligned.reference] = np.eye(3)
        reasons = [lost if inside[i] else "outside the windows" for i, lost in enumerate(aligned.lost)]
        grown: list[F32 | None] = []
        for _, mesh in local:
            grown.append(None if mesh is None else (mesh / np.array([across, down])).astype(np.float32))
        region = choose_region(matrices, grown, reasons, aligned.reference, self._size)
        placements = tuple(
            Placement(
                matrix=matrices[i],
                residual=local[i].left / scale,
                fits=not reasons[i],
                reason=reasons[i],
                mesh=grown[i],
            )
            for i in range(len(matrices))
        )
        x, y = sample_grid(self._size)
        moved = [
            np.mean((u - x) ** 2 + (v - y) ** 2)
            for p in placements
            if p.fits
            for u, v in [transform_points(p.matrix, x, y)]
        ]
        if np.sqrt(np.mean(moved)) < still_threshold(scale) and not any(reasons):
            identity = [replace(p, matrix=np.eye(3), mesh=None) for p in placements]
            return self._as_still(aligned.reference, identity, jolt_px)
        # Frames that cost too much of the region show as well what stays at its place.
        usable = [i for i, lost in enumerate(aligned.lost) if not lost]
        drawn = find_drawn([aligned.pictures[i] for i in usable], [aligned.matrices[i] for i in usable])
        return Registration(
            model=aligned.model,
            reference=aligned.reference,
            placements=placements,
            region=region,
            size=self._size,
            drawn=drawn,
        )


def choose_region(
    matrices: Sequence[F64],
    meshes: Sequence[F32 | None],
    reasons: list[str],
    reference: int,
    size: tuple[int, int],
) -> Region:
    """Find the largest rectangle that all frames show which fit; note the frames to drop for it in ``reasons``.

    matrices: (3, 3) each, px of the reference frame to px of a frame. reasons: "" for a frame that fits, changed
    in place. Frames that cost most go first, until MIN_REGION_FRACTION of the frame is left.
    """
    height, width = size
    sides = np.array([_sides(m, mesh, size) for m, mesh in zip(matrices, meshes, strict=True)])
    sides[reference] = 0, 0, width - 1, height - 1
    used = [i for i, reason in enumerate(reasons) if not reason and i != reference]

    def common(members: Sequence[int]) -> Region:
        chosen = sides[[*members, reference]]
        left, top = np.ceil(chosen[:, :2].max(axis=0) - 1e-6)
        right, bottom = np.floor(chosen[:, 2:].min(axis=0) + 1e-6)
        return Region(int(left), int(top), max(0, int(right - left) + 1), max(0, int(bottom - top) + 1))

    def area(members: Sequence[int]) -> int:
        box = common(members)
        return box.width * box.height

    while used and area(used) < MIN_REGION_FRACTION * width * height:
        if len(used) < _ENOUGH_FRAMES and area(used) >= _SMALLEST_REGION * width * height:
            break
        limits = {int(np.argmax(sides[used, side] * sign)) for side, sign in ((0, 1), (1, 1), (2, -1), (3, -1))}
        worst = max(limits, key=lambda i: (area(used[:i] + used[i + 1 :]), _cost(sides[used[i]], size)))
        reasons[used.pop(worst)] = "would cost too much of the region that all frames share"
    return common(used)


class _Sides(NamedTuple):
    """Sides of a rectangle in px, all inside it."""

    left: float
    top: float
    right: float
    bottom: float


def _cost(side: F64, size: tuple[int, int]) -> float:
    """Count the px of a frame that a rectangle, (4,) as `_Sides`, leaves out."""
    return size[0] * size[1] - max(0.0, side[2] - side[0] + 1) * max(0.0, side[3] - side[1] + 1)


def _sides(matrix: F64, mesh: F32 | None, size: tuple[int, int]) -> _Sides:
    """Find the rectangle of the reference frame that a frame shows."""
    height, width = size
    edge = MARGIN_PX + (0.0 if mesh is None else float(np.abs(mesh).max()))
    if mesh is None and np.array_equal(matrix, np.eye(3)):
        return _Sides(0.0, 0.0, width - 1.0, height - 1.0)
    x = np.array([edge, width - 1 - edge, edge, width - 1 - edge])
    y = np.array([edge, edge, height - 1 - edge, height - 1 - edge])
    u, v = transform_points(np.asarray(np.linalg.inv(matrix), np.float64), x, y)
    left, top, right, bottom = max(u[0], u[2]), max(v[0], v[1]), min(u[1], u[3]), min(v[2], v[3])
    return _Sides(max(0.0, left), max(0.0, top), min(width - 1.0, right), min(height - 1.0, bottom))
