"""Pictures that a project no longer refers to: moved aside for 30 days, and back where they are wanted again."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

TRASH = "trash"

KEPT = timedelta(days=30)

OURS = re.compile(r"[0-9a-f]{64}\.\w+|\.[0-9a-f]{64}\.\w+\.\d+\.\d+")
"""Names of artefacts, and of those that a killed process had begun: nothing else is moved or removed."""

_EXPIRED = ".expired"
"""File in a day's folder: since which day its time has been up. Emptied a day later at the earliest, so that a clock
that is wrong for a while empties nothing."""


class Trash:
    """A folder with one folder a day in it, named by its date (UTC)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, path: Path) -> None:
        """Move a file here. Raises OSError where that cannot be done: the file then stays where it is."""
        day = self._folder / _today().isoformat()
        day.mkdir(parents=True, exist_ok=True)
        path.rename(day / path.name)  # never a copy: another file system is none of ours

    def find(self, name: str) -> Path | None:
        """Where a file of this name lies here; the one that came last of several."""
        return next((day / name for day in self._days() if (day / name).is_file()), None)

    def empty(self) -> None:
        """Remove for good what has lain here for longer than 30 days."""
        today = _today()
        for day in self._days():
            if today - date.fromisoformat(day.name) <= KEPT:
                (day / _EXPIRED).unlink(missing_ok=True)
            elif (expired := _expired_on(day / _EXPIRED)) is None or expired > today:
                with suppress(OSError):
                    (day / _EXPIRED).write_text(today.isoformat())
            elif today > expired:
                _remove(day)

    def _days(self) -> Iterator[Path]:
        """The folders of days, the latest first; nothing else that somebody put here."""
        with suppress(OSError):
            if not self._folder.is_symlink():  # what it leads to is somebody else's
                days = [p for p in self._folder.iterdir() if _is_date(p.name) and p.is_dir() and not p.is_symlink()]
                yield from sorted(days, reverse=True)


def _remove(day: Path) -> None:
    """Remove what we put into a day's folder, and the folder if nothing else is in it."""
    with suppress(OSError):
        for path in [*day.iterdir(), day / _EXPIRED]:
            if OURS.fullmatch(path.name) or path.name == _EXPIRED:
                path.unlink(missing_ok=True)
        day.rmdir()


def _today() -> date:
    return datetime.now(UTC).date()


def _is_date(name: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", name):
        return False
    with suppress(ValueError):
        return bool(date.fromisoformat(name))
    return False


def _expired_on(path: Path) -> date | None:
    with suppress(OSError, ValueError):
        return date.fromisoformat(path.read_text(errors="replace").strip())
    return None
