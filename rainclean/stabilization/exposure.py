"""Light that changes from frame to frame: found under rain, and undone.

A frame is taken for gain · scene + offset, per channel, plus noise, plus rain that only brightens, plus passers-by.
Exposure is a factor on light, and tone curves that are powers keep it a factor on grey levels; other curves, haze and
automatic contrast leave an offset, which is used only where the samples ask for it. The lights of all frames and the
scene at some thousand points are fitted in turns. Rain makes a bright tail of the residuals, and dense rain leaves few
samples dry; but the darker side of the dry ones stays as it is. So in each turn only residuals from some standard
deviations of the noise below to a little above count, and their mean is held against the mean that clean noise has
between the same bounds (the mean of a truncated normal distribution): rain that sets in is not taken for light.

Source of turns and of one-step estimates: Huber and Ronchetti, "Robust Statistics", 2009, chapters 4 and 7.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainclean.limits import MOST_POINTS
from rainclean.stabilization import _exposure_kernels, _exposure_tiles
from rainclean.stabilization._exposure_samples import edges_of, sample, scatter

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

TOLD = 0.2
"""Grey levels, root mean square over frames and scene, up to which a change of light is left alone."""

OFFSET_TOLD = 0.4
"""Grey levels, likewise: what offsets have to explain beyond gains."""

_OF_NOISE = 0.12  # both are at least so many standard deviations of the noise: dense rain or a codec can feign that
_OF_RAIN = 0.2  # so many more, times the spread of the logarithm of dry points: rain that sets in can feign more
_SURELY = 2.0  # times the noise of the estimate itself
_WINDOWS = ((-5.0, 3.5), (-4.0, 2.5), (-3.0, 1.5)) + 8 * ((-2.5, 0.3),)  # residuals that count, by turn
_LAST_TURNS = 3  # with all points
_FIRST_LOOK = 0.15  # share of samples below the first guess of the scene: dense rain leaves a quarter of them dry
_LOOKS = 2  # turns of scene and noise before light is asked for
_THIN = 4  # every so many points are enough to tell whether light changes
_COARSE_POINTS = 1500  # enough for a first guess
_CLEARLY = 1.5  # so many times more points must ask for a first guess of a gain than for none
_FEWEST_POINTS = 6_000  # of smaller pictures a streak takes too large a part to be told from light
_UNLIKE = 0.1  # a frame that has less than this share of the points in common that others have shows something else
_ONE_LIGHT = 0.96  # share of the points, by how much their frames change, that must tell of one light for all of them
_MAJORITY = 0.6  # share of a frame's points that must, for its light to be told
_REFERENCE = 0.8  # of the reference frame's: whatever its light is off by, the whole clip is
_FINEST = 0.3  # grey levels: noise that rounding leaves


class LightSamples:
    """Grey levels at fixed points of every frame, collected as frames pass: 36 kB a frame at most."""

    def __init__(self, width: int, height: int, points: int = MOST_POINTS) -> None:
        """width, height: size of the reference frame and of all others in px. points: how many at most."""
        self._size = (width, height)
        self.points = scatter(width, height, points)
        self._flat = self.points[:, 1] * width + self.points[:, 0]
        self._frames: list[U8] = []

    def add_frame(self, rgb: U8, matrix: F64 | None = None) -> None:
        """Take the samples of the next frame, (H, W, 3) uint8.

        matrix: (3, 3), takes px of the reference frame to px of this frame (x, y; middle of a pixel at a whole
        number); None where the camera stands still. Points outside the frame have no sample.
        Raises ValueError where the frame has another size.
        """
        width, height = self._size
        if rgb.shape != (height, width, 3):
            raise ValueError(f"a frame of shape {rgb.shape} where {(height, width, 3)} is needed")
        if matrix is None:
            samples = np.take(rgb.reshape(-1, 3), self._flat, axis=0)
        else:
            samples = sample(rgb, self.points, matrix)
        self._frames.append(np.ascontiguousarray(samples.T))

    def result(self, reference: int, workers: int = 2) -> "Light":
        """The light of every frame seen, relative to the one at position ``reference``; channels beside each other.

        Raises IndexError where there is no such frame.
        """
        frames = len(self._frames)
        if not 0 <= reference < frames:
            raise IndexError(f"frame {reference} of {frames}")
        if frames == 1 or len(self.points) < _FEWEST_POINTS:
            return steady(frames, reference)
        channels = [np.stack([frame[c] for frame in self._frames]) for c in range(3)]
        thin = [np.ascontiguousarray(channel[:, ::_THIN]) for channel in channels]
        edges, few = (edges_of(self.points[::every], max(self._size)) for every in (1, _THIN))
        with ThreadPoolExecutor(workers, thread_name_prefix="rainclean-light") as pool:
            fits = list(pool.map(lambda channel: _fit(channel, few, reference), thin))
        alike = _alike(fits, thin)
        bent = [_stands_out(fit.asks, fit, alike, OFFSET_TOLD) for fit in fits]
        if not any(bent) and not any(_stands_out(fit.halves, fit, alike, TOLD) for fit in fits):
            return _told(fits, thin, reference)

        def finer(c: int) -> _Fit:
            known = _fit(thin[c], few, reference, fits[c], offsets=True) if bent[c] else fits[c]
            return _fit(channels[c], edges, reference, known, bent[c], _LAST_TURNS)

        with ThreadPoolExecutor(workers, thread_name_prefix="rainclean-light") as pool:
            fits = list(pool.map(finer, range(3)))
        return _told(fits, channels, reference)


@dataclass(frozen=True)
class Light:
    """How each frame is lit: frame ≈ gains · reference frame + offsets.

    gains, offsets: (N, 3) float64, by frame and channel (R, G, B), offsets in grey levels. fits: (N,) bool, False
    where a frame has too little in common with the others to tell; its gains are 1. changes: False where no change
    of light can be told from none; then gains are 1, offsets 0, and `undo` gives back what it gets.
    reference: position of the reference frame. effect: root mean square change of light found, in grey levels.
    parts: True where parts of the picture change their light each in its own way, so that no light of the whole can
    be told.
    """

    gains: F64
    offsets: F64
    fits: NDArray[np.bool_]
    changes: bool
    reference: int
    effect: float
    parts: bool = False

    def undo(self, position: int, picture: U8 | F32) -> F32:
        """The picture (H, W, 3), uint8 or float32, of the frame at ``position`` as the reference frame is exposed.

        (H, W, 3) float32 grey levels 0…255, not rounded. What is saturated stays white, what is black stays black.
        """
        if picture.dtype == np.uint8:
            import cv2

            return np.asarray(cv2.LUT(picture, self.table(position)[:, None]), np.float32)
        grey = np.ascontiguousarray(picture, np.float32)
        if self._as_is(position):
            return grey
        out = np.empty_like(grey)
        light = np.stack((self.gains[position], self.offsets[position]))
        _exposure_kernels.relight(grey.reshape(-1, 3), light, out.reshape(-1, 3))
        return out

    def undo_u8(self, position: int, picture: U8) -> U8:
        """As `undo` of a uint8 picture, rounded once: (H, W, 3) uint8. Bit-identical where nothing is to undo."""
        if self._as_is(position):
            return picture
        import cv2

        table = np.rint(self.table(position)).astype(np.uint8)
        return np.asarray(cv2.LUT(picture, table[:, None]), np.uint8)

    def table(self, position: int) -> F32:
        """What becomes of each of the 256 grey levels of that frame: (256, 3) float32."""
        return self.undo(position, np.repeat(np.arange(256, dtype=np.float32)[:, None], 3, axis=1)[None])[0]

    def _as_is(self, position: int) -> bool:
        return bool((self.gains[position] == 1).all() and (self.offsets[position] == 0).all())


def steady(
    frames: int, reference: int, effect: float = 0.0, fits: NDArray[np.bool_] | None = None, parts: bool = False
) -> Light:
    """Light that does not change, or of which nothing can be told: all frames count as lit alike."""
    told = np.ones(frames, bool) if fits is None else fits
    return Light(np.ones((frames, 3)), np.zeros((frames, 3)), told, False, reference, effect, parts)


@dataclass
class _Fit:
    """One channel as fitted: lights (N, 2), gain and offset; halves (2, N, 2), by either half of the points.

    asks: (2, N, 2), how either half would change its lights if offsets were free. scene, sigma: (S,) float32 grey
    levels. seen: (N,) how many points took part; agreed: (N,) share of them in tiles that the light fits.
    """

    lights: F64
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
    offsets: bool = False,
    turns: int = len(_WINDOWS),
) -> _Fit:
    """One channel, samples (N, S) uint8: gains alone, or with offsets.

    edges: of tiles, see `_exposure_kernels.moments`. known: the same by fewer points, or without.
    """
    lights = known.lights.copy() if known else _coarse(samples)
    scene, sigma = _look(samples, lights, known.sigma if known else np.full(1, 2.0, np.float32))
    margin = 3 * float(np.median(sigma))  # nearer to black and white, noise is cut off and its mean is not 0
    sums, (last, part) = np.empty((len(samples), len(edges) - 1, 6)), _window(*_WINDOWS[-1])

    def ask(use: bool) -> tuple[F64, F64]:
        """Sums by tile, weighed by how far tiles agree, and change of lights that they ask for together."""
        _exposure_kernels.moments(samples, scene, sigma, lights, window, margin, edges, sums)
        weighed = _exposure_tiles.weights(sums, lights, use, spread)[..., None] * sums
        return weighed, _exposure_tiles.step(weighed.sum(axis=1), lights, use)

    if not known:
        # A guess that fewer points fit than fit no change is none: a lorry may have made it.
        window, spread = _window(*_WINDOWS[0])
        guessed, same = lights, np.tile(np.array([1.0, 0.0]), (len(samples), 1))
        seen = []
        for lights in (guessed, same):
            _exposure_kernels.moments(samples, scene, sigma, lights, window, margin, edges, sums)
            seen.append(sums[..., 0].sum(axis=1))
        lights = np.where((seen[0] > seen[1])[:, None], guessed, same)
    for low, high in _WINDOWS[-turns:]:
        window, spread = _window(low, high)
        for _ in range(2):
            lights += ask(offsets)[1] / spread
        _relate(lights, scene, reference)
        _exposure_kernels.rescene(samples, scene, sigma, lights, last, 0.8 / part)
    white = int(np.searchsorted(edges, samples.shape[1] // 2))
    halves = []
    for use in (offsets, True):
        weighed, together = ask(use)
        parts = (weighed[:, :white].sum(axis=1), weighed[:, white:].sum(axis=1))
        halves.append(np.stack([_exposure_tiles.step(part, lights, use) / spread for part in parts]))
        if use is offsets:
            agree = _exposure_tiles.off(sums, together, spread) <= 1
    own, free = halves
    count = sums[..., 0]
    seen = count.sum(axis=1)
    agreed = (count * agree).sum(axis=1) / np.maximum(seen, 1)
    return _Fit(lights, lights + own, free - own, scene, sigma, seen, agreed)


def _window(low: float, high: float) -> tuple[F64, float]:
    """Window as `_exposure_kernels.moments` takes it, and the variance of clean noise in it.

    So far does a mean follow a shift.
    """
    (below, above), (start, end) = (
        (math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in (low, high)),
        ((1 + math.erf(z / math.sqrt(2))) / 2 for z in (low, high)),
    )
    mean = (below - above) / (end - start)
    return np.array([low, high, mean]), 1 + (low * below - high * above) / (end - start) - mean**2


def _coarse(samples: U8) -> F64:
    """Lights (N, 2) of gains alone, by where the ratios of samples to the scene crowd; bright points count most.

    In the dark they crowd nowhere: what the turns after this find from no gain at all is better than a guess then.
    """
    few = np.ascontiguousarray(samples[:, :: max(samples.shape[1] // _COARSE_POINTS, 1)])
    lights = np.tile([1.0, 0.0], (len(few), 1))
    scene = _low(few, lights)
    told, near = (scene > 25) & (scene < 240), 13 - np.abs(np.arange(-12, 13))
    base, weights = np.log(scene[told]), np.square(scene[told])
    for light, row in zip(lights, few[:, told], strict=True):
        shown = (row > 4) & (row != _exposure_kernels.NONE)
        if np.count_nonzero(shown) >= _exposure_tiles.LEAST:
            ratio = np.rint((np.log(row[shown], dtype=np.float32) - base[shown]) * 200).astype(int).clip(-400, 400)
            counts = np.convolve(np.bincount(ratio + 400, weights[shown], 801), near, "same")
            if counts.max() > _CLEARLY * counts[400]:
                light[0] = math.exp((counts.argmax() - 400) / 200)
    lights[:, 0] /= np.median(lights[:, 0])
    return lights


def _low(samples: U8, lights: F64) -> F32:
    scene = np.zeros(samples.shape[1], np.float32)
    _exposure_kernels.percentile(samples, lights, _FIRST_LOOK, scene)
    return scene


def _look(samples: U8, lights: F64, sigma: F32) -> tuple[F32, F32]:
    """First guess of the scene and of the noise at each point. sigma: grey levels, about, at these or other points."""
    scene, (window, spread) = _low(samples, lights), _window(*_WINDOWS[-1])
    squares, counts = (np.zeros(samples.shape[1], np.float32) for _ in range(2))
    for _ in range(_LOOKS):
        noise = float(np.median(sigma))
        for _ in range(2):
            _exposure_kernels.rescene(samples, scene, np.full_like(scene, noise), lights, window, 0.8 / spread)
        _exposure_kernels.below(samples, lights, scene, 5 * noise + 10, squares, counts)
        told = (counts > 0) & (scene > 3 * noise)  # nearer to black, noise is cut off
        typical = max(float(np.median(squares[told] / counts[told])) if told.any() else 0.0, _FINEST**2)
        # What few samples of a point say is held against what is usual; edges that tremble have more, and count less.
        sigma = np.sqrt(np.maximum((squares + 8 * typical) / (counts + 8), 0.5 * typical), dtype=np.float32)
    return scene, sigma


def _relate(lights: F64, scene: F32, reference: int) -> None:
    """Tell lights relative to the reference frame's, and the scene as that frame is lit."""
    gain, offset = lights[reference]
    scene *= np.float32(gain)
    scene += np.float32(offset)
    lights[:, 0] /= gain
    lights[:, 1] -= lights[:, 0] * offset


def _told(fits: list[_Fit], samples: list[U8], reference: int) -> Light:
    """Which frames can be told, and whether light changes at all."""
    alike = _alike(fits, samples)
    squares = [_power(fit.halves[0, alike], fit.halves[1, alike], fit.scene) for fit in fits]
    effect = math.sqrt(max(float(np.mean(squares)), 0.0))
    if not (alike[reference] and any(_stands_out(fit.halves, fit, alike, TOLD) for fit in fits)):
        return steady(len(alike), reference, effect, alike)
    agreed = np.min([fit.agreed for fit in fits], axis=0)
    if agreed[reference] < _REFERENCE or _one_light(fits, alike) < _ONE_LIGHT:
        return steady(len(alike), reference, effect, alike, parts=True)
    alike = alike & (agreed >= _MAJORITY)
    lights = np.stack([fit.lights for fit in fits], axis=2)
    lights[~alike] = lights[reference] = np.array([1, 0])[:, None]
    return Light(lights[:, 0], lights[:, 1], alike, True, reference, effect)


def _alike(fits: list[_Fit], samples: list[U8]) -> NDArray[np.bool_]:
    """Which frames have enough points in common with the others, (N,)."""
    alike = np.ones(len(samples[0]), bool)
    for fit, levels in zip(fits, samples, strict=True):
        share = fit.seen / np.maximum(np.count_nonzero(levels != _exposure_kernels.NONE, axis=1), 1)
        gains = fit.lights[:, 0]
        alike &= (
            (fit.seen >= _exposure_tiles.LEAST) & (share >= _UNLIKE * np.median(share)) & (gains > 0.1) & (gains < 10)
        )
    return alike


def _one_light(fits: list[_Fit], alike: NDArray[np.bool_]) -> float:
    """Share of the points that agree with the change of light of their frames; large changes count most."""
    agreed = total = 0.0
    for fit in fits:
        gain, offset = (fit.lights[alike] - np.median(fit.lights[alike], axis=0)).T
        change = gain**2 * np.mean(np.square(fit.scene)) + 2 * gain * offset * np.mean(fit.scene) + offset**2
        agreed += float((change * fit.agreed[alike]).sum())
        total += float(change.sum())
    return agreed / total if total > 0 else 1.0


def _stands_out(halves: F64, fit: _Fit, alike: NDArray[np.bool_], told: float) -> bool:
    """Whether what both halves of the points, (2, N, 2) each, find in common is more than noise and rain can feign."""
    if not alike.any():
        return False
    one, other = halves[:, alike]
    noise = _power(one - other, one - other, fit.scene) / 4
    feigned = _OF_NOISE + _OF_RAIN * float(np.std(np.log(fit.seen[alike])))
    least = max(told, feigned * float(np.median(fit.sigma)))
    return _power(one, other, fit.scene) > max(least**2, _SURELY**2 * noise)


def _power(one: F64, other: F64, scene: F32) -> float:
    """Mean product of how two lights, (M, 2) gain and offset, vary over frames and scene, in squared grey levels."""
    if not len(one):
        return 0.0
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    mean, square = float(np.mean(scene, dtype=np.float64)), float(np.mean(np.square(scene, dtype=np.float64)))
    product = one[:, 0] * other[:, 0] * square + one[:, 1] * other[:, 1]
    return float(np.mean(product + (one[:, 0] * other[:, 1] + one[:, 1] * other[:, 0]) * mean))
