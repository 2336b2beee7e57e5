import json
from pathlib import Path

from conftest import Run


def test_the_demo_shows_what_each_candidate_is_worth(tmp_path: Path, rainclean: Run) -> None:
    result = rainclean("demo", "-o", tmp_path / "demo", "--json")
    assert result.returncode == 0, result.stderr
    shown = json.loads(result.stdout)
    assert shown["candidates"][0]["psnr_db"] > shown["rainy_db"] + 10
    assert (tmp_path / "demo" / "clean.png").exists()
    best = max(row["psnr_db"] for row in shown["candidates"])
    assert shown["candidates"][0]["psnr_db"] > best - 1.5


def test_the_table_is_for_people(tmp_path: Path, rainclean: Run) -> None:
    result = rainclean("demo", "-o", tmp_path / "demo")
    assert "dB against the truth" in result.stdout and "released rule" in result.stdout
    assert "rainy frame 50" in result.stdout
