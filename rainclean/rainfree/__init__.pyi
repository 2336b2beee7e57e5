from .mean import DENSE, HELD_TOGETHER, TOGETHER, RainfreeMean, RainfreeSums, noise_of
from .near_frames import FEWEST, Near, around, lay_over, near_clean, near_posterior, noise_of_difference, over_time
from .noise import NoiseSamples
from .posterior import Posterior

__all__ = [
    "DENSE",
    "FEWEST",
    "HELD_TOGETHER",
    "TOGETHER",
    "Near",
    "NoiseSamples",
    "Posterior",
    "RainfreeMean",
    "RainfreeSums",
    "around",
    "lay_over",
    "near_clean",
    "near_posterior",
    "noise_of",
    "noise_of_difference",
    "over_time",
]
