"""The Help menu: keys, the user guide, a tour on the sample project, and what this program is."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
