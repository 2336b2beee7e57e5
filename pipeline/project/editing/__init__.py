"""What a person makes in the window: drafts, masks, candidates made by hand; undo and redo."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
