"""The folder that random events play in: nothing outside of it is written, opened by name, or worked on."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from PySide6.QtWidgets import QFileDialog, QWidget

from gui.jobs import Job, Jobs
from gui.widgets import dialogs

_REAL = ("add", "analyze", "select", "decisions", "export", "check")
"""Jobs that may run as they are."""

_STAND_IN = """
import json, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
for done in range(3):
    sys.stderr.write(f"line {done}\\n")
    sys.stderr.flush()
    time.sleep(0.05)
sys.stderr.write("rainclean: a program stood in for this job\\n")
sys.exit(1)
"""


class Sandbox:
    """Files to choose from, and jobs that stay in the folder.

    Attributes:
        folder: The folder.
        project: Folder of the project in it.
        paths: Files and folders that are chosen, typed and dropped.
    """

    def __init__(self, folder: Path, jobs: int) -> None:
        """Make the files. jobs: how many jobs run as they are."""
        self.folder = folder.resolve()
        self.project = self.folder / "project"
        self._jobs = jobs
        for name in ("empty", "documents", "full"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "full" / "text.txt").write_text("no clip")
        (self.folder / "no film.mp4").write_bytes(b"no film")
        (self.folder / "decisions.jsonl").write_text('{"not": "a decision"}\n')
        names = (
            "project", "clips", "empty", "full", "full/text.txt", "no film.mp4", "decisions.jsonl", "missing", "new",
            "missing/deep", "project/project.sqlite",
        )  # fmt: skip
        clips = sorted((self.folder / "clips").glob("*"))[-1:] if (self.folder / "clips").is_dir() else []
        self.paths = (*(self.folder / name for name in names), *clips, self.folder)

    @contextmanager
    def closed_in(self) -> Iterator[None]:
        """Keep file dialogs, jobs and the file manager inside of the folder for the block."""
        from gui.pages.pairs import export_run

        real_choose, real_dialog, real_start = dialogs.choose, dialogs.make_dialog, Jobs.start

        def make_dialog(parent: QWidget, title: str, kind: Any, start: Path | None = None, **more: Any) -> QFileDialog:
            dialog = real_dialog(parent, title, kind, start, **more)
            dialog.setOption(QFileDialog.Option.ReadOnly)  # a dialog can also delete and rename files
            dialog.setDirectory(str(self.folder))
            return dialog

        def choose(*arguments: Any, **more: Any) -> list[Path]:
            return [path for path in real_choose(*arguments, **more) if self._is_inside(path)]

        def start(jobs: Jobs, job: Job) -> Job:
            if self._may_run(job):
                self._jobs -= 1
            else:
                job._program = (sys.executable, "-I", "-S", "-c", _STAND_IN)
            return real_start(jobs, job)

        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(dialogs, "make_dialog", make_dialog))
            stack.enter_context(mock.patch.object(dialogs, "choose", choose))
            stack.enter_context(mock.patch.object(Jobs, "start", start))
            stack.enter_context(mock.patch.object(export_run, "QDesktopServices", mock.Mock()))
            yield

    def _may_run(self, job: Job) -> bool:
        paths = [Path(word) for word in job.arguments if "/" in word or "\\" in word]
        return self._jobs > 0 and job.kind in _REAL and all(map(self._is_inside, paths))

    def _is_inside(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self.folder)
        except ValueError:  # a NUL is in it
            return False
