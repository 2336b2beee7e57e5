"""Layout of the panes in the widget, for each mode. Pure geometry in device pixels."""

from dataclasses import dataclass

from gui.compare.contents import Side
from gui.compare.kinds import Mode
from gui.compare.viewport import Box

GAP = 2
"""Device pixels between two panes."""


@dataclass(frozen=True, slots=True)
class Pane:
    """A box of the widget that shows a picture, and which side each part of the box shows."""

    box: Box
    parts: tuple[tuple[Side, Box], ...]

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in device pixels."""
        return self.box.x1 - self.box.x0, self.box.y1 - self.box.y0


def halves(size: tuple[int, int]) -> tuple[Box, Box]:
    """Return two equal boxes side by side."""
    width, height = max(1, (size[0] - GAP) // 2), size[1]
    return Box(0, 0, width, height), Box(size[0] - width, 0, size[0], height)


def arrange(mode: Mode, size: tuple[int, int], divider: float, sides: tuple[Side, ...]) -> tuple[Pane, ...]:
    """Return the panes of a widget.

    Args:
        mode: How pictures are shown.
        size: Width and height of the widget in device pixels.
        divider: Position of the divider as a fraction of the width.
        sides: The visible sides: one, or two in the modes that show two at a time.
    """
    whole = Box(0, 0, *size)
    if len(sides) == 1:
        return (Pane(whole, ((sides[0], whole),)),)
    if mode is Mode.SIDE:
        return tuple(Pane(box, ((side, box),)) for side, box in zip(sides, halves(size), strict=True))
    column = round(divider * size[0])
    return (Pane(whole, ((sides[0], Box(0, 0, column, size[1])), (sides[1], Box(column, 0, *size)))),)


def pane_size(mode: Mode, size: tuple[int, int], *, two: bool) -> tuple[int, int]:
    """Return width and height of a pane. Both panes have the same size. two: whether there are two pictures."""
    box = halves(size)[0] if two and mode is Mode.SIDE else Box(0, 0, *size)
    return box.x1, box.y1
