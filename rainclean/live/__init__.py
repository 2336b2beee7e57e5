"""The live stack: percentiles of a sequence while a person moves a slider.

It holds the frames that the analysis used. The window asks it for pictures of recipes that nobody computed before.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
