import pytest

from benchmarks.main import main
from benchmarks.spanet.command import BenchSpanet
from benchmarks.spanet.run import _alone, _measure, bench_spanet
from pipeline.stages import finish
from tools.results import table


@pytest.mark.usefixtures("one_thread")
def test_the_benchmark_measures_everything(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # Here and not in processes of their own, of which each would load torch first.
    monkeypatch.setattr(
        "benchmarks.spanet.run._alone", lambda job, *arguments, keep: _measure(job, arguments, keep=keep)
    )
    rows = finish(bench_spanet([(40, 30)], 1, keep=False, irnn_side=40, side=24))
    measured = {(row.size, row.what): row for row in rows}
    assert all(row.seconds > 0 for row in rows)
    for what in ("forward", "forward and backward"):
        assert {("1×32×40×40", f"IRNN, {name}: {what}") for name in ("ours", "plain torch")} <= measured.keys()
    for graph in ("ours", "released"):
        for key in (("40×30", f"network, {graph}"), ("4×24×24", f"training step, {graph}")):
            assert (measured[key].peak_bytes or 0) > 100 << 20
    parts = [row for row in rows if row.what.startswith("part, ")]
    assert len(parts) == 3 and 0.5 < sum(row.share or 0 for row in parts) <= 1
    name, lines = table([row.to_json() for row in rows])
    labels = ["IRNN 1×32×40×40, forward", "IRNN 1×32×40×40, forward and backward"]
    labels += ["network, 40×30", "training step, 4×24×24"]
    assert name == "spanet" and [line[0] for line in lines[1:]] == labels and all(line[1] for line in lines[1:])
    monkeypatch.setattr("benchmarks.spanet.run.bench_spanet", lambda *_, **__: iter(()))
    monkeypatch.setattr("benchmarks.spanet.command.follow", lambda _: rows)
    BenchSpanet(sizes=("40x30",)).run()
    assert "training step, released" in capsys.readouterr().out


def test_a_measurement_has_a_process_of_its_own() -> None:
    here = _measure("measure_network", (240, 240, "released", 1), keep=False)[1] or 0
    seconds, peak = _alone("measure_network", 24, 16, "ours", 1, keep=True)
    assert seconds["ours"] > 0
    assert 100 << 20 < (peak or 0) < here


@pytest.mark.parametrize("size", ["64", "64x0", "axb", "64x48x1"])
def test_wrong_sizes_are_refused(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spanet", "--sizes", size]) == 2
    assert f"--sizes {size}" in capsys.readouterr().err
