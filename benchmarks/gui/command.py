"""``python -m benchmarks gui``: how fast the window answers on this machine."""

from dataclasses import dataclass

from gui.command import require_qt
from pipeline.cli.console import follow, print_json, print_table, print_text
from pipeline.cli.values import clip_size
from rainclean.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class BenchGui:
    """Measure the real window: key to painted frame, sliders, first image of a large project, memory.

    Without a screen it runs offscreen, which paints the same pixels. Takes about three minutes.
    """

    size: str = "1920x1080x100"
    """Clips: width x height x frames."""
    repeats: int = 60
    """How often each key is pressed."""
    sequences: int = 1000
    """Sequences of the large project."""
    repaints: int = 10_000
    """Repaints before memory is looked at again; a fifth as many candidate switches follow."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Measure and print."""
        if min(self.repeats, self.sequences, self.repaints) < 5:
            raise UsageError("--repeats, --sequences and --repaints: at least 5")
        require_qt("python -m benchmarks gui")
        from benchmarks.gui.run import bench_gui

        result = follow(bench_gui(clip_size(self.size, "--size"), self.repeats, self.sequences, self.repaints))
        if self.json:
            print_json(result.to_json())
            return
        rows = [(m.what, f"{m.median:.0f}", f"{m.p95:.0f}", f"{m.worst:.0f}", str(m.count)) for m in result.times]
        print_table(("", "median ms", "95 % ms", "worst ms", "n"), rows, title=f"{self.size}, {result.platform}")
        print_text(
            f"memory: {result.growth_mib:+.1f} MiB over {self.repaints} repaints and {self.repaints // 5} switches"
        )
