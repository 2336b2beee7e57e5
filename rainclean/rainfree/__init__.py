"""The rain-free mean: values weighted by their chance of being free of rain, and the posterior of the outcome.

The sorted stack gives an initial estimate, `NoiseSamples` the noise. `RainfreeMean` then reads all frames again and
returns sums, from which the posterior follows. Where no picture of many frames is right, `near_mean` makes one of a
few.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
