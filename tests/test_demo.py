"""The demo: four clips in, a checked data set and a report out."""

import json
import re
from pathlib import Path

from conftest import Run


def test_the_demo_goes_the_whole_way(tmp_path: Path, rainclean: Run) -> None:
    out = tmp_path / "demo"
    result = rainclean("demo", "-o", out, "--json")
    assert result.returncode == 0, result.stderr
    shown = json.loads(result.stdout)
    assert [row["clip"] for row in shown["clips"]] == ["cat", "launch", "portrait", "table"]
    for row in shown["clips"]:
        assert row["choice_db"] > row["rainy_db"] + 10
        assert row["best_db"] >= row["choice_db"] > row["best_db"] - 1.5
        assert abs(row["released_db"] - row["best_db"]) < 3
    assert shown["problems"] == [] and min(shown["exported"]["pairs"].values()) > 0
    assert (out / "dataset" / "real_world.txt").exists() and (out / "project" / "project.sqlite").exists()

    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 4 * 6
    # It opens from disk, anywhere: nothing is loaded from elsewhere.
    assert set(re.findall(r'(?:src|href)="([^"]{5})', page)) == {"data:"}
    for row in shown["clips"]:
        assert f"{row['choice_db']:.1f}" in page

    again = rainclean("demo", "-o", out)
    assert again.returncode == 0, again.stderr
    assert "released rule" in again.stdout and "train 30 pairs" in again.stdout
