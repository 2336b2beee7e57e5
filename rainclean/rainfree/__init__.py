"""The rain-free mean: each value by its chance of being free of rain, and how sure the outcome is."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
