"""What training needs besides rainclean."""


def require_training() -> None:
    """Raise RaincleanError, saying what to install, where something that training needs is missing; loads nothing."""
    from rainclean.spanet import require_torch

    require_torch("lightning", "tensorboard", "matplotlib")
