from .page import TrainingPanel

__all__ = ["TrainingPanel"]
