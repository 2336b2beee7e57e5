"""What every command shares: flags, tables, JSON, progress on a terminal and silence in a pipe."""

import json
import sys
from collections.abc import Generator, Sequence
from contextlib import nullcontext
from typing import Any, Protocol, TypeVar

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
    """Write a table; the first column is set left, the others right."""
    from rich.console import Console
    from rich.table import Table

    # A pipe has no width of its own: there a table takes the room it needs instead of cutting cells.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for i, name in enumerate(columns):
        table.add_column(name, justify="left" if i == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
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
                if progress is None:
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
