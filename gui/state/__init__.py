"""What the window is about, without widgets: project, selected sequence, shown candidate, draft."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
