"""Doors of packages that need an optional dependency."""

from collections.abc import Callable
from typing import Any, NamedTuple

import lazy_loader


class Door(NamedTuple):
    """What a package binds to ``__getattr__``, ``__dir__`` and ``__all__``."""

    getattr: Callable[[str], Any]
    dir: Callable[[], list[str]]
    all: list[str]


def optional_door(package: str, file: str, require: Callable[[], None]) -> Door:
    """Load the names of a package's ``__init__.pyi`` when they are used.

    Args:
        package: The package's ``__name__``.
        file: Its ``__file__``.
        require: Raises RaincleanError, saying what to install, where a dependency is missing.

    Returns:
        A door that calls ``require`` where a name cannot be loaded.
    """
    load, names, public = lazy_loader.attach_stub(package, file)

    def get(name: str) -> Any:
        try:
            return load(name)
        except ModuleNotFoundError:
            require()
            raise

    return Door(get, names, public)
