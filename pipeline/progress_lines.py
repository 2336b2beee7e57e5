"""Progress for a program that follows a command: a line of JSON for each step on standard error, and its reader.

docs/formats.md describes the lines.
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
from pipeline.text_format import as_json
from rainclean.environment import PROGRESS

INTERVAL = 0.1
"""Seconds between two lines that differ only in how much is done."""


def are_wanted() -> bool:
    """Return whether the calling program asked for these lines."""
    return os.environ.get(PROGRESS) == "json"


class ProgressLines:
    """Writes steps to standard error, about ten per second at most.

    Always writes a step with a note, the first of a stage or part, and the last of a stage.
    ``clock``: seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: Progress | None = None
        self._at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Do nothing: no step is held back."""

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
    """Return the step of a line of standard error; None for a line that is for a person."""
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
