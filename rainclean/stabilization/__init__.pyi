from .exposure import Exposure, ExposureSamples
from .exposure_bounds import Bounds
from .motion_models import MotionModel, Points, register_motion_model, unregister_motion_model
from .registration import FrameAligner, Registration
from .stabilized_source import Pose, SourceAround, Stabilization, StabilizedSource, relit

__all__ = [
    "Bounds",
    "Exposure",
    "ExposureSamples",
    "FrameAligner",
    "MotionModel",
    "Points",
    "Pose",
    "Registration",
    "SourceAround",
    "Stabilization",
    "StabilizedSource",
    "register_motion_model",
    "relit",
    "unregister_motion_model",
]
