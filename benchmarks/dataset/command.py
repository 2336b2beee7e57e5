"""``python -m benchmarks dataset``: a data set of published size from simulated clips, unattended."""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from pipeline.cli.console import follow, print_json, print_table, print_text
from pipeline.cli.values import clip_size
from pipeline.text_format import size_in_words
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from benchmarks.dataset.run import DatasetFigures


@dataclass(frozen=True)
class BenchDataset:
    """Simulate clips, analyse, choose, export and check them with the commands of rainclean, unattended.

    The default has as many clips and pairs as the data set of SPANet: 170 clips, about 29 500 pairs of 256×256 px in
    layout spa. Takes about an hour on 2 cores, and 12 GB of disk.
    """

    clips: int = 170
    """Number of clips."""
    size: str = "640x360x87"
    """Size of each clip: width x height x frames. Each frame gives two pairs."""
    output: Annotated[Path | None, arg(aliases=["-o"], metavar="FOLDER")] = None
    """Folder for clips, project and data set, which must be new or empty. Default: a temporary one."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Measure and print."""
        from benchmarks.dataset.run import bench_dataset

        size = clip_size(self.size, "--size")
        if self.clips < 1:
            raise UsageError(f"--clips {self.clips}: at least 1 is needed")
        if self.output is not None and self.output.exists() and any(self.output.iterdir()):
            raise UsageError(f"{self.output}: is not empty; choose another folder")
        with ExitStack() as stack:
            folder = self.output or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rainclean-bench-")))
            figures = follow(bench_dataset(folder, clips=self.clips, size=(size.width, size.height, size.frames)))
        if self.json:
            print_json(figures.to_json())
        else:
            _print(figures)


def _print(figures: "DatasetFigures") -> None:
    width, height, frames = figures.size
    rows = [
        (c.command, f"{c.seconds / 60:.1f}", f"{c.cpu_seconds / 60:.1f}", f"{c.peak_mib or 0:.0f}")
        for c in figures.commands
    ]
    total = (sum(c.seconds for c in figures.commands) / 60, sum(c.cpu_seconds for c in figures.commands) / 60)
    rows.append(("all", f"{total[0]:.1f}", f"{total[1]:.1f}", f"{max(c.peak_mib or 0 for c in figures.commands):.0f}"))
    title = f"{figures.clips} clips of {width}×{height}, {frames} frames"
    print_table(("command", "minutes", "CPU minutes", "peak MiB"), rows, title=title)
    pairs = ", ".join(f"{split} {count}" for split, count in figures.pairs.items())
    print_text(
        f"pairs: {pairs}; clips {size_in_words(figures.clip_bytes)}, project {size_in_words(figures.project_bytes)}, "
        f"data set {size_in_words(figures.dataset_bytes)}"
    )
