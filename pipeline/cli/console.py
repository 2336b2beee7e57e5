"""What every command shares: flags, tables, JSON, progress on a terminal and silence in a pipe."""

import json
import sys
from collections.abc import Generator, Sequence
from contextlib import nullcontext
from typing import Any, Literal, Protocol, TypeVar

from pipeline.stages import Progress

Result = TypeVar("Result")


class Command(Protocol):
    """A frozen dataclass whose fields are its flags and whose docstring is its help."""

    def run(self) -> None:
        """Do the work; raise RaincleanError for what the user can put right."""
        ...


def print_json(document: Any) -> None:
    """Write one JSON document to standard output."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def print_text(text: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(text + "\n")


def print_note(text: str) -> None:
    """Write one line to standard error, where it does not disturb a pipe or --json."""
    sys.stderr.write(text + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Write a table; the first column is set left, and so is the second of two, the others right.

    A table takes the room it needs: a terminal too narrow for it wraps lines, which is better than cut cells.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=1000, highlight=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for i, name in enumerate(columns):
        justify: Literal["left", "right"] = "left" if i == 0 or len(columns) == 2 else "right"
        table.add_column(Text(name), justify=justify, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    if title:
        console.print(Text(title, style="italic"))
    console.print(table)


def follow(stage: Generator[Progress, None, Result]) -> Result:
    """Run a stage to its end and return its result; a progress bar on a terminal, none in a pipe.

    Ctrl-C closes the generator, so that its clean-up runs before the interruption goes on.
    """
    bar = _bar() if sys.stderr.isatty() else nullcontext()
    with bar as progress:
        tasks: dict[str, Any] = {}
        try:
            while True:
                step = next(stage)
                if step.note:
                    print_note(f"note: {step.note}")
                if progress is None or step.total is None:
                    continue
                if step.stage not in tasks:
                    tasks[step.stage] = progress.add_task(step.stage, total=step.total)
                progress.update(tasks[step.stage], completed=step.done, total=step.total)
        except StopIteration as end:
            result: Result = end.value
            return result
        finally:
            stage.close()


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
