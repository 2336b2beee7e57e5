"""Composites that people make: strokes to masks, masks and candidates to one picture."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
