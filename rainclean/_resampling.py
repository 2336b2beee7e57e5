"""Takes a frame into another geometry in one resampling, by Lanczos' windowed sinc over eight px a side.

Duchon, "Lanczos filtering in one and two dimensions", J. Appl. Meteorology 1979: what a frame shows in detail
stays, where linear or cubic interpolation would blur it differently in each frame.
"""

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

REACH = 1.0
"""px at the border of a frame that are not asked for, because what lies beyond them had to be made up."""

_TAPS = np.arange(-3, 5)


def lanczos(part: float) -> F32:
    """(8,) float32 weights of the px −3…4 around a place ``part`` (0…1) px right of px 0; their sum is 1."""
    away = part - _TAPS
    weights = np.sinc(away) * np.sinc(away / 4)
    return np.asarray(weights / weights.sum(), np.float32)


def resample(rgb: U8 | F32, matrix: F64, mesh: F32 | None, region: tuple[int, int, int, int]) -> F32:
    """What ``rgb`` (H, W, 3) shows where the px of ``region`` (x, y, width, height) are taken to by ``matrix``.

    matrix: (3, 3), px of the wanted picture to px of this one. mesh: (gh, gw, 2) px to add, at nodes that stand
    evenly over (H, W). Returns (height, width, 3) float32, neither rounded nor clipped.
    """
    import cv2

    x, y, width, height = region
    shift = matrix[:2, 2]
    if mesh is None and only_shifts(matrix):
        return _shifted(rgb, float(shift[0]) + x, float(shift[1]) + y, (height, width))
    flags = cv2.INTER_LANCZOS4
    picture = np.asarray(rgb, np.float32)
    if mesh is None:
        there = matrix @ np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
        return np.asarray(
            cv2.warpPerspective(
                picture, there, (width, height), flags=flags | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT_101
            ),
            np.float32,
        )
    ys, xs = np.mgrid[y : y + height, x : x + width].astype(np.float64)
    z = matrix[2, 0] * xs + matrix[2, 1] * ys + matrix[2, 2]
    u = (matrix[0, 0] * xs + matrix[0, 1] * ys + matrix[0, 2]) / z
    v = (matrix[1, 0] * xs + matrix[1, 1] * ys + matrix[1, 2]) / z
    moved = mesh_at(mesh, xs.astype(np.float32), ys.astype(np.float32), (rgb.shape[0], rgb.shape[1]))
    u += moved[..., 0]
    v += moved[..., 1]
    return np.asarray(
        cv2.remap(picture, u.astype(np.float32), v.astype(np.float32), flags, borderMode=cv2.BORDER_REFLECT_101),
        np.float32,
    )


def only_shifts(matrix: F64) -> bool:
    """Whether a matrix (3, 3) takes all px by one way."""
    return np.array_equal(matrix[:2, :2], np.eye(2)) and not matrix[2, :2].any()


def mesh_at(mesh: F32, x: F32, y: F32, size: tuple[int, int]) -> F32:
    """A mesh (gh, gw, 2) over a picture of ``size`` (height, width) at px x, y: their shape and (2,), bilinear."""
    rows, columns = mesh.shape[:2]
    across = np.clip(x * ((columns - 1) / (size[1] - 1)), 0, columns - 1)
    down = np.clip(y * ((rows - 1) / (size[0] - 1)), 0, rows - 1)
    i = np.minimum(across.astype(np.int64), columns - 2)
    j = np.minimum(down.astype(np.int64), rows - 2)
    s, t = (across - i)[..., None], (down - j)[..., None]
    upper = mesh[j, i] * (1 - s) + mesh[j, i + 1] * s
    lower = mesh[j + 1, i] * (1 - s) + mesh[j + 1, i + 1] * s
    return np.asarray(upper * (1 - t) + lower * t, np.float32)


def mesh_over(mesh: F32, size: tuple[int, int]) -> F32:
    """The same at all px of the picture, one axis after the other: (height, width, 2)."""
    grown = mesh
    for axis, length in enumerate(size):
        at = np.linspace(0, mesh.shape[axis] - 1, length, dtype=np.float32)
        first = np.minimum(at.astype(np.int64), mesh.shape[axis] - 2)
        share = (at - first).reshape((-1, 1, 1) if axis == 0 else (-1, 1))
        before, behind = np.take(grown, first, axis), np.take(grown, first + 1, axis)
        grown = before + share * (behind - before)
    return np.asarray(grown, np.float32)


def _shifted(rgb: U8 | F32, left: float, top: float, size: tuple[int, int]) -> F32:
    """The px from (left, top) on, (height, width, 3) float32: the same weights everywhere, one axis after the other."""
    import cv2

    height, width = size
    i, j = int(np.floor(left)), int(np.floor(top))
    s, t = left - i, top - j
    # Room of 3 px before and 4 behind for the weights; what lies outside the frame is mirrored at its border.
    before, behind = (
        (max(0, 3 - j), max(0, 3 - i)),
        (
            max(0, j + height + 4 - rgb.shape[0]),
            max(0, i + width + 4 - rgb.shape[1]),
        ),
    )
    cut: U8 | F32 = rgb[max(0, j - 3) : j + height + 4, max(0, i - 3) : i + width + 4]
    if any(before) or any(behind):
        cut = cv2.copyMakeBorder(cut, before[0], behind[0], before[1], behind[1], cv2.BORDER_REFLECT_101)  # type: ignore[assignment]
    if s == 0 and t == 0:
        return cut[3 : 3 + height, 3 : 3 + width].astype(np.float32)
    filtered = cv2.sepFilter2D(
        cut, cv2.CV_32F, lanczos(s), lanczos(t), anchor=(3, 3), borderType=cv2.BORDER_REFLECT_101
    )
    return np.ascontiguousarray(filtered[3 : 3 + height, 3 : 3 + width], np.float32)
