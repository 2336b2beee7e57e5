"""How much faster several workers are than one: the same clips, as many cores as workers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
