"""Registers all frames of a clip to one of them, in rounds: each lays every frame over a better rain-free picture.

Pictures here are the reduced ones that `registration` keeps, matrices are in their px and take px of the
reference frame to px of a frame. First each frame is tracked from the one before (`rainclean.video.tracking`), then
frames are laid over what the nearest ones show without rain, outward from the reference frame, so that errors of
tracking cannot add up, then all of them over what all of them show. How much a camera can do is chosen by what
half of the picture foretells of the other half.
"""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rainclean.stabilization.gauss_newton import (
    Fit,
    Target,
    apart,
    apply,
    detail,
    details,
    grid_of,
    lay_over,
    nearest,
)
from rainclean.stabilization.motion_models import moving_models
from rainclean.stabilization.resampling import bend, shown
from rainclean.stabilization.residual_motion import left_in_parts
from rainclean.stabilization.template import without_rain
from rainclean.video import Reduced, shift_between, similarity

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]
Result = TypeVar("Result")

STILL = 0.1
"""px of the full frame, root mean square over the clip, below which a camera stands still."""

TOLD = 0.05
"""px of the reduced picture, likewise: less is not told from what encoders do to a picture of little detail."""

LEAST_OVERLAP = 0.5
"""Share of the reference frame that a frame has to show."""

_FINE, _COARSE = 0.5, 2.5  # px of blur
_LOW, _HIGH = 0.15, 0.5  # ranks between which samples are free of rain, mostly
_TOGETHER = 41  # frames that a rain-free picture is made of: more make it no better
_NEAR = 7  # frames to either side that the first one is made of
_FEW, _MANY = 8_000, 24_000  # places: enough to see whether anything moves, or how; to register by
_LEAST_LIKENESS = 0.25
_AS_LIKELY = 0.55  # of the median likeness of all frames
_LINKED = 480  # px of the longer side of pictures that are tracked from one to the next
_LOOKED_AT = 32  # frames by which a camera is found to stand still
_SAMPLE = 12  # frames that a model is chosen by
_BETTER = 0.01  # share by which what is left over has to shrink for a model of more numbers
_TRAVELS = 1.0  # px of the full frame between frames that are a tenth of the clip apart
_SURE = 0.4  # px of the full frame, root mean square: more is not taken for noise of the measurement


@dataclass
class Aligned:
    """What came out.

    matrices, fits: one a frame; lost: one a frame, why it does not fit, or "". left: px of the pictures, one a frame,
    motion that is left.
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
    """Do ``work`` for each item in threads; yields the share that is done, returns results by item."""
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
    """At most so many of the items, evenly spaced, first and last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i)] for i in np.linspace(0, len(items) - 1, most)]


def stands_still(
    pictures: Sequence[U8], scale: float, workers: int
) -> Generator[float, None, tuple[bool, list[float], Target]]:
    """Whether the camera stood still: (still, px of the full frame that each frame is off, what it shows).

    scale: px of the reduced picture in one of the full frame.
    """
    together = [pictures[i] for i in evenly(range(len(pictures)), _TOGETHER)]
    target = Target(*without_rain(together, [None] * len(together), _LOW, _HIGH), _FINE, _FEW)
    if len(target.values) < 200:
        return True, [0.0] * len(pictures), target
    target.prepare()

    x, y = grid_of(target.size)

    def off(position: int) -> NDArray[np.float64]:
        picture = detail(pictures[position], _FINE)
        moved = []
        for part in target.parts:
            fit = lay_over(part, picture, np.eye(3), "euclidean", steps=1)
            u, v = apply(fit.matrix, x, y)
            moved.append((u - x, v - y))
        return np.array(moved) / scale

    looked_at = evenly(range(len(pictures)), _LOOKED_AT)
    found = yield from in_threads(off, looked_at, workers)
    halves = np.array([found[i] for i in looked_at])  # (looked at, 2 halves, 2, points)
    shifts = _lengths(halves)
    shared = _shared(halves)
    # A few jolts leave the others still; those frames are dropped.
    calm = np.argsort(shifts)[: max(1, int(np.ceil(0.9 * len(shifts))))]
    # Where everything moves far, what all frames show together is a smear, and halves agree on nothing.
    still = shared[calm].mean() < still_below(scale) ** 2 and np.square(shifts[calm]).mean() < _SURE**2
    # A jolt begins and ends somewhere between the frames that were looked at.
    steps = list(zip(looked_at, looked_at[1:], shifts, shifts[1:], strict=False))
    between = [i for a, b, s, t in steps if max(s, t) > _SURE for i in range(a + 1, b)]
    more = yield from in_threads(off, between, workers)
    # What one half says alone is no jolt.
    all_shifts = np.interp(range(len(pictures)), looked_at, np.sqrt(np.maximum(shared, 0)))
    for i, moved in more.items():
        all_shifts[i] = np.sqrt(max(0.0, _shared(moved[None])[0]))
    if still:
        still = not (yield from _travels(pictures, scale, workers))
    return bool(still), [float(s) for s in all_shifts], target


def still_below(scale: float) -> float:
    """px of the full frame below which a camera stands still; scale: px of the reduced picture in one of those."""
    return max(STILL, TOLD / scale)


def _lengths(halves: F64) -> F64:
    """px that frames are off, (N,), from what two halves of each say: (N, 2 halves, 2, points)."""
    return np.asarray(np.sqrt(np.square(halves.mean(axis=1)).sum(axis=1).mean(axis=-1)))


def _shared(halves: F64) -> F64:
    """Square of px that frames are off by what both halves of each say, (N,); (N, 2 halves, 2, points).

    Two halves of a picture share its motion but not the noise that rain leaves: their product is free of it.
    """
    return np.asarray((halves[:, 0] * halves[:, 1]).sum(axis=1).mean(axis=-1))


def _travels(pictures: Sequence[U8], scale: float, workers: int) -> Generator[float, None, bool]:
    """Whether tracking says of most of a few pairs of frames that they show the picture at different places."""
    count = len(pictures)
    apart_by = max(1, count // 10)

    half = max(pictures[0].shape) > _LINKED

    def moved(k: int) -> float | None:
        one, other = pictures[k], pictures[k + apart_by]
        if not half:
            return shift_between(Reduced(one), Reduced(other))
        shift = shift_between(Reduced(_halved(one)), Reduced(_halved(other)))
        return None if shift is None else 2 * shift

    found = yield from in_threads(moved, evenly(range(max(0, count - apart_by)), 5), workers)
    shifts = [shift / scale for shift in found.values() if shift is not None]
    return bool(shifts) and float(np.median(shifts)) > _TRAVELS


def align(pictures: Sequence[U8], reference: int | None, scale: float, workers: int) -> Generator[float, None, Aligned]:
    """Register the reduced pictures to one of them, the best placed one if ``reference`` is None."""
    count, size = len(pictures), pictures[0].shape
    links: list[F64] = []
    steps = in_threads(lambda i: _link(pictures[i], pictures[i + 1]), range(count - 1), workers)
    found = yield from scaled(steps, 0.0, 0.3)
    links = [found[i] for i in range(count - 1)]
    if reference is None:
        reference = _best_placed(links, count, (size[0], size[1]))
    matrices = _chained(links, reference, count)
    near = [k for k in range(reference - _NEAR, reference + _NEAR + 1) if 0 <= k < count]
    target, rough = targets(pictures, matrices, near, (_FINE, _COARSE), most=_FEW)

    def outward(step: int) -> dict[int, Fit]:
        fits: dict[int, Fit] = {}
        matrix, k = matrices[reference], reference
        while 0 <= k + step < count:
            link = links[k] if step > 0 else np.linalg.inv(links[k - 1])
            k += step
            start = link @ matrix
            coarse, fine = details(pictures[k], (_COARSE, _FINE))
            fit = lay_over(target, fine, lay_over(rough, coarse, start, "affine", 3).matrix, "affine", 4)
            good = fit.overlap >= 0.3 and fit.likeness >= _LEAST_LIKENESS
            matrix = fit.matrix if good else start
            fits[k] = fit if good else Fit(start, overlap=fit.overlap)
            if fit.overlap < 0.2:
                break
        return fits

    both = yield from scaled(in_threads(outward, [1, -1], workers), 0.3, 0.5)
    fits = {reference: lay_over(target, detail(pictures[reference], _FINE), np.eye(3), "translation", 4)}
    for part in both.values():
        fits |= part
    fits = {k: fits.get(k, Fit(matrices[k])) for k in range(count)}
    model = "affine"
    for number in range(2):
        lost = _lost(fits)
        kept = [k for k in range(count) if not lost[k]]
        matrices = _anchored(fits, reference)
        chosen = _chosen(kept, reference, fits)
        (target,) = targets(pictures, matrices, chosen, (_FINE,), most=_FEW if number == 0 else _MANY)
        begin = 0.5 + 0.25 * number
        if number == 1:
            model = yield from scaled(_model(target, pictures, matrices, kept, workers), begin, begin + 0.1)
            begin += 0.1
            matrices = [nearest(model, m, target.size) for m in matrices]
        work = _Refine(target, pictures, matrices, model)
        done = yield from scaled(in_threads(work, range(count), workers), begin, 0.75 + 0.25 * number)
        fits = {k: fit for k, (fit, _) in done.items()}
    lost = _lost(fits)
    lost[reference] = ""
    matrices = _anchored(fits, reference)
    matrices = [nearest(model, m, target.size) for m in matrices]
    left = [done[k][1] for k in range(count)]
    return Aligned(model, reference, matrices, [fits[k] for k in range(count)], lost, left, target, pictures)


@dataclass
class _Refine:
    """Lays one frame over a target, from where it is known to lie; with the px of motion that are left.

    What the fit says of each place is forgotten, or all frames' would fill memory.
    """

    target: Target
    pictures: Sequence[U8]
    matrices: Sequence[F64]
    model: str

    def __call__(self, position: int) -> tuple[Fit, float]:
        picture = detail(self.pictures[position], self.target.blur)
        fit = lay_over(self.target, picture, self.matrices[position], self.model, 5)
        return Fit(fit.matrix, fit.likeness, fit.overlap, fit.scale), left_in_parts(self.target, fit)


def scaled(steps: Generator[float, None, Result], begin: float, end: float) -> Generator[float, None, Result]:
    """The steps of a part of the work, between two shares of the whole."""
    try:
        while True:
            yield begin + (end - begin) * next(steps)
    except StopIteration as done:
        result: Result = done.value
        return result


def _halved(picture: U8) -> U8:
    import cv2

    return np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _link(one: U8, other: U8) -> F64:
    """(3, 3) matrix from one frame to the next, roughly; what cannot be told is taken for no motion."""
    import cv2

    if max(one.shape) > _LINKED:  # a first guess
        half = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1]])
        return np.asarray(np.linalg.inv(half) @ _link(_halved(one), _halved(other)) @ half)
    a, b = Reduced(one), Reduced(other)
    found = similarity(a, b)
    if found is not None:
        return np.vstack([found, (0, 0, 1)])
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
    """The frame that shares enough of its picture with most others; of equals the one that is nearest to them."""
    x, y = grid_of(size)
    middle = np.stack([np.stack(apply(m, x, y)) for m in _chained(links, count // 2, count)])  # (N, 2, G)
    # One row after the other: all at once would take (N, N, 2, G) numbers.
    far = np.stack([np.sqrt(np.square(one - middle).mean(axis=-1)) for one in middle])  # (N, N, 2)
    shared = np.clip(1 - far[..., 0] / size[1], 0, 1) * np.clip(1 - far[..., 1] / size[0], 0, 1)
    usable = shared >= 0.85
    score = usable.sum(axis=1) + np.where(usable, shared, 0).sum(axis=1) / (usable.sum(axis=1) + 1e-9)
    return int(np.argmax(score))


def targets(
    pictures: Sequence[U8],
    matrices: Sequence[F64],
    chosen: Sequence[int],
    blurs: Sequence[float],
    meshes: Sequence[F32 | None] = (),
    most: int = _MANY,
) -> list[Target]:
    """What the chosen frames show without rain, in the reference frame's geometry, smoothed in several ways."""
    warped, shown = [], []
    for k in chosen:
        picture, inside = laid_over(pictures[k], matrices[k], meshes[k] if meshes else None)
        warped.append(picture)
        shown.append(inside)
    clean, known = without_rain(warped, shown, _LOW, _HIGH)
    return [Target(clean, known, blur, most).prepare() for blur in blurs]


def laid_over(picture: U8, matrix: F64, mesh: F32 | None) -> tuple[U8, Mask | None]:
    """A reduced picture in the reference frame's geometry, and where it shows something (None: everywhere)."""
    import cv2

    height, width = picture.shape
    if mesh is None:
        x, y = grid_of((height, width), 2)
        u, v = apply(matrix, x, y)
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
    """Frames that show nearly all of the reference frame, if there are enough of them."""
    whole = [k for k in kept if fits[k].overlap > 0.8]
    chosen = evenly(whole if len(whole) >= _TOGETHER // 2 else kept, _TOGETHER)
    return chosen or [reference]


def _anchored(fits: dict[int, Fit], reference: int) -> list[F64]:
    """Matrices from px of the reference frame, which lies over the target a little shifted itself."""
    back = np.linalg.inv(fits[reference].matrix)
    return [(m := fits[k].matrix @ back) / m[2, 2] for k in range(len(fits))]


def _lost(fits: dict[int, Fit]) -> list[str]:
    """Why each frame does not fit, or ""."""
    sound = [f.likeness for f in fits.values() if f.overlap >= LEAST_OVERLAP]
    least = max(_LEAST_LIKENESS, _AS_LIKELY * float(np.median(sound))) if sound else _LEAST_LIKENESS
    reasons = []
    for k in range(len(fits)):
        if fits[k].overlap < LEAST_OVERLAP:
            reasons.append("shows too little of what the reference frame shows")
        elif fits[k].likeness < least:
            reasons.append("cannot be laid over the others")
        else:
            reasons.append("")
    return reasons


def _model(
    target: Target, pictures: Sequence[U8], matrices: Sequence[F64], kept: Sequence[int], workers: int
) -> Generator[float, None, str]:
    """The model of fewest numbers that foretells one half of the picture from the other as well as any."""
    far = sorted(kept, key=lambda k: -apart(nearest("translation", matrices[k], target.size), matrices[k], target.size))
    tried = sorted({*far[: _SAMPLE // 2], *evenly(kept, _SAMPLE // 2)})
    names = moving_models()

    def left_over(position: int) -> list[float]:
        picture = detail(pictures[position], target.blur)
        left = []
        scale = lay_over(target, picture, matrices[position], "affine", 2).scale
        for model in names:
            total = 0.0
            start = nearest(model, matrices[position], target.size)
            for part, other in zip(target.parts, target.parts[::-1], strict=True):
                fit = lay_over(part, picture, start, model, 4)
                told = lay_over(other, picture, fit.matrix, "", 2)
                if not len(fit.residuals) or not len(told.residuals):
                    return []
                off = np.square(told.residuals / scale)
                total += float(np.minimum(off, 9.0).mean())
            left.append(total / 2)
        return left

    found = yield from in_threads(left_over, tried, workers)
    rows = [row for row in found.values() if row]
    if not rows:
        return "translation"
    total = np.array(rows).mean(axis=0)
    least = total.min()
    return next(name for name, left in zip(names, total, strict=True) if left <= least * (1 + _BETTER))
