"""The picture view in the middle of the window: compare two pictures, measure, draw."""

from gui.compare.kinds import DifferenceKind, Legend, Mode, Outline, Tool
from gui.compare.view import CompareView

__all__ = ["CompareView", "DifferenceKind", "Legend", "Mode", "Outline", "Tool"]
