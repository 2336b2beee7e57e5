"""``rainclean export``: a data set from the decisions of a project."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import follow, print_json, print_note, print_text
from pipeline.words import counted
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from pipeline.export import ExportSettings
    from pipeline.project.storage import Project


@dataclass(frozen=True)
class Export:
    """Write the pairs of all decided sequences as a data set that trainers read.

    Splits go by scene. The folder comes into being when everything is written; a call that was interrupted is
    gone on with by the next one. Check it with: rainclean check FOLDER.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    output: Annotated[Path | None, arg(aliases=["-o"], metavar="FOLDER")] = None
    """Folder to write to; an earlier export there is replaced. Needed, but for --estimate."""
    sequences: Annotated[Positional[tuple[str, ...]], arg(metavar="[SEQUENCE…]")] = ()
    """Only these sequences."""
    layout: Annotated[str, arg(metavar="NAME")] = "spa"
    """spa (SPA-Data: SPANet, RCDNet) or paired (Restormer, MPRNet, NAFNet)."""
    frames: Annotated[str, arg(metavar="WHICH")] = "differ:10"
    """Rainy frames of each sequence: all, every:5 (each 5th) or differ:10 (the 10 that differ most in rain amount)."""
    crops: Annotated[str, arg(metavar="HOW")] = "whole"
    """whole, grid:512 (size), grid:512:256 (size, stride) or random:512:8 (size, crops a frame); 640x480 for others
    than squares. Clips that are smaller are left out."""
    min_rain: Annotated[float, arg(metavar="SHARE")] = 0.0
    """Leave out crops in which a smaller share of the pixels holds rain, 0 to 1."""
    max_excluded: Annotated[float, arg(metavar="SHARE")] = 0.0
    """Largest share of a crop that may be excluded, 0 to 1; where things were found to move, at least 0.25 may. Whole
    frames are taken anyway, with their mask."""
    split: Annotated[str | None, arg(metavar="SHARES")] = None
    """Shares of the scenes, in any unit. Default: train=0.8,test=0.2 for spa, train=0.8,val=0.1,test=0.1 for paired."""
    seed: Annotated[int, arg(metavar="N")] = 0
    """Draws the split and random crops."""
    person_only: bool = False
    """Leave automatic choices out."""
    keep_moving: bool = False
    """Exclude what a person marked only: not where the clean image is in doubt because something moves, nor what
    passes in a rainy frame."""
    max_error: Annotated[float | None, arg(metavar="LEVELS")] = None
    """Exclude pixels of the clean image whose expected error is above so many grey levels. Default: none."""
    no_confidence: bool = False
    """Write no confidence pictures."""
    estimate: bool = False
    """Say what it would hold and how large it would be; write nothing."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Write it."""
        from pipeline.export import export
        from pipeline.project.storage import Project

        settings = self.settings()
        if self.output is None and not self.estimate:
            raise UsageError("where to? name a folder with -o, or ask for an --estimate")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            if self.estimate:
                self._estimate(project, settings)
                return
            assert self.output is not None
            result = follow(export(project, settings, self.output))
        for note in result.notes:
            print_note(f"note: {note}")
        if self.json:
            print_json({**asdict(result), "folder": str(result.folder)})
            return
        print_text(f"{self.output}: {_by_split(result.pairs, result.scenes)}")

    def settings(self) -> "ExportSettings":
        """What these flags ask for. Raises UsageError for values that cannot be meant."""
        from pipeline.cli.values import check_share, parse_shares
        from pipeline.export import ExportSettings
        from rainclean.dataset import CropChoice, FrameChoice, layout

        layout(self.layout)
        check_share(self.min_rain, "--min-rain")
        check_share(self.max_excluded, "--max-excluded")
        if self.max_error is not None and not 0 < self.max_error <= 255:
            raise UsageError(f"--max-error {self.max_error:g}: grey levels above 0, up to 255, are needed")
        return ExportSettings(
            self.layout,
            FrameChoice.parse(self.frames),
            CropChoice.parse(
                self.crops, seed=self.seed, smallest_rain_share=self.min_rain, most_excluded=self.max_excluded
            ),
            None if self.split is None else parse_shares(self.split, "--split"),
            self.seed,
            self.person_only,
            self.sequences,
            confidence=not self.no_confidence,
            keep_moving=self.keep_moving,
            max_error=self.max_error,
        )

    def _estimate(self, project: "Project", settings: "ExportSettings") -> None:
        from pipeline.export import estimate, size_in_words

        found = estimate(project, settings)
        for note in found.notes:
            print_note(f"note: {note}")
        if self.json:
            print_json(asdict(found))
        else:
            most = "" if found.exact else "at most "
            print_text(f"{most}{_by_split(found.pairs, found.scenes)}; about {size_in_words(found.bytes)}")


def _by_split(pairs: dict[str, int], scenes: dict[str, int]) -> str:
    return ", ".join(
        f"{split} {counted(number, 'pair')} of {counted(scenes[split], 'scene')}" for split, number in pairs.items()
    )
