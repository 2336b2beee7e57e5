from .exposure import Light, LightSamples
from .exposure_bounds import Bounds
from .registration import Gatherer, Registration
from .stabilized_source import Pose, SourceAround, Stabilization, StabilizedSource, relit

__all__ = [
    "Bounds",
    "Gatherer",
    "Light",
    "LightSamples",
    "Pose",
    "Registration",
    "SourceAround",
    "Stabilization",
    "StabilizedSource",
    "relit",
]
