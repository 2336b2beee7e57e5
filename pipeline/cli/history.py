"""``rainclean history``: what was done to a sequence, by whom and when."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import print_json, print_note, print_table


@dataclass(frozen=True, kw_only=True)
class History:
    """Show what was done to a sequence, by whom and when, the earliest first."""

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequence: Annotated[Positional[str], arg(metavar="SEQUENCE")]
    """Name of the sequence."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Read and print it."""
        from pipeline.project.clips import sequences
        from pipeline.project.history import history
        from pipeline.project.storage import Project

        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            with project.snapshot():
                (sequence,) = sequences(project, [self.sequence], which="all")
                entries = history(project, sequence)
        if self.json:
            print_json({"entries": [asdict(entry) for entry in entries]})
        else:
            print_table(("when, by whom", "what"), [(f"{e.at[:19]}Z {e.who}".rstrip(), e.text) for e in entries])
