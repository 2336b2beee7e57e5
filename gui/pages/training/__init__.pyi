from .own_network import may_run
from .page import TrainingPanel

__all__ = ["TrainingPanel", "may_run"]
