"""Registers the frames of a clip to its reference frame under rain, and lays them over it in one resampling.

`Gatherer` keeps a small picture of each used frame while the clip is decoded; from them it finds out cheaply
whether the camera stood still, and if not how each frame lies over the reference frame (`alignment`),
which frames do not fit, and the rectangle that all others show. `Registration.warp` then takes full frames into
the geometry of the reference frame. A camera that stood still leaves every pixel as it is.
"""

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rainclean._kernels import square_means
from rainclean.stabilization.alignment import TOLD, Aligned, align, stands_still, still_below
from rainclean.stabilization.fixed_marks import find_drawn
from rainclean.stabilization.gauss_newton import apply, grid_of
from rainclean.stabilization.motion_models import STILL
from rainclean.stabilization.parallax import refine
from rainclean.stabilization.resampling import REACH, resample
from rainclean.temporal import prior
from rainclean.video import Region

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

LEAST_SHARE = 0.8
"""Share of the frame that all used frames should show; frames that cost more of it are dropped."""

_LARGEST_SIDE = 640  # px of a reduced picture: with all its px compared, more detail makes it no better
_JOLT = 0.5  # px of the full frame that a frame of a still clip may be off before it is dropped, at least
_TOLD_JOLT = 3.0  # times what is told at all, likewise
_ENOUGH = 12  # frames below which rather the region shrinks than that another frame is dropped
_SMALLEST = 0.25  # share of the frame: smaller regions are not worth any frame


@dataclass(frozen=True)
class Placement:
    """How one frame lies over the reference frame.

    matrix: (3, 3) float64, px of the reference frame to px of this frame (x, y; the middle of a pixel at a whole
    number). residual: px of motion left after registration, root mean square over the picture. fits: whether
    the frame may be used; reason: why not, or "". mesh: (gh, gw, 2) float32, px (x, y) to add in this frame,
    at nodes that stand evenly from the first to the last pixel of the reference frame, bilinear between them;
    None where the matrix tells all that is sure.
    """

    matrix: F64
    residual: float = 0.0
    fits: bool = True
    reason: str = ""
    mesh: F32 | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Registration:
    """How all used frames lie over the reference frame.

    model: name of a motion model, `STILL` or how the camera moves. reference: position of the reference
    frame among those used. placements: one a used frame. region: rectangle of the reference frame that all
    frames that fit show. size: (height, width) px of a frame. still: px up to which a frame of a still clip lies over
    the others as far as can be told. drawn: (mh, mw) bool over a whole frame, smaller than it or as large, what stays
    at its place in the frames while the scene moves; None where the camera stands still.
    """

    model: str
    reference: int
    placements: tuple[Placement, ...]
    region: Region
    size: tuple[int, int]
    still: float = _JOLT
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
        """Longest run of frames next to each other that fit and hold the reference frame: (start, stop) positions.

        start, stop: looked for among these only (one of the windows, say).
        """
        stop = len(self.placements) if stop is None else stop
        first = last = self.reference
        while first > start and self.placements[first - 1].fits:
            first -= 1
        while last + 1 < stop and self.placements[last + 1].fits:
            last += 1
        return first, last + 1

    def warp(self, position: int, rgb: U8 | F32) -> F32:
        """The frame at this position as the reference frame's camera would have seen it, cut to the region.

        rgb: (H, W, 3) uint8 or float32. Returns (h, w, 3) float32 grey levels, neither rounded nor clipped: ONE
        resampling (Lanczos), which may leave 0…255 by a little at edges. Still: the input, cut.
        """
        x, y, width, height = self.region
        if rgb.shape[:2] != self.size:
            raise ValueError(f"a frame of {rgb.shape[:2]} where {self.size} (height, width) is registered")
        placement = self.placements[position]
        if placement.mesh is None and not self.moves:
            return rgb[y : y + height, x : x + width].astype(np.float32)
        return resample(rgb, placement.matrix, placement.mesh, (x, y, width, height))


class Gatherer:
    """Collects a reduced picture of each used frame, then registers them.

    Memory: at most 640·640 bytes a frame. workers: threads; None: one a core.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._pictures: list[U8] = []
        self._size = (0, 0)

    def add_frame(self, frame: U8) -> None:
        """Take note of the next used frame, in time order: (H, W, 3) uint8, or its luma, (H, W) uint8.

        ValueError where the size changes.
        """
        import cv2

        height, width = frame.shape[:2]
        if self._pictures and self._size != (height, width):
            raise ValueError(f"frames of two sizes: {self._size} and {(height, width)}")
        self._size = (height, width)
        scale = min(1.0, _LARGEST_SIDE / max(height, width))
        step = max(height, width) // _LARGEST_SIDE
        whole = step * _LARGEST_SIDE == max(height, width) and min(height, width) % step == 0
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
            self._pictures.append(luma.copy())

    def keep(self, start: int, stop: int) -> None:
        """Forget all frames but those at positions start…stop, which are counted from 0 from now on."""
        self._pictures = self._pictures[start:stop]

    def result(
        self, reference: int | None = None, windows: Sequence[tuple[int, int]] = ()
    ) -> Generator[float, None, Registration]:
        """Register the frames seen; yields the share of the work that is done, 0…1.

        reference: position of the reference frame; None: the one that shares enough of its picture with most
        others. windows: (start, stop) positions of the windows that will be used; frames outside all of them
        are left out. Pictures are given back when this ends. ValueError where no frame was seen.
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
        jolt = max(_JOLT, _TOLD_JOLT * TOLD / scale)
        still, shifts, _ = yield from stands_still(pictures, scale, self._workers)
        if still:
            return self._still(reference, shifts, inside, jolt)
        aligned = yield from align(pictures, reference, scale, self._workers)
        meshes = yield from refine(aligned, scale, self._workers)
        return self._moving(aligned, meshes, inside, jolt)

    def _still(
        self, reference: int | None, shifts: Sequence[float], inside: Sequence[bool], jolt: float
    ) -> Registration:
        height, width = self._size
        middle = len(shifts) // 2 if reference is None else reference
        if reference is None and shifts[middle] > jolt:
            middle = min(range(len(shifts)), key=lambda i: (shifts[i] > jolt, abs(i - middle)))
        placements = []
        for i, shift in enumerate(shifts):
            reason = "" if inside[i] else "outside the windows"
            if i != middle and shift > jolt and not reason:
                reason = "the camera was knocked"
            placements.append(Placement(np.eye(3), float(shift), not reason, reason))
        return Registration(STILL, middle, tuple(placements), Region(0, 0, width, height), self._size, jolt)

    def _moving(
        self, aligned: Aligned, meshes: Sequence[tuple[float, F32 | None]], inside: Sequence[bool], jolt: float
    ) -> Registration:
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
        for _, mesh in meshes:
            grown.append(None if mesh is None else (mesh / np.array([across, down])).astype(np.float32))
        region = choose_region(matrices, grown, reasons, aligned.reference, self._size)
        placements = tuple(
            Placement(matrices[i], meshes[i][0] / scale, not reasons[i], reasons[i], grown[i])
            for i in range(len(matrices))
        )
        x, y = grid_of(self._size)
        moved = [np.mean((u - x) ** 2 + (v - y) ** 2) for p in placements if p.fits for u, v in [apply(p.matrix, x, y)]]
        if np.sqrt(np.mean(moved)) < still_below(scale) and not any(reasons):
            identity = tuple(Placement(np.eye(3), p.residual, p.fits, p.reason) for p in placements)
            return Registration(STILL, aligned.reference, identity, Region(0, 0, width, height), self._size, jolt)
        # Frames that cost too much of the region tell as much of what stays.
        told = [i for i, lost in enumerate(aligned.lost) if not lost]
        drawn = find_drawn([aligned.pictures[i] for i in told], [aligned.matrices[i] for i in told])
        return Registration(aligned.model, aligned.reference, placements, region, self._size, drawn=drawn)


def choose_region(
    matrices: Sequence[F64],
    meshes: Sequence[F32 | None],
    reasons: list[str],
    reference: int,
    size: tuple[int, int],
) -> Region:
    """Largest rectangle that all frames show which fit; names the frames to drop for it in ``reasons``.

    matrices: (3, 3) each, px of the reference frame to px of a frame. reasons: "" for a frame that fits, changed
    in place. Frames that cost most go first, until LEAST_SHARE of the frame is left.
    """
    height, width = size
    sides = np.array([_shown(m, mesh, size) for m, mesh in zip(matrices, meshes, strict=True)])
    sides[reference] = 0, 0, width - 1, height - 1
    used = [i for i, reason in enumerate(reasons) if not reason and i != reference]

    def common(members: Sequence[int]) -> tuple[int, int, int, int]:
        chosen = sides[[*members, reference]]
        left, top = np.ceil(chosen[:, :2].max(axis=0) - 1e-6)
        right, bottom = np.floor(chosen[:, 2:].min(axis=0) + 1e-6)
        return int(left), int(top), max(0, int(right - left) + 1), max(0, int(bottom - top) + 1)

    def area(members: Sequence[int]) -> int:
        box = common(members)
        return box[2] * box[3]

    while used and area(used) < LEAST_SHARE * width * height:
        if len(used) < _ENOUGH and area(used) >= _SMALLEST * width * height:
            break
        limits = {int(np.argmax(sides[used, side] * sign)) for side, sign in ((0, 1), (1, 1), (2, -1), (3, -1))}
        worst = max(limits, key=lambda i: (area(used[:i] + used[i + 1 :]), _cost(sides[used[i]], size)))
        reasons[used.pop(worst)] = "would cost too much of the region that all frames share"
    return Region(*common(used))


def _cost(side: F64, size: tuple[int, int]) -> float:
    return size[0] * size[1] - max(0.0, side[2] - side[0] + 1) * max(0.0, side[3] - side[1] + 1)


def _shown(matrix: F64, mesh: F32 | None, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Rectangle of the reference frame that a frame shows: left, top, right, bottom px, all inside."""
    height, width = size
    edge = REACH + (0.0 if mesh is None else float(np.abs(mesh).max()))
    if mesh is None and np.array_equal(matrix, np.eye(3)):
        return 0.0, 0.0, width - 1.0, height - 1.0
    x = np.array([edge, width - 1 - edge, edge, width - 1 - edge])
    y = np.array([edge, edge, height - 1 - edge, height - 1 - edge])
    u, v = apply(np.asarray(np.linalg.inv(matrix), np.float64), x, y)
    left, top, right, bottom = max(u[0], u[2]), max(v[0], v[1]), min(u[1], u[3]), min(v[2], v[3])
    return max(0.0, left), max(0.0, top), min(width - 1.0, right), min(height - 1.0, bottom)
