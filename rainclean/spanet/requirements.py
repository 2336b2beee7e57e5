"""Check for what SPANet needs besides rainclean: torch, and weights."""

from importlib.util import find_spec
from pathlib import Path

from rainclean.errors import RaincleanError


def shipped_weights() -> Path:
    """Return the weights that come with rainclean, trained on simulated rain; see shipped/MODEL-CARD.md."""
    return Path(__file__).parent / "shipped" / "simulated-rain.safetensors"


def require_torch(*more: str) -> None:
    """Raise RaincleanError, saying what to install, where torch, safetensors or ``more`` is missing; loads nothing."""
    missing = [name for name in ("torch", "safetensors", *more) if find_spec(name) is None]
    if missing:
        raise RaincleanError(f"SPANet needs {' and '.join(missing)}: pip install 'rainclean[spanet]'")
