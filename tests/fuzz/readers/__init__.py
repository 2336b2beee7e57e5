"""Readers, a list READERS in each module."""

import importlib
import pkgutil

from tests.fuzz.engine import Reader


def every_reader() -> list[Reader]:
    """Those of all modules here. A process that reads by one of them loads no other."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [reader for name in names for reader in importlib.import_module(f"{__name__}.{name}").READERS]
