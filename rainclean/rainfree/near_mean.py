"""Make a clean image of a few frames near the reference frame, each aligned with it pixel by pixel.

Where a camera travels past near things, or wind bends what it films, no picture of many frames is right: each frame
shows another scene. A few frames next to the reference frame still show nearly the same one. A homography maps each of
them to the reference frame, dense optical flow does the rest. Both use pictures from which most rain was removed. The
median over them has no rain; the reference frame itself has the right detail wherever it shows no rain. Stein's rule
says how much of it is taken there: as much as the median differs from it by more than noise does.
"""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.rainfree.posterior import Posterior
from rainclean.temporal import luma

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

FRAMES_EACH_SIDE = 3
"""Frames to each side of the reference frame."""

MIN_NEAR_FRAMES = 5
"""Frames that must be aligned with the reference frame, itself included: of fewer the median says little."""

OWN_LEVELS, RAINY_LEVELS = 6.0, 14.0
"""Grey levels that the reference frame may differ from the median to be taken, and from which on it is not."""

_FLOW_SIDE_PX = 1280  # of larger pictures flow is computed at a smaller size
_SIFT_SIDE_PX = 960
_MIN_MATCHES = 12
_BLOCK_PX = 8
_SHARED_PX = 9  # px across: neighbours that share their uncertainty
_CALM_FRACTION = 0.05  # of blocks that are calmer than those by which noise is measured


@dataclass(frozen=True)
class Near:
    """Frames near the reference frame, aligned with it.

    Attributes:
        frames: (K, H, W, 3) uint8 RGB.
        at: which of them is the reference frame.
        indices: of the frames in what they were chosen from.
    """

    frames: U8
    at: int
    indices: tuple[int, ...]

    @property
    def reference(self) -> U8:
        """The reference frame, (H, W, 3) uint8."""
        return np.asarray(self.frames[self.at], np.uint8)


def frames_around(indices: Sequence[int], reference: int) -> list[int]:
    """Choose the frames next to a reference frame; as many where the indices begin or end.

    Args:
        indices: of frames, rising.
        reference: one of them.

    Example:
        >>> frames_around(range(0, 40, 2), 20)
        [14, 16, 18, 20, 22, 24, 26]
    """
    begin = max(0, min(indices.index(reference) - FRAMES_EACH_SIDE, len(indices) - 2 * FRAMES_EACH_SIDE - 1))
    return list(indices[begin : begin + 2 * FRAMES_EACH_SIDE + 1])


def align_near_frames(
    frames: Sequence[U8], at: int, matrices: Sequence[F64 | None], region: tuple[int, int, int, int], workers: int = 2
) -> Generator[float, None, Near]:
    """Align frames with one of them.

    Args:
        frames: (H, W, 3) uint8 each, in the order of time.
        at: position of the reference frame.
        matrices: (3, 3), px of the reference frame to px of each; None where that is not known.
        region: x, y, width, height of the reference frame that is wanted.
        workers: threads.

    Yields:
        The fraction of the work that is done.

    Returns:
        The aligned frames, without those that nothing connects to the reference frame.
    """
    height, width = frames[0].shape[:2]
    grey = [luma(frame) for frame in frames]
    with ThreadPoolExecutor(workers, thread_name_prefix="rainclean-near") as pool:
        missing = any(m is None for k, m in enumerate(matrices) if k != at)
        features = list(pool.map(_features, grey)) if missing else []
        placed = [
            np.eye(3) if k == at else m if m is not None else _homography(features[at], features[k])
            for k, m in enumerate(matrices)
        ]
        known = [k for k, matrix in enumerate(placed) if matrix is not None]
        yield 0.3
        scale = min(1.0, _FLOW_SIDE_PX / max(height, width))
        small = {k: _small(_taken(grey[k], placed[k]), scale) for k in known}  # type: ignore[arg-type]
        freed = {k: _freed_of_rain(small, known, k) for k in known}
        yield 0.4

        def aligned(k: int) -> U8:
            x, y, wide, high = region
            if k == at:
                return frames[k][y : y + high, x : x + wide]
            flow = _flow(freed[at], freed[k], (width, height))[y : y + high, x : x + wide]
            return _moved(frames[k], placed[k], flow, x, y)  # type: ignore[arg-type]

        pictures = []
        for done, picture in enumerate(pool.map(aligned, known), 1):
            pictures.append(picture)
            yield 0.4 + 0.6 * done / len(known)
    return Near(np.stack(pictures), known.index(at), tuple(known))


def near_clean(near: Near, without: int | None = None) -> tuple[U8, F32]:
    """Make the clean image.

    Args:
        near: the aligned frames.
        without: a frame that is not used, to judge the result by it; never the reference frame.

    Returns:
        The clean image, (H, W, 3) uint8, and how much of each pixel is the reference frame's own, (H, W) float32 0…1.
    """
    used = near.frames if without is None else np.delete(near.frames, without, axis=0)
    middle = over_time(used)
    reference = near.reference.astype(np.float32)
    difference = (reference - middle).mean(axis=2)
    share = _own_share(difference)
    unlike = np.clip((np.abs(difference) - OWN_LEVELS) / (RAINY_LEVELS - OWN_LEVELS), 0, 1)
    # Rain only brightens: where the reference frame is darker it shows something else, and that is what was there.
    own = np.where(difference < 0, share + (1 - share) * unlike, share * (1 - unlike))
    picture = middle + own[..., None] * (reference - middle)
    weight = np.asarray(own + (1 - own) / len(used), np.float32)
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8), weight


def near_posterior(near: Near, picture: U8) -> Posterior:
    """Return the posterior where a clean image of near frames is best.

    The other frames differ from it by noise, by what moved and by rain; half of them show no more than is usual there.

    Args:
        near: the aligned frames.
        picture: (H, W, 3) uint8, their clean image.
    """
    squares = [
        np.square(frame.astype(np.float32) - picture).mean(axis=2)
        for k, frame in enumerate(near.frames)
        if k != near.at
    ]
    usual = cv2.blur(np.sqrt(np.median(squares, axis=0)), (_SHARED_PX, _SHARED_PX))
    mean = picture.astype(np.float32)
    noise = noise_of_difference((near.reference - mean).mean(axis=2))
    return Posterior(mean, np.asarray(np.hypot(usual, noise), np.float32))


def over_time(frames: U8, percent: float = 50.0) -> F32:
    """Take a percentile over time, the median: (K, H, W, 3) uint8 → (H, W, 3) float32.

    Args:
        frames: (K, H, W, 3) uint8; taken in strips, because numpy copies them.
        percent: 0…100.
    """
    out = np.empty(frames.shape[1:], np.float32)
    for top in range(0, len(out), 64):
        out[top : top + 64] = np.percentile(frames[:, top : top + 64], percent, axis=0)
    return out


def noise_of_difference(apart: F32) -> float:
    """Measure the noise of one frame from its difference to the median, by the calmest blocks.

    Rain only brightens: what lies below the median is noise, and what moved; of that the calmest blocks have least.

    Args:
        apart: (H, W) float32, frame less median, grey levels.

    Returns:
        The standard deviation, grey levels.
    """
    height, width = (n // _BLOCK_PX * _BLOCK_PX for n in apart.shape)
    below = np.minimum(apart[:height, :width], 0).reshape(height // _BLOCK_PX, _BLOCK_PX, -1, _BLOCK_PX)
    count = np.count_nonzero(below, axis=(1, 3))
    usable = count > _BLOCK_PX * _BLOCK_PX // 4
    if not usable.any():
        return 0.0
    squares = np.square(below).sum(axis=(1, 3))[usable] / count[usable]
    return float(np.sqrt(np.quantile(squares, _CALM_FRACTION)))


def _own_share(apart: F32) -> float:
    """Return how much of the reference frame to take where it shows no rain, for the least squared error.

    The median is off by what the two differ by beyond noise (Stein's rule for two measurements of one thing).
    """
    dry = np.square(apart[np.abs(apart) < OWN_LEVELS])
    return max(0.0, 1 - noise_of_difference(apart) ** 2 / float(dry.mean())) if dry.size and dry.any() else 0.0


class _Features(NamedTuple):
    """SIFT features of a frame: places (K, 2) float32 px, descriptors (K, 128) float32, scale of the picture used."""

    places: F32
    descriptors: F32
    scale: float


def _features(grey: U8) -> _Features:
    """Find SIFT features of a frame, (H, W) uint8."""
    scale = min(1.0, _SIFT_SIDE_PX / max(grey.shape))
    points, descriptors = cv2.SIFT.create(2000).detectAndCompute(_small(grey, scale), np.empty(0, np.uint8))
    places = np.array([p.pt for p in points], np.float32).reshape(-1, 2)
    return _Features(
        places / np.float32(scale),
        np.asarray(descriptors, np.float32) if len(points) else np.empty((0, 128), np.float32),
        scale,
    )


def _homography(reference: _Features, other: _Features) -> F64 | None:
    """Estimate the matrix (3, 3), px of the reference frame to px of another one; None where too few features match."""
    if min(len(reference.descriptors), len(other.descriptors)) < _MIN_MATCHES:
        return None
    pairs = cv2.BFMatcher().knnMatch(reference.descriptors, other.descriptors, k=2)
    same = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < 0.75 * pair[1].distance]
    if len(same) < _MIN_MATCHES:
        return None
    source = reference.places[[m.queryIdx for m in same]]
    target = other.places[[m.trainIdx for m in same]]
    tolerance = 1.5 / reference.scale
    matrix, fits = cv2.findHomography(source, target, cv2.USAC_MAGSAC, tolerance, maxIters=5000, confidence=0.999)
    if matrix is None or fits.sum() < _MIN_MATCHES:
        return None
    return np.asarray(matrix, np.float64)


def _small(picture: U8, scale: float) -> U8:
    if scale == 1.0:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _taken(picture: U8, matrix: F64) -> U8:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = picture.shape[1], picture.shape[0]
    return np.asarray(
        cv2.warpPerspective(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _freed_of_rain(pictures: dict[int, U8], known: Sequence[int], k: int) -> U8:
    """Remove most of the rain of a picture: the median with the two next to it, and over 3×3 px."""
    place = known.index(k)
    first = min(max(place - 1, 0), max(0, len(known) - 3))
    three = np.sort([pictures[j] for j in known[first : first + 3]], axis=0)
    return np.asarray(cv2.medianBlur(three[(len(three) - 1) // 2], 3), np.uint8)


def _flow(reference: U8, other: U8, size: tuple[int, int]) -> F32:
    """Compute the optical flow of the reference frame, (H, W, 2) px; size: (width, height)."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.setFinestScale(0)
    flow = method.calc(reference, other, np.empty(0, np.float32))
    if flow.shape[1::-1] == size:
        return np.asarray(flow, np.float32)
    grown = cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown * np.float32(size[0] / flow.shape[1]), np.float32)


def _moved(frame: U8, matrix: F64, flow: F32, left: int, top: int) -> U8:
    """Resample a frame once, by its homography and the flow on top of it: (h, w, 3) uint8."""
    down, across = np.mgrid[top : top + flow.shape[0], left : left + flow.shape[1]].astype(np.float32)
    x, y = across + flow[..., 0], down + flow[..., 1]
    m = matrix.astype(np.float32)
    z = m[2, 0] * x + m[2, 1] * y + m[2, 2]
    u, v = (m[0, 0] * x + m[0, 1] * y + m[0, 2]) / z, (m[1, 0] * x + m[1, 1] * y + m[1, 2]) / z
    return np.asarray(cv2.remap(frame, u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)
