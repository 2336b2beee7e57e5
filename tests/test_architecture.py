"""The floors hold, and the contracts that say so can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint_imports(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("rainclean", "pipeline", "gui"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_contracts_hold(copy: Path) -> None:
    result = lint_imports(copy)
    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("rainclean/temporal.py", "import pipeline.clean", "Three floors"),
        ("pipeline/clean.py", "import gui", "Three floors"),
        ("pipeline/clean.py", "import PySide6.QtCore", "No Qt below the window"),
        ("rainclean/recipe.py", "import rich", "neither prints nor parses"),
        ("rainclean/temporal.py", "import torch", "torch stays"),
        ("gui/__init__.py", "import lightning", "torch stays"),
    ],
)
def test_a_broken_contract_is_seen(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / module
    path.write_text(path.read_text() + f"\n{line}\n")
    result = lint_imports(copy)
    assert result.returncode != 0
    broken = [text for text in result.stdout.splitlines() if " BROKEN" in text]
    assert len(broken) == 1 and contract in broken[0], result.stdout


@pytest.mark.parametrize("command", [["--help"], ["clean", "--help"], ["probe", "--help"], ["--version"]])
def test_help_loads_neither_qt_nor_torch_nor_the_heavy_libraries(command: list[str]) -> None:
    script = (
        "import sys\nfrom pipeline.cli.main import main\n"
        f"try:\n    main({command!r})\nexcept SystemExit:\n    pass\n"
        "print('LOADED', [m for m in ('PySide6', 'torch', 'numba', 'cv2', 'av', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "LOADED []" in result.stdout, result.stdout + result.stderr
