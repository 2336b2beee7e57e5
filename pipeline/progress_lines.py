"""Progress for a program that follows a command: a line of JSON a step on standard error, and how to read it.

docs/formats.md says what stands in a line.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from types import TracebackType
from typing import Self

from pipeline.stages import Progress
from pipeline.words import as_json

VARIABLE = "RAINCLEAN_PROGRESS"
"""Environment variable that asks for these lines with the value ``json``."""

INTERVAL = 0.1
"""Seconds between two lines that differ only in how much is done."""


def are_wanted() -> bool:
    """Whether whoever started this process asked for them."""
    return os.environ.get(VARIABLE) == "json"


class ProgressLines:
    """Writes steps to standard error, about ten a second at most.

    A step with a note, of another stage or part than the one before, or that ends its stage, is always written.
    ``clock``: seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: Progress | None = None
        self._at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing is held back that would have to be written now."""

    def show(self, step: Progress) -> None:
        """Write a step, or leave it out."""
        now, last = self._clock(), self._last
        moved = last is None or (step.stage, step.part, step.parts_done) != (last.stage, last.part, last.parts_done)
        if moved or step.note or step.done == step.total or now - self._at >= INTERVAL:
            self._at = now
            sys.stderr.write(as_json(asdict(step)) + "\n")
            sys.stderr.flush()
        self._last = step


def read_line(line: str) -> Progress | None:
    """The step that a line of standard error tells, None for a line that is for a person."""
    if not line.startswith("{"):
        return None
    try:
        step = Progress(**json.loads(line))
    except (ValueError, TypeError):
        return None
    counts = (step.done, step.parts_done, step.parts_total, 0 if step.total is None else step.total)
    texts = (step.stage, step.note, step.part)
    whole = all(type(n) is int and n >= 0 for n in counts) and all(isinstance(text, str) for text in texts)
    return step if whole else None
