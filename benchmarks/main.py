"""Run the benchmarks as commands: flags, help, errors and exit codes as those of ``rainclean``."""

from collections.abc import Sequence
from importlib.metadata import EntryPoint

from pipeline.cli.main import Program
from pipeline.cli.main import main as command_line

PROGRAM = Program(
    "python -m benchmarks",
    "Speed and memory of rainclean on this machine, and random events on its window.",
    tuple(
        EntryPoint(name, f"benchmarks.{name}.command:{command}", "")
        for name, command in (
            ("batch", "BenchBatch"),
            ("dataset", "BenchDataset"),
            ("gui", "BenchGui"),
            ("monkey", "BenchMonkey"),
            ("spanet", "BenchSpanet"),
            ("temporal", "BenchTemporal"),
        )
    ),
)


def main(args: Sequence[str] | None = None) -> int:
    """Run one benchmark and return its exit code."""
    return command_line(args, PROGRAM)
