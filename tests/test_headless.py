"""Everything but the window works where Qt is not installed."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.helpers.rainy_clips import rainy_clip

HIDE = "import sys\nsys.modules |= dict.fromkeys(('PySide6', 'shiboken6', 'pyqtgraph'))\n"
"""None in the place of a module: it cannot be imported."""


@pytest.fixture
def without_qt(tmp_path: Path) -> dict[str, str]:
    """Environment of a process in which neither PySide6 nor pyqtgraph can be imported."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text(HIDE)
    return {**os.environ, "PYTHONPATH": str(tmp_path / "hidden")}


COMMANDS = """
import json, sys
from pipeline.cli.main import main
for words in json.loads(sys.argv[1]):
    if code := main(words):
        sys.exit(code)
"""
"""Commands one after the other in one process."""


def run(environment: dict[str, str], *words: object, module: str = "rainclean") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *map(str, words)]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_commands_work_without_qt(tmp_path: Path, without_qt: dict[str, str]) -> None:
    imports = [sys.executable, "-c", "import PySide6"]
    assert subprocess.run(imports, env=without_qt, capture_output=True, timeout=60).returncode != 0
    rainy_clip(tmp_path / "mill.mkv", 3)
    home = tmp_path / "home"
    for words in (["--help"], ["gui", "--help"]):
        result = run(without_qt, *words)
        assert result.returncode == 0, result.stderr
    commands: list[list[object]] = [
        ["clean", tmp_path / "mill.mkv", "-o", tmp_path / "out"],
        ["new", home],
        ["add", home, tmp_path / "mill.mkv", "--licence", "CC0"],
        ["analyze", home],
        ["select", home, "--auto", "--include", "look"],
        ["export", home, "-o", tmp_path / "pairs", "--frames", "every:8"],
        ["check", tmp_path / "pairs"],
    ]
    given = json.dumps([list(map(str, words)) for words in commands])
    process = [sys.executable, "-c", COMMANDS, given]
    result = subprocess.run(process, env=without_qt, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "pairs" / "manifest.csv").is_file()


@pytest.mark.parametrize(("module", "program"), [("rainclean", "rainclean"), ("benchmarks", "python -m benchmarks")])
def test_the_window_says_what_to_install(without_qt: dict[str, str], module: str, program: str) -> None:
    result = run(without_qt, "gui", module=module)
    assert result.returncode == 1
    assert result.stderr == f"rainclean: {program} gui needs PySide6: pip install 'rainclean[gui]'\n"


def test_the_container_recipe_names_the_packages_of_the_extra_and_copies_what_the_wheel_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    recipe = (ROOT / "Dockerfile").read_text()
    (line,) = [line for line in recipe.splitlines() if '"torch>=' in line]
    assert re.findall(r'"([^"]+)"', line) == project["project"]["optional-dependencies"]["spanet"]
    copied = {line.strip("!/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert copied >= {*wheel["packages"], *wheel["force-include"], *project["project"]["license-files"]}
    assert copied >= {"README.md", "pyproject.toml", "requirements-headless.txt", "constraints.txt"}


def test_the_headless_requirements_are_the_base_without_the_window() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    window = project["optional-dependencies"]["gui"]
    lines = (ROOT / "requirements-headless.txt").read_text().splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    assert sorted([*listed, *window]) == sorted(project["dependencies"])
