"""What strangers install: a wheel, in an environment with nothing else in it."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.long


def test_a_wheel_works_in_an_empty_environment(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = archive.namelist()
    assert "rainclean/spanet/shipped/simulated-rain.safetensors" in files
    folders = {name.split("/")[0] for name in files if ".dist-info/" not in name}
    assert folders == {"rainclean", "pipeline", "gui", "sample_sequences"}
    venv.create(tmp_path / "empty")
    scripts = tmp_path / "empty" / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", str(scripts / "python")]
    # Only what is imported is compiled, then, and once.
    install = [*pip, "install", "-q", "--no-compile", "-c", str(ROOT / "constraints.txt"), str(wheel)]
    subprocess.run(install, check=True, timeout=600, cwd=tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    # Run from elsewhere, so that nothing is found in the repository by chance.
    demo = [str(scripts / "rainclean"), "demo", "-o", str(tmp_path / "demo"), "--json"]
    shown = subprocess.run(demo, check=True, capture_output=True, text=True, timeout=300, cwd=tmp_path, env=environment)
    for row in json.loads(shown.stdout)["clips"]:
        assert row["choice_db"] > row["rainy_db"] + 10
    assert "note: training skipped: SPANet needs torch" in shown.stderr
    assert json.loads(shown.stdout)["evaluation"] is None
    sample = next((tmp_path / "empty").rglob("sample_sequences/table/clip.mp4"))
    clean = [str(scripts / "rainclean"), "clean", str(sample), "-o", str(tmp_path / "out"), "--frames", "20"]
    subprocess.run(clean, check=True, capture_output=True, timeout=300, cwd=tmp_path, env=environment)
    assert (tmp_path / "out" / "clean.png").exists()
    names = subprocess.run([*pip, "list"], check=True, capture_output=True, text=True, timeout=60)
    assert "torch" not in {line.split()[0].lower() for line in names.stdout.splitlines() if line}
    # Without the system's libraries that Qt needs (README names them) there is no window, here or there.
    pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)
    window = (
        "from gui.app import make_application, make_window; app = make_application(); window = make_window(); "
        "window.show(); app.processEvents(); print(window.windowTitle()); window.close()"
    )
    environment |= {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    shown = subprocess.run(
        [str(scripts / "python"), "-c", window],
        check=True, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert shown.stdout.strip() == "rainclean"
