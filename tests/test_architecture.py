"""The floors hold, and the contracts that say so can fail."""

import ast
import importlib
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint_imports(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("rainclean", "pipeline", "gui", "benchmarks"):
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
        ("rainclean/moving/residual_grid.py", "import rainclean.moving.detection", "No circle"),
        ("rainclean/video/source.py", "import rainclean.dataset.files", "No circle"),
        ("rainclean/temporal/prior.py", "import pipeline.stages", "Three floors"),
        ("pipeline/clean/run.py", "import gui", "Three floors"),
        ("gui/environment.py", "import benchmarks", "Three floors"),
        ("pipeline/clean/run.py", "import PySide6.QtCore", "No Qt below the window"),
        ("rainclean/candidates/recipe.py", "import rich", "neither prints nor parses"),
        ("rainclean/temporal/prior.py", "import torch", "torch stays"),
        ("gui/__init__.py", "import lightning", "torch stays"),
        ("benchmarks/temporal/run.py", "import torch", "torch stays"),
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


NO_DOOR = (
    "benchmarks", "benchmarks.batch", "benchmarks.gui", "benchmarks.monkey", "benchmarks.spanet", "benchmarks.temporal",
    "gui", "gui.pages", "pipeline", "pipeline.bench", "pipeline.cli", "pipeline.project", "rainclean",
)  # fmt: skip
"""Folders of rooms, and of modules that are commands of their own."""

TAKES_APART = ("benchmarks.spanet.measure", "benchmarks.spanet.released")
"""Modules that measure the parts of a room, and so go past its door."""


@cache
def imports_in(text: str) -> list[ast.Import | ast.ImportFrom]:
    """Import statements of a module; read once, however often its file is looked at."""
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.Import, ast.ImportFrom))]


def past_doors(root: Path) -> list[str]:
    """Imports of a module of another room that go past the room's `__init__`, a line each."""
    found = []
    modules = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for floor in ("rainclean", "pipeline", "gui", "benchmarks")
        for path in (root / floor).rglob("*.py")
    }
    for name, path in modules.items():
        if name in TAKES_APART:
            continue
        room = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in imports_in(path.read_text(encoding="utf-8")):
            if isinstance(node, ast.ImportFrom) and node.module in modules:
                wanted = [node.module]
            elif isinstance(node, ast.Import):
                wanted = [each.name for each in node.names]
            else:
                continue
            for module in wanted:
                other = module.rpartition(".")[0]
                is_room = module in modules and modules[module].name == "__init__.py"
                inside = f"{room}.".startswith(f"{other}.")
                if module in modules and not is_room and other not in NO_DOOR and not inside:
                    found.append(f"{path.relative_to(root)}:{node.lineno} imports {module}")
    return found


def test_rooms_are_entered_by_their_doors(copy: Path) -> None:
    assert past_doors(copy) == []
    path = copy / "gui" / "environment.py"
    path.write_text(path.read_text() + "\nfrom rainclean.moving.detection import MotionDetector\n")
    assert len(past_doors(copy)) == 1


STUBS = sorted(ROOT.glob("[rpg]*/**/__init__.pyi"))


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: str(stub.parent.relative_to(ROOT)))
def test_a_door_opens_on_everything_it_names(stub: Path) -> None:
    """Every name of the list is there, and nothing else is given away by it."""
    pytest.importorskip("torch")
    pytest.importorskip("PySide6.QtGui", exc_type=ImportError)
    module = importlib.import_module(".".join(stub.parent.relative_to(ROOT).parts))
    listed = next(n.value for n in ast.parse(stub.read_text()).body if isinstance(n, ast.Assign))
    assert sorted(ast.literal_eval(listed)) == sorted(module.__all__) == sorted(dir(module))
    for name in module.__all__:
        assert getattr(module, name) is not None
