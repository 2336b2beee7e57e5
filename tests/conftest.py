import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_sequences" / "table" / "clip.mp4"

# As in the command (pipeline/cli/main.py): torch's threads wait asleep, or tests take ages on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Commands that tests start keep compiled modules: else each start spends a fifth of its time on compiling ours.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What rainclean remembers of a person's projects stays out of that person's own folder.
os.environ["RAINCLEAN_STATE"] = tempfile.mkdtemp(prefix="rainclean-state-")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes a minute, or one core waits for it in the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True)
def no_thread_left_behind() -> Iterator[None]:
    yield
    left = [t.name for t in threading.enumerate() if t.name.startswith("rainclean")]
    assert not left, f"threads left behind: {left}"


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Torch computes in one thread: for many small operations, at each of which threads would wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def rainclean() -> Run:
    """Runs the real command: ``rainclean("clean", clip, "-o", out)``."""

    def run(*words: object, **options: object) -> "subprocess.CompletedProcess[str]":
        command = [str(Path(sys.executable).with_name("rainclean")), *map(str, words)]
        environment = {**os.environ, "PYTHONWARNINGS": "error"}
        return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, **options)  # type: ignore[call-overload]

    return run


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command as `rainclean` does, but in this process: most of a short one's time goes into starting Python."""
    from pipeline.cli.main import main

    def run(*words: object) -> "subprocess.CompletedProcess[str]":
        command = [*map(str, words)]
        capsys.readouterr()
        try:
            code = main(command)
        except SystemExit as over:
            code = int(over.code or 0)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(command, code, said.out, said.err)

    return run
