"""Commands start, whatever lies in the current folder or on PYTHONPATH under the names of rainclean's packages."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE

SCRIPT = Path(sys.executable).with_name("rainclean")
WINDOW = Path(sys.executable).with_name("rainclean-gui")
MODULE = [sys.executable, "-m", "rainclean"]
PLUG_IN = """
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pipeline.memory import rss_bytes
from pipeline.cli.console import print_json

@dataclass(frozen=True)
class Apart:
    \"""Call a function of pipeline in a process of its own.\"""

    def run(self):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            print_json({"bytes": pool.submit(rss_bytes).result()})
"""
"""A command that someone added."""

TINY = ["--sizes", "64x48x12", "--no-scaling"]
TINY_WINDOW = ["--size", "96x64x12", "--repeats", "5", "--sequences", "5", "--repaints", "5"]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder whose modules pipeline, gui and sample_sequences fail when they are imported."""
    for name in ("pipeline", "gui", "sample_sequences"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError(f'{__file__} was imported')\n")
    return tmp_path


def run(folder: Path, *words: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder that is on PYTHONPATH, too."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return subprocess.run(
        [*map(str, words)],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(folder), "PYTHONWARNINGS": "error", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(
    "command",
    [[SCRIPT, "--version"], [*MODULE, "--version"], [*MODULE, "clean", "--help"], [WINDOW, "--help"]],
    ids=["script", "module", "command", "window"],
)
def test_a_command_starts_beside_files_of_its_packages_names(elsewhere: Path, command: list[object]) -> None:
    result = run(elsewhere, *command)
    assert result.returncode == 0 and not result.stderr, result.stderr
    assert "rainclean" in result.stdout


@pytest.mark.parametrize("command", [[SCRIPT], MODULE], ids=["script", "module"])
def test_processes_of_a_command_start_there_too(elsewhere: Path, command: list[object]) -> None:
    (elsewhere / "plug_in.py").write_text(PLUG_IN)
    (elsewhere / "plug_in-1.dist-info").mkdir()
    (elsewhere / "plug_in-1.dist-info" / "entry_points.txt").write_text("[rainclean.commands]\napart = plug_in:Apart\n")
    result = run(elsewhere, *command, "apart")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["bytes"] > 1 << 20


@pytest.mark.slow
@pytest.mark.parametrize("words", [["temporal", *TINY], ["gui", *TINY_WINDOW]], ids=["temporal", "gui"])
def test_benchmarks_and_their_processes_start_there(elsewhere: Path, words: list[str]) -> None:
    if words[0] == "gui":
        pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)
    # From that folder, so that its modules come first; `benchmarks` itself is found in the repository.
    path = os.pathsep.join([str(elsewhere), str(ROOT)])
    result = run(elsewhere, sys.executable, "-m", "benchmarks", *words, "--json", PYTHONPATH=path)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)


def test_a_clip_is_read_there(elsewhere: Path) -> None:
    result = run(elsewhere, *MODULE, "clean", SAMPLE, "-o", elsewhere / "out", "--frames", "10", "--recipe", "median")
    assert result.returncode == 0, result.stderr
    assert (elsewhere / "out" / "clean.png").is_file()


def test_jobs_of_the_window_start_there(elsewhere: Path) -> None:
    pytest.importorskip("PySide6.QtCore", exc_type=ImportError)
    from gui.jobs.job import _COMMAND

    result = run(elsewhere, *_COMMAND, "probe", SAMPLE, "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["width"] > 0


def test_a_module_that_was_imported_before_is_set_aside(elsewhere: Path) -> None:
    (elsewhere / "pipeline.py").write_text("")
    (elsewhere / "sitecustomize.py").write_text("import pipeline\n")
    assert run(elsewhere, sys.executable, "-c", "import sys; print('pipeline' in sys.modules)").stdout == "True\n"
    result = run(elsewhere, SCRIPT, "--version")
    assert result.returncode == 0 and result.stdout.startswith("rainclean "), result.stderr
