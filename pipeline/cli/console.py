"""Output that every command shares: tables, JSON, progress on a terminal and silence in a pipe.

All text goes through here and is made plain: names and tags of files can hold control characters.
"""

import os
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from pipeline import signals
from pipeline.cli.failure import Failure, PartsError
from pipeline.cli.log import StageTimes, printed
from pipeline.progress_lines import ProgressLines, are_wanted
from pipeline.stages import Progress
from pipeline.text_format import as_json, columns, plain
from rainclean.environment import NO_COLOR
from rainclean.errors import RaincleanError

if TYPE_CHECKING:
    from rainclean.verdict import Verdict

Result = TypeVar("Result")

_COLOURS = {"fit": "32", "look": "33", "unfit": "1;31"}
"""ANSI colours of a verdict on a terminal: green, yellow, bold red."""


class Command(Protocol):
    """A frozen dataclass whose fields are its flags and whose docstring is its help."""

    def run(self) -> None:
        """Do the work; raise RaincleanError for what the user can fix."""
        ...


@dataclass
class _Output:
    """How the running command prints.

    Attributes:
        quiet: Print errors only to standard error.
        verbose: Print every item of long lists.
        holds_json: Keep the document of --json until the command has ended: an error belongs in it.
        document: That document; None before there is one.
    """

    quiet: bool = False
    verbose: bool = False
    holds_json: bool = False
    document: dict[str, Any] | None = None


_output = _Output()

SCHEMA = 1
"""Version of all documents of --json; it rises where a key is removed or gets another meaning (docs/formats.md)."""


@contextmanager
def output_of_command(*, json: bool) -> Iterator[None]:
    """Keep the document of --json in the block, for `end_output`. json: it was asked for."""
    global _output
    before, _output = _output, _Output(holds_json=json)
    try:
        yield
    finally:
        _output = before


def print_as_asked(*, quiet: bool, verbose: bool) -> None:
    """Print less or more from now on. quiet: no notes and no progress. verbose: every item of long lists."""
    _output.quiet, _output.verbose = quiet, verbose


def is_verbose() -> bool:
    """Return whether every item of long lists is printed."""
    return _output.verbose


def end_output(failure: Failure | None) -> None:
    """Write the document of --json, with the error of a failed command. Raises OSError where it cannot be written."""
    document, _output.document = _output.document, None
    if _output.holds_json and (document is not None or failure is not None):
        error = {} if failure is None else {"error": failure.to_json()}
        _write_json({**(document or {"schema": SCHEMA}), **error})
    sys.stdout.flush()


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document to standard output, with the version of its schema; once a command."""
    versioned = {"schema": SCHEMA, **document}
    if _output.holds_json:
        _output.document = versioned
    else:
        _write_json(versioned)


def _write_json(document: Mapping[str, Any]) -> None:
    sys.stdout.write(as_json(document, indent=2) + "\n")


def print_text(text: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(plain(text) + "\n")
    printed.info("%s", text)


def print_note(text: str) -> None:
    """Write one line to standard error, where it does not disturb a pipe or --json; nothing with -q."""
    if not _output.quiet:
        sys.stderr.write(plain(text) + "\n")
    printed.info("%s", text)


def print_failed(text: str) -> None:
    """Write one line on a part that failed to standard error."""
    sys.stderr.write(f"failed: {plain(text)}\n")
    printed.info("failed: %s", text)


def print_verdict(verdict: "Verdict", of: str) -> None:
    """Write the verdict of something in one line to standard output, its state in colour on a terminal."""
    from rainclean.verdict import LABELS

    colour = _COLOURS[verdict.state] if sys.stdout.isatty() and NO_COLOR not in os.environ else ""
    begin, end = (f"\x1b[{colour}m", "\x1b[0m") if colour else ("", "")
    label = LABELS[verdict.state]
    rest = plain(verdict.description.removeprefix(label))
    sys.stdout.write(f"{plain(of)}: {begin}{label}{end}{rest}\n")
    printed.info("%s: %s", of, verdict.description)


def fail_for_parts(
    failed: Sequence[str], asked: int, what: str, others: str = "the others are done", *, listed: bool = False
) -> None:
    """Print a line for each part that failed, then raise an error; do nothing where none failed.

    The error is a PartsError where other parts are done: the exit code is then 3.

    failed: lines. asked: number of all parts. what: "images could not be derained". others: about the other parts.
    listed: the lines were printed already.
    """
    if not failed:
        return
    if asked == 1:
        raise RaincleanError(failed[0])
    for line in () if listed else failed:
        print_failed(line)
    if len(failed) < asked:
        raise PartsError(f"{len(failed)} of {asked} {what}; {others}")
    raise RaincleanError(f"{len(failed)} of {asked} {what}")


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Write a table. The first column is aligned left, and so is the second of two; the others are aligned right.

    Tables are never cut: a narrow terminal wraps their lines.
    """
    lines = [tuple(titles), *(tuple(map(plain, row)) for row in rows)]
    widths = [max(columns(line[i]) for line in lines) for i in range(len(titles))]
    if title:
        print_text(title)
    for line in lines:
        cells = []
        for i, (cell, width) in enumerate(zip(line, widths, strict=True)):
            room = " " * (width - columns(cell))
            cells.append(cell + room if i == 0 or len(titles) == 2 else room + cell)
        print_text("  ".join(cells).rstrip())


def follow(stage: Generator[Progress, None, Result]) -> Result:
    """Run a stage to its end and return its result; a progress bar on a terminal, none in a pipe.

    Writes lines of JSON instead where the calling program asked for them (`pipeline.progress_lines`). A signal that
    ends the command closes the generator first, so that it can clean up.
    """
    times = StageTimes()
    with _display() as display:
        try:
            while True:
                step = next(stage)
                signals.check()
                times.show(step)
                if step.note and not isinstance(display, ProgressLines):
                    print_note(f"note: {step.note}")
                if display is not None:
                    display.show(step)
        except StopIteration as end:
            result: Result = end.value
            return result
        finally:
            stage.close()
            times.end()


def _display() -> "AbstractContextManager[ProgressLines | _Bars | None]":
    if _output.quiet:
        return nullcontext()
    if are_wanted():
        return ProgressLines()
    return _Bars() if sys.stderr.isatty() else nullcontext()


class _Bars:
    """Progress bars on a terminal: one a stage, and one over all parts where there are several."""

    def __init__(self) -> None:
        self._bar = _bar()
        self._tasks: dict[str, Any] = {}
        self._part = ""

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.__exit__(*error)

    def show(self, step: Progress) -> None:
        """Update the bars."""
        if step.part != self._part:
            self._part = step.part
            for name in [name for name in self._tasks if name]:
                self._bar.remove_task(self._tasks.pop(name))
        if step.parts_total:
            self._update("", step.parts_done, step.parts_total, step.part)
        if step.total is not None:
            self._update(step.stage, step.done, step.total, step.stage)

    def _update(self, task: str, done: int, total: int, label: str) -> None:
        if task not in self._tasks:
            self._tasks[task] = self._bar.add_task(plain(label), total=total)
        self._bar.update(self._tasks[task], completed=done, total=total, description=plain(label))


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
