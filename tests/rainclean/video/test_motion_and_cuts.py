"""Known shifts under synthetic rain are found again; cuts are told from lightning, pans and flicker."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from rainclean.simulate import preset
from rainclean.simulate.render import Renderer
from rainclean.video.cuts import scene_cuts, thumbnail
from rainclean.video.tracking import STILL_THRESHOLD_PX, camera_shift, luma

Luma = NDArray[np.uint8]


def scene(seed: int, height: int = 360, width: int = 480) -> Luma:
    """A textured picture: blobs of many sizes, no straight lines."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width))
    for sigma in (2, 5, 15, 40):
        total += cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), sigma) * sigma
    return np.asarray(np.clip(110 + 45 * total / total.std(), 0, 255), np.uint8)


def moved(picture: Luma, dx: float, dy: float) -> Luma:
    """Shift by dx, dy px to the right and down, by Fourier phase: exact for a periodic picture."""
    fy, fx = np.fft.fftfreq(picture.shape[0])[:, None], np.fft.fftfreq(picture.shape[1])
    turned = np.fft.fft2(picture.astype(float)) * np.exp(-2j * np.pi * (fx * dx + fy * dy))
    return np.asarray(np.clip(np.fft.ifft2(turned).real, 0, 255), np.uint8)[20:-20, 20:-20]


def rainy(picture: Luma, streaks: int, seed: int, noise: float = 2.0) -> Luma:
    """Streaks brighter than the scene, 8° off vertical, and sensor noise."""
    rng = np.random.default_rng(seed)
    layer = picture.astype(np.float32)
    height, width = picture.shape
    for _ in range(streaks):
        x, y, length = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(15, 40)
        mask = np.zeros_like(picture)
        end = (int(x + 0.14 * length), int(y + length))
        cv2.line(mask, (int(x), int(y)), end, 255, int(rng.integers(1, 3)), cv2.LINE_AA)
        layer += mask / np.float32(255) * np.float32(rng.uniform(0.12, 0.5)) * (232 - layer)
    return np.asarray(np.clip(layer + rng.normal(0, noise, picture.shape), 0, 255), np.uint8)


@pytest.mark.parametrize("streaks", [0, 60, 250])
@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (0.25, 0), (0.5, -0.4), (2.3, 1.1), (9, -4)])
def test_a_known_shift_is_found_again(dx: float, dy: float, streaks: int) -> None:
    picture = scene(1)
    before, after = rainy(moved(picture, 0, 0), streaks, 10), rainy(moved(picture, dx, dy), streaks, 11)
    found = camera_shift(before, after)
    assert found is not None
    assert found == pytest.approx(np.hypot(dx, dy), abs=0.1)


def test_a_still_camera_in_heavy_rain_counts_as_still() -> None:
    picture = moved(scene(2), 0, 0)
    for seed in range(4):
        found = camera_shift(rainy(picture, 350, seed, 4.0), rainy(picture, 350, 100 + seed, 4.0))
        assert found is not None
        assert found < STILL_THRESHOLD_PX


def test_large_pictures_are_measured_in_their_own_pixels() -> None:
    small = scene(3)
    large = np.asarray(cv2.resize(small, (1920, 1440), interpolation=cv2.INTER_CUBIC), np.uint8)
    found = camera_shift(large[60:-60, 60:-60].copy(), large[60:-60, 48:-72].copy())
    assert found == pytest.approx(12, abs=0.3)


def test_a_turn_counts_although_the_centre_stands_still() -> None:
    picture = scene(4)
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 1.0, 1.0)
    turned = cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    expected = 2 * np.sin(np.radians(0.5)) * np.hypot(width, height) / 2
    assert camera_shift(picture, np.asarray(turned, np.uint8)) == pytest.approx(expected, rel=0.03)


def test_nothing_to_hold_on_to() -> None:
    flat = np.full((200, 300), 90, np.uint8)
    assert camera_shift(flat, flat) is None
    assert camera_shift(scene(5), scene(6)) is None
    assert camera_shift(np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.uint8)) is None


def test_sizes_have_to_agree() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        camera_shift(scene(1), scene(1)[:100])


def shot(seed: int, count: int, pan: float = 0.0, flicker: float = 0.0) -> list[Luma]:
    """Frames of one scene as (H, W, 3) with noise."""
    picture, rng = scene(seed), np.random.default_rng(seed + 50)
    tint = rng.uniform(0.6, 1.0, 3)
    frames = []
    for i in range(count):
        moved_by = np.roll(picture, round(pan * i), axis=1)[..., None] * tint
        light = 1 + flicker * rng.normal()
        frames.append(np.clip(moved_by * light + rng.normal(0, 4, (*picture.shape, 3)), 0, 255).astype(np.uint8))
    return frames


@pytest.mark.parametrize("name", ["torrent", "night", "noisy", "gradient"])
@pytest.mark.parametrize("photograph", ["coffee", "chelsea", "rocket"])
def test_rain_alone_is_no_motion(name: str, photograph: str) -> None:
    """Tracking between two frames of heavy rain is off by up to 2 px; that must not be taken for motion."""
    place = cv2.resize(getattr(data, photograph)(), (352, 240), interpolation=cv2.INTER_AREA)
    renderer = Renderer(preset(name), (240, 352), 8, seed=1)
    frames = [luma(renderer.render(i, place).frame) for i in range(8)]
    known = luma(place) if name != "night" else luma((place * 0.25).astype(np.uint8))
    for frame in frames[1:]:
        assert (camera_shift(frames[0], frame) or 0.0) <= 0.5
        assert (camera_shift(known, frame) or 0.0) <= 0.5


@pytest.mark.parametrize("name", ["torrent", "noisy", "gradient", "medium"])
@pytest.mark.parametrize("shift", [2, 6, 20])
def test_motion_under_rain_is_never_taken_for_standing_still(name: str, shift: int) -> None:
    place = np.asarray(cv2.resize(data.coffee(), (352, 240), interpolation=cv2.INTER_AREA), np.uint8)
    renderer = Renderer(preset(name), (240, 352), 8, seed=2)
    shifted = np.roll(place, (shift, shift // 2), (1, 0))
    true = float(np.hypot(shift, shift // 2))
    for i in range(8):
        measured = camera_shift(luma(place), luma(renderer.render(i, shifted).frame))
        assert measured is None or measured == pytest.approx(true, abs=0.6)


def cuts_of(frames: list[Luma]) -> list[int]:
    return scene_cuts(np.stack([thumbnail(f) for f in frames]))


def test_cuts_are_the_first_frames_of_new_shots() -> None:
    assert cuts_of(shot(1, 30) + shot(2, 25) + shot(3, 12) + shot(4, 30)) == [30, 55, 67]


def test_one_shot_has_no_cuts() -> None:
    assert cuts_of(shot(1, 40)) == []
    assert cuts_of(shot(1, 40, pan=12)) == []
    assert cuts_of(shot(1, 40, flicker=0.1)) == []
    assert cuts_of(shot(1, 1)) == []
    assert scene_cuts(np.empty((0, 16, 16, 3), np.uint8)) == []


@pytest.mark.parametrize("length", [1, 2, 3])
def test_lightning_is_no_cut(length: int) -> None:
    frames = shot(1, 40)
    for i in range(20, 20 + length):
        frames[i] = np.clip(frames[i].astype(int) * 2 + 60, 0, 255).astype(np.uint8)
    assert cuts_of(frames) == []


def test_a_light_switched_on_for_good_is_no_cut() -> None:
    frames = shot(1, 20) + [np.clip(f * 0.6, 0, 255).astype(np.uint8) for f in shot(1, 20)]
    assert cuts_of(frames) == []


def test_a_cut_during_a_pan() -> None:
    assert cuts_of(shot(1, 30, pan=5) + shot(2, 30, pan=-5)) == [30]


def test_a_cut_to_black_and_back() -> None:
    black = [np.zeros((360, 480, 3), np.uint8)] * 20
    assert cuts_of(shot(1, 20) + black + shot(2, 20)) == [20, 40]


def test_thumbnails_have_one_size_and_keep_colour() -> None:
    for shape in ((1, 1), (7, 300), (65, 97), (2160, 3840)):
        small = thumbnail(np.full((*shape, 3), (200, 100, 50), np.uint8))
        assert small.shape == (16, 16, 3)
        assert small.dtype == np.uint8
        assert (small == (200, 100, 50)).all()


def test_luma_weights() -> None:
    assert luma(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)).tolist() == [[76, 150, 29]]
