"""``rainclean decisions``: what people decided, from one project into another."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import fail_for_parts, print_json, print_note, print_text
from pipeline.text_format import counted


@dataclass(frozen=True)
class DecisionsExport:
    """Write the decisions of a project to a file, for import into other projects with the same clips.

    Each decision, second opinion, star, note and choice of rainy frames is one line of JSON. Composites and other
    candidates that a person made are written as images into FILE.pictures.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    output: Annotated[Path, arg(aliases=["-o"], metavar="FILE")]
    """File to write, such as ann.jsonl."""
    overwrite: bool = False
    """Replace an existing file."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Write the file."""
        from pipeline.project.exchange import export_decisions
        from pipeline.project.storage import Project
        from rainclean.errors import RaincleanError

        if os.path.lexists(self.output) and not self.overwrite:
            raise RaincleanError(f"{self.output}: exists already; --overwrite replaces it")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            left_out: list[str] = []
            lines = export_decisions(project, self.output, left_out)
        if self.json:
            print_json({"file": str(self.output), **lines})
        else:
            print_text(f"{self.output}: {_counted(lines)}")
        asked = sum(lines.values()) + len(left_out)
        fail_for_parts(left_out, asked, "lines could not be written", "the others were written")


@dataclass(frozen=True)
class DecisionsImport:
    """Import what others decided, from files written by `rainclean decisions export`.

    Clips and candidates are found by their content. What the project already has stays unchanged, so a file may be
    imported again. If people decided differently, the latest decision is valid, and the sequence is listed.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    files: Annotated[Positional[tuple[Path, ...]], arg(metavar="FILE …")]
    """Files to import."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Read the files and add what is new."""
        from pipeline.project.exchange import import_decisions
        from pipeline.project.storage import Project
        from rainclean.errors import UsageError

        if not self.files:
            raise UsageError("no file given: rainclean decisions import PROJECT FILE…")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            result = import_decisions(project, self.files)
        if self.json:
            print_json({**asdict(result), "added": dict(result.added)})
        else:
            known = f"; {counted(result.known, 'line')} already known" if result.known else ""
            print_text(f"imported: {_counted(result.added)}{known}")
            for conflict in result.conflicts:
                by_person = "; ".join(f"{d.who} {d.verdict}, {d.at[:10]}" for d in conflict.decisions)
                print_text(f"decided differently: {conflict.sequence} ({by_person})")
        for note in result.notes:
            print_note(f"note: {note}")
        fail_for_parts(result.refused, result.lines, "lines were refused", "the others were imported")


def _counted(lines: dict[str, int]) -> str:
    """``12 decisions, 1 opinion``."""
    kinds = ("decision", "opinion", "edit")
    return ", ".join(counted(lines[kind], kind) for kind in kinds if lines.get(kind)) or "nothing"
