from . import geometry
from .window import Window

__all__ = ["Window", "geometry"]
