"""The pictures that are compared, and those derived from them. No Qt."""

from typing import Literal

import numpy as np

from gui.compare.kinds import U8, DifferenceKind
from rainclean.video import Region

Side = Literal["left", "right", "difference", "override"]


class Contents:
    """Left and right picture, the override over both, the preview of the right one, the difference.

    Pictures are (H, W, 3) uint8 RGB, all of the same size; they are kept, not copied, and never written to.
    """

    def __init__(self) -> None:
        self.left: U8 | None = None
        self.right: U8 | None = None
        self.override: U8 | None = None
        self.kind: DifferenceKind = "signed"
        self.gain = 1
        self._preview: U8 | None = None
        self._previewed: Region | None = None
        self._difference: U8 | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Return width and height in px; None without a picture."""
        first = next((picture for picture in (self.right, self.left, self.override) if picture is not None), None)
        return _size(first) if first is not None else None

    @property
    def both(self) -> bool:
        """Return whether there are two pictures to compare."""
        return self.left is not None and self.right is not None

    @property
    def arrays(self) -> list[U8]:
        """Return all arrays that may be painted."""
        arrays = (self.left, self.right, self.override, self._preview, self._difference)
        return [array for array in arrays if array is not None]

    def show(self, left: U8 | None, right: U8 | None) -> None:
        """Compare other pictures. Raise ValueError for pictures of two sizes or arrays of another kind."""
        _check(left, None)
        _check(right, _size(left) if left is not None else None)
        self.left, self.right = left, right
        self._preview = self._previewed = self._difference = None
        if self.override is not None and _size(self.override) != self.size:
            self.override = None

    def set_override(self, picture: U8 | None) -> None:
        """Set the picture over both, None for none. Raise ValueError for another size."""
        self.override = None
        _check(picture, self.size)
        self.override = picture

    def update_right(self, picture: U8, region: Region | None) -> tuple[U8, Region | None]:
        """Replace the right picture, and end a preview.

        Args:
            picture: (H, W, 3) uint8 RGB of the same size; the same array if its contents have changed.
            region: Where it differs from before; None for anywhere.

        Returns:
            What the right side showed before, and the region that has changed (None: anywhere).

        Raises:
            ValueError: The picture has another size.
        """
        _check(picture, self.size)
        previous, changed = self.shown_right, region
        if previous is None:
            raise ValueError("there is no right picture to update")
        if region is not None and self._preview is not None and self._previewed is not None:
            changed = _hull(region, self._previewed)
        self.right, self._preview, self._previewed = picture, None, None
        self._differ(changed)
        return previous, changed

    def preview(self, array: U8, region: Region, step: int) -> tuple[U8, Region]:
        """Show every step-th pixel of a region over the right picture.

        Args:
            array: (⌈h / step⌉, ⌈w / step⌉, 3) uint8 RGB.
            region: The region in px of the picture.
            step: Distance of the samples in px.

        Returns:
            What the right side showed before, and the region that has changed, that of an earlier preview included.

        Raises:
            ValueError: The array does not fit the region, or the region does not fit the picture.
        """
        if self.right is None or self.size is None:
            raise ValueError("there is no right picture to show a preview of")
        expected = (-(-region.height // step), -(-region.width // step), 3)
        inside = 0 <= region.x <= self.size[0] - region.width and 0 <= region.y <= self.size[1] - region.height
        if array.shape != expected or array.dtype != np.uint8 or not inside:
            raise ValueError(f"a preview of {array.dtype} {array.shape} for {region}, every {step}th pixel")
        previous, changed = self.shown_right, region
        if self._preview is None:
            self._preview = self.right.copy()
        elif self._previewed != region and self._previewed is not None:
            _part(self._preview, self._previewed)[...] = _part(self.right, self._previewed)
            changed = _hull(region, self._previewed)
        _part(self._preview, region)[...] = _spread(array, region, step)
        self._previewed = region
        self._differ(changed)
        assert previous is not None
        return previous, changed

    @property
    def shown_right(self) -> U8 | None:
        """Return the right picture with its preview."""
        return self._preview if self._preview is not None else self.right

    def set_difference(self, kind: DifferenceKind, gain: int) -> None:
        """Set how differences are shown."""
        self.kind, self.gain, self._difference = kind, gain, None

    def picture(self, side: Side) -> U8 | None:
        """Return the picture of a side."""
        if side == "difference":
            return self._whole_difference()
        return {"left": self.left, "right": self.shown_right, "override": self.override}[side]

    def _whole_difference(self) -> U8 | None:
        if self._difference is None and self.left is not None and self.shown_right is not None:
            self._difference = difference(self.left, self.shown_right, self.kind, self.gain)
        return self._difference

    def _differ(self, region: Region | None) -> None:
        if self._difference is None or region is None:
            self._difference = None
        elif self.left is not None and self.shown_right is not None:
            parts = _part(self.left, region), _part(self.shown_right, region)
            _part(self._difference, region)[...] = difference(*parts, self.kind, self.gain)


def difference(left: U8, right: U8, kind: DifferenceKind, gain: int) -> U8:
    """Return the difference of two (H, W, 3) uint8 pictures, clipped to 0…255.

    Signed: 128 + gain · (left − right), so that rain in the left picture is brighter than grey where the right one is
    clean. Absolute: gain · |left − right|.
    """
    import cv2

    if kind == "signed":
        return cv2.addWeighted(left, gain, right, -gain, 128)  # type: ignore[return-value]
    apart = cv2.absdiff(left, right)
    if gain == 1:
        return apart  # type: ignore[return-value]
    return cv2.LUT(apart, np.minimum(np.arange(256) * gain, 255).astype(np.uint8))  # type: ignore[return-value]


def _size(picture: U8) -> tuple[int, int]:
    return picture.shape[1], picture.shape[0]


def _check(picture: U8 | None, size: tuple[int, int] | None) -> None:
    if picture is None:
        return
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise ValueError(f"a picture of {picture.dtype} {picture.shape}, not (H, W, 3) uint8")
    if size is not None and _size(picture) != size:
        raise ValueError(f"a picture of {picture.shape[1]}×{picture.shape[0]} px beside one of {size[0]}×{size[1]} px")


def _part(picture: U8, region: Region) -> U8:
    return picture[region.y : region.y + region.height, region.x : region.x + region.width]


def _hull(one: Region, other: Region) -> Region:
    x, y = min(one.x, other.x), min(one.y, other.y)
    right = max(one.x + one.width, other.x + other.width)
    return Region(x, y, right - x, max(one.y + one.height, other.y + other.height) - y)


def _spread(array: U8, region: Region, step: int) -> U8:
    """Interpolate linearly between every step-th pixel; for even steps shifted by half a pixel, which is fast."""
    if step == 1:
        return array
    import cv2

    wider = cv2.copyMakeBorder(np.ascontiguousarray(array), 0, 1, 0, 1, cv2.BORDER_REPLICATE)
    size = (wider.shape[1] * step, wider.shape[0] * step)
    start = (step - 1) // 2
    spread = cv2.resize(wider, size, interpolation=cv2.INTER_LINEAR)
    return spread[start : start + region.height, start : start + region.width]  # type: ignore[return-value]
