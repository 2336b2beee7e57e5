"""Watches states of the open project that a person should mend, and says them in the bar of notices."""

import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from gui.jobs import Jobs
from gui.main_window.notices import NoticeBar
from gui.state import Session
from gui.widgets import dialogs
from gui.workers import LATER
from pipeline.project.clips import Missing, missing
from pipeline.project.storage import DATABASE, Project
from pipeline.text_format import counted, few
from rainclean.errors import RaincleanError

_FIRST_MS = 800
"""Milliseconds after opening before clips are looked for: pictures come first."""

_LOOK_MS = 5000
"""Milliseconds between two looks while something is to be mended."""

READ_ONLY, STORE, CLIPS = "read only", "store", "clips"
"""Keys of the states."""


class States(QObject):
    """Keep the bar of notices up to date.

    Signals: `missing_found` with the clips that are not at their place, after each look.

    Attributes:
        missing: Those of the last look.
    """

    missing_found = Signal(list)

    def __init__(
        self,
        session: Session,
        jobs: Jobs,
        bar: NoticeBar,
        *,
        find: Callable[[], object],
        open_project: Callable[[Path], object],
        close_project: Callable[[], object],
        parent: QObject,
    ) -> None:
        """Begin to watch.

        Args:
            session: Knows the open project.
            jobs: After each, clips are looked for anew.
            bar: Shows the states.
            find: Asks where missing clips are.
            open_project: Opens a project.
            close_project: Closes it; the start page offers to restore a damaged one.
            parent: Parent of the object.
        """
        super().__init__(parent)
        self._session, self._bar = session, bar
        self._find, self._open, self._close = find, open_project, close_project
        self._was_writable = True
        self.missing: Sequence[Missing] = ()
        self._first = QTimer(self, singleShot=True, interval=_FIRST_MS)
        self._first.timeout.connect(self.look)
        self._clock = QTimer(self, interval=_LOOK_MS)
        self._clock.timeout.connect(self._look_again)
        session.opened.connect(self._opened)
        session.troubled.connect(lambda text, is_damaged: self._troubled(text, is_damaged=is_damaged))
        session.mended.connect(partial(bar.clear, STORE))
        jobs.finished.connect(lambda _: self.look())

    def look(self) -> None:
        """Look in a thread for clips that are not at their place: a disk may be slow."""
        project = self._session.project
        if project is None:
            return
        folder = project.folder

        def work() -> list[Missing]:
            with Project.again(folder) as copy:
                return missing(copy)

        self._session.workers.run(
            work, partial(self._show_missing, folder), self._not_searched, lane="missing-clips", urgency=LATER
        )

    def _opened(self) -> None:
        for key in (READ_ONLY, STORE, CLIPS):
            self._bar.clear(key)
        self.missing = ()
        self.missing_found.emit([])
        project = self._session.project
        if project is None:
            self._clock.stop()
            self._first.stop()
            return
        self._was_writable = _is_writable(project.folder)
        if project.read_only:
            self._bar.show_notice(
                READ_ONLY,
                "This project cannot be written to. You can look at it, but decisions cannot be stored.",
                "Copy the project…",
                "Copy it to a folder that you can write to, and open the copy",
                self._copy,
            )
        self._first.start()
        self._clock.start()

    def _look_again(self) -> None:
        """See whether causes are gone."""
        project = self._session.project
        if project is None:
            return
        if self.missing:
            self.look()
        if READ_ONLY in self._bar.notices and not self._was_writable and _is_writable(project.folder):
            self._open(project.folder)

    def _troubled(self, text: str, *, is_damaged: bool) -> None:
        if is_damaged:
            self._bar.show_notice(
                STORE, text, "Close and restore…", "Close the project; the start page offers to restore it", self._close
            )
        else:
            self._bar.show_notice(STORE, text, "Try again", "Read the project again now", self._session.look_around)

    def _show_missing(self, folder: Path, found: list[Missing]) -> None:
        project = self._session.project
        if project is None or project.folder != folder:
            return
        self.missing = found
        if found:
            names = few([each.clip.path.name for each in found], 3)
            are = "is not at its place" if len(found) == 1 else "are not at their place"
            text = f"{counted(len(found), 'clip')} {are}: {names}"
            self._bar.show_notice(CLIPS, text, "Find…", "Search a folder for all of them", self._find)
        else:
            self._bar.clear(CLIPS)
        self.missing_found.emit(found)

    def _not_searched(self, error: Exception) -> None:
        if not isinstance(error, RaincleanError):
            raise error

    def _copy(self) -> None:
        """Ask for a folder, copy the project there, and open the copy."""
        project = self._session.project
        if project is None:
            return
        source = project.folder
        parent = self.parent()
        for target in dialogs.choose(parent, "Copy the project to", "new folder", Path.home() / source.name):  # type: ignore[arg-type]
            self._session.message.emit(f"Copying the project to {target}")
            self._session.workers.run(
                partial(_copied, source, target), self._show_copy, self._not_copied, lane="copy-project"
            )

    def _show_copy(self, copy: Path) -> None:
        self._open(copy)

    def _not_copied(self, error: Exception) -> None:
        if not isinstance(error, OSError | RaincleanError):
            raise error
        self._session.warning.emit(f"The project could not be copied: {error}")


def _copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    for path in (target, *target.rglob("*")):  # an archive's files may all be read-only
        path.chmod(path.stat().st_mode | 0o200)
    return target


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and os.access(folder / DATABASE, os.W_OK)
