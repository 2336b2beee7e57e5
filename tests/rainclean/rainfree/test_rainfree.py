"""The rain-free mean: its kernels against plain numpy, its parts against what they are meant to be, and the whole."""

import inspect
import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.clean.run import clean
from pipeline.clean.settings import CleanSettings
from pipeline.stages import finish
from rainclean import _addressed
from rainclean._addressed import addresses_of
from rainclean.rainfree import _kernels, mean
from rainclean.rainfree._kernels import HIGHEST, LINE_SIZE, LINE_STEPS, LOWEST, SIZE, STEPS, ZERO
from rainclean.rainfree.mean import (
    OUTLIER_DENSITY,
    RAIN_PRIOR,
    RainfreeMean,
    chances,
    lean,
    streak_reach,
    unclipped,
)
from rainclean.rainfree.posterior import Posterior
from rainclean.rainfree.sums import MIN_WEIGHT, TAIL, RainfreeSums, noise_of
from tests.helpers.cleaning import FramesInMemory
from tests.helpers.ladder_clips import LadderClip, ladder_clip
from tests.oracles import kernels as _reference

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 70))


many = settings(deadline=None, max_examples=40)


def both(name: str, *arguments: object, out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the kernel and its twin leave in copies of ``out``."""
    outs = out.copy(), out.copy()
    for module, own in zip((_kernels, _reference), outs, strict=True):
        getattr(module, name)(*arguments, own)
    return outs


# Kernels.


def test_every_kernel_has_a_twin_with_the_same_arguments() -> None:
    kernels = [n for n, v in vars(_kernels).items() if hasattr(v, "py_func") and v.__module__ == _kernels.__name__]
    assert set(kernels) == {
        "by_level", "channel_sums", "residuals", "along_streaks", "squares_above", "settle", "variance_of_halves",
        "correlate",
    }  # fmt: skip
    for name in kernels:
        kernel = inspect.signature(getattr(_kernels, name).py_func)
        assert list(kernel.parameters) == list(inspect.signature(getattr(_reference, name)).parameters)


@many
@given(SHAPES, st.integers(0, 2**32), st.sampled_from([0.3, 5.0, 60.0]))
def test_residuals(shape: tuple[int, int], seed: int, off: float) -> None:
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 256, (*shape, 3), np.uint8)
    sums = (frame.sum(axis=2) + rng.normal(0, off, shape)).astype(np.float32)
    scale = rng.uniform(0.5, 20, shape).astype(np.float32)
    one, other = both("residuals", frame, sums, scale, out=np.full(shape, 9, np.uint8))
    assert np.array_equal(one, other)
    assert one.max() <= SIZE - 1
    # In words: the middle of each step, in standard deviations, is as far off as the frame is, rounded to steps.
    z = (frame.sum(axis=2) - sums.astype(np.float64)) * scale / STEPS
    inside = (z > LOWEST + 0.1) & (z < HIGHEST - 0.1)
    assert np.abs((one - float(ZERO)) / STEPS - z)[inside].max(initial=0) <= 0.5 / STEPS + 1e-4


@many
@given(SHAPES, st.integers(0, 2**32), st.integers(0, 16), st.floats(-48, 48), st.data())
def test_along_streaks(shape: tuple[int, int], seed: int, reach: int, slant: float, data: st.DataObject) -> None:
    z = np.random.default_rng(seed).integers(0, SIZE, shape, np.uint8)
    first = data.draw(st.integers(0, shape[0] - 1))
    rows = data.draw(st.integers(1, shape[0] - first))
    empty = np.full((rows, shape[1]), 9, np.uint8)
    one, other = both("along_streaks", z, reach, lean(shape[0], slant), first, out=empty)
    assert np.array_equal(one, other)


@many
@given(SHAPES, st.integers(0, 2**32), st.integers(0, 255))
def test_squares_above(shape: tuple[int, int], seed: int, least: int) -> None:
    lines = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    total = _kernels.squares_above(lines, least)
    assert total == _reference.squares_above(lines, least)


@many
@given(SHAPES, st.integers(0, 2**32))
def test_weigh(shape: tuple[int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, first, more = rng.integers(1, 6), int(rng.integers(0, 4)), int(rng.integers(0, 4))
    frames = [rng.integers(0, 256, (*shape, 3), np.uint8) for _ in range(count)]
    z = rng.integers(0, SIZE, (count, first + shape[0] + more, shape[1]), np.uint8)
    lines = rng.integers(0, LINE_SIZE, (count, shape[0] + more, shape[1]), np.uint8)
    chance = rng.random((LINE_SIZE, SIZE), np.float32)
    made = []
    for module in (_addressed, _reference):
        total, weight = np.full((*shape, 3), 5, np.float32), np.full(shape, 2, np.float32)
        module.accumulate(addresses_of(frames), z, first, lines, chance, total, weight)
        made.append((total, weight))
    assert np.array_equal(made[0][0], made[1][0]) and np.array_equal(made[0][1], made[1][1])
    # In words, whatever a frame's address is: chance times level, added up.
    chances_ = [chance[lines[n, : shape[0]], z[n, first : first + shape[0]]].astype(float) for n in range(count)]
    expected = 5 + sum(q[..., None] * frame for q, frame in zip(chances_, frames, strict=True))
    assert np.abs(made[0][0] - expected).max() < 1e-3


@many
@given(SHAPES, st.integers(0, 2**32))
def test_sums_and_tables_by_level(shape: tuple[int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.uniform(-8, 263, (*shape, 3)).astype(np.float32)
    table = rng.random(256, np.float32)
    empty = np.full(shape, 9, np.float32)
    for name, given_ in (("channel_sums", (picture,)), ("by_level", (picture.sum(axis=2), table))):
        one, other = both(name, *given_, out=empty)
        assert np.array_equal(one, other)


@many
@given(SHAPES, st.integers(0, 2**32), st.sampled_from([0.0, 0.4, 20.0]))
def test_the_mean_of_both_halves_and_what_they_differ_by(shape: tuple[int, int], seed: int, often: float) -> None:
    rng = np.random.default_rng(seed)
    top, below = int(rng.integers(0, 4)), int(rng.integers(0, 4))
    whole = (shape[0] + top + below, shape[1])
    weights = (often * rng.random((2, *whole))).astype(np.float32)
    totals = (weights[..., None] * rng.uniform(0, 255, (2, *whole, 3))).astype(np.float32)
    start = rng.uniform(0, 255, (*shape, 3)).astype(np.float32)
    one, other = both("settle", totals, weights, top, MIN_WEIGHT, out=start)
    assert np.array_equal(one, other)
    few = weights.sum(axis=0)[top : top + shape[0]] < MIN_WEIGHT
    assert np.array_equal(one[few], start[few])
    one, other = both("variance_of_halves", totals, weights, top, out=np.empty(shape, np.float32))
    assert np.allclose(one, other, rtol=1e-4, atol=1e-5)


@many
@given(SHAPES, st.integers(0, 2**32))
def test_correlate(shape: tuple[int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (np.clip(rng.normal(ZERO, 25, shape), 0, SIZE - 1).astype(np.uint8) for _ in range(2))
    sums = both("correlate", one, other, out=np.array([3.0, 4.0]))
    assert np.array_equal(*sums)


# Parts.


@many
@given(st.floats(1.0, 60.0), st.sampled_from([15, 21, 33]))
def test_chances_are_those_of_bayes_by_numerical_integration(tail: float, length: int) -> None:
    def odds(z: np.ndarray, own: float) -> np.ndarray:
        bright = np.linspace(0, 12 * own, 4001)
        density = np.exp(-bright / own) / own * np.exp(-0.5 * np.square(z[:, None] - bright)) / math.sqrt(2 * math.pi)
        rain = np.trapezoid(density, bright, axis=1) + OUTLIER_DENSITY
        return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) / rain

    table = chances(tail, length)
    assert table.shape == (LINE_SIZE, SIZE) and table.dtype == np.float32
    z, sums = LOWEST + np.arange(0, SIZE, 12) / STEPS, LOWEST + np.arange(0, LINE_SIZE, 10) / LINE_STEPS
    before = (1 - RAIN_PRIOR) / RAIN_PRIOR * odds(sums * math.sqrt(0.6), tail * math.sqrt(0.6 * length))
    both_ = np.clip(before, math.exp(-4), math.exp(4))[:, None] * odds(z, tail)
    assert np.abs(table[::10, ::12] - both_ / (1 + both_)).max() < 0.02


def test_a_bright_line_through_a_pixel_makes_it_less_likely_free() -> None:
    table = chances(8.0, 15)
    usual = slice(ZERO - STEPS, ZERO + 3 * STEPS)
    assert (np.diff(table[-LOWEST * LINE_STEPS :, usual], axis=0) <= 1e-6).all()
    assert (np.diff(table[:, ZERO + STEPS // 2 :], axis=1) <= 1e-6).all()
    assert table[-LOWEST * LINE_STEPS, ZERO] > 0.9 > 0.1 > table[-1, ZERO + 3 * STEPS]


@pytest.mark.parametrize("sigma", [1.5, 4.0])
@pytest.mark.parametrize("base", [0.0, 1.0, 3.0, 8.0, 20.0, 128.0, 249.0, 254.0, 255.0])
def test_unclipped_turns_round_what_cutting_off_does_to_noise(base: float, sigma: float) -> None:
    noise = np.random.default_rng(2).normal(base, sigma, 400_000)
    cut = np.clip(noise, 0, 255).mean()
    mean = np.full((2, 3, 3), cut, np.float32)
    found = unclipped(mean, np.full((2, 3), sigma, np.float32))
    assert found.dtype == np.float32 and np.ptp(found) == 0
    assert abs(float(found[0, 0, 0]) - base) < 0.05


@many
@given(st.integers(0, 2**32))
def test_unclipped_leaves_the_middle_alone_and_stays_within_black_and_white(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mean, sigma = rng.uniform(-3, 258, (5, 7, 3)).astype(np.float32), rng.uniform(0.6, 9, (5, 7)).astype(np.float32)
    found = unclipped(mean, sigma)
    assert found.min() >= 0 and found.max() <= 255
    level = np.minimum(mean, 255 - mean)
    middle = level > 2.5 * sigma[..., None] + 1e-3
    assert np.array_equal(found[middle], mean[middle])


def test_noise_of_goes_by_the_mean_of_the_channels() -> None:
    noise = np.linspace(1, 5, 256).astype(np.float32)
    picture = np.array([[[0, 0, 0], [10, 20, 30.4]], [[255, 255, 255], [260, 260, 260]]], np.float32)
    assert np.array_equal(noise_of(picture, noise), noise[[[0, 20], [255, 255]]])


def test_sums_along_the_longest_streaks_do_not_wrap() -> None:
    reach = streak_reach(100_000)
    z = np.full((2 * reach + 1, 3), SIZE - 1, np.uint8)
    one, other = both("along_streaks", z, reach, lean(len(z), 0), reach, out=np.empty((1, 3), np.uint8))
    assert np.array_equal(one, other) and (one == LINE_SIZE - 1).all()


def test_the_same_frames_tell_how_streaks_fall_however_many_are_added_at_a_time() -> None:
    scene, frames = streaked(0, 3)
    _, aslant = streaked(40, 9, seed=5)
    frames = np.concatenate((frames, np.maximum(aslant[:1], aslant[1:2]), aslant))
    few, many_ = (weighed(frames, scene, together=n) for n in (3, 8))
    assert few.slant == many_.slant and np.array_equal(few.mean, many_.mean)


@pytest.mark.parametrize(("lines", "reach"), [(120, 7), (480, 7), (1080, 16), (2160, 32)])
def test_streaks_are_longer_in_larger_pictures(lines: int, reach: int) -> None:
    assert abs(streak_reach(lines) - reach) <= 1


# The sums.


def weighed(
    frames: np.ndarray, start: np.ndarray, sigma: float = 2.0, workers: int = 1, together: int = 4
) -> RainfreeSums:
    noise = np.full(256, sigma, np.float32)
    # A copy of the start, which the mean takes the place of.
    with RainfreeMean(start.astype(np.float32), noise, frames=len(frames), workers=workers, batch=together) as mean:
        for position, frame in enumerate(frames):
            mean.add(position, frame)
        return mean.finish()


def streaked(slant: float, frames: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A flat scene (H, W, 3), and frames of it under thin lines painted at that slant, with noise."""
    rng = np.random.default_rng(seed)
    scene = np.full((120, 160, 3), 90, np.uint8)
    made = []
    for _ in range(frames):
        lines = np.zeros(scene.shape[:2], np.float32)
        for _ in range(60):
            x, y = rng.uniform(-20, 180), rng.uniform(-20, 120)
            dx, dy = 26 * math.sin(math.radians(slant)), 26 * math.cos(math.radians(slant))
            cv2.line(lines, (round(x), round(y)), (round(x + dx), round(y + dy)), float(rng.uniform(8, 60)), 1)
        noisy = scene + lines[..., None] + rng.normal(0, 2, scene.shape)
        made.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return scene, np.stack(made)


@pytest.mark.parametrize("slant", [-30, 0, 20])
def test_the_slant_of_painted_streaks_is_found(slant: int) -> None:
    scene, frames = streaked(slant)
    found = weighed(frames[:4], scene).slant
    assert abs(found - slant) <= 6


def test_neither_strips_nor_threads_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = ladder_clip("heavy")
    frames, start = clip.frames[:14], clip.truth + np.float32(0.4)
    plain = weighed(frames, start)
    for strips, workers, together in ((1, 1, 4), (2, 3, 9), (8, 2, 5), (8, 5, 4)):
        monkeypatch.setattr(mean, "_MAX_STRIPS", strips)
        other = weighed(frames, start, workers=workers, together=together)
        assert np.array_equal(other.totals, plain.totals) and np.array_equal(other.weights, plain.weights)
        assert other.slant == plain.slant and np.array_equal(other.mean, plain.mean)


def test_the_sums_are_those_of_the_twins_over_the_whole_picture() -> None:
    clip = ladder_clip("heavy", sample="cat")
    frames, start = clip.frames[:9], clip.truth.astype(np.float32)
    made = weighed(frames, start)
    shape, reach = start.shape[:2], streak_reach(120)
    scale = np.float32(STEPS) / (np.float32(math.sqrt(3)) * np.full(shape, 2, np.float32))
    table = chances(TAIL * math.sqrt(3) / 2.0, 2 * reach + 1)
    totals, weights = np.zeros((2, *shape, 3), np.float32), np.zeros((2, *shape), np.float32)
    z, lines = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for position, frame in enumerate(frames):
        _reference.residuals(frame, start.sum(axis=2), scale, z)
        _reference.along_streaks(z, reach, lean(shape[0], made.slant), 0, lines)
        half = int(position >= 4.5)
        frame = np.ascontiguousarray(frame)
        _reference.accumulate(addresses_of([frame]), z[None], 0, lines[None], table, totals[half], weights[half])
    assert np.array_equal(made.weights, weights) and np.array_equal(made.totals, totals)


def test_the_order_of_frames_is_their_position_not_when_they_come() -> None:
    scene, frames = streaked(0, 10)
    noise = np.full(256, 2, np.float32)
    forward = weighed(frames, scene)
    with RainfreeMean(scene.astype(np.float32), noise, frames=len(frames), workers=2) as mean:
        for position in reversed(range(len(frames))):
            mean.add(position, frames[position])
        backward = mean.finish()
    assert backward.slant == forward.slant
    assert np.abs(backward.weights - forward.weights).max() < 1e-4
    assert np.abs(backward.mean - forward.mean).max() < 1e-3


def test_a_frame_of_another_size_is_refused() -> None:
    with (
        RainfreeMean(np.zeros((8, 9, 3), np.float32), np.ones(256, np.float32), frames=2) as mean,
        pytest.raises(ValueError, match="initial estimate of shape"),
    ):
        mean.add(0, np.zeros((9, 8, 3), np.uint8))


def test_without_frames_the_start_stands() -> None:
    start = np.full((40, 40, 3), 77.25, np.float32)
    with RainfreeMean(start.copy(), np.ones(256, np.float32), frames=3) as mean:
        made = mean.finish()
    assert np.array_equal(made.mean, start) and made.share == 0
    assert made.posterior().sd.min() >= TAIL / 2


def test_a_pixel_that_is_never_free_keeps_its_start_and_is_not_believed() -> None:
    rng = np.random.default_rng(4)
    start = np.full((64, 64, 3), 90.5, np.float32)
    frames = np.rint(start + rng.normal(0, 2, (20, 64, 64, 3)))
    frames[:, 20:40, 30:33] += 100
    made = weighed(frames.astype(np.uint8), start)
    wet, posterior = np.s_[20:40, 30:33], made.posterior()
    assert np.array_equal(made.mean[wet], start[wet])
    assert posterior.sd[wet].min() >= TAIL / 2
    away = np.s_[:, 45:]
    assert np.abs(made.mean[away] - start[away]).mean() < 0.6 and posterior.sd[away].max() < 2


def test_what_frames_without_rain_differ_by_is_believed() -> None:
    rng = np.random.default_rng(6)
    start = np.full((96, 96, 3), 100, np.float32)
    frames = np.rint(start + rng.normal(0, 3, (40, 96, 96, 3))).astype(np.uint8)
    made = weighed(frames, start, sigma=3.0)
    off = made.mean - 100
    expected = 3 / math.sqrt(40)
    assert made.share > 0.8
    assert abs(off.mean()) < 0.2 and abs(off.std() / expected - 1) < 0.2
    assert abs(float(made.posterior().sd.mean()) / off.std() - 1) < 0.25


def test_noise_that_is_alike_from_frame_to_frame_is_told_and_believed_less() -> None:
    rng = np.random.default_rng(7)
    start = np.full((96, 96, 3), 100, np.float32)

    def sums_of(steady: float, blur: float) -> RainfreeSums:
        kept = rng.normal(0, 1, start.shape)
        frames = []
        for _ in range(16):
            noise = steady * kept + math.sqrt(1 - steady**2) * rng.normal(0, 1, start.shape)
            if blur:
                noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), blur), np.float64)
            frames.append(np.rint(start + 3 * noise / noise.std()))
        return weighed(np.stack(frames).astype(np.uint8), start, sigma=3.0)

    sensor, codec = sums_of(0, 0), sums_of(0.6, 1.0)
    assert abs(sensor.beside) < 0.05 and abs(sensor.after) < 0.05
    assert codec.beside > 0.3 and codec.after > 0.2
    assert codec.posterior().sd.mean() > 2 * sensor.posterior().sd.mean()


def told(beside: float, after: float, share: float = 0.5) -> RainfreeSums:
    """Sums of 80 frames: flat on the left, the finest checkers on the right; halves differ by as much everywhere."""
    rng = np.random.default_rng(3)
    mean = np.full((48, 96, 3), 100, np.float32)
    mean[:, 48:] += 8 * (-1) ** np.add.outer(np.arange(48), np.arange(48))[..., None]
    weights = np.full((2, 48, 96), 40 * share, np.float32)
    totals = ((mean + rng.normal(0, 0.3, (2, 48, 96, 3))) * weights[..., None]).astype(np.float32)
    noise = np.full(256, 2, np.float32)
    return RainfreeSums(
        mean=mean, totals=totals, weights=weights, frames=80, slant=0, noise=noise, beside=beside, after=after
    )


def test_what_a_codec_does_to_all_frames_alike_is_foretold_and_where() -> None:
    flat, fine = np.s_[8:40, 8:40], np.s_[8:40, 56:88]
    sensor = told(0.05, 0.02).posterior().sd
    assert np.allclose(sensor, told(0, 0).posterior().sd) and sensor.max() < 0.6
    # Coarser, with more rain, or from frame to frame more alike: farther off.
    medians = [
        float(np.median(told(*at).posterior().sd)) for at in ((0.1, 0.1), (0.25, 0.1), (0.25, 0.1, 0.3), (0.25, 0.5))
    ]
    assert 1.5 * np.median(sensor) < medians[0] < medians[1] < min(medians[2:])
    # Single values say where, unless frames copy each other: then the finest detail does.
    own, copied = told(0.25, 0.0).posterior().sd, told(0.25, 0.5).posterior().sd
    assert abs(own[fine].mean() / own[flat].mean() - 1) < 0.1
    assert copied[fine].mean() > 1.3 * copied[flat].mean()
    # In fine texture neighbours are unlike; frames tell.
    assert told(-0.1, 0.4).posterior().sd.mean() > 2 * sensor.mean()


def test_what_interpolation_takes_is_foretold_where_the_picture_is_fine() -> None:
    flat, fine = np.s_[8:40, 8:40], np.s_[8:40, 56:88]
    still, moved = told(0, 0).posterior().sd, told(0, 0).posterior(registered=True).sd
    assert np.allclose(moved[flat], still[flat]) and moved[fine].mean() > 3 * still[fine].mean()
    assert (moved[8:40, 45:47] > still[8:40, 45:47]).all()  # ringing reaches some px beyond


# The whole, on clips of the ladder.


def believed(clip: LadderClip) -> Posterior:
    with finish(
        clean(FramesInMemory(clip.frames), CleanSettings(recipe=f"n{len(clip.frames)}-rainfree", workers=1))
    ) as result:
        assert result.posterior is not None
        assert np.array_equal(result.picture(result.candidates[0]), np.rint(result.posterior.mean))
        return result.posterior


def released(clip: LadderClip) -> np.ndarray:
    with finish(clean(FramesInMemory(clip.frames), CleanSettings(recipe="released", workers=1))) as result:
        return result.picture(result.candidates[0])


# A passer-by of 80 px is meant for 240 lines. The portrait is dark: much of its noise is cut off.
@pytest.mark.parametrize(
    ("name", "sample", "changes"),
    [
        ("medium", "table", {}),
        ("heavy", "cat", {}),
        ("walker", "table", {"walker_height": 40.0}),
        ("noisy", "portrait", {}),
    ],
)
def test_the_mean_comes_near_to_that_of_the_truly_free_values(
    name: str, sample: str, changes: dict[str, float]
) -> None:
    clip = ladder_clip(name, sample=sample, **changes)
    own, limit = clip.psnr(believed(clip).mean), clip.psnr(clip.best)
    assert own > clip.psnr(released(clip)) + 2
    assert own > limit - 1.5


@pytest.mark.parametrize(("name", "sample"), [("medium", "table"), ("heavy", "cat")])
def test_what_the_mean_claims_comes_true(name: str, sample: str) -> None:
    clip = ladder_clip(name, sample=sample)
    posterior = believed(clip)
    squares = np.square(posterior.mean - clip.truth).mean(axis=2).ravel()
    order = np.argsort(posterior.sd.ravel())
    for fifth in np.array_split(order, 5):
        claimed = np.square(posterior.sd.ravel()[fifth]).mean()
        assert 0.7 < np.sqrt(squares[fifth].mean() / claimed) < 1.4


def test_what_is_claimed_of_a_rounded_picture_comes_true_where_light_is_not_rounded() -> None:
    # Scenes of the ladder have whole levels, and so has their truth: of light in between rounding takes up to a half.
    rain = ladder_clip("medium")
    truth = np.clip(cv2.GaussianBlur(rain.truth.astype(np.float32), (0, 0), 1.5), 5, 250)
    rng = np.random.default_rng(3)
    wet = np.where(rain.free, 0, 40)[..., None]
    frames = np.clip(np.rint(truth + wet + rng.normal(0, 2, rain.frames.shape)), 0, 255).astype(np.uint8)
    posterior = believed(LadderClip(frames, rain.truth, rain.free, rain.gains, rain.matrices))
    picture = np.rint(posterior.mean).astype(np.uint8)
    realised = np.sqrt(np.square(picture - truth).mean())
    assert 0.85 < realised / np.sqrt(np.square(posterior.error(picture)).mean()) < 1.2
