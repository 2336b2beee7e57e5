"""``rainclean project import`` and ``rainclean project shrink``: results of shards, and smaller projects."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.analysis_flags import fail_for_sequences, print_findings
from pipeline.cli.console import fail_for_parts, follow, print_json, print_note, print_text
from pipeline.cli.values import parse_keep
from pipeline.text_format import counted, size_in_words
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


@dataclass(frozen=True, kw_only=True)
class ProjectShrink:
    """Delete images of a project that the clips make again.

    The images of the best candidates that look different stay, and all that somebody decided on or edited from. All
    candidates stay listed. A deleted image is made again when it is needed, which takes as long as the analysis of its
    clip. A sequence is left unchanged if its clip is missing or was changed, or if another version of rainclean
    analysed it. The images of one sequence are made again first, for proof.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequences: Annotated[Positional[tuple[str, ...]], arg(metavar="[SEQUENCE…]")] = ()
    """Shrink only these sequences. Default: all."""
    keep: Annotated[str, arg(metavar="best:N")]
    """Keep the images of the N best candidates of each sequence that look different, such as best:8."""
    estimate: bool = False
    """Delete nothing; print what would be deleted."""
    verify: bool = False
    """Make the images of every sequence again before they are deleted. Takes as long as the analysis."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Delete what can be made again."""
        from pipeline.project.analysis import shrink
        from pipeline.project.storage import Project

        keep = parse_keep(self.keep)
        if keep is None:
            raise UsageError("--keep all deletes nothing; give a number of images, such as best:8")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            stage = shrink(project, self.sequences, keep, estimate=self.estimate, verify=self.verify)
            result = follow(stage)
        if self.json:
            print_json(asdict(result))
        else:
            images = f"{counted(result.pictures, 'image')} and {counted(result.sheets, 'contact sheet')}"
            of = f"of {counted(len(result.sequences), 'sequence')}, {size_in_words(result.bytes)}"
            print_text(f"{'would delete' if self.estimate else 'deleted'} {images} {of}")
        lines = [f"{name}: {reason.removeprefix(f'{name}: ')}" for name, reason in result.left.items()]
        asked = len(result.left) + len(result.sequences)
        fail_for_parts(lines, asked, "sequences were left unchanged", "the others are smaller now")
