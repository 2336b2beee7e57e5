"""Benchmark of large projects and data sets: how long they take, and how much memory."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
