"""What `clean` is asked for."""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from rainclean.temporal import default_memory
from rainclean.video import Region


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class CleanSettings:
    """What `clean` is asked for.

    recipe: None for the default sweep, "released", "median", or a recipe's name. frames: at most so many.
    reference, first, stop: frame indices in the clip; stop is the first one not used. region: cut to that.
    """

    recipe: str | None = None
    frames: int | None = None
    reference: int | None = None
    first: int = 0
    stop: int | None = None
    region: Region | None = None
    memory: int = field(default_factory=default_memory)
    scratch: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    workers: int = field(default_factory=available_cores)
