"""What strangers install: a wheel, in an environment with nothing else in it."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pipeline.demo.run import SAMPLES
from tests.conftest import ROOT

pytestmark = pytest.mark.long


DEMO = """
import sys
from pipeline.cli.main import main
from pipeline.demo import run
run.SAMPLES = {name: run.SAMPLES[name] for name in ("table",)}
sys.exit(main(sys.argv[1:]))
"""
"""The demo on one of its samples; tests/pipeline/demo takes them all."""


def link_requirements(packages: Path) -> None:
    """Give an environment what the wheel in it requires, and no more: links to what is installed for the tests.

    Unpacking half a gigabyte again would take longer than the test itself.
    """
    (wheel,) = distributions(path=[str(packages)])
    wanted, linked = [*map(Requirement, wheel.requires or ())], set[str]()
    while wanted:
        requirement = wanted.pop()
        extras = requirement.extras or {""}
        if requirement.marker is not None and not any(requirement.marker.evaluate({"extra": one}) for one in extras):
            continue
        found = distribution(requirement.name)
        assert requirement.specifier.contains(found.version, prereleases=True), f"{requirement}: {found.version}"
        if found.name in linked:
            continue
        linked.add(found.name)
        wanted += map(Requirement, found.requires or ())
        for top in {file.parts[0] for file in found.files or () if ".." not in file.parts}:
            link = packages / top
            if not link.exists():
                link.symlink_to(str(found.locate_file(top)))


def adopt_kernels(packages: Path) -> None:
    """Give an environment what numba has compiled for the repository, so far: compiling takes half a minute.

    numba takes it for a file of the same size and time of change; so this one sees to it that the content is the same.
    """
    for source in (ROOT / "rainclean").rglob("*.py"):
        installed = packages / source.relative_to(ROOT)
        assert installed.read_bytes() == source.read_bytes()
        os.utime(installed, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
    for kept in (ROOT / "rainclean").rglob("__pycache__/*.nb[ci]"):
        copy = packages / kept.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(kept.read_bytes())


def test_a_wheel_works_in_an_empty_environment(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = archive.namelist()
    assert "rainclean/spanet/shipped/simulated-rain.safetensors" in files
    assert {f"sample_sequences/{name}/clip.mp4" for name in SAMPLES} <= {*files}
    folders = {name.split("/")[0] for name in files if ".dist-info/" not in name}
    assert folders == {"rainclean", "pipeline", "gui", "sample_sequences"}
    venv.create(tmp_path / "empty")
    scripts = tmp_path / "empty" / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", str(scripts / "python")]
    # Only what is imported is compiled, then, and once.
    install = [*pip, "install", "-q", "--no-compile", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, timeout=600, cwd=tmp_path)
    (packages,) = (tmp_path / "empty").rglob("site-packages")
    link_requirements(packages)
    adopt_kernels(packages)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    # Run from elsewhere, so that nothing is found in the repository by chance.
    command = [str(scripts / "rainclean"), "--version"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert shown.stdout.startswith("rainclean ")
    demo = [str(scripts / "python"), "-c", DEMO, "demo", "-o", str(tmp_path / "demo"), "--json"]
    shown = subprocess.run(demo, check=True, capture_output=True, text=True, timeout=300, cwd=tmp_path, env=environment)
    clips = json.loads(shown.stdout)["clips"]
    assert [row["clip"] for row in clips] == ["table"] and clips[0]["choice_db"] > clips[0]["rainy_db"] + 10
    assert "note: training skipped: SPANet needs torch" in shown.stderr
    assert json.loads(shown.stdout)["evaluation"] is None
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
