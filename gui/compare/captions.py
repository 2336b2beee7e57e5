"""Names of the pictures in the corners of the sides on which they stand, and the scale."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPalette

from gui.compare.contents import Contents, Side
from gui.compare.decorations import label

_TOP_LEFT = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
_TOP_RIGHT = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight
_BOTTOM_RIGHT = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight


@dataclass
class Names:
    """What the pictures are called."""

    left: str = ""
    right: str = ""
    override: str = ""


def draw_captions(
    painter: QPainter, palette: QPalette, whole: QRectF, sides: Sequence[Side], names: Names, contents: Contents
) -> None:
    """Name the sides that are seen. The right picture's name stands on the right in every mode."""
    share = 2 if len(sides) > 1 else 1
    left = QRectF(whole.left(), whole.top(), whole.width() / share, whole.height())
    right = left.translated(whole.width() - left.width(), 0)
    for side in dict.fromkeys(sides):
        if side == "difference":
            label(painter, palette, _difference(names, contents), left, _TOP_LEFT)
        elif side == "right" and names.right:
            label(painter, palette, names.right, right, _TOP_RIGHT)
        elif side != "right" and (name := names.left if side == "left" else names.override):
            label(painter, palette, name, left, _TOP_LEFT)


def draw_scale(painter: QPainter, palette: QPalette, whole: QRectF, zoom: float) -> None:
    """Say how large the picture is shown."""
    text = f"{zoom * 100:.0f} %" if zoom >= 0.1 else f"{zoom * 100:.1f} %"
    label(painter, palette, text, whole, _BOTTOM_RIGHT)


def _difference(names: Names, contents: Contents) -> str:
    text = f"{names.left or 'left'} − {names.right or 'right'}"
    text = f"|{text}|" if contents.kind == "absolute" else text
    return f"{text}, ×{contents.gain}" if contents.gain != 1 else text
