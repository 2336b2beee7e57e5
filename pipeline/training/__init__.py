"""Training SPANet: recipe, run folder, and the run itself. Lightning and torch are loaded when a run starts."""

from typing import Any

import lazy_loader

from pipeline.training.requirements import require_training

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    try:
        return _load(name)
    except ModuleNotFoundError:
        require_training()  # says what to install
        raise
