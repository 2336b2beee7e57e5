"""Commands for a whole project: create it, add clips, analyse, choose automatically, exchange decisions.

Each runs the command of the same name as a job.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, QStandardPaths, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from gui.jobs import Job, Jobs, State, finished_text, outcome_of
from gui.main_window.automatic import AutomaticQuestion, report
from gui.main_window.new_project import NewProjectDialog, proposed_name
from gui.state import Session
from gui.widgets import dialogs
from pipeline.project.clips import VIDEO_SUFFIXES
from pipeline.project.decisions import auto_plan
from pipeline.project.storage import DATABASE, Project
from pipeline.text_format import counted, few
from rainclean.errors import RaincleanError

KEPT = 8
"""Images of a sequence that a smaller project keeps."""

SAMPLE = "rainclean sample"
"""Name of the sample project's folder in the user's documents."""

PLACE = "place"
"""Setting: folder that the last new project went into."""

_VIDEOS = f"Videos ({' '.join(f'*{suffix}' for suffix in sorted(VIDEO_SUFFIXES))});;All files (*)"
_DECISIONS = "Decisions (*.jsonl);;All files (*)"


class ProjectCommands(QObject):
    """Asks for files and folders, and starts jobs.

    Signals: `to_desk` when the person wants to see the selected sequence.

    Attributes:
        documents: Folder in which the sample project is created.
    """

    to_desk = Signal()

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget) -> None:
        """Make the commands. parent: the window that questions belong to."""
        super().__init__(parent)
        self._session, self._jobs, self._window = session, jobs, parent
        place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        self.documents = Path(place or Path.home())
        jobs.finished.connect(self._finished)

    def make_project(self, folder: Path, then: Callable[[Path], None]) -> None:
        """Create a project in a folder, and hand it to `then`."""
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            Project.create(folder).close()
        except (RaincleanError, OSError) as error:
            self._session.warning.emit(str(error))
            return
        then(folder)

    def ask_new(self, settings: QSettings, then: Callable[[Path], None], clips: Sequence[Path] = ()) -> None:
        """Ask for name and place of a new project, make it, and hand it to `then`; then add clips.

        Args:
            settings: Remember the place.
            then: Opens the project.
            clips: Files and folders to add. They propose the name.
        """
        remembered = settings.value(PLACE)
        place = Path(str(remembered)) if remembered and Path(str(remembered)).is_dir() else self.documents
        dialog = NewProjectDialog(self._window, place, proposed_name(clips, place), clips)

        def make() -> None:
            folder = dialog.folder
            assert folder is not None
            settings.setValue(PLACE, str(folder.parent))
            self.make_project(folder, then)
            if clips and self._folder() == folder.resolve():
                self.add(list(clips))

        dialog.accepted.connect(make)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def open_sample(self, then: Callable[[Path], None]) -> None:
        """Open the sample project; create it in the user's documents the first time."""
        from pipeline.demo import sample_folder

        folder = self.documents / SAMPLE
        if (folder / DATABASE).is_file():
            then(folder)
        else:
            self.make_project(folder, then)
        project = self._session.project
        # The project may exist without its clips, if creating it was interrupted.
        if project is None or project.folder != folder.resolve() or self._session.summaries or self._is_at("add"):
            return
        self.add([sample_folder("table").parent])

    def choose_clips(self) -> None:
        """Ask for video files, and add them."""
        if clips := dialogs.choose(self._window, "Choose clips", "files", names=_VIDEOS):
            self.add(clips)

    def choose_folder(self) -> None:
        """Ask for a folder, and add its clips."""
        if folders := dialogs.choose(self._window, "Choose a folder with clips", "folder"):
            self.add(folders)

    def add(self, paths: list[Path]) -> None:
        """Add clips; new sequences are analysed afterwards."""
        if (folder := self._folder()) is not None:
            what = "folder" if all(path.is_dir() for path in paths) else "file"
            name = paths[0].name if len(paths) == 1 else counted(len(paths), what)
            self._jobs.start(Job(f"Add {name}", ["add", str(folder), *map(str, paths)], folder))

    def analyze(self) -> None:
        """Analyse all sequences without candidates."""
        if (folder := self._folder()) is None:
            return
        if self._is_at("analyze"):
            self._session.message.emit("This project is being analysed already. Jobs (Ctrl+5) shows the progress.")
            return
        self._jobs.start(Job("Analyse", ["analyze", str(folder)], folder))

    def choose_automatically(self) -> None:
        """Ask, then accept the first candidate of every fit sequence that is undecided, as one step of this person."""
        project, folder = self._session.project, self._folder()
        if project is None or folder is None:
            return
        try:
            plan = auto_plan(project)
        except RaincleanError as error:
            self._session.warning.emit(str(error))
            return
        words = ["select", str(folder), "--auto", "--who", self._session.user]
        box = AutomaticQuestion(self._window, plan)
        box.accepted.connect(lambda: self._jobs.start(Job("Choose automatically", words, folder)))
        box.finished.connect(box.deleteLater)
        box.open()

    def shrink(self) -> None:
        """Ask, then delete images that the clips make again."""
        if (folder := self._folder()) is None:
            return
        words = ["project", "shrink", str(folder), "--keep", f"best:{KEPT}"]
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "Make the project smaller",
            f"Keep the images of the {KEPT} best candidates of each sequence, and delete the others?",
            QMessageBox.StandardButton.NoButton,
            self._window,
        )
        box.setInformativeText(
            "Images that somebody accepted or painted with stay. All candidates stay listed. When you show one without "
            "an image, it is made again from the unchanged clip. This takes as long as the analysis."
        )
        box.setDefaultButton(box.addButton("Delete images", QMessageBox.ButtonRole.AcceptRole))
        box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.accepted.connect(lambda: self._jobs.start(Job("Make the project smaller", words, folder)))
        box.finished.connect(box.deleteLater)
        box.open()

    def find_clips(self) -> None:
        """Ask for a folder, and search it for all clips that are not at their place."""
        for place in dialogs.choose(self._window, "Where are the clips now?", "folder"):
            if (folder := self._folder()) is not None:
                self._jobs.start(Job("Find clips", ["find", str(folder), str(place)], folder))

    def import_decisions(self) -> None:
        """Ask for files of decisions, and merge them."""
        for file in dialogs.choose(self._window, "Import decisions", "file", names=_DECISIONS):
            if (folder := self._folder()) is not None:
                self._jobs.start(Job("Import decisions", ["decisions", "import", str(folder), str(file)], folder))

    def export_decisions(self) -> None:
        """Ask for a file, and write all decisions to it."""
        if (folder := self._folder()) is None:
            return
        start = folder.parent / f"{folder.name}-{self._session.user}.jsonl"
        for file in dialogs.choose(self._window, "Export decisions", "new file", start, names=_DECISIONS):
            self._jobs.start(Job("Export decisions", ["decisions", "export", str(folder), "-o", str(file)], folder))

    def show_agreement(self) -> None:
        """Show who agrees with whom, and where people decided differently."""
        from gui.pages.desk import AgreementDialog

        dialog = AgreementDialog(self._session, self._window)
        dialog.accepted.connect(self.to_desk)  # a conflict was double-clicked: its sequence is selected
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def outcome(self, job: Job) -> tuple[str, bool]:
        """Return a line on a job that has ended, and whether the line is a warning."""
        if job.kind == "find" and isinstance(job.result, dict) and job.result.get("missing"):
            found, asked = len(job.result["found"]), counted(job.result["asked"], "missing clip")
            return f"{job.title}: {found} of {asked} found. Still missing: {few(job.result['missing'])}", True
        if job.error:
            # The error of several parts gives only their number; the log says of each what to do.
            first = next((line.removeprefix("failed: ") for line in job.log if line.startswith("failed: ")), "")
            return f"{job.title}: {job.error}" + (f" – {first}" if first else ""), True
        if job.arguments[:2] == ("decisions", "import") and job.project == self._folder():
            differing = sum(summary.conflict for summary in self._session.summaries.values())
            if differing:
                return f"{job.title}: {counted(differing, 'conflict')}. Ctrl+G shows where people differ.", False
        if job.kind == "find" and isinstance(job.result, dict):
            number = len(job.result.get("found", ()))
            return f"{job.title}: {number} of {counted(job.result.get('asked', 0), 'missing clip')} found", False
        if job.kind == "select" and isinstance(job.result, dict):
            return report(job.title, job.result), False
        if job.state is State.FINISHED and outcome_of(job.arguments, job.result).text != "Finished":
            return finished_text(job.arguments, job.result, job.seconds), False
        return f"{job.title}: {job.doing()}", False

    def _is_at(self, kind: str) -> bool:
        """Return whether a job of this kind runs or waits for the open project."""
        return any(job.kind == kind and job.project == self._folder() for job in self._jobs.unfinished())

    def _failed_for_files(self) -> bool:
        """Return whether sequences failed: what was found again may be what they need."""
        return any(summary.state == "failed" for summary in self._session.summaries.values())

    def _folder(self) -> Path | None:
        return self._session.project.folder if self._session.project is not None else None

    def _finished(self, job: Job) -> None:
        """Load what a job has changed, and analyse clips that were added."""
        if job.project is None or job.project != self._folder():
            return
        self._session.look_around()
        # One bad file among many fails the job; the others were added and can be analysed.
        new = any(summary.state == "new" for summary in self._session.summaries.values())
        if job.kind == "find" and isinstance(job.result, dict) and job.result.get("found") and self._failed_for_files():
            self.analyze()
        if job.kind == "add" and (job.state is State.FINISHED or (job.state is State.FAILED and new)):
            self.analyze()
