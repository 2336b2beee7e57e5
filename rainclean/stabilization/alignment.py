"""Register all frames of a clip to one of them, in rounds: each round has a better rain-free picture to register to.

`registration` calls this once `stillness` says that the camera moved; `parallax` refines what it returns. Pictures
here are the reduced ones that `registration` keeps. Matrices are in their px and take px of the reference frame to px
of a frame.

First each frame is tracked from the one before (`rainclean.video.tracking`). Then frames are registered to what the
nearest ones show without rain, outward from the reference frame, so that errors of tracking cannot add up. Then all
of them are registered to what all of them show. The motion model is chosen by how well one half of the picture
predicts the other half.
"""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rainclean.stabilization.gauss_newton import (
    Fit,
    Target,
    detail,
    details,
    project_to_model,
    register,
    rms_distance,
    sample_grid,
    transform_points,
)
from rainclean.stabilization.motion_models import moving_models
from rainclean.stabilization.resampling import bend, shown
from rainclean.stabilization.residual_motion import rms_part_shift
from rainclean.stabilization.template import without_rain
from rainclean.video import Reduced, similarity

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]
Result = TypeVar("Result")

MIN_OVERLAP = 0.5
"""Fraction of the reference frame that a frame has to show."""

FINE_BLUR_PX, COARSE_BLUR_PX = 0.5, 2.5
"""Standard deviations of the smoothing of pictures that are compared."""

LOW_RANK, HIGH_RANK = 0.15, 0.5
"""Ranks over time, 0…1, between which samples are mostly free of rain."""

SCENE_FRAMES = 41
"""Frames that a rain-free picture is made of: more make it no better."""

QUICK_PLACES, FULL_PLACES = 8_000, 24_000
"""Places compared: enough to see whether anything moves, or how; to register by."""

TRACKED_PX = 480
"""px of the longer side of pictures that are tracked from one to the next."""

_NEIGHBOURS = 7  # frames to either side that the first rain-free picture is made of
_MIN_CORRELATION = 0.25
_MIN_CORRELATION_FRACTION = 0.55  # of the median correlation of all frames
_MODEL_FRAMES = 12  # frames by which a model is chosen
_MIN_GAIN = 0.01  # fraction by which the residual has to shrink for a model of more parameters


@dataclass(kw_only=True)
class Aligned:
    """All frames of a clip registered to one of them.

    Attributes:
        model: name of a motion model.
        reference: position of the reference frame.
        matrices: (3, 3) float64, one a frame.
        fits: one a frame, without residuals and weights.
        lost: one a frame, why it does not fit, or "".
        left: px of the reduced pictures, one a frame, motion that is left.
        target: what all frames show together without rain.
        pictures: (H, W) uint8, the reduced frames.
    """

    model: str
    reference: int
    matrices: list[F64]
    fits: list[Fit]
    lost: list[str]
    left: list[float]
    target: Target
    pictures: Sequence[U8] = field(repr=False)


def in_threads(
    work: Callable[[int], Result], items: Sequence[int], workers: int
) -> Generator[float, None, dict[int, Result]]:
    """Do ``work`` for each item in threads; yield the fraction done, return results by item."""
    results: dict[int, Result] = {}
    with ThreadPoolExecutor(max(1, workers)) as pool:
        futures = {pool.submit(work, item): item for item in items}
        try:
            for number, future in enumerate(as_completed(futures), 1):
                results[futures[future]] = future.result()
                yield number / len(items)
        finally:
            for future in futures:
                future.cancel()
    return results


def evenly(items: Sequence[int], most: int) -> list[int]:
    """Return at most ``most`` of the items, evenly spaced, first and last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i)] for i in np.linspace(0, len(items) - 1, most)]


def align(pictures: Sequence[U8], reference: int | None, scale: float, workers: int) -> Generator[float, None, Aligned]:
    """Register the reduced pictures to one of them, the best placed one if ``reference`` is None.

    pictures: (H, W) uint8 each. scale: px of the reduced picture in one of the full frame. Yields the fraction done.
    """
    count, size = len(pictures), pictures[0].shape
    steps = in_threads(lambda i: _link(pictures[i], pictures[i + 1]), range(count - 1), workers)
    link_by_frame = yield from scaled(steps, 0.0, 0.3)
    links = [link_by_frame[i] for i in range(count - 1)]
    if reference is None:
        reference = _best_placed(links, count, (size[0], size[1]))
    matrices = _chained(links, reference, count)
    near = [k for k in range(reference - _NEIGHBOURS, reference + _NEIGHBOURS + 1) if 0 <= k < count]
    target, rough = targets(pictures, matrices, near, (FINE_BLUR_PX, COARSE_BLUR_PX), max_places=QUICK_PLACES)

    def outward(step: int) -> dict[int, Fit]:
        fits: dict[int, Fit] = {}
        matrix, k = matrices[reference], reference
        while 0 <= k + step < count:
            link = links[k] if step > 0 else np.linalg.inv(links[k - 1])
            k += step
            start = link @ matrix
            coarse, fine = details(pictures[k], (COARSE_BLUR_PX, FINE_BLUR_PX))
            fit = register(target, fine, register(rough, coarse, start, "affine", 3).matrix, "affine", 4)
            good = fit.overlap >= 0.3 and fit.correlation >= _MIN_CORRELATION
            matrix = fit.matrix if good else start
            fits[k] = fit if good else Fit(start, overlap=fit.overlap)
            if fit.overlap < 0.2:
                break
        return fits

    both = yield from scaled(in_threads(outward, [1, -1], workers), 0.3, 0.5)
    fits = {reference: register(target, detail(pictures[reference], FINE_BLUR_PX), np.eye(3), "translation", 4)}
    for part in both.values():
        fits |= part
    fits = {k: fits.get(k, Fit(matrices[k])) for k in range(count)}
    model = "affine"
    for number in range(2):
        lost = _lost(fits)
        kept = [k for k in range(count) if not lost[k]]
        matrices = _anchored(fits, reference)
        chosen = _chosen(kept, reference, fits)
        places = QUICK_PLACES if number == 0 else FULL_PLACES
        (target,) = targets(pictures, matrices, chosen, (FINE_BLUR_PX,), max_places=places)
        begin = 0.5 + 0.25 * number
        if number == 1:
            model = yield from scaled(_model(target, pictures, matrices, kept, workers), begin, begin + 0.1)
            begin += 0.1
            matrices = [project_to_model(model, m, target.size) for m in matrices]
        work = _Refine(target, pictures, matrices, model)
        done = yield from scaled(in_threads(work, range(count), workers), begin, 0.75 + 0.25 * number)
        fits = {k: refined.fit for k, refined in done.items()}
    lost = _lost(fits)
    lost[reference] = ""
    matrices = _anchored(fits, reference)
    matrices = [project_to_model(model, m, target.size) for m in matrices]
    return Aligned(
        model=model,
        reference=reference,
        matrices=matrices,
        fits=[fits[k] for k in range(count)],
        lost=lost,
        left=[done[k].left for k in range(count)],
        target=target,
        pictures=pictures,
    )


class _Refined(NamedTuple):
    """A frame registered to a target, and the px of motion that are left."""

    fit: Fit
    left: float


@dataclass
class _Refine:
    """Register one frame to a target, from where it is known to lie, and measure the px of motion that are left.

    The residuals at each place are forgotten: those of all frames would fill memory.
    """

    target: Target
    pictures: Sequence[U8]
    matrices: Sequence[F64]
    model: str

    def __call__(self, position: int) -> _Refined:
        picture = detail(self.pictures[position], self.target.blur)
        fit = register(self.target, picture, self.matrices[position], self.model, 5)
        small = Fit(fit.matrix, correlation=fit.correlation, overlap=fit.overlap, scale=fit.scale)
        return _Refined(small, rms_part_shift(self.target, fit))


def scaled(steps: Generator[float, None, Result], begin: float, end: float) -> Generator[float, None, Result]:
    """Pass on the progress of a part of the work, between two fractions of the whole."""
    try:
        while True:
            yield begin + (end - begin) * next(steps)
    except StopIteration as done:
        result: Result = done.value
        return result


def halved(picture: U8) -> U8:
    """Reduce a picture to half its size."""
    import cv2

    return np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _link(one: U8, other: U8) -> F64:
    """Estimate the matrix (3, 3) from one frame to the next, roughly; no motion where it cannot be measured."""
    import cv2

    if max(one.shape) > TRACKED_PX:  # a first guess
        half = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1]])
        return np.asarray(np.linalg.inv(half) @ _link(halved(one), halved(other)) @ half)
    a, b = Reduced(one), Reduced(other)
    tracked = similarity(a, b)
    if tracked is not None:
        return np.vstack([tracked, (0, 0, 1)])
    window = cv2.createHanningWindow(one.shape[::-1], cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(a.picture.astype(np.float32), b.picture.astype(np.float32), window)
    matrix = np.eye(3)
    if response > 0.1:
        matrix[:2, 2] = x, y
    return matrix


def _chained(links: Sequence[F64], reference: int, count: int) -> list[F64]:
    matrices = [np.eye(3)] * count
    for k in range(reference + 1, count):
        matrices[k] = links[k - 1] @ matrices[k - 1]
    for k in range(reference - 1, -1, -1):
        matrices[k] = np.linalg.inv(links[k]) @ matrices[k + 1]
    return matrices


def _best_placed(links: Sequence[F64], count: int, size: tuple[int, int]) -> int:
    """Find the frame that shares enough of its picture with most others; of equals the one nearest to them."""
    x, y = sample_grid(size)
    middle = np.stack([np.stack(transform_points(m, x, y)) for m in _chained(links, count // 2, count)])  # (N, 2, G)
    # One row after the other: all at once would take (N, N, 2, G) numbers.
    distance = np.stack([np.sqrt(np.square(one - middle).mean(axis=-1)) for one in middle])  # (N, N, 2)
    shared = np.clip(1 - distance[..., 0] / size[1], 0, 1) * np.clip(1 - distance[..., 1] / size[0], 0, 1)
    usable = shared >= 0.85
    score = usable.sum(axis=1) + np.where(usable, shared, 0).sum(axis=1) / (usable.sum(axis=1) + 1e-9)
    return int(np.argmax(score))


def targets(
    pictures: Sequence[U8],
    matrices: Sequence[F64],
    chosen: Sequence[int],
    blurs: Sequence[float],
    *,
    meshes: Sequence[F32 | None] = (),
    max_places: int = FULL_PLACES,
) -> list[Target]:
    """Make what the chosen frames show without rain, in the reference frame's geometry, smoothed in several ways.

    pictures: (H, W) uint8; matrices: (3, 3); meshes: as `Placement.mesh`, or none at all; each one a frame. chosen:
    positions. blurs: px, one for each target returned.
    """
    warped, shown = [], []
    for k in chosen:
        picture, inside = warp_to_reference(pictures[k], matrices[k], meshes[k] if meshes else None)
        warped.append(picture)
        shown.append(inside)
    clean, known = without_rain(warped, shown, LOW_RANK, HIGH_RANK)
    return [Target(clean, known, blur, max_places).prepare() for blur in blurs]


def warp_to_reference(picture: U8, matrix: F64, mesh: F32 | None) -> tuple[U8, Mask | None]:
    """Warp a reduced picture to the reference frame's geometry; also return where it shows something (None: all)."""
    import cv2

    height, width = picture.shape
    if mesh is None:
        x, y = sample_grid((height, width), 2)
        u, v = transform_points(matrix, x, y)
        how = {"dsize": (width, height), "borderMode": cv2.BORDER_REPLICATE}
        warped = cv2.warpPerspective(picture, matrix, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, **how)  # type: ignore[call-overload]
        if max(np.abs(u - x).max(), np.abs(v - y).max()) < 0.5:
            return warped, None
        inside = np.empty((height, width), bool)
        shown(matrix, inside)
        return warped, inside
    across, down = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    bend(matrix, mesh, height, width, 0, 0, across, down)
    warped = cv2.remap(picture, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped), (across >= 0) & (down >= 0) & (across <= width - 1) & (down <= height - 1)


def _chosen(kept: Sequence[int], reference: int, fits: dict[int, Fit]) -> list[int]:
    """Choose frames that show nearly all of the reference frame, if there are enough of them."""
    whole = [k for k in kept if fits[k].overlap > 0.8]
    chosen = evenly(whole if len(whole) >= SCENE_FRAMES // 2 else kept, SCENE_FRAMES)
    return chosen or [reference]


def _anchored(fits: dict[int, Fit], reference: int) -> list[F64]:
    """Return matrices from px of the reference frame, which is itself a little shifted against the target."""
    back = np.linalg.inv(fits[reference].matrix)
    return [(m := fits[k].matrix @ back) / m[2, 2] for k in range(len(fits))]


def _lost(fits: dict[int, Fit]) -> list[str]:
    """Say why each frame does not fit, or ""."""
    sound = [f.correlation for f in fits.values() if f.overlap >= MIN_OVERLAP]
    least = max(_MIN_CORRELATION, _MIN_CORRELATION_FRACTION * float(np.median(sound))) if sound else _MIN_CORRELATION
    reasons = []
    for k in range(len(fits)):
        if fits[k].overlap < MIN_OVERLAP:
            reasons.append("shows too little of what the reference frame shows")
        elif fits[k].correlation < least:
            reasons.append("cannot be registered to the others")
        else:
            reasons.append("")
    return reasons


def _model(
    target: Target, pictures: Sequence[U8], matrices: Sequence[F64], kept: Sequence[int], workers: int
) -> Generator[float, None, str]:
    """Choose the model of fewest parameters that predicts one half of the picture from the other as well as any."""

    def distance_to_shift(k: int) -> float:
        shift = project_to_model("translation", matrices[k], target.size)
        return rms_distance(shift, matrices[k], target.size)

    farthest = sorted(kept, key=lambda k: -distance_to_shift(k))
    tried = sorted({*farthest[: _MODEL_FRAMES // 2], *evenly(kept, _MODEL_FRAMES // 2)})
    names = moving_models()

    def left_over(position: int) -> list[float]:
        picture = detail(pictures[position], target.blur)
        left = []
        scale = register(target, picture, matrices[position], "affine", 2).scale
        for model in names:
            total = 0.0
            start = project_to_model(model, matrices[position], target.size)
            for part, other in zip(target.parts, target.parts[::-1], strict=True):
                fit = register(part, picture, start, model, 4)
                predicted = register(other, picture, fit.matrix, "", 2)
                if not len(fit.residuals) or not len(predicted.residuals):
                    return []
                off = np.square(predicted.residuals / scale)
                total += float(np.minimum(off, 9.0).mean())
            left.append(total / 2)
        return left

    by_frame = yield from in_threads(left_over, tried, workers)
    rows = [row for row in by_frame.values() if row]
    if not rows:
        return "translation"
    total = np.array(rows).mean(axis=0)
    smallest = total.min()
    return next(name for name, left in zip(names, total, strict=True) if left <= smallest * (1 + _MIN_GAIN))
