"""Composites that people make: strokes become masks, masks join candidates to one picture.

The window draws strokes and shows composites; exports replay the stored strokes.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
