"""Figures of benchmarks come into the results by a tool, and into nothing else there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.results import RESULTS, benchmark, main, table

TEMPORAL = [
    {"clip": "64×48×9", "what": "decode", "seconds": 0.05, "peak_bytes": 1 << 20},
    {"clip": "64×48×9", "what": "sweep: decode to scores", "seconds": 0.5, "peak_bytes": 300 << 20},
    {"clip": "64×48×9", "what": "sweep: weigh", "seconds": 0.0991, "peak_bytes": 300 << 20},
    {"clip": "8×8×9", "what": "decode", "seconds": 2.0, "peak_bytes": None},
    {"clip": "8×8×9", "what": "np.sort", "seconds": 25.04, "peak_bytes": None},
    {"clip": "8×8×9", "what": "scaling with frames", "seconds": 1.0, "peak_bytes": None},
]

SPANET = [
    {"size": "1×32×8×8", "what": "IRNN, ours: forward", "seconds": 0.02, "peak_bytes": None, "times": 1.0},
    {"size": "1×32×8×8", "what": "IRNN, plain torch: forward", "seconds": 0.2, "peak_bytes": None, "times": 10.0},
    {"size": "1×32×8×8", "what": "IRNN, plain torch, last: forward", "seconds": 9.0, "peak_bytes": None, "times": 9},
    {"size": "8×8", "what": "network, ours", "seconds": 1.5, "peak_bytes": 100 << 20, "times": 1.0},
    {"size": "8×8", "what": "network, released", "seconds": 3.0, "peak_bytes": 200 << 20, "times": 2.0},
    {"size": "8×8", "what": "part, encoder", "seconds": 1.0, "peak_bytes": None, "times": None},
]  # fmt: skip

FIGURES = {"rainy": {"psnr": 20.005}, "released": {"psnr": 21.0}, "suggestion": {"psnr": 22.0}}

TRUTH = {"clips": [], "cases": {"pan": {"figures": FIGURES}}, "bars": []}

GUI = {
    "platform": "offscreen",
    "times": [{"what": "blink", "median": 2.6, "p95": 1146.4, "worst": 2000.0, "count": 5}],
    "growth_mib": 0.14,
}

SCALE = {
    "cores": 2,
    "sequences": 10_000,
    "commands": [{"command": "status --json", "seconds": 2.04, "cpu_seconds": 2.0, "peak_mib": 150.4}],
    "index": {"pairs": 638_500, "first_seconds": 9.0, "second_seconds": 0.5, "first_peak_mib": 281.0,
              "second_peak_mib": 102.0},
    "training": {"pairs": 600_000, "peak_mib": 150.0, "sent_mib": 5.0},
    "clip": {"size": [1920, 1080, 300], "clip_bytes": 10**8, "cpu_seconds": 30.0, "peak_mib": None,
             "result_bytes": 6_500_000, "result_files": 24, "kept_bytes": 2_000_000, "kept_files": 9,
             "store_bytes": 9000},
    "intake_seconds": 0.05,
    "needs": {"clips": 10_000, "cpu_hours": 83.3, "clip_bytes": 10**12, "result_bytes": 65 * 10**9,
              "kept_bytes": 20 * 10**9,
              "store_bytes": 10**8, "result_files": 240_000},
    "forecast": [{"machines": 1, "hours": 41.7, "storage_share": 0.007, "writer_share": 0.003, "limit": "processors"}],
    "workers": [{"workers": 1, "clips": 16, "size": [640, 360, 100], "seconds": 40.0, "speedup": 1.0}],
}  # fmt: skip

DATASET = {
    "clips": 170,
    "size": [640, 360, 87],
    "clip_bytes": 10**9,
    "project_bytes": 2 * 10**9,
    "dataset_bytes": 4 * 10**9,
    "pairs": {"train": 23_000, "test": 6_500},
    "commands": [{"command": "new", "seconds": 60.0, "cpu_seconds": 90.0, "peak_mib": 100.0}],
}

ALL: dict[str, Any] = {
    "temporal": TEMPORAL, "spanet": SPANET, "truth": TRUTH, "gui": GUI, "scale": SCALE, "dataset": DATASET,
}  # fmt: skip


def test_each_table() -> None:
    assert {name: benchmark(output) for name, output in ALL.items()} == {name: name for name in ALL}
    rows = {row[0]: row[1:] for row in table(TEMPORAL)[1]}
    assert rows["seconds (× decoding)"] == ["64×48×9", "8×8×9"]
    assert rows["decoding"] == ["0.050 (1.00)", "2.00 (1.00)"]
    assert rows["sweep: from decoding to scores"] == ["0.50 (10)", "–"]
    assert rows["sweep: rain-free mean, what moves"] == ["0.099 (1.98)", "–"]
    assert rows["`np.sort` of the same stack, RGB only"] == ["–", "25.0 (13)"]
    assert rows["peak memory, sweep / plain numpy"] == ["300 / – MiB", "– / – MiB"]
    assert table(SPANET)[1] == [
        ["", "ours", "released", "plain torch"],
        ["IRNN 1×32×8×8, forward", "0.020 s", "", "0.20 s (10.00×)"],
        ["network, 8×8", "1.50 s, 100 MiB", "3.00 s (2.00×), 200 MiB", ""],
    ]
    assert table(TRUTH)[1][1] == ["pan", "20.00", "21.00", "–", "**22.00**", "–"]
    assert table(GUI)[1][1:] == [
        ["blink", "3 ms", "1 146 ms", "50 / 120 ms"],
        ["memory over repaints and switches of candidates", "+0.1 MiB", "", "50 MB"],
    ]
    assert table(SCALE)[1][1:] == [
        ["`status --json`, 10 000 sequences", "2.04 s", "150 MiB"],
        ["index of 638 500 pairs, first time", "9.00 s", "281 MiB"],
        ["index of 638 500 pairs, again, from the cache", "0.50 s", "102 MiB"],
        ["a training from 600 000 pairs, beside torch", "–", "150 MiB"],
        ["`batch`, 640×360×100, 16 clips, 1 worker", "40.0 s", "1.00 times as fast"],
        ["one clip, 1920×1080×300, analysis", "30.0 s of one core", "–"],
        ["one clip, 1920×1080×300, storing its results", "0.050 s of one core", "6.5 MB in 24 files"],
        ["one clip, 1920×1080×300, with `--keep best:8`", "–", "2.0 MB in 9 files"],
        ["on paper: 10 000 such clips", "83 h of one core", "clips 1000 GB, results 65 GB, with `--keep best:8` 20 GB"],
        ["on paper: 1 machine of 2 cores", "41.7 h", "limit: processors (storage 1 %, writer 0 %)"],
    ]
    assert table(DATASET)[1][-2:] == [
        ["all", "1.0", "1.5", "100 MiB"],
        ["29 500 pairs from 170 clips of 640×360×87", "clips 1.0 GB", "project 2.0 GB", "data set 4.0 GB"],
    ]


@pytest.mark.parametrize("name", ALL)
def test_only_the_block_of_that_benchmark_changes(name: str, tmp_path: Path) -> None:
    file, into = tmp_path / "figures.json", tmp_path / "results.md"
    file.write_text(json.dumps(ALL[name]))
    before = RESULTS.read_text()
    into.write_text(before)
    os.utime(file, (86400 * 400, 86400 * 400))
    assert main([str(file), "--into", str(into), "--machine", "one \\1 core"]) == 0
    pattern = rf"<!-- bench:{name} -->\n(.*?)<!-- /bench -->"
    block = re.findall(pattern, into.read_text(), re.DOTALL)
    assert len(block) == 1 and block[0].startswith("one \\1 core, 1971-02-05, rainclean ")
    assert re.sub(pattern, "", into.read_text(), flags=re.DOTALL) == re.sub(pattern, "", before, flags=re.DOTALL)
    assert len({line.count("|") for line in block[0].splitlines() if "|" in line}) == 1
    first = into.read_text()
    assert main([str(file), "--into", str(into), "--machine", "one \\1 core"]) == 0
    assert into.read_text() == first


def test_figures_of_today_have_the_form_that_the_tool_writes() -> None:
    """So that the next run of a benchmark changes figures, and nothing else."""
    text = RESULTS.read_text()
    for name, output in ALL.items():
        (block,) = re.findall(rf"<!-- bench:{name} -->\n(.*?)<!-- /bench -->", text, re.DOTALL)
        labels = [line.split(" | ")[0].removeprefix("| ") for line in block.splitlines() if line.startswith("| ")]
        if name in ("temporal", "gui"):
            assert {row[0] for row in table(output)[1][1:]} <= set(labels)


@pytest.mark.parametrize("content", ["[]", "{}", "[1]", '[{"clip": 1}]', "nonsense"])
def test_anything_else_is_refused(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, into = tmp_path / "figures.json", tmp_path / "results.md"
    file.write_text(content)
    into.write_text("<!-- bench:gui -->\n<!-- /bench -->")
    assert main([str(file), "--into", str(into)]) == 1
    assert capsys.readouterr().err.startswith(f"results.py: {file}: ")
    assert into.read_text() == "<!-- bench:gui -->\n<!-- /bench -->"


def test_a_missing_block_is_named(tmp_path: Path) -> None:
    file, into = tmp_path / "figures.json", tmp_path / "results.md"
    file.write_text(json.dumps(GUI))
    into.write_text("nothing\n")
    command = [sys.executable, "tools/results.py", str(file), "--into", str(into)]
    done = subprocess.run(command, cwd=RESULTS.parents[1], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "<!-- bench:gui -->" in done.stderr
    assert into.read_text() == "nothing\n"
