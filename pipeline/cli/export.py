"""``rainclean export``: write a data set from the decisions of a project."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import follow, print_json, print_note, print_text
from pipeline.text_format import counted, size_in_words
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from pipeline.export import ExportSettings
    from pipeline.project.storage import Project


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write the pairs of all decided sequences as a data set for training.

    A scene belongs to one split only. The folder appears when everything is written. After an interruption the next
    call continues. Check the result with: rainclean check FOLDER.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    output: Annotated[Path | None, arg(aliases=["-o"], metavar="FOLDER")] = None
    """Folder to write to; an earlier export there is replaced. Required, except with --estimate."""
    sequences: Annotated[Positional[tuple[str, ...]], arg(metavar="[SEQUENCE…]")] = ()
    """Export only these sequences."""
    layout: Annotated[str, arg(metavar="NAME")] = "spa"
    """spa (SPANet, RCDNet), paired (Restormer, MPRNet, DRSformer, NAFNet), basicsr, basicsr-lmdb (BasicSR with LMDB),
    gtrain (GT-RAIN), huggingface (load_dataset, Parquet) or webdataset (tar files)."""
    sides: Annotated[str | None, arg(metavar="NAMES")] = None
    """Folders of rainy and clean images in the layouts paired and basicsr: input,target (default), input,gt
    (SCD-Former of LHP-Rain) or rain,norain (RCDNet's test loader)."""
    frames: Annotated[str, arg(metavar="WHICH")] = "differ:10"
    """Rainy frames of each sequence: all, every:5 (every 5th) or differ:10 (10 that differ most in rain)."""
    crops: Annotated[str, arg(metavar="HOW")] = "whole"
    """whole, grid:512, grid:512:256 (stride) or random:640x480:8 (number per frame). Smaller clips are left out."""
    min_rain: Annotated[float, arg(metavar="SHARE")] = 0.0
    """Smallest share of rainy pixels in a crop, 0 to 1."""
    max_excluded: Annotated[float, arg(metavar="SHARE")] = 0.0
    """Largest excluded share of a crop, 0 to 1; raised to 0.25 where moving things were found. Whole frames pass."""
    split: Annotated[str | None, arg(metavar="SHARES")] = None
    """Shares of the scenes. Default: train=0.8,test=0.2 for spa, train=0.8,val=0.1,test=0.1 for others."""
    seed: Annotated[int, arg(metavar="N")] = 0
    """Seed of the split and of random crops."""
    person_only: bool = False
    """Leave out automatic choices."""
    keep_moving: bool = False
    """Exclude only what a person marked, not areas in doubt, nor foreground objects in rainy frames."""
    max_error: Annotated[float | None, arg(metavar="LEVELS")] = None
    """Exclude pixels of the clean image whose expected error exceeds this many grey levels. Default: no limit."""
    no_confidence: bool = False
    """Do not write confidence images."""
    preview: bool = False
    """Write an animation (WebP, GIF, MP4) and a contact sheet of each scene to preview/."""
    estimate: bool = False
    """Print the number of pairs and the size of the export; write nothing."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Write the export, or estimate it."""
        from pipeline.cli.command_line import command_line
        from pipeline.export import export
        from pipeline.project.activities import recorded
        from pipeline.project.storage import Project

        settings = self.settings()
        if self.output is None and not self.estimate:
            raise UsageError("no output folder: give one with -o, or use --estimate")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            if self.estimate:
                self._estimate(project, settings)
                return
            assert self.output is not None
            stage = recorded(
                export(project, settings, self.output),
                project.folder,
                "export",
                self.output,
                arguments=command_line("export", self),
                summary=lambda one: {"pairs": one.pairs, "scenes": one.scenes},
            )
            result = follow(stage)
        for note in result.notes:
            print_note(f"note: {note}")
        if self.json:
            print_json({**asdict(result), "folder": str(result.folder)})
            return
        print_text(f"{self.output}: {_by_split(result.pairs, result.scenes)}")

    def settings(self) -> "ExportSettings":
        """Return the settings of these flags. Raises UsageError for values out of range."""
        from pipeline.cli.values import check_share, parse_shares
        from pipeline.export import ExportSettings
        from rainclean.dataset import CropChoice, FrameChoice, layout

        sides = self.sides or ""
        layout(self.layout).with_sides(sides)
        check_share(self.min_rain, "--min-rain")
        check_share(self.max_excluded, "--max-excluded")
        if self.max_error is not None and not 0 < self.max_error <= 255:
            raise UsageError(f"--max-error {self.max_error:g}: give grey levels above 0, up to 255")
        return ExportSettings(
            self.layout,
            FrameChoice.parse(self.frames),
            CropChoice.parse(
                self.crops, seed=self.seed, smallest_rain_share=self.min_rain, most_excluded=self.max_excluded
            ),
            sides=sides,
            shares=None if self.split is None else parse_shares(self.split, "--split"),
            seed=self.seed,
            person_only=self.person_only,
            names=self.sequences,
            confidence=not self.no_confidence,
            keep_moving=self.keep_moving,
            max_error=self.max_error,
            preview=self.preview,
        )

    def _estimate(self, project: "Project", settings: "ExportSettings") -> None:
        from pipeline.export import estimate

        result = estimate(project, settings)
        for note in result.notes:
            print_note(f"note: {note}")
        if self.json:
            print_json(asdict(result))
        else:
            most = "" if result.exact else "at most "
            print_text(f"{most}{_by_split(result.pairs, result.scenes)}; about {size_in_words(result.bytes)}")


def _by_split(pairs: dict[str, int], scenes: dict[str, int]) -> str:
    return ", ".join(
        f"{split} {counted(number, 'pair')} of {counted(scenes[split], 'scene')}" for split, number in pairs.items()
    )
