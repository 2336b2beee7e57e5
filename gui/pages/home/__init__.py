"""The home of a project: how far it is, the next step, its clips, and what was made of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
