from .base import Derainer, Options, Result
from .registry import Choice, choose, open_derainers, register_derainer, unregister_derainer

__all__ = [
    "Choice",
    "Derainer",
    "Options",
    "Result",
    "choose",
    "open_derainers",
    "register_derainer",
    "unregister_derainer",
]
