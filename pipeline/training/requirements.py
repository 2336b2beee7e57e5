"""Optional dependencies of training."""

from rainclean.spanet import require_torch


def require_training() -> None:
    """Raise RaincleanError, with what to install, where a dependency of training is missing; loads nothing."""
    require_torch("lightning", "tensorboard", "matplotlib")
