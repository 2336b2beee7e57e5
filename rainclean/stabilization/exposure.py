"""Measure under rain how exposure changes from frame to frame, and undo it.

Samples are collected while frames are decoded; `stabilized_source` then undoes the exposure of each frame. A frame is
modelled as gain · scene + offset, per channel, plus noise, plus rain that only brightens, plus foreground. Exposure is
a factor on light, and tone curves that are powers keep it a factor on grey levels. Other curves, haze and automatic
contrast leave an offset, which is used only where the samples ask for it.

The exposures of all frames and the scene at some thousand points are fitted in turns. Rain makes a bright tail of the
residuals, and dense rain leaves few samples dry; but the darker side of the dry ones stays unchanged. So in each turn
only residuals from some standard deviations of the noise below to a little above count. Their mean is compared with
the mean that clean noise has between the same bounds (the mean of a truncated normal distribution). So rain that sets
in is not taken for exposure.

Source of turns and of one-step estimates: Huber and Ronchetti, "Robust Statistics", 2009, chapters 4 and 7.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainclean.limits import MAX_SAMPLE_POINTS
from rainclean.stabilization import _exposure_kernels, _exposure_tiles
from rainclean.stabilization._exposure_samples import edges_of, sample, scatter

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

MIN_EFFECT = 0.2
"""Grey levels, root mean square over frames and scene: a smaller change of exposure is left alone."""

MIN_OFFSET_EFFECT = 0.4
"""Grey levels, likewise: what offsets have to explain beyond gains."""

_NOISE_FRACTION = 0.12  # both are at least this times the sd of the noise: dense rain or a codec can feign that
_RAIN_FRACTION = 0.2  # more, times the spread of the logarithm of dry points: rain that sets in can feign more
_ERROR_FACTOR = 2.0  # times the noise of the estimate itself
_WINDOWS = ((-5.0, 3.5), (-4.0, 2.5), (-3.0, 1.5)) + 8 * ((-2.5, 0.3),)  # residuals that count, by turn
_LAST_TURNS = 3  # with all points
_SCENE_RANK = 0.15  # fraction of samples below the first guess of the scene: dense rain leaves a quarter of them dry
_SCENE_TURNS = 2  # turns of scene and noise before exposures are fitted
_POINT_STRIDE = 4  # every so many points are enough to find out whether exposure changes
_COARSE_POINTS = 1500  # enough for a first guess
_RATIOS = 400  # steps of the logarithm of a gain to both sides of none: a factor of 7.4
_GUESS_FACTOR = 1.5  # so many times more points must ask for a first guess of a gain than for none
_MIN_POINTS = 6_000  # of smaller pictures a streak takes too large a part to be separated from exposure
_MIN_COMMON = 0.1  # a frame with less than this fraction of the points in common that others have shows something else
_MIN_AGREEMENT = 0.96  # fraction of the points, by how much their frames change, that must agree on one exposure
_MIN_FRAME_AGREEMENT = 0.6  # fraction of a frame's points that must, for its exposure to be measurable
_MIN_REFERENCE_AGREEMENT = 0.8  # of the reference frame's: whatever its exposure is off by, the whole clip is
_ROUNDING_SD = 0.3  # grey levels: noise that rounding leaves


class ExposureSamples:
    """Grey levels at fixed points of every frame, collected as frames pass: 36 kB a frame at most."""

    def __init__(self, width: int, height: int, points: int = MAX_SAMPLE_POINTS) -> None:
        """Choose the points.

        Args:
            width: of the reference frame and of all others, px.
            height: likewise.
            points: how many at most.
        """
        self._size = (width, height)
        self.points = scatter(width, height, points)
        self._flat = self.points[:, 1] * width + self.points[:, 0]
        self._frames: list[U8] = []

    def add_frame(self, rgb: U8, matrix: F64 | None = None) -> None:
        """Take the samples of the next frame.

        Args:
            rgb: (H, W, 3) uint8.
            matrix: (3, 3), takes px of the reference frame to px of this frame (x, y; middle of a pixel at a whole
                number); None where the camera stands still. Points outside the frame have no sample.

        Raises:
            ValueError: the frame has another size.
        """
        width, height = self._size
        if rgb.shape != (height, width, 3):
            raise ValueError(f"a frame of shape {rgb.shape} where {(height, width, 3)} is needed")
        if matrix is None:
            samples = np.take(rgb.reshape(-1, 3), self._flat, axis=0)
        else:
            samples = sample(rgb, self.points, matrix)
        self._frames.append(np.ascontiguousarray(samples.T))

    def result(self, reference: int, workers: int = 2) -> "Exposure":
        """Estimate the exposure of every frame added; the three channels at the same time.

        Args:
            reference: position of the frame that exposures are relative to.
            workers: threads.

        Returns:
            The exposures of all frames.

        Raises:
            IndexError: there is no such frame.
        """
        frames = len(self._frames)
        if not 0 <= reference < frames:
            raise IndexError(f"frame {reference} of {frames}")
        if frames == 1 or len(self.points) < _MIN_POINTS:
            return constant_exposure(frames, reference)
        channels = [np.stack([frame[c] for frame in self._frames]) for c in range(3)]
        sparse = [np.ascontiguousarray(channel[:, ::_POINT_STRIDE]) for channel in channels]
        edges, sparse_edges = (edges_of(self.points[::every], max(self._size)) for every in (1, _POINT_STRIDE))
        with ThreadPoolExecutor(workers, thread_name_prefix="rainclean-exposure") as pool:
            fits = list(pool.map(lambda channel: _fit(channel, sparse_edges, reference), sparse))
        measurable = _measurable(fits, sparse)
        needs_offset = [_is_significant(fit.asks, fit, measurable, MIN_OFFSET_EFFECT) for fit in fits]
        if not any(needs_offset) and not any(_is_significant(fit.halves, fit, measurable, MIN_EFFECT) for fit in fits):
            return _exposure(fits, sparse, reference)

        def finer(c: int) -> _Fit:
            known = fits[c]
            if needs_offset[c]:
                known = _fit(sparse[c], sparse_edges, reference, known, offsets=True)
            return _fit(channels[c], edges, reference, known, offsets=needs_offset[c], turns=_LAST_TURNS)

        with ThreadPoolExecutor(workers, thread_name_prefix="rainclean-exposure") as pool:
            fits = list(pool.map(finer, range(3)))
        return _exposure(fits, channels, reference)


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Exposures of all frames: frame ≈ gains · reference frame + offsets.

    Attributes:
        gains: (N, 3) float64, by frame and channel (R, G, B).
        offsets: (N, 3) float64, grey levels.
        fits: (N,) bool, False where a frame has too little in common with the others to be measured; its gains are 1.
        changes: False where no change of exposure is measurable; then gains are 1, offsets 0, and `undo` returns its
            input.
        reference: position of the reference frame.
        effect: root mean square change of exposure found, grey levels.
        parts: True where parts of the picture change each in its own way, so that no exposure of the whole can be
            measured.
    """

    gains: F64
    offsets: F64
    fits: NDArray[np.bool_]
    changes: bool
    reference: int
    effect: float
    parts: bool = False

    def undo(self, position: int, picture: U8 | F32) -> F32:
        """Return a picture as exposed like the reference frame. What is saturated stays white, what is black black.

        Args:
            position: of the frame that the picture is of.
            picture: (H, W, 3) uint8 or float32.

        Returns:
            (H, W, 3) float32 grey levels 0…255, not rounded.
        """
        if picture.dtype == np.uint8:
            import cv2

            return np.asarray(cv2.LUT(picture, self.table(position)[:, None]), np.float32)
        grey = np.ascontiguousarray(picture, np.float32)
        if self._as_is(position):
            return grey
        out = np.empty_like(grey)
        exposure = np.stack((self.gains[position], self.offsets[position]))
        _exposure_kernels.undo_exposure(grey.reshape(-1, 3), exposure, out.reshape(-1, 3))
        return out

    def undo_u8(self, position: int, picture: U8) -> U8:
        """Undo the exposure of a uint8 picture (H, W, 3), rounded once; bit-identical where nothing is to undo."""
        if self._as_is(position):
            return picture
        import cv2

        table = np.rint(self.table(position)).astype(np.uint8)
        return np.asarray(cv2.LUT(picture, table[:, None]), np.uint8)

    def table(self, position: int) -> F32:
        """Return what becomes of each of the 256 grey levels of the frame at a position: (256, 3) float32."""
        return self.undo(position, np.repeat(np.arange(256, dtype=np.float32)[:, None], 3, axis=1)[None])[0]

    def _as_is(self, position: int) -> bool:
        return bool((self.gains[position] == 1).all() and (self.offsets[position] == 0).all())


def constant_exposure(
    frames: int, reference: int, effect: float = 0.0, fits: NDArray[np.bool_] | None = None, *, parts: bool = False
) -> Exposure:
    """Return an exposure that does not change, or is not measurable: all frames count as exposed alike."""
    return Exposure(
        gains=np.ones((frames, 3)),
        offsets=np.zeros((frames, 3)),
        fits=np.ones(frames, bool) if fits is None else fits,
        changes=False,
        reference=reference,
        effect=effect,
        parts=parts,
    )


@dataclass(kw_only=True)
class _Fit:
    """One channel as fitted.

    Attributes:
        exposures: (N, 2), gain and offset.
        halves: (2, N, 2), the same by either half of the points.
        asks: (2, N, 2), how either half would change its exposures if offsets were free.
        scene: (S,) float32 grey levels.
        sigma: (S,) float32 grey levels.
        seen: (N,) how many points took part.
        agreed: (N,) fraction of them in tiles that the exposure fits.
    """

    exposures: F64
    halves: F64
    asks: F64
    scene: F32
    sigma: F32
    seen: F64
    agreed: F64


def _fit(
    samples: U8,
    edges: NDArray[np.int64],
    reference: int,
    known: _Fit | None = None,
    *,
    offsets: bool = False,
    turns: int = len(_WINDOWS),
) -> _Fit:
    """Fit one channel, samples (N, S) uint8: gains alone, or with offsets.

    edges: of tiles, see `_exposure_kernels.moments`. known: the same by fewer points, or without.
    """
    exposures = known.exposures.copy() if known else _coarse(samples)
    scene, sigma = _first_scene(samples, exposures, known.sigma if known else np.full(1, 2.0, np.float32))
    margin = 3 * float(np.median(sigma))  # nearer to black and white, noise is cut off and its mean is not 0
    sums, (last, part) = np.empty((len(samples), len(edges) - 1, 6)), _window(*_WINDOWS[-1])

    def measure(exposures: F64) -> None:
        """Fill ``sums``, by tile."""
        _exposure_kernels.moments(samples, scene, sigma, exposures, window, margin, edges, sums)

    def ask(*, use_offsets: bool) -> tuple[F64, F64]:
        """Return these, weighted by how far tiles agree, and the change of exposures they ask for together."""
        weighted = _exposure_tiles.weights(sums, exposures, use_offsets, spread)[..., None] * sums
        return weighted, _exposure_tiles.step(weighted.sum(axis=1), exposures, use_offsets)

    if not known:
        # A guess that fewer points fit than fit no change is none: a lorry may have made it.
        window, spread = _window(*_WINDOWS[0])
        guessed, same = exposures, np.tile(np.array([1.0, 0.0]), (len(samples), 1))
        seen = []
        for exposures in (guessed, same):
            measure(exposures)
            seen.append(sums[..., 0].sum(axis=1))
        exposures = np.where((seen[0] > seen[1])[:, None], guessed, same)
    for low, high in _WINDOWS[-turns:]:
        window, spread = _window(low, high)
        for _ in range(2):
            measure(exposures)
            exposures += ask(use_offsets=offsets)[1] / spread
        _relate(exposures, scene, reference)
        _exposure_kernels.rescene(samples, scene, sigma, exposures, last, 0.8 / part)
    white = int(np.searchsorted(edges, samples.shape[1] // 2))
    halves = []
    measure(exposures)
    for use_offsets in (offsets, True):
        weighted, together = ask(use_offsets=use_offsets)
        parts = (weighted[:, :white].sum(axis=1), weighted[:, white:].sum(axis=1))
        halves.append(np.stack([_exposure_tiles.step(part, exposures, use_offsets) / spread for part in parts]))
        if use_offsets is offsets:
            agree = _exposure_tiles.off(sums, together, spread) <= 1
    own, free = halves
    count = sums[..., 0]
    seen = count.sum(axis=1)
    agreed = (count * agree).sum(axis=1) / np.maximum(seen, 1)
    return _Fit(
        exposures=exposures, halves=exposures + own, asks=free - own, scene=scene, sigma=sigma, seen=seen, agreed=agreed
    )


def _window(low: float, high: float) -> tuple[F64, float]:
    """Return a window as `_exposure_kernels.moments` takes it, and the variance of clean noise in it.

    That variance is the fraction of a shift that a windowed mean follows.
    """
    (below, above), (start, end) = (
        (math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in (low, high)),
        ((1 + math.erf(z / math.sqrt(2))) / 2 for z in (low, high)),
    )
    mean = (below - above) / (end - start)
    return np.array([low, high, mean]), 1 + (low * below - high * above) / (end - start) - mean**2


def _coarse(samples: U8) -> F64:
    """Guess exposures (N, 2) of gains alone, by the mode of the ratios of samples to the scene.

    Bright points count most. In the dark the ratios have no mode: what the turns after this find from no gain at all
    is better than a guess then.
    """
    few = np.ascontiguousarray(samples[:, :: max(samples.shape[1] // _COARSE_POINTS, 1)])
    exposures = np.tile([1.0, 0.0], (len(few), 1))
    scene = _low(few, exposures)
    usable, near = (scene > 25) & (scene < 240), 13 - np.abs(np.arange(-12, 13))
    base, weights = np.log(scene[usable]), np.square(scene[usable])
    logs = np.log(np.arange(1, 256), dtype=np.float32)
    counts, shown = np.zeros((len(few), 2 * _RATIOS + 1)), np.zeros(len(few), np.int64)
    _exposure_kernels.count_ratios(few[:, usable], logs, base, weights, counts, shown)
    for n in np.flatnonzero(shown >= _exposure_tiles.MIN_POINTS):
        smooth = np.convolve(counts[n], near, "same")
        if smooth.max() > _GUESS_FACTOR * smooth[_RATIOS]:
            exposures[n, 0] = math.exp((int(smooth.argmax()) - _RATIOS) / _exposure_kernels.RATIO_STEPS)
    exposures[:, 0] /= np.median(exposures[:, 0])
    return exposures


def _low(samples: U8, exposures: F64) -> F32:
    """Return a low rank of the samples of each point over time, (S,) float32, exposures undone."""
    scene = np.zeros(samples.shape[1], np.float32)
    _exposure_kernels.percentile(samples, exposures, _SCENE_RANK, scene)
    return scene


def _first_scene(samples: U8, exposures: F64, sigma: F32) -> tuple[F32, F32]:
    """Guess the scene and the noise at each point. sigma: grey levels, about, at these or other points."""
    scene, (window, spread) = _low(samples, exposures), _window(*_WINDOWS[-1])
    squares, counts = (np.zeros(samples.shape[1], np.float32) for _ in range(2))
    for _ in range(_SCENE_TURNS):
        noise = float(np.median(sigma))
        for _ in range(2):
            _exposure_kernels.rescene(samples, scene, np.full_like(scene, noise), exposures, window, 0.8 / spread)
        _exposure_kernels.below(samples, exposures, scene, 5 * noise + 10, squares, counts)
        usable = (counts > 0) & (scene > 3 * noise)  # nearer to black, noise is cut off
        typical = max(float(np.median(squares[usable] / counts[usable])) if usable.any() else 0.0, _ROUNDING_SD**2)
        # The few samples of a point are shrunk to what is usual; edges that tremble have more noise, and count less.
        sigma = np.sqrt(np.maximum((squares + 8 * typical) / (counts + 8), 0.5 * typical), dtype=np.float32)
    return scene, sigma


def _relate(exposures: F64, scene: F32, reference: int) -> None:
    """Make exposures relative to the reference frame's, and the scene as that frame is exposed."""
    gain, offset = exposures[reference]
    scene *= np.float32(gain)
    scene += np.float32(offset)
    exposures[:, 0] /= gain
    exposures[:, 1] -= exposures[:, 0] * offset


def _exposure(fits: list[_Fit], samples: list[U8], reference: int) -> Exposure:
    """Decide which frames are measurable, and whether exposure changes at all."""
    measurable = _measurable(fits, samples)
    squares = [_power(fit.halves[0, measurable], fit.halves[1, measurable], fit.scene) for fit in fits]
    effect = math.sqrt(max(float(np.mean(squares)), 0.0))
    if not (measurable[reference] and any(_is_significant(fit.halves, fit, measurable, MIN_EFFECT) for fit in fits)):
        return constant_exposure(len(measurable), reference, effect, measurable)
    agreed = np.min([fit.agreed for fit in fits], axis=0)
    if agreed[reference] < _MIN_REFERENCE_AGREEMENT or _agreement(fits, measurable) < _MIN_AGREEMENT:
        return constant_exposure(len(measurable), reference, effect, measurable, parts=True)
    measurable = measurable & (agreed >= _MIN_FRAME_AGREEMENT)
    exposures = np.stack([fit.exposures for fit in fits], axis=2)
    exposures[~measurable] = exposures[reference] = np.array([1, 0])[:, None]
    return Exposure(
        gains=exposures[:, 0],
        offsets=exposures[:, 1],
        fits=measurable,
        changes=True,
        reference=reference,
        effect=effect,
    )


def _measurable(fits: list[_Fit], samples: list[U8]) -> NDArray[np.bool_]:
    """Find which frames have enough points in common with the others, (N,) bool."""
    measurable = np.ones(len(samples[0]), bool)
    for fit, levels in zip(fits, samples, strict=True):
        share = fit.seen / np.maximum(np.count_nonzero(levels != _exposure_kernels.NONE, axis=1), 1)
        gains = fit.exposures[:, 0]
        has_points = (fit.seen >= _exposure_tiles.MIN_POINTS) & (share >= _MIN_COMMON * np.median(share))
        measurable &= has_points & (gains > 0.1) & (gains < 10)
    return measurable


def _agreement(fits: list[_Fit], measurable: NDArray[np.bool_]) -> float:
    """Return the fraction of the points that agree with the exposure of their frames; large changes count most."""
    agreed = total = 0.0
    for fit in fits:
        gain, offset = (fit.exposures[measurable] - np.median(fit.exposures[measurable], axis=0)).T
        change = gain**2 * np.mean(np.square(fit.scene)) + 2 * gain * offset * np.mean(fit.scene) + offset**2
        agreed += float((change * fit.agreed[measurable]).sum())
        total += float(change.sum())
    return agreed / total if total > 0 else 1.0


def _is_significant(halves: F64, fit: _Fit, measurable: NDArray[np.bool_], minimum: float) -> bool:
    """Return whether both halves of the points, (2, N, 2), agree on more than noise and rain can feign.

    minimum: grey levels, root mean square, that it has to be in any case.
    """
    if not measurable.any():
        return False
    one, other = halves[:, measurable]
    noise = _power(one - other, one - other, fit.scene) / 4
    feigned = _NOISE_FRACTION + _RAIN_FRACTION * float(np.std(np.log(fit.seen[measurable])))
    threshold = max(minimum, feigned * float(np.median(fit.sigma)))
    return _power(one, other, fit.scene) > max(threshold**2, _ERROR_FACTOR**2 * noise)


def _power(one: F64, other: F64, scene: F32) -> float:
    """Return the mean product of how two exposures, (M, 2), vary over frames and scene, in squared grey levels."""
    if not len(one):
        return 0.0
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    mean, square = float(np.mean(scene, dtype=np.float64)), float(np.mean(np.square(scene, dtype=np.float64)))
    product = one[:, 0] * other[:, 0] * square + one[:, 1] * other[:, 1]
    return float(np.mean(product + (one[:, 0] * other[:, 1] + one[:, 1] * other[:, 0]) * mean))
