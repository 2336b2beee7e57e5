"""Take a frame to another geometry in one resampling, by Lanczos' windowed sinc over eight px a side.

`Registration.warp` and `Stabilization.apply` end here. Duchon, "Lanczos filtering in one and two dimensions", J. Appl.
Meteorology 1979: the detail of a frame stays, where linear or cubic interpolation would blur it differently in each
frame.
"""

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

MARGIN_PX = 1.0
"""px at the border of a frame that are not sampled, because what lies beyond them would have to be made up."""

_TAPS = np.arange(-3, 5)


def lanczos(part: float) -> F32:
    """Return the weights (8,) float32 of the px −3…4 around a place ``part`` (0…1) px right of px 0; their sum is 1."""
    away = part - _TAPS
    weights = np.sinc(away) * np.sinc(away / 4)
    return np.asarray(weights / weights.sum(), np.float32)


def resample(rgb: U8 | F32, matrix: F64, mesh: F32 | None, region: tuple[int, int, int, int]) -> F32:
    """Sample ``rgb`` (H, W, 3) where ``matrix`` takes the px of ``region`` (x, y, width, height).

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
        from_region = matrix @ np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
        return np.asarray(
            cv2.warpPerspective(
                picture,
                from_region,
                (width, height),
                flags=flags | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT_101,
            ),
            np.float32,
        )
    u, v = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    bend(matrix, mesh, rgb.shape[0], rgb.shape[1], x, y, u, v)
    return np.asarray(
        cv2.remap(picture, u, v, flags, borderMode=cv2.BORDER_REFLECT_101),
        np.float32,
    )


def only_shifts(matrix: F64) -> bool:
    """Return whether a matrix (3, 3) shifts all px alike."""
    return np.array_equal(matrix[:2, :2], np.eye(2)) and not matrix[2, :2].any()


@compiled
def bend(matrix: F64, mesh: F32, height: int, width: int, left: int, top: int, u: F32, v: F32) -> None:
    """Map px by a matrix (3, 3) and a mesh (gh, gw, 2) over a picture of height × width px: ``u``, ``v`` (h, w) px.

    The nodes of the mesh are spaced evenly from the first to the last px of the picture, bilinear between them; its
    shifts are added after the matrix. left, top: position of the first of the px in the picture.
    """
    (rows, columns), line = mesh.shape[:2], np.empty((mesh.shape[1], 2))
    for r in range(u.shape[0]):
        y = float(top + r)
        down = min(max(y * (rows - 1) / (height - 1), 0.0), rows - 1.0)
        j = min(int(down), rows - 2)
        for i in range(columns):
            for c in range(2):
                line[i, c] = mesh[j, i, c] + (down - j) * (mesh[j + 1, i, c] - mesh[j, i, c])
        for k in range(u.shape[1]):
            x = float(left + k)
            across = min(max(x * (columns - 1) / (width - 1), 0.0), columns - 1.0)
            i = min(int(across), columns - 2)
            s = across - i
            z = 1 / (matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2])
            u[r, k] = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) * z
            u[r, k] += line[i, 0] + s * (line[i + 1, 0] - line[i, 0])
            v[r, k] = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) * z
            v[r, k] += line[i, 1] + s * (line[i + 1, 1] - line[i, 1])


@compiled
def shown(matrix: F64, inside: Mask) -> None:
    """Find which px a matrix (3, 3) keeps inside a picture: ``inside`` (H, W), of the picture's size."""
    height, width = inside.shape
    for y in range(height):
        for x in range(width):
            z = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
            u = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
            v = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
            inside[y, x] = (u >= 0) & (v >= 0) & (u <= (width - 1) * z) & (v <= (height - 1) * z)


def _shifted(rgb: U8 | F32, left: float, top: float, size: tuple[int, int]) -> F32:
    """Sample the px from (left, top) on, (height, width, 3) float32: the same weights everywhere, axis by axis."""
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
