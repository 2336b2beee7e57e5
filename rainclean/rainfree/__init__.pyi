from .mean import DENSE, HELD_TOGETHER, TOGETHER, RainfreeMean, Weighed, noise_of
from .near_frames import FEWEST, Near, around, lay_over, near_belief, near_clean, noise_of_difference, over_time
from .noise import NoiseSamples
from .posterior import Belief

__all__ = [
    "DENSE",
    "FEWEST",
    "HELD_TOGETHER",
    "TOGETHER",
    "Belief",
    "Near",
    "NoiseSamples",
    "RainfreeMean",
    "Weighed",
    "around",
    "lay_over",
    "near_belief",
    "near_clean",
    "noise_of",
    "noise_of_difference",
    "over_time",
]
