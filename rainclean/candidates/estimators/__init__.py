"""Estimators: the ways to make a clean image of frames. A further one is a class and a call of `register_estimator`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
