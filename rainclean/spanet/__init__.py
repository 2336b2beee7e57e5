"""SPANet: IRNN, network and weights. Importing this package is cheap; torch is loaded when something is used."""

from typing import Any

import lazy_loader

from rainclean.spanet.requirements import require_torch

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    try:
        return _load(name)
    except ModuleNotFoundError:
        require_torch()  # says what to install
        raise
