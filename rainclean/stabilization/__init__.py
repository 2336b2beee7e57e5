"""Stabilisation: how the camera and the light move, and frames as the reference frame shows them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
