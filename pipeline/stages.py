"""What all long work has in common: it is a generator that yields Progress and can be closed at each yield."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come.

    stage: one word for what is being done now ("decode").
    done, total: in units of that stage; total is None where it is not known.
    note: one line that a person should read now rather than in the end.
    """

    stage: str
    done: int
    total: int | None
    note: str = ""


def finish(stage: Generator[Progress, None, Result]) -> Result:
    """Run a stage to its end without showing anything; returns its result."""
    while True:
        try:
            next(stage)
        except StopIteration as end:
            result: Result = end.value
            return result
