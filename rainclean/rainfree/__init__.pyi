from .mean import BATCH_FRAMES, DENSE_FRACTION, HELD_BATCH_FRAMES, RainfreeMean
from .near_mean import (
    MIN_NEAR_FRAMES,
    Near,
    align_near_frames,
    frames_around,
    near_clean,
    near_posterior,
    noise_of_difference,
    over_time,
)
from .noise import NoiseSamples
from .posterior import Posterior
from .sums import RainfreeSums, noise_of

__all__ = [
    "BATCH_FRAMES",
    "DENSE_FRACTION",
    "HELD_BATCH_FRAMES",
    "MIN_NEAR_FRAMES",
    "Near",
    "NoiseSamples",
    "Posterior",
    "RainfreeMean",
    "RainfreeSums",
    "align_near_frames",
    "frames_around",
    "near_clean",
    "near_posterior",
    "noise_of",
    "noise_of_difference",
    "over_time",
]
