"""Measure commands on a project of thousands of clips, each in a process of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from pipeline.bench.scale.large_project import make_large_project
from pipeline.stages import Progress
from rainclean.errors import RaincleanError

_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class CommandFigures:
    """What one command took.

    Attributes:
        command: The command without its folders.
        seconds: From its start to its end.
        cpu_seconds: Of user and system, of all its threads and processes.
        peak_mib: Largest resident memory of its process; None where the system does not report it.
    """

    command: str
    seconds: float
    cpu_seconds: float
    peak_mib: float | None


def measure_commands(project: Path, sequences: int) -> Generator[Progress, None, list[CommandFigures]]:
    """Measure `status`, `select --auto` and `export --estimate` on a large copy of a project.

    Args:
        project: Folder of a project whose sequences are analysed.
        sequences: Number of sequences of the copy.

    Raises:
        RaincleanError: A command failed.
    """
    commands = (("status", "--json"), ("select", "--auto"), ("export", "--estimate"))
    figures = []
    with tempfile.TemporaryDirectory(prefix="rainclean-scale-") as folder:
        large = Path(folder) / "project"
        yield Progress("make the project", 0, len(commands))
        make_large_project(project, large, sequences)
        # The first command makes the backup that is due.
        measure(("status", str(large)), "status")
        for done, (name, flag) in enumerate(commands):
            yield Progress(name, done, len(commands))
            figures.append(measure((name, str(large), flag), f"{name} {flag}"))
    return figures


_RUN = """
import sys
from pathlib import Path
from pipeline.cli.main import main
from pipeline.memory import peak_rss_bytes
code = main(sys.argv[2:])
Path(sys.argv[1]).write_text(str(peak_rss_bytes() or ""))
sys.exit(code)
"""
"""Runs a command. It notes its own peak, since what the system tells of a child begins with that of its parent."""


def measure(arguments: Sequence[str], name: str) -> CommandFigures:
    """Run one command of rainclean to its end and measure it. Raises RaincleanError where it fails."""
    with tempfile.TemporaryDirectory(prefix="rainclean-scale-") as folder:
        peak, errors = Path(folder) / "peak", Path(folder) / "errors"
        with errors.open("wb") as file:
            before, began = _cpu_seconds(), perf_counter()
            command = [sys.executable, "-c", _RUN, str(peak), *arguments]
            code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=file, check=False).returncode
            seconds, cpu = perf_counter() - began, _cpu_seconds() - before
        if code:
            last = errors.read_text("utf-8", "replace").strip().splitlines()[-1:]
            raise RaincleanError(f"{name}: failed in the measurement ({''.join(last)})")
        noted = peak.read_text()
    return CommandFigures(command=name, seconds=seconds, cpu_seconds=cpu, peak_mib=int(noted) / _MIB if noted else None)


def _cpu_seconds() -> float:
    """Return the CPU time of all processes that this one has started and that have ended."""
    used = os.times()
    return used.children_user + used.children_system
