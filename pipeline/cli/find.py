"""``rainclean find``: link clips again that were moved or renamed."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import fail_for_parts, follow, print_json, print_note, print_text
from pipeline.text_format import counted


@dataclass(frozen=True, kw_only=True)
class Find:
    """Find clips that were moved or renamed, and store where they are now.

    All missing clips of the project are searched for at once, in the folders given and all below them. A clip is found
    by its contents; its name does not matter.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    places: Annotated[Positional[tuple[Path, ...]], arg(metavar="FILE-OR-FOLDER…")]
    """Files, and folders to search."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Search."""
        from pipeline.project.clips import find
        from pipeline.project.storage import Project
        from rainclean.errors import UsageError

        if not self.places:
            raise UsageError("no place given: rainclean find PROJECT FILE-OR-FOLDER…")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            result = follow(find(project, self.places))
        if self.json:
            print_json(asdict(result))
        else:
            for line in result.found:
                print_text(line)
            print_text(f"found {len(result.found)} of {counted(result.asked, 'missing clip')}")
        for path in result.different:
            print_note(f"note: {path}: has the name of a missing clip, but other contents")
        fail_for_parts(
            [f"{path}: not found" for path in result.missing], result.asked, "clips were not found",
            "the others are linked again",
        )  # fmt: skip
