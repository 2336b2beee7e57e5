"""Clean images of simulated clips against their ground truth: cases, scores, thresholds, a plot."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
