from .restoration import Offer, Restored, listed, offer, restore
from .salvage import ORDER, said
from .soundness import problems

__all__ = ["ORDER", "Offer", "Restored", "listed", "offer", "problems", "restore", "said"]
