"""Candidates: recipes, the sweep, their pictures and scores, what people would prefer."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
