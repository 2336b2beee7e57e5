"""``python -m benchmarks spanet``: speed and memory of SPANet on this machine."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.cli.console import follow, print_json, print_table, print_text
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from benchmarks.spanet.run import Measurement


@dataclass(frozen=True)
class BenchSpanet:
    """Measure the IRNN and the network of SPANet against plain torch and the released graph.

    Takes some minutes with the default sizes. Every graph runs in its own process, on the CPU, in float32.
    """

    sizes: tuple[str, ...] = ("256x256", "512x512", "1280x720", "1920x1080")
    """Picture sizes to measure: width x height."""
    repeats: int = 3
    """Number of repetitions; the best one counts."""
    keep_freed_memory: bool = False
    """Keep the C library from returning memory to the system (Linux)."""
    json: bool = False
    """Print JSON instead of tables."""

    def run(self) -> None:
        """Measure and print."""
        from benchmarks.spanet.run import bench_spanet
        from rainclean.spanet import require_torch

        sizes = [_size(text) for text in self.sizes]
        if self.repeats < 1:
            raise UsageError(f"--repeats {self.repeats}: at least 1")
        require_torch()
        measurements = follow(bench_spanet(sizes, self.repeats, keep=self.keep_freed_memory))
        if self.json:
            print_json({"rows": [m.to_json() for m in measurements]})
        else:
            _print(measurements)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match or not int(match[1]) or not int(match[2]):
        raise UsageError(f"--sizes {text}: give widthxheight, such as 1280x720")
    return int(match[1]), int(match[2])


def _print(measurements: "list[Measurement]") -> None:
    for size in dict.fromkeys(m.size for m in measurements):
        rows = [
            (
                m.what,
                f"{m.seconds:.3f}",
                "" if m.times is None else f"{m.times:.2f}",
                "" if m.share is None else f"{100 * m.share:.0f} %",
                "" if m.peak_bytes is None else f"{m.peak_bytes / 2**20:.0f}",
            )
            for m in measurements
            if m.size == size
        ]
        print_table(("", "seconds", "× ours", "of all", "peak MiB"), rows, title=size)
        print_text("")
