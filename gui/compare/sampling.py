"""The visible part of pictures and masks at the screen's resolution, pictures as BGRX.

Below 1:1 every device pixel is the mean of k × k samples, interpolated linearly between pixels and no farther apart
than pixels. All pixels that it covers count, so thin streaks neither vanish nor break up. At zoom 1/k this is the mean
over its area, and elsewhere within a few levels of it, in a third of the time of OpenCV's INTER_AREA. Up to 300 %
pictures are bilinear, without the halos of sharper filters. Above that pixels are squares.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gui.compare.kinds import U8
from gui.compare.viewport import Box, Viewport
from rainclean.video import Region

SMOOTH_UP_TO = 3.0
"""Zoom above which pixels are squares."""

_SMALL = 300 * 300
"""Pixels up to which a changed part is scaled alone; above that the whole picture is as fast."""


class Sampler:
    """Samples pictures and masks, and caches them scaled down.

    The whole picture is scaled down at once, so that panning and blinking only copy.
    """

    def __init__(self) -> None:
        self._scaled: dict[int, tuple[U8, U8]] = {}

    def keep_only(self, sources: Iterable[U8]) -> None:
        """Drop the cache of all other arrays."""
        kept = {id(source) for source in sources}
        self._scaled = {key: entry for key, entry in self._scaled.items() if key in kept}

    def changed(self, source: U8, new: U8, region: Region | None) -> None:
        """Update the cache after contents have changed.

        Args:
            source: The array before.
            new: The array that holds the contents from now on; may be the same.
            region: Where contents have changed; None for anywhere.
        """
        entry = self._scaled.pop(id(source), None)
        if entry is None or region is None or region.width * region.height > _SMALL or new.shape != source.shape:
            return
        _rescale(new, entry[1], region)
        self._scaled[id(new)] = (new, entry[1])

    def sample(self, source: U8, viewport: Viewport, box: Box) -> U8:
        """Return the visible part of a picture or mask.

        Args:
            source: (H, W, 3) uint8 RGB, or a mask (H, W) uint8.
            viewport: View of the pane.
            box: Box of the pane in device pixels, within the viewport's extent.

        Returns:
            (h, w, 4) uint8 BGRX, or (h, w) uint8 for a mask; not to be written to.
        """
        x, y = viewport.origin
        if viewport.zoom < 1:
            return self._scaled_down(source, viewport.drawn)[box.moved(-x, -y).slices]
        if viewport.zoom == 1:
            return _as_screen(source[box.moved(-x, -y).slices])
        return _enlarged(source, viewport, box)

    def scaling(self, source: U8, viewport: Viewport) -> Callable[[], U8] | None:
        """Return work, for any thread, that scales a picture down; None if it is not scaled down, or is already."""
        entry, size = self._scaled.get(id(source)), viewport.drawn
        if viewport.zoom >= 1 or (entry is not None and entry[1].shape[1::-1] == size):
            return None
        return partial(_scaled, source, size)

    def put(self, source: U8, scaled: U8) -> None:
        """Cache what `scaling` made of a picture."""
        self._scaled[id(source)] = (source, scaled)

    def _scaled_down(self, source: U8, size: tuple[int, int]) -> U8:
        entry = self._scaled.get(id(source))
        if entry is None or entry[1].shape[1::-1] != size:
            entry = self._scaled[id(source)] = (source, _scaled(source, size))
        return entry[1]


def _scaled(source: U8, size: tuple[int, int]) -> U8:
    return _as_screen(_means(source, size))


def _means(source: U8, size: tuple[int, int]) -> U8:
    import cv2

    halved = min(source.shape[1] // size[0], source.shape[0] // size[1])
    if halved > 1 and not (source.shape[1] % halved or source.shape[0] % halved):
        # Means of whole blocks of pixels are by far the fastest way; samples do the rest.
        source = cv2.resize(  # type: ignore[assignment]
            source, (source.shape[1] // halved, source.shape[0] // halved), interpolation=cv2.INTER_AREA
        )
    whole = source.shape[1::-1]
    if whole == size:
        return source
    fine = (size[0] * _samples(whole[0], size[0]), size[1] * _samples(whole[1], size[1]))
    if fine != whole:
        source = cv2.resize(source, fine, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    return cv2.resize(source, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _samples(source: int, scaled: int) -> int:
    """Return k along an axis: samples per device pixel, in total at least as many as pixels."""
    return math.ceil(source / scaled)


def _as_screen(rgb: U8) -> U8:
    """Return RGB as BGRX; a mask unchanged."""
    import cv2

    return rgb if rgb.ndim == 2 else cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA)  # type: ignore[return-value]


def _enlarged(source: U8, viewport: Viewport, box: Box) -> U8:
    import cv2

    # One pixel more on each side, for bilinear interpolation.
    near = viewport.pixels(box).grown(1).cut(Box(0, 0, *viewport.picture))
    crop = _as_screen(source[near.slices])
    if viewport.zoom > SMOOTH_UP_TO:
        x, y = (_nearest(viewport, box, near, axis) for axis in (0, 1))
        return _take(crop, x, y)
    (x0, y0), scale = viewport.to_picture(box.x0 + 0.5, box.y0 + 0.5), 1 / viewport.zoom
    matrix = np.array([[scale, 0, x0 - 0.5 - near.x0], [0, scale, y0 - 0.5 - near.y0]])
    size = (box.x1 - box.x0, box.y1 - box.y0)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(crop, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _nearest(viewport: Viewport, box: Box, near: Box, axis: int) -> NDArray[np.intp]:
    """Return for each device pixel along an axis (0: x) the pixel of the crop under its centre."""
    centres = np.arange(box[axis], box[axis + 2]) + 0.5
    pixels = np.floor((centres - viewport.origin[axis]) / viewport.zoom).astype(np.intp)
    last = viewport.picture[axis] - 1
    return np.clip(pixels, 0, last) - near[axis]


def _take(crop: U8, x: NDArray[np.intp], y: NDArray[np.intp]) -> U8:
    if crop.ndim == 2:
        return crop[:, x][y]
    words = crop.view(np.uint32)[..., 0]
    return words[:, x][y][..., None].view(np.uint8)


class _Averages(NamedTuple):
    """Weights along one axis, (scaled pixels, source pixels), and the first scaled and source pixel."""

    weights: NDArray[np.float32]
    scaled: int
    source: int

    @property
    def targets(self) -> slice:
        return slice(self.scaled, self.scaled + self.weights.shape[0])

    @property
    def origins(self) -> slice:
        return slice(self.source, self.source + self.weights.shape[1])


def _rescale(source: U8, scaled: U8, region: Region) -> None:
    """Update a scaled picture or mask within a region of its source."""
    rows = _averages(source.shape[0], scaled.shape[0], region.y, region.height)
    columns = _averages(source.shape[1], scaled.shape[1], region.x, region.width)
    crop = source[rows.origins, columns.origins].astype(np.float32)
    planes = crop.reshape(*crop.shape[:2], -1).transpose(2, 0, 1)
    means = np.rint(rows.weights @ planes @ columns.weights.T).astype(np.uint8)
    target = scaled[rows.targets, columns.targets]
    target[...] = means[0] if source.ndim == 2 else _as_screen(np.ascontiguousarray(means.transpose(1, 2, 0)))


def _averages(source: int, scaled: int, start: int, length: int) -> _Averages:
    """Return the weights for pixels start…start + length, and for those that share a scaled pixel with them."""
    count = _samples(source, scaled)
    step = source / scaled
    first, end = max(0, int((start - 1) / step)), min(scaled, math.ceil((start + length + 1) / step))
    places = (np.arange(first * count, end * count) + 0.5) * (step / count) - 0.5
    lower = np.floor(places).astype(np.intp)
    near = np.clip(np.stack([lower, lower + 1]), 0, source - 1)
    begin = int(near.min())
    weights = np.zeros((end - first, int(near.max()) + 1 - begin), np.float32)
    rows = np.arange(len(places)) // count
    for pixel, weight in zip(near, (lower + 1 - places, places - lower), strict=True):
        np.add.at(weights, (rows, pixel - begin), weight / count)
    return _Averages(weights, first, begin)
