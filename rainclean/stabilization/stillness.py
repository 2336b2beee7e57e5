"""Find out cheaply whether the camera of a clip stood still, before anything is registered.

`registration` calls this first. A camera that stood still leaves every pixel as it is; otherwise `alignment` goes on.
Pictures are the reduced ones that `registration` keeps.
"""

from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.stabilization.alignment import (
    FINE_BLUR_PX,
    HIGH_RANK,
    LOW_RANK,
    QUICK_PLACES,
    SCENE_FRAMES,
    TRACKED_PX,
    evenly,
    halved,
    in_threads,
)
from rainclean.stabilization.gauss_newton import Target, detail, register, sample_grid, transform_points
from rainclean.stabilization.template import without_rain
from rainclean.video import Reduced, shift_between, tracking

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

MEASURABLE_PX = 0.05
"""px of the reduced picture, root mean square: encoders do as much to a picture of little detail."""

_EXAMINED_FRAMES = 32  # frames by which a camera is found to stand still
_TRAVEL_PX = 1.0  # of the full frame between frames that are a tenth of the clip apart
_MAX_NOISE_PX = 0.4  # of the full frame, root mean square: more is not taken for noise of the measurement


class Stillness(NamedTuple):
    """Whether the camera stood still, and how far each frame is off.

    shifts_px: px of the full frame, one a frame.
    """

    is_still: bool
    shifts_px: list[float]


def measure_stillness(pictures: Sequence[U8], scale: float, workers: int) -> Generator[float, None, Stillness]:
    """Find out whether the camera stood still; yield the fraction done.

    pictures: (H, W) uint8 each. scale: px of the reduced picture in one of the full frame.
    """
    examined = [pictures[i] for i in evenly(range(len(pictures)), SCENE_FRAMES)]
    scene = without_rain(examined, [None] * len(examined), LOW_RANK, HIGH_RANK)
    target = Target(*scene, FINE_BLUR_PX, QUICK_PLACES)
    if len(target.values) < 200:
        return Stillness(True, [0.0] * len(pictures))
    target.prepare()

    x, y = sample_grid(target.size)

    def off(position: int) -> NDArray[np.float64]:
        picture = detail(pictures[position], FINE_BLUR_PX)
        moved = []
        for part in target.parts:
            fit = register(part, picture, np.eye(3), "euclidean", steps=1)
            u, v = transform_points(fit.matrix, x, y)
            moved.append((u - x, v - y))
        return np.array(moved) / scale

    looked_at = evenly(range(len(pictures)), _EXAMINED_FRAMES)
    off_by_frame = yield from in_threads(off, looked_at, workers)
    halves = np.array([off_by_frame[i] for i in looked_at])  # (looked at, 2 halves, 2, points)
    shifts = _lengths(halves)
    shared = _shared(halves)
    # A few jolts leave the others still; those frames are dropped.
    calm = np.argsort(shifts)[: max(1, int(np.ceil(0.9 * len(shifts))))]
    # Where everything moves far, what all frames show together is a smear, and halves agree on nothing.
    is_still = shared[calm].mean() < still_threshold(scale) ** 2 and np.square(shifts[calm]).mean() < _MAX_NOISE_PX**2
    # A jolt begins and ends somewhere between the frames that were looked at.
    steps = list(zip(looked_at, looked_at[1:], shifts, shifts[1:], strict=False))
    between = [i for a, b, s, t in steps if max(s, t) > _MAX_NOISE_PX for i in range(a + 1, b)]
    more = yield from in_threads(off, between, workers)
    # A jolt that only one half of the places shows is none.
    all_shifts = np.interp(range(len(pictures)), looked_at, np.sqrt(np.maximum(shared, 0)))
    for i, moved in more.items():
        all_shifts[i] = np.sqrt(max(0.0, _shared(moved[None])[0]))
    if is_still:
        is_still = not (yield from _travels(pictures, scale, workers))
    return Stillness(bool(is_still), [float(s) for s in all_shifts])


def still_threshold(scale: float) -> float:
    """Return the px of the full frame, root mean square over the clip, below which a camera stands still.

    scale: px of the reduced picture in one of the full frame.
    """
    return max(tracking.STILL_THRESHOLD_PX, MEASURABLE_PX / scale)


def _lengths(halves: F64) -> F64:
    """Compute the px (N,) that frames are off, from what two halves of each say: (N, 2 halves, 2, points)."""
    return np.asarray(np.sqrt(np.square(halves.mean(axis=1)).sum(axis=1).mean(axis=-1)))


def _shared(halves: F64) -> F64:
    """Compute the squared px (N,) that frames are off by what both halves of each say: (N, 2 halves, 2, points).

    Two halves of a picture share its motion but not the noise that rain leaves: their product is free of it.
    """
    return np.asarray((halves[:, 0] * halves[:, 1]).sum(axis=1).mean(axis=-1))


def _travels(pictures: Sequence[U8], scale: float, workers: int) -> Generator[float, None, bool]:
    """Return whether most of a few pairs of frames show the picture at different places, by tracking."""
    count = len(pictures)
    distance = max(1, count // 10)

    is_large = max(pictures[0].shape) > TRACKED_PX

    def moved(k: int) -> float | None:
        one, other = pictures[k], pictures[k + distance]
        if not is_large:
            return shift_between(Reduced(one), Reduced(other))
        shift = shift_between(Reduced(halved(one)), Reduced(halved(other)))
        return None if shift is None else 2 * shift

    by_frame = yield from in_threads(moved, evenly(range(max(0, count - distance)), 5), workers)
    shifts = [shift / scale for shift in by_frame.values() if shift is not None]
    return bool(shifts) and float(np.median(shifts)) > _TRAVEL_PX
