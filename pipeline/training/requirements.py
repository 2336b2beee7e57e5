"""What training needs besides rainclean."""

from rainclean.spanet import require_torch


def require_training() -> None:
    """Raise RaincleanError, saying what to install, where something that training needs is missing; loads nothing."""
    require_torch("lightning", "tensorboard", "matplotlib")
