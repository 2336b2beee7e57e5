"""Paired data sets: layouts, manifest, pairs and splits, reading, checking.

Importing this loads no picture library.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
