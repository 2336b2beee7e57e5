"""The measures of the window: one grid, one scale of type. Logical pixels throughout."""

from typing import Literal

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication

SPACE = 4
"""Unit of the grid, px: every distance is a multiple of it."""

GAP = 2 * SPACE
"""Between neighbours that belong together, px."""

PAD = 4 * SPACE
"""Between groups, and between contents and the edge of a page, px."""

RADIUS = 4
"""Radius of corners, px."""

ICON = 18
"""Side of an icon on a button, px."""

Size = Literal["small", "body", "title", "display"]

_SCALE: dict[Size, float] = {"small": 0.9, "body": 1.0, "title": 1.3, "display": 2.2}
"""Size of type → multiple of the system's font size."""


def sized(size: Size, *, bold: bool = False) -> QFont:
    """Return the application's font in one of the sizes of the scale.

    Args:
        size: ``small`` for secondary lines, ``body``, ``title`` for the head of a page or card, ``display`` for the
            name on the start page.
        bold: For the one word or line that a group is about.
    """
    font = QFont(QApplication.font())
    font.setPointSizeF(font.pointSizeF() * _SCALE[size])
    font.setBold(bold)
    return font
