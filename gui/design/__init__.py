"""How the window looks: spacing, type, colours, icons. docs/design.md says why."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
