"""Whether a clean image can be trusted: evidence that does not come from itself, and rules."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
