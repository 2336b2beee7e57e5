"""The view of a picture in a pane. Pure geometry, no Qt.

All lengths of the pane are device pixels, so that at zoom 1 a pixel of the picture is a pixel of the screen on every
screen. The corner of the picture always falls on a whole device pixel, so that 1:1 and whole zooms are exact.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

from gui.compare.kinds import Place
from rainclean.video import Region

MAX_ZOOM = 64.0
"""Device pixels per pixel of the picture, at most."""


class Box(NamedTuple):
    """Pixels from (x0, y0) to (x1, y1), the end excluded."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def empty(self) -> bool:
        """Return whether it holds no pixel."""
        return self.x0 >= self.x1 or self.y0 >= self.y1

    def cut(self, other: "Box") -> "Box":
        """Return the intersection of both."""
        return Box(max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1))

    def joined(self, other: "Box") -> "Box":
        """Return the smallest box that holds both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def moved(self, dx: int, dy: int) -> "Box":
        """Return the box moved."""
        return Box(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)

    def grown(self, by: int) -> "Box":
        """Return the box enlarged on all sides."""
        return Box(self.x0 - by, self.y0 - by, self.x1 + by, self.y1 + by)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Return rows and columns of an array."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)


@dataclass(frozen=True, slots=True)
class Viewport:
    """A pane's view of a picture.

    Made by `fitting`, and changed by the methods. They keep the centre within the picture, and a picture that is
    smaller than the pane in the middle.

    Attributes:
        picture: Width and height in px.
        pane: Width and height in device pixels.
        zoom: Device pixels per pixel of the picture.
        centre: Place of the picture in the middle of the pane.
    """

    picture: tuple[int, int]
    pane: tuple[int, int]
    zoom: float
    centre: Place

    @classmethod
    def fitting(cls, picture: tuple[int, int], pane: tuple[int, int]) -> Self:
        """Return a view of the whole picture, as large as the pane allows."""
        zoom = min(MAX_ZOOM, max(1, pane[0]) / picture[0], max(1, pane[1]) / picture[1])
        return cls(picture, pane, zoom, (picture[0] / 2, picture[1] / 2))

    @property
    def fit_zoom(self) -> float:
        """Return the zoom at which the whole picture just fits."""
        return self.fitting(self.picture, self.pane).zoom

    @property
    def origin(self) -> tuple[int, int]:
        """Return the place of the picture's upper left corner in the pane."""
        x, y = (math.floor(side / 2 - at * self.zoom + 0.5) for side, at in zip(self.pane, self.centre, strict=True))
        return x, y

    @property
    def drawn(self) -> tuple[int, int]:
        """Return width and height of the whole picture at this zoom, in device pixels."""
        width, height = (max(1, math.floor(side * self.zoom + 0.5)) for side in self.picture)
        return width, height

    @property
    def extent(self) -> Box:
        """Return the part of the pane that the picture covers."""
        (x, y), (width, height) = self.origin, self.drawn
        return Box(x, y, x + width, y + height).cut(Box(0, 0, *self.pane))

    @property
    def visible(self) -> Region:
        """Return the visible pixels of the picture, partly visible ones included."""
        if self.extent.empty:
            return Region(0, 0, 0, 0)
        box = self.pixels(self.extent)
        # The last device pixel of a picture that is scaled down covers all remaining pixels.
        ends = (at + side for at, side in zip(self.origin, self.drawn, strict=True))
        right, bottom = (self.extent[axis + 2] == end for axis, end in enumerate(ends))
        box = Box(box.x0, box.y0, self.picture[0] if right else box.x1, self.picture[1] if bottom else box.y1)
        return Region(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0)

    def to_picture(self, x: float, y: float) -> Place:
        """Return the place of the picture under a place of the pane; it may be outside the picture."""
        left, top = self.origin
        return (x - left) / self.zoom, (y - top) / self.zoom

    def to_pane(self, x: float, y: float) -> Place:
        """Return the place of the pane over a place of the picture."""
        left, top = self.origin
        return left + x * self.zoom, top + y * self.zoom

    def pixels(self, box: Box) -> Box:
        """Return the pixels of the picture under a part of the pane, partly covered ones included."""
        x0, y0 = self.to_picture(box.x0, box.y0)
        x1, y1 = self.to_picture(box.x1, box.y1)
        covered = Box(math.floor(x0), math.floor(y0), math.ceil(x1), math.ceil(y1))
        return covered.cut(Box(0, 0, *self.picture))

    def box_of(self, region: Region) -> Box:
        """Return the part of the pane that these pixels of the picture affect, smoothing included."""
        x0, y0 = self.to_pane(region.x - 1, region.y - 1)
        x1, y1 = self.to_pane(region.x + region.width + 1, region.y + region.height + 1)
        return Box(math.floor(x0) - 1, math.floor(y0) - 1, math.ceil(x1) + 1, math.ceil(y1) + 1)

    def zoomed(self, zoom: float, about: Place | None = None) -> "Viewport":
        """Return the view at another zoom, within limits. about: place of the pane that stays, else the middle."""
        zoom = min(max(zoom, min(1.0, self.fit_zoom)), MAX_ZOOM)
        if about is None:
            return replace(self, zoom=zoom)._bounded()
        # From the exact centre, not the rounded origin, whose errors would add up over many small steps.
        nearer = 1 / self.zoom - 1 / zoom
        x, y = (at + (to - side / 2) * nearer for at, to, side in zip(self.centre, about, self.pane, strict=True))
        return replace(self, zoom=zoom, centre=(x, y))._bounded()

    def panned(self, dx: float, dy: float) -> "Viewport":
        """Return the view with the picture moved by device pixels."""
        return replace(self, centre=(self.centre[0] - dx / self.zoom, self.centre[1] - dy / self.zoom))._bounded()

    def onto(self, region: Region) -> "Viewport":
        """Return a view of a region, as large as the pane allows."""
        zoom = min(self.pane[0] / max(1, region.width), self.pane[1] / max(1, region.height))
        centre = region.x + region.width / 2, region.y + region.height / 2
        return replace(self, centre=centre).zoomed(zoom)

    def at(self, centre: Place, zoom: float) -> "Viewport":
        """Return the view with a place of the picture in the middle, at another zoom, within limits."""
        return replace(self, centre=centre).zoomed(zoom)

    def resized(self, pane: tuple[int, int]) -> "Viewport":
        """Return the view in another pane, with the same zoom and centre if possible."""
        return replace(self, pane=pane).zoomed(self.zoom)

    def over(self, picture: tuple[int, int]) -> "Viewport":
        """Return the view of another picture, with the same zoom and the same relative place."""
        x, y = (at * new / old for at, new, old in zip(self.centre, picture, self.picture, strict=True))
        return replace(self, picture=picture, centre=(x, y)).zoomed(self.zoom)

    def _bounded(self) -> "Viewport":
        """Return the view with the centre inside the picture, and in its middle if all of it is visible."""
        if self.zoom <= self.fit_zoom:
            return replace(self, centre=(self.picture[0] / 2, self.picture[1] / 2))
        x, y = (min(max(at, 0.0), float(side)) for at, side in zip(self.centre, self.picture, strict=True))
        return replace(self, centre=(x, y))
