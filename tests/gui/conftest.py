"""The real window on small projects, without a screen."""

import os

# Before Qt is imported anywhere: tests need no screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.loaded import Loaded
from tests.helpers.rainy_clips import rainy_clip

if TYPE_CHECKING:
    from PySide6.QtCore import QSettings
    from pytestqt.qtbot import QtBot

    from gui.jobs.spool import Spool
    from gui.main_window.window import Window

try:
    from PySide6 import QtWidgets  # noqa: F401
except ImportError as error:  # system libraries that Qt needs are missing; README names them
    collect_ignore_glob = ["*.py", "compare/*.py"]
    sys.stderr.write(f"tests/window is left out: {error}\n")

Open = Callable[[Path | None], "Window"]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with three analysed clips of 20 frames; copy it, do not change it."""
    from pipeline.clean.settings import CleanSettings
    from pipeline.project.analysis.run import analyze
    from pipeline.project.clips.import_clips import Origin, add
    from pipeline.project.storage.database import Project
    from pipeline.stages import finish

    folder = tmp_path_factory.mktemp("window")
    clips = [rainy_clip(folder / f"place{seed}.mkv", seed) for seed in range(3)]
    with Project.create(folder / "project") as made:
        finish(add(made, clips, Origin(licence="CC0")))
        finish(analyze(made, (), CleanSettings(workers=1)))
    return folder / "project"


@pytest.fixture
def home(made_once: Path, tmp_path: Path) -> Path:
    """An analysed project of one's own; its clips stay where they are."""
    return Path(shutil.copytree(made_once, tmp_path / "home"))


@pytest.fixture
def settings(tmp_path: Path) -> "QSettings":
    """Settings of nobody."""
    from PySide6.QtCore import QSettings

    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def open_window(qtbot: "QtBot", settings: "QSettings") -> Iterator[Open]:
    """Opens the application's window on a project, as often as a test likes; all are deleted in the end."""
    from PySide6.QtCore import QCoreApplication, QEvent

    from gui.app import make_application, make_window

    hook = sys.excepthook
    made: list[Window] = []

    def run(project: Path | None) -> "Window":
        make_application()
        window = make_window(settings)
        sys.excepthook = hook  # pytest-qt fails a test whose slots raise
        window.session.list_all(on=True)  # tests name candidates by their places, and twins fold at any moment
        made.append(window)
        with qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        if project is not None:
            window.open_project(project)
        return window

    yield run
    for window in made:
        window.jobs.shutdown(2)  # a failed test may have left some, and nobody answers questions
        window.close()
        window.deleteLater()
    # Now, not when the next event loop starts: a window is made in half the time if there is no other one.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def window(open_window: Open, home: Path, qtbot: "QtBot") -> "Window":
    """The window on a project of three analysed sequences, its pictures loaded."""
    opened = open_window(home)
    qtbot.waitUntil(lambda: opened.desk.shown_left is not None and opened.desk.shown_right is not None)
    return opened


@pytest.fixture(scope="session")
def loaded() -> Iterator[Loaded]:
    """A process that has loaded what jobs need, torch and Lightning too: most of a job's time goes into that."""
    with Loaded(training=True) as process:
        yield process


@pytest.fixture
def forked_jobs(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of the window are forks of that process; `test_jobs_of_the_window_start_there` starts real ones."""
    from gui.jobs import job
    from rainclean.environment import PROGRESS

    def start(program: Sequence[str], spool: "Spool", more: Mapping[str, str]) -> ForkedJob:
        environment = {**os.environ, **more, PROGRESS: "json"}
        words = program[len(job._COMMAND) :]
        return ForkedJob(loaded, loaded.start(*words, output=spool.out, errors=spool.err, **environment))

    monkeypatch.setattr(job, "_started", start)


class ForkedJob:
    """What a job uses of `subprocess.Popen`."""

    def __init__(self, loaded: Loaded, pid: int) -> None:
        self.loaded, self.pid = loaded, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self.loaded.poll(self.pid)
        return self.returncode
