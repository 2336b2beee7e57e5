import json

import numpy as np
import pytest

from benchmarks.main import main
from benchmarks.temporal.run import plain_released
from rainclean.temporal.prior import released
from tests.conftest import Run
from tools.results import NONE, table


@pytest.mark.slow
def test_the_benchmark_measures_every_step_beside_numpy(benchmarks: Run) -> None:
    result = benchmarks("temporal", "--sizes", "64x48x12", "--no-scaling", "--json")
    assert result.returncode == 0, result.stderr
    measured = {row["what"]: row for row in json.loads(result.stdout)["rows"]}
    steps = ("sort", "votes", "percentiles", "scratch space", "decode to scores")
    assert {f"{kind}: {step}" for kind in ("released", "sweep") for step in steps} <= measured.keys()
    assert {"sweep: register", "sweep: weigh", "sweep: scores"} <= measured.keys()
    assert {"moving: register", "moving: decode to scores"} <= measured.keys()
    assert {"decode", "sort alone", "np.sort", "released rule in plain numpy"} <= measured.keys()
    assert all(row["seconds"] > 0 for what, row in measured.items() if "scratch" not in what)
    assert all(row["peak_bytes"] > 10 << 20 for row in measured.values())
    name, rows = table(list(measured.values()))
    assert name == "temporal" and len(rows) == 14 and not any(NONE in cell for row in rows for cell in row)


def test_the_plain_writing_of_the_released_rule_is_the_same_rule() -> None:
    rng = np.random.default_rng(5)
    for frames in (2, 7, 30, 130):
        stack = rng.integers(90, 120, (frames, 9, 11, 3), dtype=np.uint8)
        picture, votes = released(stack)
        plain, eta = plain_released(stack)
        assert eta == votes.eta
        assert np.abs(plain.astype(int) - picture).max() <= 1


@pytest.mark.parametrize("size", ["64x48", "64x48x1", "63x48x9", "8x8x9", "axbxc"])
def test_wrong_sizes_are_refused(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["temporal", "--sizes", size]) == 2
    assert f"--sizes {size}" in capsys.readouterr().err
