"""``python -m benchmarks temporal``: speed and memory of the temporal filter on this machine."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.cli.console import follow, print_json, print_table, print_text
from pipeline.cli.values import clip_size
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from benchmarks.temporal.run import Measurement


@dataclass(frozen=True)
class BenchTemporal:
    """Measure decoding, sorting, votes, percentiles and scores against np.sort and plain numpy.

    Takes some minutes with the default sizes. Every measurement runs in its own process.
    """

    sizes: tuple[str, ...] = ("368x640x100", "1920x1080x100", "3840x2160x60")
    """Clip sizes to measure: width x height x frames."""
    repeats: int = 1
    """Number of repetitions; the best one counts."""
    no_scaling: bool = False
    """Do not measure how time grows with frames and pixels."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Measure and print."""
        from benchmarks.temporal.run import bench_temporal

        sizes = [clip_size(text, "--sizes") for text in self.sizes]
        if self.repeats < 1:
            raise UsageError(f"--repeats {self.repeats}: at least 1")
        measurements = follow(bench_temporal(sizes, self.repeats, scaling=not self.no_scaling))
        if self.json:
            print_json({"rows": [m.to_json() for m in measurements]})
        else:
            _print(measurements)


def _print(measurements: "list[Measurement]") -> None:
    for clip in dict.fromkeys(m.clip for m in measurements if not m.what.startswith("scaling")):
        of_clip = [m for m in measurements if m.clip == clip and not m.what.startswith("scaling")]
        decode = next(m.seconds for m in of_clip if m.what == "decode")
        rows = [
            (m.what, f"{m.seconds:.3f}", f"{m.seconds / decode:.2f}", f"{(m.peak_bytes or 0) / 2**20:.0f}")
            for m in of_clip
        ]
        print_table(("", "seconds", "× decode", "peak MiB"), rows, title=clip)
        print_text("")
    rows = []
    for kind in ("frames", "pixels"):
        series = [m for m in measurements if m.what == f"scaling with {kind}"]
        rows += [(m.what, m.clip, f"{m.seconds:.3f}", f"{m.seconds / series[0].seconds:.2f}") for m in series]
    if rows:
        print_table(("", "stack", "seconds", "× first"), rows, title="sort, votes, percentile in memory")
