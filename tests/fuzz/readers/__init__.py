"""All readers: those of each module here that has a list READERS."""

import importlib
import pkgutil

from ..engine import Reader

ALL: list[Reader] = [
    reader
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__))
    for reader in importlib.import_module(f"{__name__}.{module}").READERS
]
