"""``rainclean new``: make a project."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import print_json, print_note, print_text
from pipeline.text_format import quoted


@dataclass(frozen=True)
class New:
    """Make an empty project: a folder that clips are added to."""

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """New or empty folder for the project."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Make it."""
        from pipeline.project.storage import Project

        with Project.create(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            if self.json:
                print_json({"project": str(project.folder), "uuid": project.uuid, "notes": project.notes})
            else:
                print_text(f"{self.project}: project created; next: rainclean add {quoted(self.project)} CLIP…")
