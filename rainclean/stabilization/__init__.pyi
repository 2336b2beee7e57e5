from .exposure import Light, LightSamples
from .exposure_bounds import Bounds
from .motion_models import MotionModel, Points, register_motion_model, unregister_motion_model
from .registration import Gatherer, Registration
from .stabilized_source import Pose, SourceAround, Stabilization, StabilizedSource, relit

__all__ = [
    "Bounds",
    "Gatherer",
    "Light",
    "LightSamples",
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
