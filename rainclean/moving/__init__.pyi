from .detection import TEXTS, Findings, Moving
from .encoding import Areas, Passing
from .fixed_marks import Drawn
from .residual_grid import F32, U8, Mask, closed, ellipse, whole

__all__ = [
    "F32",
    "TEXTS",
    "U8",
    "Areas",
    "Drawn",
    "Findings",
    "Mask",
    "Moving",
    "Passing",
    "closed",
    "ellipse",
    "whole",
]
