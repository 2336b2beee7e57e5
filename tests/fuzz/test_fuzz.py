"""Every reader of files takes or refuses what it is given: no traceback, no hang, bounded memory.

A short form runs by default, the long one with ``pytest -m slow tests/fuzz`` (docs/reliability.md). FUZZ_COUNT: inputs
a reader instead of those, FUZZ_SEED: others, FUZZ_WORKERS: processes, FUZZ_LOG: a file that figures are added to.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fuzz.engine import Process, Reader, fuzz
from tests.fuzz.readers import every_reader

LONG = 20_000
ALL = every_reader()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Reader], Process]]:
    """A process for each module of readers: most of a short run goes into starting them."""
    processes: dict[str, Process] = {}

    def get(reader: Reader) -> Process:
        module = reader.read.__module__
        return processes.setdefault(module, Process(module, tmp_path_factory.mktemp("kept")))

    yield get
    for process in processes.values():
        process.end()


def _fuzz(reader: Reader, folder: Path, inputs: int, workers: int, kept: Process | None = None) -> None:
    inputs = int(os.environ.get("FUZZ_COUNT", inputs))
    workers = int(os.environ.get("FUZZ_WORKERS", workers))
    found = fuzz(reader, folder, inputs, os.environ.get("FUZZ_SEED", "1"), workers, kept)
    assert found.inputs == inputs
    assert not found.strange, f"{reader.name}: {found}"


@pytest.mark.parametrize("reader", ALL, ids=lambda r: r.name)
def test_some_damaged_inputs(reader: Reader, tmp_path: Path, kept: Callable[[Reader], Process]) -> None:
    _fuzz(reader, tmp_path, reader.short, workers=1, kept=kept(reader))


@pytest.mark.slow
@pytest.mark.parametrize("reader", ALL, ids=lambda r: r.name)
def test_many_damaged_inputs(reader: Reader, tmp_path: Path) -> None:
    _fuzz(reader, tmp_path, LONG, workers=2)
