"""The benchmark runs and measures what it says; how fast is for people to judge."""

import json

import pytest

from tests.conftest import Run
from tools.results import table


@pytest.mark.slow
def test_the_window_is_measured(benchmarks: Run) -> None:
    pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)
    done = benchmarks("gui", "--size", "96x64x12", "--repeats", 5, "--sequences", 8, "--repaints", 50, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [m["what"] for m in result["times"]] == [
        "next candidate",
        "blink",
        "next sequence, after a second's rest",
        "percentile slider",
        "frames slider, preview",
        "brush step",
        "accept, then the next sequence",
        "first image of the large project",
    ]
    assert all(m["median"] > 0 and m["count"] == 5 for m in result["times"][:-1])
    assert result["times"][-1]["count"] == 3
    name, rows = table(result)
    assert name == "gui" and all(row[3] for row in rows)


def test_too_few_repeats_are_refused(benchmarks: Run) -> None:
    done = benchmarks("gui", "--repeats", 1)
    assert done.returncode == 2 and "at least 5" in done.stderr
