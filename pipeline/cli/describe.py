"""``rainclean describe``: say what sequences show, and where they come from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import print_json, print_note, print_text


@dataclass(frozen=True)
class Describe:
    """Say what sequences show and where they come from; exported with the data.

    Sequences of one scene never stand on both sides of a split: name the same scene for clips of one place.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequences: Annotated[Positional[tuple[str, ...]], arg(metavar="SEQUENCE…")]
    """Which sequences."""
    scene: Annotated[str | None, arg(metavar="NAME")] = None
    """The place filmed."""
    source: str | None = None
    """Where the clip comes from: a camera, an address."""
    author: str | None = None
    """Who filmed it."""
    licence: str | None = None
    """Under which licence it may be used."""
    consent: str | None = None
    """What people shown in it agreed to."""
    notes: str | None = None
    """Anything else."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Store it."""
        from pipeline.project.clips import describe, lookalikes
        from pipeline.project.model import ORIGIN
        from pipeline.project.storage import Project
        from rainclean.errors import UsageError

        said = {name: text for name in ("scene", *ORIGIN) if (text := getattr(self, name)) is not None}
        if not self.sequences or not said:
            raise UsageError("say which sequence and what of it: rainclean describe PROJECT SEQUENCE… --scene NAME")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            described = describe(project, self.sequences, said)
            for one, other in lookalikes(project):
                if {one, other} & set(self.sequences) and self.scene is not None:
                    print_note(f"note: {one} looks like {other}, which stands in another scene: same place, same scene")
        if self.json:
            print_json([sequence.to_json() for sequence in described])
        else:
            print_text(f"described: {', '.join(s.name for s in described)}")
