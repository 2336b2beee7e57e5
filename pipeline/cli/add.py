"""``rainclean add``: clips into a project."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import fail_for_parts, follow, is_verbose, print_json, print_note, print_text
from pipeline.cli.values import Matrix
from pipeline.text_format import counted

if TYPE_CHECKING:
    from pipeline.project.clips import Added

LISTED = 20
"""Largest number of clips that are listed; of more, -v lists them."""


@dataclass(frozen=True, kw_only=True)
class Add:
    """Add clips to a project: video files, folders of images, or folders that contain them.

    Clips stay where they are, unless --copy is given. A clip with scene cuts becomes one sequence for each shot. A clip
    that the project already has is not added again. If its old file is gone, it is linked to the new one. The
    description (scene, source, …) is exported with the data. rainclean describe changes it later.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    clips: Annotated[Positional[tuple[Path, ...]], arg(metavar="CLIP…")]
    """Files and folders to add."""
    scene: Annotated[str, arg(metavar="NAME")] = ""
    """The place that was filmed, for all clips of this call. Default: suggested if backgrounds look alike."""
    source: str = ""
    """Where the clips come from: a camera, an address."""
    author: str = ""
    """Who filmed them."""
    licence: str = ""
    """Licence under which they may be used."""
    consent: str = ""
    """What the people shown in them agreed to."""
    notes: str = ""
    """Anything else."""
    copy: bool = False
    """Copy each clip into the project's folder."""
    salvage: bool = False
    """Use the intact frames of damaged or truncated clips."""
    matrix: Matrix | None = None
    """Colour matrix, if the video file does not state it; stored with the clip."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Add them one by one."""
        from pipeline.project.clips import Origin, add
        from pipeline.project.storage import Project
        from rainclean.errors import UsageError

        if not self.clips:
            raise UsageError("no clip given: rainclean add PROJECT CLIP…")
        origin = Origin(
            scene=self.scene,
            source=self.source,
            author=self.author,
            licence=self.licence,
            consent=self.consent,
            notes=self.notes,
        )
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            result = follow(
                add(project, self.clips, origin, copy=self.copy, salvage=self.salvage, matrix=self.matrix or "")
            )
        if self.json:
            print_json(asdict(result))
        else:
            _print(result)
        if _is_long(result.notes):
            print_note(f"note: {len(result.notes)} notes on clips; -v prints them")
        for note in () if _is_long(result.notes) else result.notes:
            print_note(f"note: {note}")
        fail_for_parts(result.failed, result.asked, "could not be added")


def _is_long(items: Sequence[str]) -> bool:
    """Return whether only the number of items is printed."""
    return len(items) > LISTED and not is_verbose()


def _print(result: "Added") -> None:
    new = result.sequences
    names = f": {', '.join(new)}" if new and not _is_long(new) else ""
    print_text(f"added {counted(len(new), 'sequence')}{names}")
    others = (
        (result.relinked, "linked to their new place"),
        (result.returned, "brought back"),
        (result.known, "in the project already"),
    )
    for lines, what in others:
        if _is_long(lines):
            print_text(f"{counted(len(lines), 'clip')} {what}")
            continue
        for line in lines:
            print_text(line)
