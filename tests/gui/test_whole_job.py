"""The whole job in one pass, as the script that makes the user guide's pictures does it."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from tests.conftest import ROOT

pytestmark = pytest.mark.long

PICTURES = (
    "start", "desk", "side-by-side", "difference", "live", "pixel", "region", "compose", "reject", "second-opinion",
    "agreement", "keys", "pairs", "exported", "training", "results", "jobs", "dark",
)  # fmt: skip


def test_whole_job_leaves_its_pictures(tmp_path: Path) -> None:
    script = ROOT / "docs" / "make_screenshots.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr  # errors in slots are printed, and nothing else
    for name in PICTURES:
        picture = QImage(str(tmp_path / f"gui-{name}.jpg"))
        assert not picture.isNull(), name
        colours = {picture.pixel(x, y) for x in range(0, picture.width(), 40) for y in range(0, picture.height(), 40)}
        assert len(colours) > 5, f"{name} is nearly empty"
        assert (ROOT / "docs" / "images" / f"gui-{name}.jpg").is_file()
