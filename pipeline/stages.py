"""What all long work has in common: it is a generator that yields Progress and can be closed at each yield."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come.

    stage: one word for what is being done now ("decode").
    done, total: in units of that stage; total is None where it is not known.
    note: one line that a person should read now rather than in the end.
    part, parts_done, parts_total: of work on several things, the one this is about (a clip's name) and how many
        are behind; parts_total is 0 for work on one thing.
    """

    stage: str
    done: int
    total: int | None
    note: str = ""
    part: str = ""
    parts_done: int = 0
    parts_total: int = 0

    def of(self, part: str, done: int, total: int) -> "Progress":
        """The same as a step in the work on one of several things."""
        return replace(self, part=part, parts_done=done, parts_total=total)


def part_of(
    stage: Generator[Progress, None, Result], name: str, done: int, total: int
) -> Generator[Progress, None, Result]:
    """A stage as part of the work on several things: its steps say which of them it is about."""
    try:
        while True:
            try:
                step = next(stage)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield step.of(name, done, total)
    finally:
        stage.close()


def finish(stage: Generator[Progress, None, Result], show: Callable[[Progress], None] | None = None) -> Result:
    """Run a stage to its end and return its result.

    show: called with each step; what it raises closes the stage.
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
    """Work that yields the share done, 0…1, as a stage of that name in percent."""
    try:
        while True:
            try:
                share = next(work)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield Progress(stage, round(100 * share), 100)
    finally:
        work.close()
