"""Paths and other texts that a person typed: anything may be in them, and a path that cannot exist must not raise."""

import os
import stat
from pathlib import Path
from typing import Literal

Want = Literal["any", "file", "folder"]

_SHOWN = 80
"""Characters of a path or another typed text that a message shows."""


def typed_path(text: str) -> Path:
    """Return a typed path with the home folder in place of ``~``. An unknown user's ``~name`` is left as it is."""
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def problem_of(path: Path, want: Want = "any") -> str:
    """Return why a path does not lead to a file or folder, "" if it does."""
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return f"{shortened(path)} does not exist."
    except (OSError, ValueError) as error:
        return _refused(path, error)
    if want == "folder" and not is_folder:
        return f"{shortened(path)} is a file. Choose a folder."
    if want == "file" and is_folder:
        return f"{shortened(path)} is a folder. Choose a file."
    return ""


def problem_of_new(path: Path) -> str:
    """Return why no folder of this path can be written to, "" if nothing speaks against it."""
    path = Path(os.path.normpath(path.absolute()))
    if not path.name:
        return f"{path} cannot be the output itself. Add a name."
    for folder in (path, *path.parents):
        try:
            if not stat.S_ISDIR(folder.stat().st_mode):
                return f"{shortened(folder)} is a file. Choose another folder."
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            continue  # one of the parents is a file
        except (OSError, ValueError) as error:
            return _refused(folder, error)
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"{shortened(folder)} cannot be written to. Choose another folder."
        return ""
    return ""


def exists(path: Path) -> bool:
    """Return whether there is a file or folder; False for a path that cannot exist."""
    return not problem_of(path)


def beside(folder: Path, ending: str) -> Path | None:
    """Return a path beside a folder, named after it; None for a folder without a name, such as ``/``."""
    path = Path(os.path.normpath(folder.absolute()))
    return path.with_name(f"{path.name}{ending}") if path.name else None


def shortened(path: Path) -> str:
    """Return a path, without its middle if it is long."""
    return without_middle(str(path))


def without_middle(text: str) -> str:
    """Return a text, without its middle if it is long, so that a line with it fits a form."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 :]}"


def _refused(path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "it contains an invalid character"
    return f"{shortened(path)} cannot be used: {reason}."
