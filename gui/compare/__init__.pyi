from .kinds import Colour, DifferenceKind, Legend, Mode, Outline, Tool
from .view import CompareView

__all__ = ["Colour", "CompareView", "DifferenceKind", "Legend", "Mode", "Outline", "Tool"]
