"""Drive generators that yield steps and return a result."""

from collections.abc import Generator
from typing import TypeVar

Step = TypeVar("Step")
Result = TypeVar("Result")


def noting(work: Generator[Step, None, Result], results: list[Result]) -> Generator[Step, None, None]:
    """Yield the steps of the work; append its result to the list when it ends."""
    results.append((yield from work))


def drained(work: Generator[Step, None, Result]) -> tuple[list[Step], Result]:
    """Run the work to its end; return its steps and its result."""
    results: list[Result] = []
    return list(noting(work, results)), results[0]
