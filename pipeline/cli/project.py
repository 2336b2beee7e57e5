"""``rainclean project import``: results of shards into their project."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.analysis_flags import fail_for_sequences, print_findings
from pipeline.cli.console import follow, print_json, print_note, print_text
from pipeline.text_format import counted
from rainclean.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class ProjectImport:
    """Take results of `rainclean analyze --shard` into their project.

    A result is stored if project, checksum of the clip, frames and recipe fit; others are refused, one line each.
    The folders stay unchanged. What the project already has is skipped, so a folder may be imported again.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    folders: Annotated[Positional[tuple[Path, ...]], arg(metavar="FOLDER…")]
    """Folders that analyze --shard wrote to."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Read the results and store what is new."""
        from pipeline.batch import import_results
        from pipeline.project.storage import Project

        if not self.folders:
            raise UsageError("no folder given: rainclean project import PROJECT FOLDER…")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            result = follow(import_results(project, self.folders))
        print_findings(result)
        if self.json:
            print_json(asdict(result))
        else:
            known = f"; {counted(len(result.skipped), 'sequence')} already known" if result.skipped else ""
            print_text(f"imported: {counted(len(result.done), 'sequence')}{known}")
        what, others = "results were refused, or say that the analysis failed", "the others were imported"
        fail_for_sequences(result, refused=result.refused, table=not self.json, what=what, others=others)
