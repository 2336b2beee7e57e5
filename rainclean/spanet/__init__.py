"""SPANet: IRNN, network and weights. Importing this package is cheap; torch is loaded when something is used."""

from rainclean.lazy_package import optional_door
from rainclean.spanet.requirements import require_torch

__getattr__, __dir__, __all__ = optional_door(__name__, __file__, require_torch)
