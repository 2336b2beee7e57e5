"""What stays at its place in the frames while the scene moves under it: marks, clocks and writing drawn over a clip.

Dekel et al., "On the effectiveness of visible watermarks", CVPR 2017: over many frames the scene's gradients average
away, those of a mark stay. An edge of the scene stays as well where it lies along the camera's motion, so only the
part of a gradient along the motion counts, and no edge that lies along it itself. What moves with the camera, as
a window frame or a drop on the lens, is found likewise, and hides the scene likewise.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.moving import F32, U8, Mask, closed, ellipse
from rainclean.stabilization.gauss_newton import apply

F64 = NDArray[np.float64]

APART = 1.5
"""px of the reduced picture that the scene moves between frames that are looked at: others would tell nothing new."""

FEWEST, MOST = 10, 32
"""Frames that are looked at."""

HELD, NEARLY = 0.5, 2.0
"""An edge speaks if in at most so many of the frames the scene lies within so many px of one place across the edge."""

UNSURE, FAR = 0.05, 0.2
"""Shares of the longest way in the picture, and of what ways differ by, that no way is known better than: what is far
away goes less far than one motion of the whole picture says.
"""

FINE, COARSE = 0.7, 2.5
"""px of blur between which there is detail: a soft edge would stay for long, and a line leaves nothing where it went.
"""

MEAN, STEEP = 1.5, 1.0
"""Grey levels a px that an edge rises by in the mean over the frames, and in a frame that it is seen in."""

AT_MOST = 12.0
"""Grey levels a px beyond which a frame weighs no more in the mean."""

SEEN, SURE = 0.6, 0.8
"""Share of the frames that it is seen in with one sign, and what some of it must be seen in."""

SURE_PX, LEAST_PX = 5, 10
"""px of a line that must be sure, and that it must have."""

LEAST = 0.0006
"""Share of the picture that must be sure: less is chance."""

ALONG = 0.25
"""Share of a gradient that must be along the motion; no measured motion is truer."""

WIDEST = 0.4
"""Share of the width of the picture that a thing goes along the motion at most; other edges are of several."""

RIM = 2
"""px that are added around a thing: its edge is soft, and an encoder has made it softer."""

_SIDES = 48
_PLACES = 7


def find_drawn(pictures: Sequence[U8], matrices: Sequence[F64]) -> Mask:
    """Find what stays at its place in the frames, (h, w) bool; nothing where the camera moves too little to tell.

    pictures: (h, w) uint8 each, luma of frames as they are. matrices: (3, 3) float64 each, px of the reference frame
    to px of each.
    """
    size = (pictures[0].shape[0], pictures[0].shape[1])
    shown = _shown(matrices, size)
    chosen = _apart(shown)
    if len(chosen) < FEWEST:
        return np.zeros(size, bool)
    slopes = [_slope(pictures[i]) for i in chosen]
    lines, along, angle = _lines(slopes, shown[chosen])
    if not lines.any():
        return lines
    things = (lines | _between(along, angle)).view(np.uint8)  # not filled: nothing is drawn within a ring
    return np.asarray(cv2.dilate(closed(things, 2 * (size[1] // 60) + 1), ellipse(2 * RIM + 1)) > 0)


def _shown(matrices: Sequence[F64], size: tuple[int, int]) -> F64:
    """What of the reference frame each frame shows at some places, (N, 2, places) px."""
    x, y = np.meshgrid(np.linspace(0, size[1] - 1, _PLACES), np.linspace(0, size[0] - 1, _PLACES))
    return np.array([apply(np.asarray(np.linalg.inv(m), np.float64), x.ravel(), y.ravel()) for m in matrices])


def _apart(shown: F64) -> list[int]:
    """Frames between which the scene moves, rising."""
    chosen = [0]
    for i in range(1, len(shown)):
        away = shown[chosen] - shown[i]
        if np.median(np.hypot(away[:, 0], away[:, 1]), axis=1).min() >= APART:
            chosen.append(i)
    return [chosen[k] for k in np.linspace(0, len(chosen) - 1, min(MOST, len(chosen))).round().astype(int)]


def _slope(picture: U8) -> F32:
    """By how much the detail of a picture rises from px to px, (2, h, w) float32: to the right, downwards."""
    grey = picture.astype(np.float32)
    detail = cv2.GaussianBlur(grey, (0, 0), FINE) - cv2.GaussianBlur(grey, (0, 0), COARSE)
    return np.stack([cv2.Sobel(detail, cv2.CV_32F, x, 1 - x, scale=1 / 8) for x in (1, 0)])


def _lines(slopes: Sequence[F32], shown: F64) -> tuple[Mask, NDArray[np.int8], float]:
    """Edges that stay, (h, w) bool; those across the main motion by their sign along it, (h, w) int8; its angle."""
    size = slopes[0].shape[1:]
    mean = np.zeros((2, *size), np.float32)
    for slope in slopes:
        mean += slope * (np.float32(AT_MOST) / np.maximum(cv2.magnitude(slope[0], slope[1]), np.float32(AT_MOST)))
    mean /= np.float32(len(slopes))
    y, x = np.nonzero(cv2.magnitude(mean[0], mean[1]) > MEAN)
    rows, columns = (np.rint(at * ((_PLACES - 1) / (n - 1))).astype(int) for at, n in zip((y, x), size, strict=True))
    place, held, rises = rows * _PLACES + columns, _held(shown), mean[:, y, x]
    speaks = held[_side(np.arctan2(rises[1], rises[0])), place] <= HELD
    motion = _main_motion(shown)
    seen, sure, signs = np.zeros(size, bool), np.zeros(size, bool), np.zeros(size, np.int8)
    for turn in (0.0, np.pi / 2):
        angle = motion[place] + turn
        along = np.cos(angle) * rises[0] + np.sin(angle) * rises[1]
        told = speaks & (held[_side(angle), place] <= HELD)
        told &= np.abs(along) > np.maximum(MEAN, ALONG * np.hypot(rises[0], rises[1]))
        at = y[told], x[told]
        sign = np.sign(along[told])
        u, v = sign * np.cos(angle[told]), sign * np.sin(angle[told])
        share = np.mean([slope[0][at] * u + slope[1][at] * v > STEEP for slope in slopes], axis=0)
        seen[at] |= share > SEEN
        sure[at] |= share > SURE
        if not turn:
            signs[at] = np.where(share > SEEN, sign, 0)
    lines = _certain(seen, sure)
    return lines, signs * lines, float(motion[len(motion) // 2])


def _main_motion(shown: F64) -> F64:
    """The angle of the line that the scene moves along at each place, (places,) radians."""
    x, y = np.moveaxis(shown - shown.mean(axis=0), 1, 0)
    return np.asarray(np.arctan2(2 * (x * y).mean(axis=0), (x * x - y * y).mean(axis=0)) / 2)


def _held(shown: F64) -> F64:
    """Largest share of the frames in which the scene lies near one place along a side, (sides, places)."""
    angles = np.arange(_SIDES) * (np.pi / _SIDES)
    along = np.cos(angles)[:, None, None] * shown[:, 0] + np.sin(angles)[:, None, None] * shown[:, 1]
    way, apart = (np.hypot(*np.ptp(of, axis=0)).max() for of in (shown, shown - shown.mean(axis=2, keepdims=True)))
    near = np.abs(along[:, :, None] - along[:, None]) <= max(NEARLY, UNSURE * way, FAR * apart)
    held = near.mean(axis=2).max(axis=1)
    return np.asarray(np.maximum.reduce([np.roll(held, k, axis=0) for k in (-1, 0, 1)]))  # angles are not known better


def _side(angle: F64 | F32) -> NDArray[np.intp]:
    return np.rint(angle * (_SIDES / np.pi)).astype(np.intp) % _SIDES


def _certain(seen: Mask, sure: Mask) -> Mask:
    """The lines (h, w) bool that are long enough, and sure in enough px; nothing where those are few in all."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(seen.view(np.uint8), connectivity=8)
    sure_px = np.bincount(parts[sure], minlength=count)
    keep = (stats[:, cv2.CC_STAT_AREA] >= LEAST_PX) & (sure_px >= SURE_PX)
    keep[0] = False
    return np.asarray(keep[parts] & bool(sure_px[keep].sum() >= LEAST * seen.size))


def _between(signs: NDArray[np.int8], angle: float) -> Mask:
    """What lies between edges on either side of a thing, (h, w) bool: those along the motion are not seen.

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
    # A row that begins as it does not end holds bright things only, or dark ones.
    kind = np.where(sign[first] == -sign[last], sign[first], 0)[:-1]
    pair = np.flatnonzero((row[1:] == row[:-1]) & (sign[:-1] == kind) & (sign[1:] == -kind))
    pair = pair[column[pair + 1] - column[pair] <= WIDEST * width]
    steps = np.zeros((side, side + 1), np.int32)
    np.add.at(steps, (row[pair], column[pair]), 1)
    np.add.at(steps, (row[pair], column[pair + 1] + 1), -1)
    found = (np.cumsum(steps, axis=1)[:, :-1] > 0).astype(np.uint8)
    rows = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 1), np.uint8))  # in a single one an edge is missing
    back = cv2.warpAffine(rows, turn, (width, height), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    return np.asarray(back > 0)
