from .page import PairsPage

__all__ = ["PairsPage"]
