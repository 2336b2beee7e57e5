"""Batches on a real scheduler and real workers on loopback: killed while they work, and the project is the same."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.project.storage.database import Project
from tests.conftest import Run
from tests.helpers.commands import COMMAND
from tests.pipeline.batch.conftest import CLIPS, Copy, content_of

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform != "linux", reason="one kind of signals")]

Process = subprocess.Popen[bytes]
Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts programs, and ends them."""
    pytest.importorskip("distributed")
    begun: list[Process] = []

    def run(*words: object, log: str = "") -> Process:
        with (tmp_path / (log or f"log{len(begun)}")).open("wb") as file:
            process = subprocess.Popen([*map(str, words)], stdout=file, stderr=file, cwd=tmp_path)
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.kill()
        process.wait()


@pytest.fixture
def scheduler(start: Start, tmp_path: Path) -> str:
    """The address of a scheduler."""
    process = start(sys.executable, "-m", "dask", "scheduler", *LOOPBACK, "--port", 0, log="scheduler")
    address = said(tmp_path / "scheduler", r"Scheduler at:\s+(tcp://\S+)")
    (tmp_path / "pid").write_text(str(process.pid))
    return address


LOOPBACK = ("--host", "127.0.0.1", "--no-dashboard")


def worker(start: Start, address: str) -> Process:
    words = ("worker", address, *LOOPBACK, "--nthreads", 1, "--no-nanny", "--local-directory", "scratch")
    return start(sys.executable, "-m", "dask", *words)


def said(log: Path, pattern: str, seconds: float = 60) -> str:
    """Wait for words in a log; give the first group."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if match := re.search(pattern, log.read_text()):
            return match[1]
        time.sleep(0.05)
    raise AssertionError(f"{log.name} did not say {pattern}: {log.read_text()}")


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)  # a look opens the project: without a pause it would take a core


def test_a_worker_and_the_scheduler_are_killed_and_nothing_is_missing(
    copy: Copy, alone: Path, start: Start, scheduler: str, tmp_path: Path
) -> None:
    home = copy()
    workers = [worker(start, scheduler) for _ in range(2)]
    command = start(COMMAND, "batch", home, "--scheduler", scheduler, log="command")
    under_way = home / "batch" / ".partial"
    wait_for(lambda: len(list(under_way.glob("*"))) == 2)  # both work
    workers[0].kill()
    wait_for(lambda: done(home) >= 2)
    os.kill(int((tmp_path / "pid").read_text()), 9)
    port = scheduler.rpartition(":")[2]
    workers[1].wait(60)  # a worker ends with its scheduler
    left = done(home)
    start(sys.executable, "-m", "dask", "scheduler", *LOOPBACK, "--port", port, log="second")
    said(tmp_path / "second", r"(Scheduler at)")
    worker(start, scheduler)
    assert command.wait(120) == 0, (tmp_path / "command").read_text()
    text = (tmp_path / "command").read_text()
    assert f"analysed {CLIPS} sequences" in text and "the scheduler is gone" in text
    assert left < CLIPS  # something was left to do
    assert content_of(home) == content_of(alone)
    assert not (home / "batch").exists()


def done(home: Path) -> int:
    with Project.again(home) as project:
        return int(project.value("SELECT count(*) FROM analysis"))


def test_an_address_where_nobody_answers_is_told(copy: Copy, here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("pipeline.batch.cluster._CONNECT_SECONDS", 0.1)
    home = copy()
    for address, why in (("tcp://127.0.0.1:9", "refused"), ("nonsense", "port"), ("a://b:1", "scheme")):
        result = here("batch", home, "--scheduler", address)
        assert result.returncode == 1 and result.stderr.startswith(f"rainclean: {address}: no scheduler answers")
        assert why in result.stderr and len(result.stderr.splitlines()) == 1


def test_without_dask_a_line_says_what_to_install(copy: Copy, here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = here("batch", copy(), "--scheduler", "tcp://127.0.0.1:9")
    assert result.returncode == 1 and "pip install 'rainclean[cluster]'" in result.stderr
