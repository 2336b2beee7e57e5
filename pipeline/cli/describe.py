"""``rainclean describe``: scene, source and rights of sequences."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import print_json, print_note, print_text


@dataclass(frozen=True, kw_only=True)
class Describe:
    """Set scene, source and rights of sequences; they are exported with the data.

    Sequences of one scene are never in two splits. Give clips of one place the same scene.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequences: Annotated[Positional[tuple[str, ...]], arg(metavar="SEQUENCE…")]
    """Names of the sequences."""
    scene: Annotated[str | None, arg(metavar="NAME")] = None
    """The place that was filmed."""
    source: str | None = None
    """Where the clip comes from: a camera, an address."""
    author: str | None = None
    """Who filmed it."""
    licence: str | None = None
    """Licence under which it may be used."""
    consent: str | None = None
    """What the people shown in it agreed to."""
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

        texts = {name: text for name in ("scene", *ORIGIN) if (text := getattr(self, name)) is not None}
        if not self.sequences or not texts:
            raise UsageError("no sequence or no description given: rainclean describe PROJECT SEQUENCE… --scene NAME")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            described = describe(project, self.sequences, texts)
            for one, other in lookalikes(project):
                if {one, other} & set(self.sequences) and self.scene is not None:
                    print_note(
                        f"note: {one} looks like {other}, which has another scene; give both the same for one place"
                    )
        if self.json:
            print_json([sequence.to_json() for sequence in described])
        else:
            print_text(f"described: {', '.join(s.name for s in described)}")
