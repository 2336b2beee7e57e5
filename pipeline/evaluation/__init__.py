"""Scores of a network on paired data: tables, a page with the worst pictures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
