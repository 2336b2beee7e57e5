"""SPANet: IRNN, network and weights. Importing this package is cheap; torch is loaded when something is used."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rainclean.errors import RaincleanError

if TYPE_CHECKING:
    from rainclean.spanet.network import SPANet
    from rainclean.spanet.weights import Origin, load, save

__all__ = ["Origin", "SPANet", "load", "require_torch", "save", "shipped_weights"]

_FROM = {"SPANet": "network", "Origin": "weights", "load": "weights", "save": "weights"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_torch()
    return getattr(import_module(f"{__name__}.{_FROM[name]}"), name)


def shipped_weights() -> Path:
    """The weights that come with rainclean, trained on simulated rain; shipped/MODEL-CARD.md says what they are."""
    return Path(__file__).parent / "shipped" / "simulated-rain.safetensors"


def require_torch(*more: str) -> None:
    """Raise RaincleanError, saying what to install, where torch, safetensors or ``more`` is missing; loads nothing."""
    missing = [name for name in ("torch", "safetensors", *more) if find_spec(name) is None]
    if missing:
        raise RaincleanError(f"SPANet needs {' and '.join(missing)}: pip install 'rainclean[spanet]'")
