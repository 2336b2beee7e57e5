"""Backgrounds of one place look alike, of two places they do not."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from rainclean.dataset.scene_similarity import ALIKE, HEIGHT, WIDTH, background, likeness, reduce_frame

U8 = NDArray[np.uint8]
PHOTOGRAPHS = {name: getattr(data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket", "retina")}


def background_of(picture: U8) -> U8:
    return background([reduce_frame(picture)])


def turned(picture: U8) -> U8:
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 2, 1.05)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height)), np.uint8)


def noisy(picture: U8) -> U8:
    noise = np.random.default_rng(1).normal(0, 25, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize(
    "change",
    [
        lambda p: (p * 0.4).astype(np.uint8),
        lambda p: (255 * (p / 255.0) ** 1.8).astype(np.uint8),
        lambda p: (p * np.linspace(0.5, 1, p.shape[1])[:, None]).astype(np.uint8),
        lambda p: p[len(p) // 20 :, p.shape[1] // 20 :],
        turned,
        noisy,
    ],
    ids=["darker", "gamma", "light from one side", "nudged", "turned", "noise"],
)
def test_one_place_is_known_again(name: str, change: Callable[[U8], U8]) -> None:
    picture = PHOTOGRAPHS[name]
    assert likeness(background_of(change(picture)), background_of(picture)[None])[0] > ALIKE


def test_two_places_are_told_apart() -> None:
    prints = np.stack([background_of(p) for p in PHOTOGRAPHS.values()])
    for i, one in enumerate(prints):
        alike = likeness(one, prints)
        assert alike[i] > 0.99 and np.delete(alike, i).max() < ALIKE - 0.1


def test_rain_and_passers_by_vanish_from_a_background() -> None:
    rng = np.random.default_rng(0)
    place = PHOTOGRAPHS["coffee"]
    frames = []
    for i in range(30):
        frame = place.copy()
        frame[rng.random(place.shape[:2]) < 0.2] = 230
        frame[:, 20 * i : 20 * i + 60] = 0
        frames.append(reduce_frame(frame))
    assert likeness(background(frames), background_of(place)[None])[0] > 0.95


def test_what_has_no_structure_resembles_nothing() -> None:
    flat = np.full((HEIGHT, WIDTH), 120, np.uint8)
    rng = np.random.default_rng(0)
    noise = [np.clip(flat + rng.normal(0, 1, flat.shape), 0, 255).astype(np.uint8) for _ in range(2)]
    assert likeness(flat, np.stack([flat, noise[0]])).max() < 0.1
    assert likeness(noise[0], noise[1][None])[0] < ALIKE
    assert likeness(flat, np.empty((0, HEIGHT, WIDTH), np.uint8)).shape == (0,)
