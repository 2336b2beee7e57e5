from .restoration import Offer, Restored, listed, offer, restore
from .salvage import ORDER, salvaged_text
from .soundness import problems

__all__ = ["ORDER", "Offer", "Restored", "listed", "offer", "problems", "restore", "salvaged_text"]
