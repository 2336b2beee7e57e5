from .detection import Findings, MotionDetector
from .detectors import (
    OTHER,
    OTHER_TEXT,
    TEXTS,
    Detector,
    Scene,
    register_detector,
    texts,
    unregister_detector,
)
from .encoding import Areas, ForegroundMasks
from .place_marks import Drawn
from .residual_grid import F32, U8, Mask, closed, ellipse, whole

__all__ = [
    "F32",
    "OTHER",
    "OTHER_TEXT",
    "TEXTS",
    "U8",
    "Areas",
    "Detector",
    "Drawn",
    "Findings",
    "ForegroundMasks",
    "Mask",
    "MotionDetector",
    "Scene",
    "closed",
    "ellipse",
    "register_detector",
    "texts",
    "unregister_detector",
    "whole",
]
