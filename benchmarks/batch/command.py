"""``python -m benchmarks batch``: how much faster several workers are than one."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipeline.cli.console import follow, print_json, print_table
from pipeline.cli.values import clip_size
from rainclean.errors import UsageError


@dataclass(frozen=True)
class BenchBatch:
    """Measure `rainclean batch` with one worker and with several, on simulated clips.

    n workers get n cores. The time includes the start of the workers and storing the results. Nothing else should run
    on the machine. Takes about ten minutes with the default sizes.
    """

    workers: tuple[int, ...] = (1, 2)
    """Numbers of workers to measure; the first is what the others are compared with."""
    clips: int = 48
    """Number of clips; a multiple of each number of workers. Fewer clips show less speed-up, since starts count."""
    size: str = "640x360x100"
    """Size of each clip: width x height x frames."""
    repeats: int = 1
    """Number of repetitions; the best one counts."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Measure and print."""
        from pipeline.bench.speedup import measure_speedup

        size = clip_size(self.size, "--size")
        if self.repeats < 1 or self.clips < 1 or not self.workers or min(self.workers) < 1:
            raise UsageError("--repeats, --clips and --workers: at least 1")
        with tempfile.TemporaryDirectory(prefix="rainclean-bench-") as folder:
            stage = measure_speedup(
                Path(folder),
                clips=self.clips,
                size=(size.width, size.height, size.frames),
                workers=self.workers,
                repeats=self.repeats,
            )
            speeds = follow(stage)
        if self.json:
            print_json({"rows": [speed.to_json() for speed in speeds]})
            return
        rows = [
            (str(s.workers), f"{s.seconds:.1f}", f"{60 * s.clips / s.seconds:.1f}", f"{s.speedup:.2f}") for s in speeds
        ]
        title = f"{self.clips} clips of {size.width}×{size.height}×{size.frames}, starts of workers included"
        print_table(("workers", "seconds", "clips a minute", "speed-up"), rows, title=title)
