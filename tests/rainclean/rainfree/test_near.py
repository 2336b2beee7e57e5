"""Few frames laid over the reference frame, and what they say of candidates."""

from collections.abc import Generator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.clean.near_frames import doubts_of_near
from rainclean.candidates.recipe import Recipe
from rainclean.moving.detection import Findings
from rainclean.moving.detectors import KINDS, TEXTS
from rainclean.moving.residual_grid import Grid
from rainclean.rainfree.near_mean import (
    FRAMES_EACH_SIDE,
    Near,
    align_near_frames,
    near_clean,
    near_posterior,
    over_time,
)
from rainclean.rainfree.posterior import Posterior
from rainclean.verdict.evidence import Evidence, Told, errors, overrule
from tests.helpers.steps import drained

U8 = NDArray[np.uint8]
SIZE = (160, 224)
RNG = np.random.default_rng(5)


def scene() -> NDArray[np.float64]:
    """Something with detail at several sizes, larger than a frame."""
    wide = (SIZE[0] + 80, SIZE[1] + 80)
    layers = [ndimage.gaussian_filter(RNG.normal(size=(*wide, 3)), (s, s, 0)) * s for s in (1.2, 3, 8)]
    return np.clip(110 + 90 * sum(layers), 20, 200)


def film(shift: float, streaks: int = 40, noise: float = 1.5) -> tuple[list[U8], U8]:
    """Frames of a camera that pans past a far and, in the lower half, twice as near scene; truth of the middle one."""
    far, close = scene(), scene()
    frames, truth = [], np.empty(0, np.uint8)
    for k in range(-FRAMES_EACH_SIDE, FRAMES_EACH_SIDE + 1):
        layers = [
            ndimage.shift(s, (0, -shift * k * way, 0), order=3)[40:-40, 40:-40] for s, way in ((far, 1), (close, 2))
        ]
        clean = np.where(np.arange(SIZE[0])[:, None, None] < SIZE[0] // 2, *layers)
        rain = np.zeros(SIZE)
        for _ in range(streaks):
            y, x = RNG.integers(0, SIZE[0] - 20), RNG.integers(0, SIZE[1])
            rain[y : y + 20, x] = RNG.uniform(30, 90)
        rainy = clean + rain[..., None] * (235 - clean) / 235 + RNG.normal(0, noise, clean.shape)
        frames.append(np.clip(np.rint(rainy), 0, 255).astype(np.uint8))
        if k == 0:
            truth = np.clip(np.rint(clean), 0, 255).astype(np.uint8)
    return frames, truth


def laid(frames: list[U8]) -> Near:
    return finished(align_near_frames(frames, FRAMES_EACH_SIDE, [None] * len(frames), (0, 0, SIZE[1], SIZE[0])))


def finished(work: Generator[float, None, Near]) -> Near:
    shares, near = drained(work)
    assert shares == sorted(shares)
    return near


def off(picture: U8 | NDArray[np.float32], truth: U8) -> float:
    """Root mean square error away from the border, which not every frame shows."""
    return float(np.sqrt(np.square(picture.astype(float) - truth)[16:-16, 24:-24].mean()))


@pytest.fixture(scope="module")
def panned() -> tuple[Near, U8]:
    frames, truth = film(1.5)
    return laid(frames), truth


def test_a_clean_image_lies_where_the_reference_frame_does(panned: tuple[Near, U8]) -> None:
    near, truth = panned
    picture, weight = near_clean(near)
    assert off(picture, truth) < 0.5 * off(near.reference, truth)
    assert off(picture, truth) < off(over_time(near.frames), truth) + 0.2
    assert weight.min() >= 0 and weight.max() <= 1


def test_what_rain_cannot_have_darkened_is_kept() -> None:
    frames, _ = film(0.0, streaks=0)
    frames[FRAMES_EACH_SIDE][60:90, 100:120] = 5  # somebody stands there in this frame
    picture, weight = near_clean(Near(np.stack(frames), FRAMES_EACH_SIDE, tuple(range(len(frames)))))
    assert np.abs(picture[62:88, 102:118].astype(int) - 5).max() <= 1
    assert weight[62:88, 102:118].min() > 0.95


def test_a_posterior_says_how_far_off_it_is(panned: tuple[Near, U8]) -> None:
    near, truth = panned
    picture, _ = near_clean(near)
    sd = near_posterior(near, picture).sd[16:-16, 24:-24]
    realised = off(picture, truth)
    assert 0.4 < realised / np.sqrt(np.square(sd).mean()) < 2


def test_expected_errors_follow_the_true_ones(panned: tuple[Near, U8]) -> None:
    near, truth = panned
    evidence = Evidence(near)
    pictures = {
        "smeared": np.asarray(ndimage.uniform_filter1d(truth, 9, axis=1)),
        "shifted": np.roll(truth, 1, axis=1),
        "darker": np.clip(truth.astype(int) - 12, 0, 255).astype(np.uint8),
        "rainy": near.reference,
        "truth": truth,
    }
    told = {name: evidence.tell(p, 1.0 if name == "rainy" else 0.0) for name, p in pictures.items()}
    found = dict(zip(told, errors(list(told.values())), strict=True))
    true = {name: off(p, truth) for name, p in pictures.items()}
    assert min(found, key=found.__getitem__) == "truth"
    for name in ("smeared", "shifted", "darker", "rainy"):
        assert found[name] == pytest.approx(true[name], rel=0.35)


def test_places_are_where_a_candidate_is_wrong(panned: tuple[Near, U8]) -> None:
    near, truth = panned
    evidence = Evidence(near)
    wrong = truth.copy()
    wrong[40:60, 60:90] = 0
    wrong[100:120, 120:160] = 255
    found = evidence.places(wrong)
    assert found["darker"][42:58, 62:88].mean() > 0.9 and found["brighter"][102:118, 122:158].mean() > 0.9
    assert evidence.places(truth)["darker"].mean() < 0.01 and evidence.places(truth)["brighter"].mean() < 0.02


def test_what_passes_in_the_reference_frame_speaks_against_nobody(panned: tuple[Near, U8]) -> None:
    near, truth = panned
    frames = near.frames.copy()
    frames[:, 40:80, 60:100] = 5  # it goes slowly
    passing = np.zeros(SIZE, bool)
    passing[38:82, 58:102] = True
    met = Near(frames, near.at, near.indices)
    without, told = Evidence(met).tell(truth, 0.0), Evidence(met, passing=passing).tell(truth, 0.0)
    assert told.squared == pytest.approx(Evidence(near).tell(truth, 0.0).squared, abs=3.0)
    assert without.squared > 100


def test_few_frames_overrule_many_only_where_these_are_clearly_wrong() -> None:
    assert overrule([Told(1.0, 1.0, 1.0)], Told(9.0, 9.0, 9.0))
    assert not overrule([Told(1.0, 1.0, 1.0)], Told(4.0, 4.0, 4.0))
    assert not overrule([Told(12.0, 1.0, 1.0)], Told(30.0, 4.0, 4.0))
    assert errors([Told(-0.5, 0, 0), Told(3.0, 0, 0)])[0] > 0


def test_frames_that_nothing_ties_are_left_out() -> None:
    frames, _ = film(1.0)
    frames[0] = np.zeros_like(frames[0])
    near = laid(frames)
    assert near.indices == tuple(range(1, len(frames))) and near.at == FRAMES_EACH_SIDE - 1


def test_recipes_of_near_frames_have_names() -> None:
    recipe = Recipe(7, rule="near", steady=True)
    assert recipe.name == "n7-near-steady" and Recipe.parse(recipe.name) == recipe
    assert Recipe.from_json(recipe.to_json()) == recipe and "next to the reference frame" in recipe.description


def test_near_frames_have_doubts_of_their_own() -> None:
    """What many frames contradicted in their mean says nothing of few: only where these contradict each other."""
    shape = (60, 80)
    grid = Grid(*shape, 2)
    everything = np.ones(shape, bool)
    packed = np.full((9, -(-grid.cells[0] * grid.cells[1] // 8)), 255, np.uint8)
    of_many = Findings(
        areas=dict.fromkeys(KINDS, everything),
        doubtful=everything,
        share=np.ones(9),
        labels=["much moves"],
        grid=grid,
        packed=packed,
    )
    sd = np.full(shape, 2.0, np.float32)
    sd[20:40, 30:60] = 30.0
    found = doubts_of_near(of_many, Posterior(np.zeros((*shape, 3), np.float32), sd))
    assert found.doubtful[20:40, 30:60].all() and found.doubtful.mean() < 0.3
    np.testing.assert_array_equal(found.areas["changing"], found.doubtful)
    assert not any(found.areas[kind].any() for kind in KINDS if kind != "changing")
    assert not found.share.any() and not found.per_frame(4).any()
    assert len(found.labels) == 1 and "contradict each other" in found.labels[0]
    agreed = doubts_of_near(of_many, Posterior(np.zeros((*shape, 3), np.float32), np.full(shape, 2.0, np.float32)))
    assert not agreed.doubtful.any() and agreed.labels == []


def test_what_is_drawn_over_a_clip_is_over_near_frames_too() -> None:
    shape = (60, 80)
    grid = Grid(*shape, 1)
    mark, hidden = np.zeros(shape, bool), np.zeros((9, *shape), bool)
    mark[10:20, 10:40] = hidden[:, 10:20, 10:40] = True
    everything = np.ones(shape, bool)
    drawn = np.packbits(hidden.reshape(9, -1), axis=1)
    words = ["something sways, 100 %", f"{TEXTS['overlay']}: 6.2 % of the picture"]
    areas = {kind: mark if kind == "overlay" else everything for kind in KINDS}
    of_many = Findings(
        areas=areas,
        doubtful=everything,
        share=np.ones(9),
        labels=words,
        grid=grid,
        packed=np.full_like(drawn, 255),
        drawn=drawn,
    )
    found = doubts_of_near(of_many, Posterior(np.zeros((*shape, 3), np.float32), np.full(shape, 2.0, np.float32)))
    np.testing.assert_array_equal(found.doubtful, mark)
    np.testing.assert_array_equal(found.areas["overlay"], mark)
    np.testing.assert_array_equal(found.per_frame(4), mark)
    assert found.labels == words[1:]
