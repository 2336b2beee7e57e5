"""Flags and output that the commands which make candidates for a project share."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import fail_for_parts, print_json, print_note, print_table, print_text
from pipeline.cli.values import parse_bytes, parse_keep
from pipeline.text_format import counted, quoted

if TYPE_CHECKING:
    from pipeline.batch import Request
    from pipeline.project.analysis import Analyzed


@dataclass(frozen=True, kw_only=True)
class AnalysisFlags:
    """What is analysed, and how."""

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequences: Annotated[Positional[tuple[str, ...]], arg(metavar="[SEQUENCE…]")] = ()
    """Analyse only these sequences. Default: all."""
    recipe: Annotated[str | None, arg(metavar="NAME")] = None
    """released, median, or the name of a recipe. Default: all recipes of the default set."""
    frames: Annotated[int | None, arg(metavar="N")] = None
    """Use at most N frames of each sequence."""
    again: bool = False
    """Also analyse sequences that already have candidates with these settings."""
    keep: Annotated[str, arg(metavar="all|best:N")] = "all"
    """Images to keep on disk. best:8 keeps those of the 8 best candidates that look different. All candidates stay
    listed. An image that is not kept is made again from the clip when it is needed."""
    memory: Annotated[str | None, arg(metavar="AMOUNT")] = None
    """Memory limit, without Python itself; what does not fit goes to scratch space. Default: 1/4 of RAM, 1 to 4 GiB."""
    scratch: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Folder for scratch space. Default: the system's folder for temporary files."""
    json: bool = False
    """Print JSON instead of text."""

    def request(self) -> "Request":
        """Return what is asked for. Raises UsageError."""
        from pipeline.batch import Request

        memory = None if self.memory is None else parse_bytes(self.memory, "--memory")
        scratch = None if self.scratch is None else self.scratch.absolute()
        return Request(
            recipe=self.recipe, frames=self.frames, memory=memory, scratch=scratch, keep=parse_keep(self.keep)
        )

    def report(self, result: "Analyzed", *, where: str = "", table: bool = False) -> None:
        """Print what became of the sequences; raise RaincleanError where some failed.

        where: folder of the results, if they are not in the project. table: failures as a table, not as lines.
        """
        print_findings(result)
        asked = len(result.done) + len(result.skipped) + len(result.failed)
        if self.json:
            print_json(asdict(result))
        elif not asked and not where:
            print_text(f"{self.project}: no sequences yet; next: rainclean add {quoted(self.project)} CLIP…")
        else:
            earlier = f", {len(result.skipped)} had been analysed before" if result.skipped else ""
            print_text(f"analysed {counted(len(result.done), 'sequence')}{earlier}{where}")
        fail_for_sequences(result, table=table and not self.json)


def print_findings(result: "Analyzed") -> None:
    """Print warnings of sequences, and verdicts other than fit."""
    for name, warnings in result.warnings.items():
        for warning in warnings:
            print_note(f"note: {name}: {warning}")
    for name, words in result.verdicts.items():
        if words != "fit":
            print_note(f"{name}: {words}")


def fail_for_sequences(
    result: "Analyzed",
    *,
    refused: Sequence[str] = (),
    table: bool = False,
    what: str = "sequences could not be analysed",
    others: str = "the others are done",
) -> None:
    """Raise RaincleanError where sequences failed, or results were refused.

    refused: lines. what, others: as for `fail_for_parts`. table: print failures as a table to standard output, not as
    lines to standard error.
    """
    asked = len(result.done) + len(result.skipped) + len(result.failed) + len(refused)
    lines = [f"{name}: {reason.removeprefix(f'{name}: ')}" for name, reason in result.failed.items()]
    listed = table and asked > 1 and not refused
    if listed and lines:
        rows = [(name, reason.removeprefix(f"{name}: ")) for name, reason in result.failed.items()]
        print_table(("failed", "why"), rows)
    fail_for_parts([*lines, *refused], asked, what, others, listed=listed)
