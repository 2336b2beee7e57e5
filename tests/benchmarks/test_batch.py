"""The benchmark of several workers: every number of workers analyses the same clips."""

import json

import pytest

from benchmarks.main import main
from tests.conftest import Run


@pytest.mark.slow
def test_one_worker_is_what_the_others_are_compared_with(benchmarks: Run) -> None:
    result = benchmarks("batch", "--clips", 2, "--size", "64x48x20", "--json")
    assert result.returncode == 0, result.stderr
    one, two = json.loads(result.stdout)["rows"]
    assert (one["workers"], one["speedup"], one["clips"], one["size"]) == (1, 1.0, 2, [64, 48, 20])
    assert two["workers"] == 2 and two["speedup"] == pytest.approx(one["seconds"] / two["seconds"])


def test_more_workers_than_cores_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "--workers", "1", "100000", "--clips", "2"]) == 2
    assert "the machine needs a core for each" in capsys.readouterr().err
    assert main(["batch", "--clips", "0"]) == 2
