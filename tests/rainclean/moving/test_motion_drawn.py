"""What is drawn over a clip is found while the camera moves, and the scene's own edges are not."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rainclean.moving.detection import MotionDetector
from rainclean.moving.place_marks import Drawn
from rainclean.moving.residual_grid import Grid
from rainclean.stabilization.find_marks import find_drawn
from rainclean.stabilization.registration import FrameAligner
from tests.helpers.motion_scenes import encoded, picture, rained, recall_and_precision
from tests.helpers.steps import drained

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

SIZE = (160, 240)
FRAMES = 32


def shifted(x: float, y: float) -> F64:
    """Px of the reference frame to px of a frame in which the scene lies x to the right and y further down."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])


def pan(scene: U8, step: tuple[float, float] = (1.5, 0)) -> tuple[list[U8], list[F64]]:
    """Frames (h, w, …) of a camera that goes over a scene, a step a frame from the scene's corner, and matrices."""
    frames, matrices = [], []
    for t in range(FRAMES):
        x, y = t * step[0], t * step[1]
        frames.append(cv2.warpAffine(scene, np.array([[1, 0, -x], [0, 1, -y]], np.float64), SIZE[::-1]))
        matrices.append(shifted(-x, -y))
    return [np.asarray(frame, np.uint8) for frame in frames], matrices


def noisy(frames: list[U8]) -> list[U8]:
    rng = np.random.default_rng(0)
    return [np.clip(f + rng.normal(0, 2, f.shape), 0, 255).astype(np.uint8) for f in frames]


def word() -> Mask:
    mask = np.zeros(SIZE, np.uint8)
    cv2.putText(mask, "sample", (40, 100), cv2.FONT_HERSHEY_DUPLEX, 1.5, 1, 4)
    return mask > 0


def bar() -> Mask:
    mask = np.zeros(SIZE, bool)
    mask[110:135, 60:150] = True
    return mask


def over(frames: list[U8], mask: Mask, level: float = 235, opacity: float = 0.45) -> list[U8]:
    cover = opacity * (mask if frames[0].ndim == 2 else mask[..., None])
    return [np.rint(frame + cover * (level - frame)).astype(np.uint8) for frame in frames]


def wide_scene() -> U8:
    """Grey levels of a picture that is larger than the frames."""
    return np.asarray(cv2.cvtColor(cv2.resize(picture(), (320, 213)), cv2.COLOR_RGB2GRAY), np.uint8)


@pytest.mark.parametrize("mark", [word, bar])
@pytest.mark.parametrize("level", [235, 10])
def test_a_mark_is_found_and_nothing_far_from_it(mark: Callable[[], Mask], level: float) -> None:
    frames, matrices = pan(wide_scene())
    found = find_drawn(over(noisy(frames), mark(), level), matrices)
    near = cv2.dilate(mark().astype(np.uint8), np.ones((23, 23), np.uint8)) > 0
    assert recall_and_precision(found, mark())[0] > 0.6
    assert not (found & ~near).any()


@pytest.mark.parametrize("step", [(1.5, 0.0), (0.0, 1.5), (1.2, 0.9)])
def test_a_pan_over_a_scene_without_a_mark_shows_none(step: tuple[float, float]) -> None:
    frames, matrices = pan(wide_scene(), step)
    assert not find_drawn(noisy(frames), matrices).any()


def test_an_edge_along_the_motion_stays_and_is_no_mark() -> None:
    scene = wide_scene().copy()
    scene[60:75] = 220
    cv2.line(scene, (0, 130), (319, 138), 240, 3)
    frames, matrices = pan(scene)
    steady = np.median(np.diff(np.array(frames).astype(np.int16), axis=1), axis=0)
    assert (np.abs(steady[59]) > 20).all()  # it does stay
    assert not find_drawn(noisy(frames), matrices).any()
    found = find_drawn(over(noisy(frames), word()), matrices)
    assert recall_and_precision(found, word())[0] > 0.5


@pytest.mark.parametrize("step", [(0.03, 0.0), (0.0, 0.0)])
def test_nothing_is_told_where_the_camera_hardly_moves(step: tuple[float, float]) -> None:
    frames, matrices = pan(wide_scene(), step)
    assert not find_drawn(over(frames, word()), matrices).any()


def test_a_camera_that_mostly_stands_shows_no_mark() -> None:
    """In most frames the scene stays as a mark does: those of a short move alone are looked at."""
    frames, matrices = pan(wide_scene())
    stood = [*frames[:20], *[frames[20]] * 60]
    where = [*matrices[:20], *[matrices[20]] * 60]
    assert not find_drawn(noisy(stood), where).any()
    found = find_drawn(over(noisy(stood), word()), where)
    assert recall_and_precision(found, word())[0] > 0.6


def test_it_is_found_in_rain_and_in_what_an_encoder_left() -> None:
    """Registered as `clean` registers: the mask is over the frames as they are."""
    scene = cv2.resize(picture(), (320, 213), interpolation=cv2.INTER_NEAREST)
    speckled = np.random.default_rng(3).normal(0, 25, (71, 107, 1)).repeat(3, 0).repeat(3, 1)[:213, :320]
    rainy = rained(pan(np.clip(scene + speckled, 0, 200).astype(np.uint8))[0])
    for clip, marked in ((over(rainy, word()), True), (rainy, False)):
        aligner = FrameAligner(workers=1)
        for frame in encoded(clip, 23):
            aligner.add_frame(frame)
        _, registration = drained(aligner.result())
        assert registration.moves and registration.drawn is not None
        if marked:
            assert recall_and_precision(registration.drawn, word())[0] > 0.6
        else:
            assert not registration.drawn.any()


def drawn_bar() -> Drawn:
    """Over frames of 320×480 px, of which a reduced picture has half; the scene goes 4 px a frame to the left.

    The picture in question begins 40 px right of, and 20 px below the reference frame's corner.
    """
    return Drawn(bar(), (320, 480), [shifted(40 - 4.0 * (t - 8), 20) for t in range(FRAMES)], 8)


@pytest.mark.parametrize(("at", "moved"), [(8, 0), (3, -20), (13, 20)])
def test_it_lies_elsewhere_over_the_scene_in_each_frame(at: int, moved: int) -> None:
    """The bar covers rows 220 to 269 and columns 120 to 299 of a frame."""
    grid = Grid(280, 400, 2)
    true = np.zeros((140, 200), bool)
    true[100:125, (80 + moved) // 2 : (260 + moved) // 2] = True
    found = drawn_bar().on(grid, at)
    assert (found != true).sum() <= 4 * 25


def test_it_hides_the_scene_frame_by_frame_and_in_the_clean_image() -> None:
    rng = np.random.default_rng(0)
    clean = np.full((280, 400, 3), 90, np.float32)
    drawn, plain = (MotionDetector((280, 400), FRAMES, overlays=False, drawn=mark) for mark in (drawn_bar(), None))
    for moving in (drawn, plain):
        moving.compare_with(clean, np.full((280, 400), 1.4, np.float32))
        for t in range(FRAMES):
            moving.add_frame(np.clip(clean + rng.normal(0, 2, clean.shape), 0, 255).astype(np.uint8), t)
    found, nothing = drawn.result(), plain.result()
    assert not nothing.doubtful.any() and nothing.drawn is None
    for t in (0, 8, 31):
        left = 80 + 4 * (t - 8)
        hidden = found.per_frame(t)
        assert hidden[202:248, left + 4 : left + 176].all() and hidden.mean() < 1.1 * 50 * 180 / hidden.size
    assert found.areas["overlay"][202:248, 84:256].all() and found.doubtful[202:248, 84:256].all()
    assert found.areas["overlay"][202:248, 300].all()  # where it was in a quarter of the frames
    assert not found.areas["overlay"][202:248, :40].any() and not found.areas["overlay"][:190].any()
    assert not found.areas["passing"].any() and not found.share.any()
    assert len(found.labels) == 1 and "an overlay" in found.labels[0]
