"""Stages: long work as generators that yield Progress and can be closed at each yield."""

from collections.abc import Callable, Generator
from dataclasses import KW_ONLY, dataclass, replace
from typing import TypeVar

Step = TypeVar("Step")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a stage.

    Attributes:
        stage: What is being done now, in a word or two ("decode").
        done, total: In units of that stage; total is None where it is not known.
        note: One line that a person should read now.
        part, parts_done, parts_total: In work on several items, the current one (a clip's name) and the number of
            finished ones; parts_total is 0 for work on one item.
    """

    stage: str
    done: int
    total: int | None
    _: KW_ONLY
    note: str = ""
    part: str = ""
    parts_done: int = 0
    parts_total: int = 0

    def as_part(self, part: str, done: int, total: int) -> "Progress":
        """Return the same step as part of the work on several items."""
        return replace(self, part=part, parts_done=done, parts_total=total)


def part_of(
    stage: Generator[Progress, None, Result], name: str, done: int, total: int
) -> Generator[Progress, None, Result]:
    """Run a stage as part of the work on several items; its steps name the item."""
    return (yield from mapped(stage, lambda step: step.as_part(name, done, total)))


def mapped(
    work: Generator[Step, None, Result], change: Callable[[Step], Progress]
) -> Generator[Progress, None, Result]:
    """Turn work that yields anything into a stage.

    Args:
        work: The work; closed when the stage ends or is closed.
        change: Makes a step of the stage from each thing that the work yields.

    Yields:
        The changed steps.

    Returns:
        What the work returns.
    """
    try:
        while True:
            try:
                step = next(work)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield change(step)
    finally:
        work.close()


def finish(stage: Generator[Progress, None, Result], show: Callable[[Progress], None] | None = None) -> Result:
    """Run a stage to its end and return its result.

    Args:
        stage: The stage.
        show: Called with each step; what it raises closes the stage.
    """
    try:
        while True:
            try:
                step = next(stage)
            except StopIteration as end:
                result: Result = end.value
                return result
            if show is not None:
                show(step)
    finally:
        stage.close()


def shares_done(stage: str, work: Generator[float, None, Result]) -> Generator[Progress, None, Result]:
    """Turn work that yields the fraction done, 0…1, into a stage of that name in percent."""
    return (yield from mapped(work, lambda share: Progress(stage, round(100 * share), 100)))
