"""What the shipped weights are trained on: how it is made, on small pictures."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rainclean.dataset.reader import read_dataset, read_pair
from rainclean.simulate import Simulation, preset
from tools.shipped_weights.colours import noise_field
from tools.shipped_weights.make_dataset import (
    LEAVES,
    MIXES,
    RAINS,
    Mix,
    Pair,
    SceneToMake,
    Weather,
    draw_rain,
    in_h264,
    in_jpeg,
    make_scene,
    plan,
    rain_on,
    write_scene,
)
from tools.shipped_weights.photographs import HELD_OUT, PHOTOGRAPHS, photographs

U8 = NDArray[np.uint8]

SIDE = 64


@pytest.fixture(scope="module")
def textures() -> dict[str, dict[str, U8]]:
    return {split: photographs(split) for split in LEAVES}


@pytest.fixture(scope="module", params=list(MIXES))
def mix(request: pytest.FixtureRequest) -> Mix:
    return MIXES[request.param]


@pytest.fixture(scope="module")
def made(mix: Mix, textures: dict[str, dict[str, U8]]) -> dict[SceneToMake, list[Pair]]:
    """One scene of each kind in each split."""
    kinds = {(scene.split, scene.photograph): scene for scene in plan()}
    return {scene: make_scene(scene, textures[scene.split], mix, SIDE) for scene in kinds.values()}


def test_a_scene_is_the_same_each_time(
    mix: Mix, made: dict[SceneToMake, list[Pair]], textures: dict[str, dict[str, U8]]
) -> None:
    for scene, pairs in made.items():
        again = make_scene(scene, textures[scene.split], mix, SIDE)
        assert len(pairs) == len(again) == RAINS
        for pair, twin in zip(pairs, again, strict=True):
            for picture, other in zip(pair, twin, strict=True):
                assert picture.shape == (SIDE, SIDE, 3)
                assert picture.dtype == np.uint8
                assert np.array_equal(picture, other)


def test_scenes_and_rain_differ(made: dict[SceneToMake, list[Pair]]) -> None:
    assert len({pairs[0].clean.tobytes() for pairs in made.values()}) == len(made)
    rainy = [pair.rainy.tobytes() for pairs in made.values() for pair in pairs]
    assert len(set(rainy)) > 0.8 * len(rainy)  # frames of a dry clip may be equal


@pytest.mark.parametrize("coded", [partial(in_h264, crf=20), lambda frames: [in_jpeg(f, 90) for f in frames]])
def test_coding_is_the_same_each_time_and_near_to_what_it_codes(coded: Callable[[list[U8]], list[U8]]) -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    ramp = np.stack((2 * x + 60, 2 * y + 60, x + y + 60), axis=2).astype(np.uint8)
    frames = [ramp, ramp[::-1].copy(), ramp[:, ::-1].copy()]
    once, twice = coded(frames), coded(frames)
    assert len(once) == len(frames)
    for picture, frame, other in zip(once, frames, twice, strict=True):
        assert np.array_equal(picture, other)
        assert not np.array_equal(picture, frame)
        assert np.abs(picture.astype(int) - frame).mean() < 4


@pytest.mark.parametrize("chains", [0.0, 2e-3])
@pytest.mark.parametrize("near", [None, preset("heavy", noise=0.0, width=4.0)])
def test_rain_alone_only_brightens(chains: float, near: Simulation | None) -> None:
    rng = np.random.default_rng(5)
    clean = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    rainy = rain_on(rng, clean, Weather(preset("medium", noise=0.0), near, chains))
    assert (rainy >= clean).all()
    assert 0.02 < (rainy > clean).mean() < 0.98


def test_nothing_falls_from_a_clear_sky() -> None:
    rng = np.random.default_rng(5)
    clean = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    assert np.array_equal(rain_on(rng, clean, Weather(preset("clear", noise=0.0))), clean)


def test_a_seventh_of_the_weather_is_nearly_dry() -> None:
    rng = np.random.default_rng(1)
    rains = [draw_rain(rng, MIXES["strong"]).simulation.rain for _ in range(1000)]
    assert 0.10 < np.mean([rain.density < 6e-4 for rain in rains]) < 0.18
    assert min(rain.slant for rain in rains) < -20
    assert max(rain.slant for rain in rains) > 20


def test_no_held_out_photograph_is_a_source(textures: dict[str, dict[str, U8]]) -> None:
    from skimage import data

    assert not {each.name for each in PHOTOGRAPHS} & {*HELD_OUT, "cat"}
    held_out = [getattr(data, name)() for name in HELD_OUT]
    for pictures in textures.values():
        assert not any(np.array_equal(mine, theirs) for mine in pictures.values() for theirs in held_out)


def test_train_and_val_share_neither_scenes_nor_photographs(textures: dict[str, dict[str, U8]]) -> None:
    scenes = plan()
    assert [scene.number for scene in scenes] == list(range(len(scenes)))
    assert [scene.split for scene in scenes] == sorted(scene.split for scene in scenes)
    assert not set(textures["train"]) & set(textures["val"])
    assert all(scene.photograph in {None, *textures[scene.split]} for scene in scenes)
    assert [sum(scene.split == split for scene in scenes) * RAINS for split in LEAVES] == [1600, 60]


def test_the_files_are_a_data_set(tmp_path: Path) -> None:
    scenes = [plan()[0], plan()[-1]]
    for scene in scenes:
        write_scene(tmp_path, scene, MIXES["calm"], SIDE)
    dataset = read_dataset(tmp_path)
    assert dataset.layout == "paired"
    assert dataset.splits == ("train", "val")
    assert [pair.scene for pair in dataset.pairs] == ["000"] * RAINS + ["414"] * RAINS
    made = make_scene(scenes[0], photographs("train"), MIXES["calm"], SIDE)
    for pair, (rainy, clean) in zip(dataset.split("train"), made, strict=True):
        read = read_pair(pair)
        assert np.array_equal(read[0], rainy)
        assert np.array_equal(read[1], clean)


def test_noise_has_the_slope_asked_for() -> None:
    rng = np.random.default_rng(0)
    for slope in (0.5, 1.5):
        field = noise_field(rng, 256, slope)
        assert abs(field.mean()) < 1e-3
        assert field.std() == pytest.approx(1, abs=1e-3)
        amplitude = np.abs(np.fft.fft2(field))
        low, high = amplitude[0, 8:12].mean(), amplitude[0, 64:96].mean()
        assert np.log(low / high) / np.log(80 / 10) == pytest.approx(slope, abs=0.4)
