"""How a camera may move between two frames: a table of models, one entry each.

A motion has up to eight numbers, in coordinates of about −1…1 (`Target.to_unit`): shifts across and down (0, 1), a turn
(2), zoom (3), stretch (4), shear (5), two tilts (6, 7). A model uses some of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Points:
    """Points x, y of a picture and where a motion takes them, u, v: (K,) float64 px. matrix: (3, 3), the motion."""

    x: F64
    y: F64
    u: F64
    v: F64
    matrix: F64


@dataclass(frozen=True)
class MotionModel:
    """One way in which a camera may move.

    Attributes:
        name: what reports and kept registrations say.
        numbers: which of the eight it uses, rising; the fewer, the simpler it is.
        unit: the eight numbers of a small motion, those that are not used 0, to its matrix, (3, 3) in coordinates of
            about −1…1.
        nearest: the matrix of this model, (3, 3) in px, that takes points nearest to where a motion takes them.
    """

    name: str
    numbers: tuple[int, ...]
    unit: Callable[[F64], F64]
    nearest: Callable[[Points], F64]


def _turned(p: F64) -> F64:
    c, s = np.cos(p[2]), np.sin(p[2])
    return np.array([[c, -s, p[0]], [s, c, p[1]], [0, 0, 1]])


def _linear(p: F64) -> F64:
    return np.array([[1 + p[3] + p[4], p[5] - p[2], p[0]], [p[5] + p[2], 1 + p[3] - p[4], p[1]], [p[6], p[7], 1]])


def _nearest_shift(points: Points) -> F64:
    result = np.eye(3)
    result[:2, 2] = (points.u - points.x).mean(), (points.v - points.y).mean()
    return result


def _nearest_euclidean(points: Points) -> F64:
    x, y, u, v = points.x, points.y, points.u, points.v
    dx, dy, du, dv = x - x.mean(), y - y.mean(), u - u.mean(), v - v.mean()
    turn = np.arctan2((dx * dv - dy * du).sum(), (dx * du + dy * dv).sum())
    result = np.eye(3)
    result[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    result[:2, 2] = np.array([u.mean(), v.mean()]) - result[:2, :2] @ [x.mean(), y.mean()]
    return result


def _nearest_affine(points: Points) -> F64:
    rows = np.stack([points.x, points.y, np.ones_like(points.x)], 1)
    result = np.eye(3)
    result[:2] = np.linalg.lstsq(rows, np.stack([points.u, points.v], 1), rcond=None)[0].T
    return result


STILL = "still"
"""Name of the model of a camera that does not move: its frames are never warped."""

_OURS = (
    MotionModel(STILL, (), lambda p: np.eye(3), lambda points: np.eye(3)),
    MotionModel("translation", (0, 1), _turned, _nearest_shift),
    MotionModel("euclidean", (0, 1, 2), _turned, _nearest_euclidean),
    MotionModel("affine", (0, 1, 2, 3, 4, 5), _linear, _nearest_affine),
    MotionModel("homography", tuple(range(8)), _linear, lambda points: points.matrix / points.matrix[2, 2]),
)

_MODELS: dict[str, MotionModel] = {model.name: model for model in _OURS}


def register_motion_model(model: MotionModel) -> None:
    """Let clips be registered by a further model, where it explains them as well as one of more numbers.

    Raises:
        ValueError: the name is taken, or the numbers are none of the eight.
    """
    if model.name in _MODELS or not model.name:
        raise ValueError(f"a motion model {model.name!r} is registered already, or that is no name")
    if not model.numbers or list(model.numbers) != sorted(set(model.numbers) & set(range(8))):
        raise ValueError(f"motion model {model.name!r}: its numbers are {model.numbers}, none of 0 to 7, rising")
    _MODELS[model.name] = model


def unregister_motion_model(name: str) -> None:
    """Forget a model that was registered from outside. Raises ValueError for one of ours, or none."""
    if name not in _MODELS or _MODELS[name] in _OURS:
        raise ValueError(f"no motion model {name!r} was registered")
    del _MODELS[name]


def motion_model(name: str) -> MotionModel:
    """Return the model of a name. Raises KeyError."""
    return _MODELS[name]


def moving_models() -> list[str]:
    """Return the names of the models that move, simplest first."""
    return sorted((name for name in _MODELS if name != STILL), key=lambda name: len(_MODELS[name].numbers))
