"""What is done to a whole project: make one, add clips, analyse, choose automatically, exchange decisions.

All of it is the command of the same name, run as a job.
"""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Signal
from PySide6.QtWidgets import QWidget

from gui.jobs import Job, Jobs, State
from gui.state import Session
from gui.widgets import dialogs
from pipeline.project.clips import VIDEO_SUFFIXES
from pipeline.project.storage import DATABASE, Project
from pipeline.words import counted
from rainclean.errors import RaincleanError

SAMPLE = "rainclean sample"
"""Folder of the sample project, among the person's documents."""

_VIDEOS = f"Videos ({' '.join(f'*{suffix}' for suffix in sorted(VIDEO_SUFFIXES))});;All files (*)"
_LINES = "Decisions (*.jsonl);;All files (*)"


class ProjectCommands(QObject):
    """Asks what has to be asked, and starts jobs. parent: the window that questions belong to.

    documents: folder that the sample project is made in. to_desk: a person wants to see the selected sequence.
    """

    to_desk = Signal()

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._window = session, jobs, parent
        place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        self.documents = Path(place or Path.home())
        jobs.finished.connect(self._finished)

    def make_project(self, folder: Path, then: Callable[[Path], None]) -> None:
        """Make a project in a folder, and open it."""
        try:
            Project.create(folder).close()
        except RaincleanError as error:
            self._session.warning.emit(str(error))
            return
        then(folder)

    def open_sample(self, then: Callable[[Path], None]) -> None:
        """Open the sample project; the first time it is made among the person's documents."""
        from pipeline.demo import sample_folder

        folder = self.documents / SAMPLE
        if (folder / DATABASE).is_file():
            then(folder)
        else:
            self.make_project(folder, then)
        project = self._session.project
        # Its clips may be missing although it is there: the first time may have been cut short.
        if project is None or project.folder != folder.resolve() or self._session.summaries or self._is_at("add"):
            return
        self.add([sample_folder("table").parent])

    def choose_clips(self) -> None:
        """Ask for video files and add them."""
        if clips := dialogs.choose(self._window, "Clips to add", "files", names=_VIDEOS):
            self.add(clips)

    def choose_folder(self) -> None:
        """Ask for a folder and add its clips."""
        if folders := dialogs.choose(self._window, "Folder with clips", "folder"):
            self.add(folders)

    def add(self, paths: list[Path]) -> None:
        """Add clips; what is new is analysed afterwards."""
        if (folder := self._folder()) is not None:
            what = paths[0].name if len(paths) == 1 else counted(len(paths), "path")
            self._jobs.start(Job(f"Add {what}", ["add", str(folder), *map(str, paths)], folder))

    def analyze(self) -> None:
        """Make candidates for what has none."""
        if (folder := self._folder()) is None:
            return
        if self._is_at("analyze"):
            self._session.message.emit("an analysis of this project is under way already")
            return
        self._jobs.start(Job("Analyse", ["analyze", str(folder)], folder))

    def choose_automatically(self) -> None:
        """Accept the best-scored candidate wherever no person has decided."""
        if (folder := self._folder()) is not None:
            self._jobs.start(Job("Choose automatically", ["select", str(folder), "--auto"], folder))

    def import_decisions(self) -> None:
        """Ask for a file of decisions and merge it."""
        for file in dialogs.choose(self._window, "Decisions to import", "file", names=_LINES):
            if (folder := self._folder()) is not None:
                self._jobs.start(Job("Import decisions", ["decisions", "import", str(folder), str(file)], folder))

    def export_decisions(self) -> None:
        """Ask for a place and write all decisions there."""
        if (folder := self._folder()) is None:
            return
        start = folder.parent / f"{folder.name}-{self._session.user}.jsonl"
        for file in dialogs.choose(self._window, "Export decisions to", "new file", start, _LINES):
            self._jobs.start(Job("Export decisions", ["decisions", "export", str(folder), "-o", str(file)], folder))

    def show_agreement(self) -> None:
        """Who agrees with whom, and where people decided differently."""
        from gui.pages.desk import AgreementDialog

        dialog = AgreementDialog(self._session, self._window)
        dialog.accepted.connect(self.to_desk)  # a conflict was double clicked: its sequence is selected there
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def outcome(self, job: Job) -> tuple[str, bool]:
        """What to say of a job that is over, and whether it is a complaint."""
        if job.error:
            # Of several parts the error gives the number alone; what to do is said of each.
            first = next((line.removeprefix("failed: ") for line in job.log if line.startswith("failed: ")), "")
            return f"{job.title}: {job.error}" + (f" – {first}" if first else ""), True
        if job.arguments[:2] == ("decisions", "import") and job.project == self._folder():
            differing = sum(summary.conflict for summary in self._session.summaries.values())
            if differing:
                return f"{job.title}: {counted(differing, 'conflict')}; Ctrl+G shows what people differ on", False
        if job.kind == "select" and isinstance(job.result, dict) and "words" in job.result:
            return "; ".join(job.result["words"]), False
        return f"{job.title}: {job.doing()}", False

    def _is_at(self, kind: str) -> bool:
        """Whether a job of this kind is under way in the open project."""
        return any(job.kind == kind and job.project == self._folder() for job in self._jobs.unfinished())

    def _folder(self) -> Path | None:
        return self._session.project.folder if self._session.project is not None else None

    def _finished(self, job: Job) -> None:
        """Clips that were added are analysed; what a job changed is seen at once."""
        if job.project is None or job.project != self._folder():
            return
        self._session.look_around()
        # One bad file among many fails the job; what came in beside it is there to be analysed.
        new = any(summary.state == "new" for summary in self._session.summaries.values())
        if job.kind == "add" and (job.state is State.FINISHED or (job.state is State.FAILED and new)):
            self.analyze()
