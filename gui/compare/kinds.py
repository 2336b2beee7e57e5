"""Types that the view and its users share."""

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
"""x to the right, y down. Of a picture: in px with pixel centres at .5."""

DifferenceKind = Literal["signed", "absolute"]


class Mode(Enum):
    """How two pictures are shown."""

    SINGLE = "single"
    """The right picture alone."""
    WIPE = "wipe"
    """The left picture left of a divider that can be dragged, the right one right of it."""
    SIDE = "side"
    """The same part of both, side by side."""
    BLINK = "blink"
    """One after the other in the same place."""
    DIFFERENCE = "difference"
    """The left picture minus the right one."""


class Tool(Enum):
    """What the left mouse button does over the picture."""

    NONE = "none"
    """It pans."""
    PICK = "pick"
    """It picks a place: `picked`."""
    RECTANGLE = "rectangle"
    """It draws a rectangle: `rectangle_drawn`."""
    BRUSH = "brush"
    """It draws a stroke under a circle: `stroke_began`, `stroke_moved`, `stroke_ended`."""
    LASSO = "lasso"
    """It draws around an area, with the signals of the brush."""
    FILL = "fill"
    """It picks a place to fill from: `picked`."""


class Legend(NamedTuple):
    """Explanation of an overlay: a title, and below it a bar of colours with marks.

    Attributes:
        title: Meaning of the overlay.
        colours: Colours of the bar, (n, 3) uint8 RGB; None for no bar.
        marks: Position along the bar, 0…1, and text.
    """

    title: str
    colours: U8 | None = None
    marks: Sequence[tuple[float, str]] = ()


class Outline(NamedTuple):
    """A closed polygon in px of the picture. It is equally thin at every zoom, and visible on every picture."""

    points: Sequence[Place]
    colour: Colour
    dashed: bool = False
