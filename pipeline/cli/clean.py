"""``rainclean clean``: a rain video in, a clean image out."""

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from pipeline.cli.console import follow, print_json, print_note, print_table, print_text, print_verdict
from pipeline.cli.values import Matrix, parse_bytes, parse_point, parse_region
from pipeline.text_format import counted

if TYPE_CHECKING:
    from pipeline.clean import CleanSettings, Written
    from rainclean.video import FrameSource


@dataclass(frozen=True, kw_only=True)
class Clean:
    """Make a clean image of a rain video.

    Stabilizes frames if the camera moves or the exposure changes. Without --recipe, makes candidates: the rain-free
    mean, the adaptive percentile, and percentiles over several numbers of frames. The best-scored one is clean.png; all
    are in candidates/. With --recipe, makes only that one.

    Writes clean.png, candidates/*.png, candidates.png (contact sheet), candidates.csv and report.json. With a rain-free
    mean, also writes confidence.png (expected error of each pixel: 255 exact, 128 two grey levels). If something other
    than rain moves, exclude.png marks where. The verdict (fit, needs a look, or unfit) and its reasons are printed and
    are in report.json, where "needs a look" is look; verdict.png marks the places concerned.
    """

    input: Annotated[Positional[Path], arg(metavar="INPUT")]
    """Video file, or folder of images."""
    output: Annotated[Path, arg(aliases=["-o"], metavar="FOLDER")]
    """Folder to write to; created if missing."""
    recipe: Annotated[str | None, arg(metavar="NAME")] = None
    """released (the published rule on the first N frames), median, or a name from candidates.csv."""
    frames: Annotated[int | None, arg(metavar="N")] = None
    """Use at most N frames: those around the reference frame; for released, the first ones (default 100)."""
    reference: Annotated[str | None, arg(metavar="FRAME|TIME")] = None
    """Reference frame: index, or time such as 4.5s. Default: the middle frame."""
    in_point: Annotated[str | None, arg(metavar="FRAME|TIME")] = None
    """First frame to use: index, or time after the first frame of the clip, such as 4.5s."""
    out_point: Annotated[str | None, arg(metavar="FRAME|TIME")] = None
    """First frame that is not used: index, or time such as 9s."""
    region: Annotated[str | None, arg(metavar="X,Y,W,H")] = None
    """Use only this part of the upright frame: x,y,width,height in px."""
    memory: Annotated[str | None, arg(metavar="AMOUNT")] = None
    """Memory limit, without Python itself; what does not fit goes to scratch space. Default: 1/4 of RAM, 1 to 4 GiB."""
    scratch: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Folder for scratch space. Default: the system's folder for temporary files."""
    bits: Literal[8, 16] = 8
    """Bits per channel of clean.png. 16 keeps fractions of a grey level of the rain-free mean."""
    salvage: bool = False
    """Use the intact frames of a damaged or truncated clip."""
    matrix: Matrix | None = None
    """Colour matrix, if the video file does not state it."""
    json: bool = False
    """Print the report as JSON instead of a table."""

    def run(self) -> None:
        """Make the candidates and write them."""
        from pipeline.clean import clean, clean_folder, write_clean
        from pipeline.unchanged import unchanged
        from rainclean.allocator import share_heaps
        from rainclean.video import open_source

        share_heaps()
        with ExitStack() as until_written:
            with (
                unchanged(self.input),
                open_source(self.input, salvage=self.salvage, matrix=self.matrix or "") as source,
            ):
                settings = self._settings(source)
                folder = until_written.enter_context(clean_folder(self.output, self.input))
                result = until_written.enter_context(follow(clean(source, settings)))
            written = follow(write_clean(result, source.info, folder, self.bits))
        if self.json:
            print_json(written.report)
        else:
            print_verdict(result.verdict, written.report["input"])
            self._print(written)
        if result.verdict.state == "unfit" and (self.json or not sys.stdout.isatty()):
            print_note(f"{result.verdict.description}: do not use clean.png as a target")
        for warning in written.report["warnings"]:
            print_note(f"note: {warning}")

    def _settings(self, source: "FrameSource") -> "CleanSettings":
        from pipeline.clean import CleanSettings

        defaults = CleanSettings()
        return CleanSettings(
            recipe=self.recipe,
            frames=self.frames,
            reference=None if self.reference is None else parse_point(self.reference, source, "--reference"),
            first=0 if self.in_point is None else parse_point(self.in_point, source, "--in-point"),
            stop=None if self.out_point is None else parse_point(self.out_point, source, "--out-point"),
            region=None if self.region is None else parse_region(self.region),
            memory=defaults.memory if self.memory is None else parse_bytes(self.memory, "--memory"),
            scratch=self.scratch or defaults.scratch,
        )

    def _print(self, written: "Written") -> None:
        from rainclean.candidates import OUR_DEFECTS, defects_from_outside

        defects = [defect.name for defect in (*OUR_DEFECTS, *defects_from_outside())]
        rows = [
            (
                row.recipe, f"{row.eta}", f"{row.percentile:g}", f"{row.score:.3f}",
                *(f"{row.defects[name]:.3f}" for name in defects),
            )
            for row in written.rows
        ]  # fmt: skip
        report = written.report
        title = f"{report['input']}: " + (
            "candidates, best first (score and defects in grey levels)"
            if len(rows) > 1
            else "score and defects in grey levels"
        )
        columns = ("candidate", "η*", "percentile", "score", *defects)
        print_table(columns, rows, title=title)
        merged = sum(len(row.merged) for row in written.rows)
        if merged:
            print_text(f"{counted(merged, 'more recipe')} made near-identical candidates, which were merged")
        used, asked = report["frames_used"], report["recipe"]["frames"]
        fewer = f" (only {used} could be used)" if used < asked else ""
        print_text(f"{self.output / 'clean.png'}: {report['recipe']['words']}{fewer}")
