"""``rainclean analyze``: candidates for the sequences of a project."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import fail_for_parts, follow, print_json, print_note, print_text
from pipeline.cli.values import parse_bytes
from pipeline.text_format import counted, quoted


@dataclass(frozen=True, kw_only=True)
class Analyze:
    """Make candidates for each sequence of a project that has none with these settings.

    Candidates made with other settings stay. Each sequence is stored when it is done. If the command is interrupted or
    killed, the next call continues.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequences: Annotated[Positional[tuple[str, ...]], arg(metavar="[SEQUENCE…]")] = ()
    """Analyse only these sequences. Default: all."""
    recipe: Annotated[str | None, arg(metavar="NAME")] = None
    """released, median, or the name of a recipe. Default: all recipes of the default set."""
    frames: Annotated[int | None, arg(metavar="N")] = None
    """Use at most N frames of each sequence."""
    again: bool = False
    """Also analyse sequences that already have candidates with these settings."""
    memory: Annotated[str | None, arg(metavar="AMOUNT")] = None
    """Memory limit, without Python itself; what does not fit goes to scratch space. Default: 1/4 of RAM, 1 to 4 GiB."""
    scratch: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Folder for scratch space. Default: the system's folder for temporary files."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Analyse one after the other."""
        from pipeline.clean import CleanSettings
        from pipeline.project.analysis import analyze
        from pipeline.project.storage import Project
        from rainclean.allocator import share_heaps

        share_heaps()
        defaults = CleanSettings()
        settings = CleanSettings(
            recipe=self.recipe,
            frames=self.frames,
            memory=defaults.memory if self.memory is None else parse_bytes(self.memory, "--memory"),
            scratch=self.scratch or defaults.scratch,
        )
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            result = follow(analyze(project, self.sequences, settings, again=self.again))
        for name, warnings in result.warnings.items():
            for warning in warnings:
                print_note(f"note: {name}: {warning}")
        for name, words in result.verdicts.items():
            if words != "fit":
                print_note(f"{name}: {words}")
        failed = [f"{name}: {reason}" for name, reason in result.failed.items()]
        asked = len(result.done) + len(result.skipped) + len(failed)
        if self.json:
            print_json(asdict(result))
        elif not asked:
            print_text(f"{self.project}: no sequences yet; next: rainclean add {quoted(self.project)} CLIP…")
        else:
            earlier = f", {len(result.skipped)} had been analysed before" if result.skipped else ""
            print_text(f"analysed {counted(len(result.done), 'sequence')}{earlier}")
        fail_for_parts(failed, asked, "sequences could not be analysed")
