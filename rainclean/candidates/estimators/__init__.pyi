from .base import (
    Accumulation,
    Accumulator,
    Estimate,
    Estimator,
    FramesEstimate,
    FramesEstimator,
    NearEstimator,
    Numbers,
    Parameters,
    SortedEstimator,
)
from .percentile import PERCENTILE
from .registry import (
    estimator_of,
    estimators,
    find_estimator,
    register_estimator,
    sweep_estimators,
    sweep_from_outside,
    unregister_estimator,
)

__all__ = [
    "PERCENTILE",
    "Accumulation",
    "Accumulator",
    "Estimate",
    "Estimator",
    "FramesEstimate",
    "FramesEstimator",
    "NearEstimator",
    "Numbers",
    "Parameters",
    "SortedEstimator",
    "estimator_of",
    "estimators",
    "find_estimator",
    "register_estimator",
    "sweep_estimators",
    "sweep_from_outside",
    "unregister_estimator",
]
