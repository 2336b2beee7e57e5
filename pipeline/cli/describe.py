"""``rainclean describe``: name, scene, frames, region, source and rights of sequences."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from pipeline.cli.console import print_json, print_note, print_text

if TYPE_CHECKING:
    from pipeline.project.clips import Properties
    from rainclean.video import Region


@dataclass(frozen=True, kw_only=True)
class Describe:
    """Set name, scene, frames, region, source and rights of sequences.

    Scene, source and rights are exported with the data. Sequences of one scene are never in two splits. Give clips of
    one place the same scene. New frames or a new region need a new analysis: rainclean analyze does it.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequences: Annotated[Positional[tuple[str, ...]], arg(metavar="SEQUENCE…")]
    """Names of the sequences."""
    display_name: Annotated[str | None, arg(metavar="TEXT")] = None
    """What you call it; '' for its name."""
    scene: Annotated[str | None, arg(metavar="NAME")] = None
    """The place that was filmed."""
    confirm_scene: bool = False
    """Keep the suggested scene as your choice."""
    first: Annotated[int | None, arg(metavar="FRAME")] = None
    """In point: index of the first frame to use, from 0."""
    stop: Annotated[int | None, arg(metavar="FRAME")] = None
    """Out point: index of the first frame after the last used one."""
    region: Annotated[str | None, arg(metavar="X,Y,WIDTH,HEIGHT")] = None
    """Region of the upright frame that the next analysis uses, px; whole for the whole frame."""
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
    who: str = ""
    """Who makes the change. Default: the name you are logged in with."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Store it."""
        from pipeline.project.clips import describe, lookalikes
        from pipeline.project.storage import Project
        from pipeline.text_format import one_line
        from rainclean.errors import UsageError

        changes = self._changes()
        if not self.sequences or changes.is_empty:
            raise UsageError("no sequence or no description given: rainclean describe PROJECT SEQUENCE… --scene NAME")
        if self.confirm_scene and self.scene is not None:
            raise UsageError("--scene and --confirm-scene cannot be used together")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            described = describe(project, self.sequences, changes, one_line(self.who, "--who"))
            for one, other in lookalikes(project):
                if {one, other} & set(self.sequences) and self.scene is not None:
                    print_note(
                        f"note: {one} looks like {other}, which has another scene; give both the same for one place"
                    )
        if self.json:
            print_json({"sequences": [sequence.to_json() for sequence in described]})
        else:
            print_text(f"described: {', '.join(s.name for s in described)}")

    def _changes(self) -> "Properties":
        from pipeline.project.clips import Properties

        return Properties(
            display_name=self.display_name,
            scene=self.scene,
            licence=self.licence,
            author=self.author,
            source=self.source,
            consent=self.consent,
            notes=self.notes,
            first=self.first,
            stop=self.stop,
            region=None if self.region is None else _region(self.region),
            confirm_scene=self.confirm_scene or None,
        )


def _region(text: str) -> "Region | Literal['whole']":
    """Read ``X,Y,WIDTH,HEIGHT`` or ``whole``."""
    from rainclean.errors import UsageError
    from rainclean.video import Region

    if text == "whole":
        return "whole"
    try:
        return Region(*(int(part) for part in text.split(",")))
    except (ValueError, TypeError):
        raise UsageError(f"--region {text!r}: use X,Y,WIDTH,HEIGHT such as 0,0,640,480, or whole") from None
