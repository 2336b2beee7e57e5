"""The rain-free mean: of all frames, each value by its chance of being free of rain."""

from rainclean.candidates.estimators.base import Accumulation, Accumulator, Estimate, FramesEstimator, Parameters


class RainfreeEstimator(FramesEstimator):
    """``rainfree``; see `rainclean.rainfree.mean`."""

    rule = "rainfree"
    phrase = "the rain-free mean"
    version = 2
    in_sweep = True
    learned = True

    def label(self, recipe: Parameters) -> str:
        """See `Estimator.label`."""
        return "rain-free mean"

    def accumulator(self, begin: Accumulation) -> Accumulator:
        """See `FramesEstimator.accumulator`."""
        from rainclean.rainfree import RainfreeMean

        return RainfreeMean(begin.initial, begin.noise, frames=begin.frames, workers=begin.workers, batch=begin.batch)

    def wants_another_pass(self, estimate: Estimate) -> bool:
        """See `FramesEstimator.wants_another_pass`: where rain is dense."""
        from rainclean.rainfree import DENSE_FRACTION

        return estimate.share is not None and estimate.share < DENSE_FRACTION
