"""Names that the view and those who use it share."""

from collections.abc import Sequence
from enum import Enum
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
"""Pictures are (H, W, 3) RGB, masks (H, W)."""

Colour = tuple[int, int, int]
"""Red, green, blue, 0…255."""

Place = tuple[float, float]
"""x to the right, y down; of a picture in px with pixel centres at .5."""

DifferenceKind = Literal["signed", "absolute"]


class Mode(Enum):
    """How two pictures are shown."""

    SINGLE = "single"
    """The right picture alone."""
    WIPE = "wipe"
    """Left of a line that can be dragged the left picture, right of it the right one."""
    SIDE = "side"
    """Side by side, the same part of both."""
    BLINK = "blink"
    """One after the other at the same place."""
    DIFFERENCE = "difference"
    """The left picture less the right one."""


class Tool(Enum):
    """What the left mouse button does over the picture."""

    NONE = "none"
    """It pans."""
    PICK = "pick"
    """It names a place: `picked`."""
    RECTANGLE = "rectangle"
    """It draws a rectangle: `rectangle_drawn`."""
    BRUSH = "brush"
    """It draws a stroke under a circle: `stroke_began`, `stroke_moved`, `stroke_ended`."""
    LASSO = "lasso"
    """It draws round an area, signals as for the brush."""
    FILL = "fill"
    """It names a place to fill from: `picked`."""


class Legend(NamedTuple):
    """What the colours of an overlay mean: a title, and under it a bar of colours (n, 3) uint8 with marks.

    marks: where along the bar, 0…1, and what is said there. Without colours only the title is shown.
    """

    title: str
    colours: U8 | None = None
    marks: Sequence[tuple[float, str]] = ()


class Outline(NamedTuple):
    """A closed polygon in px of the picture, drawn equally thin at every zoom; seen on dark and on light pictures."""

    points: Sequence[Place]
    colour: Colour
    dashed: bool = False
