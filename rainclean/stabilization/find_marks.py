"""Find what stays at its place in the frames while the scene moves under it: logos, clocks and writing on a clip.

`registration` calls this at the end, where the camera moved.

Dekel et al., "On the effectiveness of visible watermarks", CVPR 2017: over many frames the scene's gradients average
away, those of a mark stay. An edge of the scene stays as well where it lies along the camera's motion. So only the
part of a gradient along the motion counts, and no edge that lies along it itself. What moves with the camera, such as
a window frame or a drop on the lens, is found likewise, and hides the scene likewise.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.moving import F32, U8, Mask, closed, ellipse
from rainclean.stabilization.gauss_newton import transform_points

F64 = NDArray[np.float64]

MIN_STEP_PX = 1.5
"""px of the reduced picture that the scene moves between examined frames: others would add nothing new."""

MIN_FRAMES, MAX_FRAMES = 10, 32
"""Frames that are examined."""

STATIC_FRACTION, STATIC_PX = 0.5, 2.0
"""An edge counts if in at most this fraction of the frames the scene lies within so many px of one place across it."""

PATH_ERROR_FRACTION, PATH_DIFFERENCE_FRACTION = 0.05, 0.2
"""Error of every path, as fractions of the longest path in the picture, and of how paths differ: what is far away
moves less than one motion of the whole picture says.
"""

FINE_BLUR_PX, COARSE_BLUR_PX = 0.7, 2.5
"""px of blur between which there is detail: a soft edge would stay for long, and a line leaves nothing where it went.
"""

MIN_MEAN_GRADIENT, MIN_FRAME_GRADIENT = 1.5, 1.0
"""Grey levels a px that an edge rises by in the mean over the frames, and in a frame that it is seen in."""

MAX_GRADIENT = 12.0
"""Grey levels a px beyond which a frame counts no more in the mean."""

SEEN_FRACTION, CERTAIN_FRACTION = 0.6, 0.8
"""Fraction of the frames in which an edge is seen with one sign, and in which some of it must be seen."""

MIN_CERTAIN_PX, MIN_LINE_PX = 5, 10
"""px of a line that must be certain, and that it must have."""

MIN_CERTAIN_FRACTION = 0.0006
"""Fraction of the picture that must be certain: less is chance."""

MIN_ALONG_FRACTION = 0.25
"""Fraction of a gradient that must be along the motion; no measured motion is more exact."""

MAX_WIDTH_FRACTION = 0.4
"""Fraction of the width of the picture that one mark extends along the motion at most; wider pairs of edges are of
several.
"""

RIM_PX = 2
"""px that are added around a mark: its edge is soft, and an encoder has made it softer."""

_SIDES = 48
_PLACES = 7


def find_drawn(pictures: Sequence[U8], matrices: Sequence[F64]) -> Mask:
    """Find what stays at its place in the frames, (h, w) bool; nothing where the camera moves too little.

    pictures: (h, w) uint8 each, luma of frames, not warped. matrices: (3, 3) float64 each, px of the reference frame
    to px of each.
    """
    size = (pictures[0].shape[0], pictures[0].shape[1])
    shown = _paths(matrices, size)
    chosen = _moved_frames(shown)
    if len(chosen) < MIN_FRAMES:
        return np.zeros(size, bool)
    slopes = [_slope(pictures[i]) for i in chosen]
    edges = _edges(slopes, shown[chosen])
    if not edges.lines.any():
        return edges.lines
    marks = (edges.lines | _between(edges.signs, edges.angle)).view(np.uint8)  # not filled: a ring is drawn hollow
    return np.asarray(cv2.dilate(closed(marks, 2 * (size[1] // 60) + 1), ellipse(2 * RIM_PX + 1)) > 0)


def _paths(matrices: Sequence[F64], size: tuple[int, int]) -> F64:
    """Return where in the reference frame the places of a coarse grid of each frame lie, (N, 2, places) px."""
    x, y = np.meshgrid(np.linspace(0, size[1] - 1, _PLACES), np.linspace(0, size[0] - 1, _PLACES))
    return np.array(
        [transform_points(np.asarray(np.linalg.inv(m), np.float64), x.ravel(), y.ravel()) for m in matrices]
    )


def _moved_frames(shown: F64) -> list[int]:
    """Choose frames between which the scene moves, rising."""
    chosen = [0]
    for i in range(1, len(shown)):
        away = shown[chosen] - shown[i]
        if np.median(np.hypot(away[:, 0], away[:, 1]), axis=1).min() >= MIN_STEP_PX:
            chosen.append(i)
    return [chosen[k] for k in np.linspace(0, len(chosen) - 1, min(MAX_FRAMES, len(chosen))).round().astype(int)]


def _slope(picture: U8) -> F32:
    """Compute the gradient of the detail of a picture, (2, h, w) float32: to the right, downwards."""
    grey = picture.astype(np.float32)
    detail = cv2.GaussianBlur(grey, (0, 0), FINE_BLUR_PX) - cv2.GaussianBlur(grey, (0, 0), COARSE_BLUR_PX)
    return np.stack([cv2.Sobel(detail, cv2.CV_32F, x, 1 - x, scale=1 / 8) for x in (1, 0)])


class _Edges(NamedTuple):
    """Edges that stay.

    lines: (h, w) bool. signs: (h, w) int8, of those across the main motion, by their sign along it. angle: of the main
    motion, radians.
    """

    lines: Mask
    signs: NDArray[np.int8]
    angle: float


def _edges(slopes: Sequence[F32], shown: F64) -> _Edges:
    """Find the edges that stay at their place."""
    size = slopes[0].shape[1:]
    mean = np.zeros((2, *size), np.float32)
    for slope in slopes:
        size_of = np.maximum(cv2.magnitude(slope[0], slope[1]), np.float32(MAX_GRADIENT))
        mean += slope * (np.float32(MAX_GRADIENT) / size_of)
    mean /= np.float32(len(slopes))
    y, x = np.nonzero(cv2.magnitude(mean[0], mean[1]) > MIN_MEAN_GRADIENT)
    rows, columns = (np.rint(at * ((_PLACES - 1) / (n - 1))).astype(int) for at, n in zip((y, x), size, strict=True))
    place, held, rises = rows * _PLACES + columns, _held(shown), mean[:, y, x]
    counts = held[_side(np.arctan2(rises[1], rises[0])), place] <= STATIC_FRACTION
    motion = _main_motion(shown)
    seen, certain, signs = np.zeros(size, bool), np.zeros(size, bool), np.zeros(size, np.int8)
    for turn in (0.0, np.pi / 2):
        angle = motion[place] + turn
        along = np.cos(angle) * rises[0] + np.sin(angle) * rises[1]
        used = counts & (held[_side(angle), place] <= STATIC_FRACTION)
        used &= np.abs(along) > np.maximum(MIN_MEAN_GRADIENT, MIN_ALONG_FRACTION * np.hypot(rises[0], rises[1]))
        at = y[used], x[used]
        sign = np.sign(along[used])
        u, v = sign * np.cos(angle[used]), sign * np.sin(angle[used])
        share = np.mean([slope[0][at] * u + slope[1][at] * v > MIN_FRAME_GRADIENT for slope in slopes], axis=0)
        seen[at] |= share > SEEN_FRACTION
        certain[at] |= share > CERTAIN_FRACTION
        if not turn:
            signs[at] = np.where(share > SEEN_FRACTION, sign, 0)
    lines = _certain_lines(seen, certain)
    return _Edges(lines, signs * lines, float(motion[len(motion) // 2]))


def _main_motion(shown: F64) -> F64:
    """Return the angle of the line that the scene moves along at each place, (places,) radians."""
    x, y = np.moveaxis(shown - shown.mean(axis=0), 1, 0)
    return np.asarray(np.arctan2(2 * (x * y).mean(axis=0), (x * x - y * y).mean(axis=0)) / 2)


def _held(shown: F64) -> F64:
    """Return the largest share of the frames in which the scene lies near one place along a side, (sides, places)."""
    angles = np.arange(_SIDES) * (np.pi / _SIDES)
    along = np.cos(angles)[:, None, None] * shown[:, 0] + np.sin(angles)[:, None, None] * shown[:, 1]
    relative = shown - shown.mean(axis=2, keepdims=True)
    path, difference = (np.hypot(*np.ptp(of, axis=0)).max() for of in (shown, relative))
    reach = max(STATIC_PX, PATH_ERROR_FRACTION * path, PATH_DIFFERENCE_FRACTION * difference)
    near = np.abs(along[:, :, None] - along[:, None]) <= reach
    held = near.mean(axis=2).max(axis=1)
    return np.asarray(np.maximum.reduce([np.roll(held, k, axis=0) for k in (-1, 0, 1)]))  # angles are not known better


def _side(angle: F64 | F32) -> NDArray[np.intp]:
    return np.rint(angle * (_SIDES / np.pi)).astype(np.intp) % _SIDES


def _certain_lines(seen: Mask, certain: Mask) -> Mask:
    """Keep lines (h, w) bool that are long enough, and certain in enough px; nothing where those are few in all."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(seen.view(np.uint8), connectivity=8)
    certain_px = np.bincount(parts[certain], minlength=count)
    keep = (stats[:, cv2.CC_STAT_AREA] >= MIN_LINE_PX) & (certain_px >= MIN_CERTAIN_PX)
    keep[0] = False
    return np.asarray(keep[parts] & bool(certain_px[keep].sum() >= MIN_CERTAIN_FRACTION * seen.size))


def _between(signs: NDArray[np.int8], angle: float) -> Mask:
    """Fill between edges on either side of a mark, (h, w) bool: edges along the motion are not seen.

    signs: (h, w) int8, 1 where it gets brighter along the motion, -1 where darker. angle: of the motion, radians.
    """
    height, width = signs.shape
    side = int(np.ceil(np.hypot(height, width)))
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), np.degrees(angle), 1.0)
    turn[:, 2] += (side - width) / 2, (side - height) / 2
    turned = cv2.warpAffine(signs.astype(np.float32), turn, (side, side), flags=cv2.INTER_NEAREST)
    row, column = np.nonzero(turned)
    sign = turned[row, column]
    first, last = np.searchsorted(row, row), np.searchsorted(row, row, side="right") - 1
    # A row whose first and last edge differ in sign holds bright marks only, or dark ones.
    kind = np.where(sign[first] == -sign[last], sign[first], 0)[:-1]
    pair = np.flatnonzero((row[1:] == row[:-1]) & (sign[:-1] == kind) & (sign[1:] == -kind))
    pair = pair[column[pair + 1] - column[pair] <= MAX_WIDTH_FRACTION * width]
    steps = np.zeros((side, side + 1), np.int32)
    np.add.at(steps, (row[pair], column[pair]), 1)
    np.add.at(steps, (row[pair], column[pair + 1] + 1), -1)
    filled = (np.cumsum(steps, axis=1)[:, :-1] > 0).astype(np.uint8)
    rows = cv2.morphologyEx(filled, cv2.MORPH_OPEN, np.ones((3, 1), np.uint8))  # in a single one an edge is missing
    back = cv2.warpAffine(rows, turn, (width, height), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    return np.asarray(back > 0)
