"""Training SPANet: recipe, run folder, and the run itself. Lightning and torch are loaded when a run starts."""

from pipeline.training.requirements import require_training
from rainclean.lazy_package import optional_door

__getattr__, __dir__, __all__ = optional_door(__name__, __file__, require_training)
