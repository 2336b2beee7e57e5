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


def measure(arguments: Sequence[str], name: str) -> CommandFigures:
    """Run one command of rainclean to its end and measure it. Raises RaincleanError where it fails."""
    began = perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "rainclean", *arguments], stdout=subprocess.DEVNULL, stderr=errors
        )
        used = _wait(process)
        seconds = perf_counter() - began
        if process.returncode:
            errors.seek(0)
            last = errors.read().decode("utf-8", "replace").strip().splitlines()[-1:]
            raise RaincleanError(f"{name}: failed in the measurement ({''.join(last)})")
    return CommandFigures(command=name, seconds=seconds, cpu_seconds=used[0], peak_mib=used[1])


def _wait(process: "subprocess.Popen[bytes]") -> tuple[float, float | None]:
    """Wait for the end of a process; return its CPU seconds and its peak memory in MiB."""
    if not hasattr(os, "wait4"):
        import psutil

        own = psutil.Process(process.pid)
        cpu = 0.0
        while process.poll() is None:
            with own.oneshot():
                cpu = sum(own.cpu_times()[:2])
            psutil.wait_procs([own], timeout=0.05)
        return cpu, None
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return used.ru_utime + used.ru_stime, peak / _MIB
