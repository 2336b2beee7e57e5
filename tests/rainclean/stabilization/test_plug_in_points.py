"""A motion model that is added from outside is chosen where it explains a clip by fewer numbers than ours."""

import json

import numpy as np
import pytest

from rainclean.stabilization import MotionModel, Points, Stabilization, register_motion_model, unregister_motion_model
from rainclean.stabilization.motion_models import motion_model, moving_models
from rainclean.video import Region
from tests.helpers.moving_cameras import PATHS, clip_of, errors, register


def zoom_matrix(p: np.ndarray) -> np.ndarray:
    return np.array([[1 + p[3], 0, p[0]], [0, 1 + p[3], p[1]], [0, 0, 1]])


def nearest_zoom(points: Points) -> np.ndarray:
    dx, dy = points.x - points.x.mean(), points.y - points.y.mean()
    du, dv = points.u - points.u.mean(), points.v - points.v.mean()
    scale = (dx * du + dy * dv).sum() / (dx * dx + dy * dy).sum()
    shift = np.array([points.u.mean(), points.v.mean()]) - scale * np.array([points.x.mean(), points.y.mean()])
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]])


ZOOM = MotionModel("zoom", (0, 1, 3), zoom_matrix, nearest_zoom)


def test_a_model_from_outside_is_chosen_where_it_is_enough() -> None:
    matrices = PATHS["affine"]  # a camera that zooms and shakes
    frames = clip_of(matrices)
    assert register(frames, 12).model == "affine"
    register_motion_model(ZOOM)
    try:
        assert moving_models() == ["translation", "euclidean", "zoom", "affine", "homography"]
        found = register(frames, 12)
    finally:
        unregister_motion_model("zoom")
    assert found.model == "zoom" and found.moves
    assert max(errors(found, matrices)) < 0.25
    for placement in found.placements:
        a = placement.matrix
        assert a[0, 0] == pytest.approx(a[1, 1]) and a[0, 1] == pytest.approx(0) and a[1, 0] == pytest.approx(0)
    # Whoever has not got the model can still read what was registered by it.
    kept = Stabilization("zoom", Region(0, 0, 9, 9), Region(0, 0, 9, 9), {})
    assert Stabilization.from_json(json.loads(kept.to_bytes())).model == "zoom"


@pytest.mark.parametrize("numbers", [(), (1, 0), (0, 0), (0, 8), (-1, 0)])
def test_what_cannot_be_a_model_is_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="numbers"):
        register_motion_model(MotionModel("mine", numbers, zoom_matrix, nearest_zoom))


def test_ours_stay() -> None:
    for name in ("still", "affine"):
        with pytest.raises(ValueError, match=name):
            unregister_motion_model(name)
        with pytest.raises(ValueError, match="registered already"):
            register_motion_model(MotionModel(name, (0, 1), zoom_matrix, nearest_zoom))
        assert motion_model(name).name == name
