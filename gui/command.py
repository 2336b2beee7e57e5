"""``rainclean gui``: the window in which a person makes ground truth."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg


@dataclass(frozen=True)
class Gui:
    """Open the window: compare candidates, choose, compose, mask, export, train.

    Without a project the start page opens.
    """

    project: Annotated[Positional[Path | None], arg(metavar="[PROJECT]")] = None
    """Folder of a project, or clips to create one from."""

    def run(self) -> None:
        """Show the window until it is closed."""
        require_qt("rainclean gui")
        from gui.app import run

        if code := run(self.project):
            sys.exit(code)


def require_qt(command: str) -> None:
    """Raise RaincleanError, saying what to install, where a library of the window is missing."""
    from importlib.util import find_spec

    from rainclean.errors import RaincleanError

    for package in ("PySide6", "pyqtgraph"):
        if find_spec(package) is None:
            raise RaincleanError(f"{command} needs {package}: pip install 'rainclean[gui]'")


def main() -> None:
    """Run ``rainclean-gui``: the same without a terminal."""
    from pipeline.cli.main import main as command_line

    sys.exit(command_line(["gui", *sys.argv[1:]]))
