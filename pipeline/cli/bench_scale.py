"""``rainclean bench scale``: what thousands of clips and pairs take on this machine, and on paper on many."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from pipeline.cli.console import follow, print_json, print_table, print_text
from pipeline.cli.values import clip_size
from pipeline.text_format import counted, size_in_words
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from pipeline.bench.scale import ClipCost, CommandFigures, Forecast, IndexFigures, Needs, ScaleFigures


@dataclass(frozen=True, kw_only=True)
class BenchScale:
    """Measure large projects and data sets, the cost of one clip, and the speed-up of several workers.

    From the cost of one clip it works out what many clips take on 1, 10 and 100 machines like this one, and what limits
    them. Takes about half an hour with the default sizes, and 10 GB of disk. Nothing else should run on the machine.
    """

    parts: Annotated[tuple[Literal["clip", "project", "index", "workers"], ...], arg(metavar="PART")] = ()
    """What to measure: clip, project, index, workers. Default: all."""
    sequences: Annotated[int, arg(metavar="N")] = 10_000
    """Sequences of the large project."""
    pairs: Annotated[int, arg(metavar="N")] = 638_500
    """Pairs of the large data set."""
    size: Annotated[str, arg(metavar="WxHxN")] = "1920x1080x300"
    """Size of the clip whose cost is measured: width x height x frames."""
    clips: Annotated[int, arg(metavar="N")] = 10_000
    """Number of such clips to work out on paper."""
    json: bool = False
    """Print JSON instead of tables."""

    def run(self) -> None:
        """Measure and print."""
        for flag, value in (("--sequences", self.sequences), ("--pairs", self.pairs), ("--clips", self.clips)):
            if value < 1:
                raise UsageError(f"{flag} {value}: at least 1 is needed")
        size = clip_size(self.size, "--size")

        from pipeline.bench.scale import PARTS, ScaleSettings, bench_scale

        settings = ScaleSettings(
            parts=self.parts or PARTS,
            sequences=self.sequences,
            pairs=self.pairs,
            size=(size.width, size.height, size.frames),
            clips=self.clips,
        )
        figures = follow(bench_scale(settings))
        if self.json:
            print_json(figures.to_json())
        else:
            _print(figures)


def _print(figures: "ScaleFigures") -> None:
    if figures.commands is not None:
        _print_commands(figures.commands, figures.sequences)
    if figures.index is not None:
        _print_index(figures.index)
    if figures.training is not None:
        training = figures.training
        print_text(
            f"a training from {training.pairs} pairs: {training.peak_mib:.0f} MiB beside torch; each process that "
            f"reads pictures is sent {training.sent_mib:.1f} MiB"
        )
        print_text("")
    if figures.workers is not None:
        rows = [(str(s.workers), f"{s.seconds:.1f}", f"{s.speedup:.2f}") for s in figures.workers]
        title = f"{counted(figures.workers[0].clips, 'clip')}, starts of workers included"
        print_table(("workers", "seconds", "speed-up"), rows, title=title)
        print_text("")
    if figures.clip is not None and figures.needs is not None and figures.forecast is not None:
        _print_clip(figures.clip, figures.intake_seconds or 0.0)
        _print_forecast(figures.needs, figures.forecast, figures.cores)


def _print_commands(commands: "list[CommandFigures]", sequences: int) -> None:
    rows = [
        (c.command, f"{c.seconds:.1f}", f"{c.cpu_seconds:.1f}", "–" if c.peak_mib is None else f"{c.peak_mib:.0f}")
        for c in commands
    ]
    print_table(("", "seconds", "CPU seconds", "peak MiB"), rows, title=f"a project of {sequences} sequences")
    print_text("")


def _print_index(index: "IndexFigures") -> None:
    rows = [
        ("first time", f"{index.first_seconds:.1f}", f"{index.first_peak_mib:.0f}"),
        ("again", f"{index.second_seconds:.1f}", f"{index.second_peak_mib:.0f}"),
    ]
    print_table(("", "seconds", "peak MiB"), rows, title=f"pairs of a data set of {index.pairs}")
    print_text("")


def _print_clip(clip: "ClipCost", intake: float) -> None:

    width, height, frames = clip.size
    peak = "" if clip.peak_mib is None else f", {clip.peak_mib:.0f} MiB at most"
    print_text(f"one clip of {width}×{height}, {frames} frames, {size_in_words(clip.clip_bytes)}:")
    print_text(f"  analysis: {clip.cpu_seconds:.1f} s of processor{peak}; storing its results: {intake:.2f} s")
    print_text(
        f"  results: {size_in_words(clip.result_bytes)} in {counted(clip.result_files, 'file')}, "
        f"{size_in_words(clip.store_bytes)} in the store"
    )
    print_text("")


def _print_forecast(needs: "Needs", forecasts: "list[Forecast]", cores: int) -> None:

    print_text(
        f"on paper, {counted(needs.clips, 'such clip')}: {needs.cpu_hours:.0f} hours of one core; clips "
        f"{size_in_words(needs.clip_bytes)}, results {size_in_words(needs.result_bytes)} in {needs.result_files} "
        f"files, store {size_in_words(needs.store_bytes)}"
    )
    print_text(f"with --keep best:8: results {size_in_words(needs.kept_bytes)} in {needs.kept_files} files")
    rows = [
        (
            str(f.machines),
            f"{f.hours:.1f}",
            f"{100 * f.storage_share:.0f} %",
            f"{100 * f.writer_share:.0f} %",
            f.limit,
        )
        for f in forecasts
    ]
    titles = ("machines", "hours", "of shared storage (1 GB/s)", "of the store's writer", "limited by")
    print_table(titles, rows, title=f"machines of {counted(cores, 'core')}")
