"""``rainclean remove``: take sequences out of a project, or bring them back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import print_json, print_note, print_text


@dataclass(frozen=True, kw_only=True)
class Remove:
    """Remove sequences from the lists, the analysis and the exports of a project.

    No file is deleted, and decisions stay in the store. --undo brings the sequences back, and so does adding the clip
    again.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequences: Annotated[Positional[tuple[str, ...]], arg(metavar="SEQUENCE…")]
    """Names of the sequences."""
    undo: bool = False
    """Bring these removed sequences back."""
    who: str = ""
    """Who removes them. Default: the name you are logged in with."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Store it."""
        from pipeline.project.clips import sequences
        from pipeline.project.decisions import person
        from pipeline.project.editing import Editor
        from pipeline.project.storage import Project
        from pipeline.text_format import one_line
        from rainclean.errors import UsageError

        if not self.sequences:
            raise UsageError("no sequence given: rainclean remove PROJECT SEQUENCE…")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            chosen = sequences(project, self.sequences, which="removed" if self.undo else "present")
            editor = Editor(project, one_line(self.who, "--who") or person())
            (editor.restore if self.undo else editor.remove)(chosen)
        names = [sequence.name for sequence in chosen]
        if self.json:
            print_json({"back" if self.undo else "removed": names})
        else:
            print_text(f"{'brought back' if self.undo else 'removed'}: {', '.join(names)}")
