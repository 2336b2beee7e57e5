"""The main window: start page or pages, menus, what is dropped on it, what has to be asked before it closes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QInputDialog,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QTabWidget,
    QToolButton,
    QWidget,
)

from gui.actions import Actions
from gui.jobs import Job, Jobs
from gui.main_window.keys import Keys
from gui.main_window.menus import fill_menus
from gui.main_window.project_commands import ProjectCommands
from gui.pages.desk import Desk, DeskActions
from gui.pages.jobs import JobsPanel
from gui.pages.start import StartPage
from gui.state import Session, Thumbnails
from gui.widgets import Label, dialogs, named
from gui.workers import Workers
from pipeline.project.editing import Edit
from pipeline.project.storage import DATABASE, backups
from pipeline.words import few
from rainclean.errors import RaincleanError
from rainclean.video import Region

SAID_MS = 6000

_PAGES = ("desk", "pairs", "training", "results", "jobs")
_MADE = {"export": "folder", "train": "weights"}
"""Kind of job → what of its result is handed to other pages: the data set that was written, the best weights."""

_TITLES = ("Desk", "Pairs", "Training", "Results", "Jobs")


class Window(QMainWindow):
    """Composes everything. Close it, and all threads and processes are gone."""

    def __init__(self, settings: QSettings) -> None:
        super().__init__()
        self.settings = settings
        self.workers = Workers(self)
        self.session = Session(self.workers)
        self.jobs = Jobs(self)
        self.thumbnails = Thumbnails(self.session)
        self.project_commands = ProjectCommands(self.session, self.jobs, self)
        self._awaited = self._ending = False
        self._results: dict[str, Path] = {}
        self._takers: dict[str, list[Callable[[Path], None]]] = {}
        self._handlers: dict[str, Callable[[], object]] = {}
        self.commands = Actions(self.session, lambda name: self._handlers[name](), self)
        self.start_page = StartPage(settings, self.workers, lambda name: self.commands[name].trigger())
        self.start_page.open_project.connect(self.open_project)
        self.start_page.offer.restored.connect(self.open_project)
        self.start_page.offer.complained.connect(self.session.warning)
        self.start_page.offer.told.connect(self.session.message)
        self.desk = Desk(self.session, self.jobs, self.thumbnails, self.commands)
        self.desk_actions = DeskActions(self.desk)
        self._handlers.update(self.desk_actions.handlers() | self._own_handlers())
        self.jobs_panel = JobsPanel(self.jobs)
        self.pages = QTabWidget(documentMode=True)
        self._made: dict[str, QWidget] = {"desk": self.desk, "jobs": self.jobs_panel}
        for name, title in zip(_PAGES, _TITLES, strict=True):
            # Pages that are seldom opened are made when they are.
            self.pages.addTab(self._made.get(name) or QWidget(), title)
            self.pages.setTabToolTip(self.pages.count() - 1, self.commands[name].toolTip())
        self.pages.currentChanged.connect(self._make_page)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.start_page)
        self.stack.addWidget(self.pages)
        self.setCentralWidget(self.stack)
        for turned in (self.stack.currentChanged, self.pages.currentChanged):
            turned.connect(self._turned)
        fill_menus(self.menuBar(), self.commands, settings, self._ask_who)
        self._make_status()
        self.setAcceptDrops(True)
        self.resize(1500, 920)
        self.session.opened.connect(self._opened)
        self.session.sequences_changed.connect(self._listed)
        self.session.history_moved.connect(self._come_back)
        self.project_commands.to_desk.connect(partial(self._show_page, "desk"))
        self.session.message.connect(lambda text: self.statusBar().showMessage(text, SAID_MS))
        self.session.warning.connect(self._complain)
        self.session.store_damaged.connect(self.start_page.offer.look)  # seen when the project is closed
        self.desk.live.working.connect(self._working.setText)
        self.jobs.changed.connect(lambda _: self._show_jobs())
        self.jobs.finished.connect(self._job_finished)
        self._keys = Keys(self, self.desk, self._desk_is_seen)
        self._opened()
        self._turned()

    # -- projects ------------------------------------------------------------------------------------------------

    def open_project(self, folder: Path) -> None:
        """Open a project; what keeps it from being opened is said."""
        try:
            self.session.open(folder)
        except RaincleanError as error:
            self._complain(str(error))
            self.start_page.offer.look(folder)
            return
        self.start_page.offer.forget()
        self.start_page.remember(self.session.project.folder if self.session.project else folder)
        self._awaited = not self.session.summaries
        if self.session.order:
            # Judging begins at the first that is not decided, without a key.
            self.session.step_undecided() if self._anything_open() else self.session.step(0)

    def open_paths(self, paths: list[Path]) -> None:
        """What was dropped, or named on the command line: a project is opened, clips are added."""
        missing = [path for path in paths if not path.exists()]
        paths = [path for path in paths if path not in missing]
        if missing:
            self._complain(f"there is no {few(list(map(str, missing)))}")
        if not paths:
            return
        project = next((p for p in paths if (p / DATABASE).is_file() or p.name == DATABASE or backups(p)), None)
        if project is not None:
            self.open_project(project.parent if project.name == DATABASE else project)
            return
        if self.session.project is None:
            self.commands["new"].trigger()
        if self.session.project is not None:
            self.project_commands.add(paths)

    def report_bug(self, trace: str) -> None:
        """Say that something went wrong which should not, with what a report needs."""
        box = QMessageBox(
            QMessageBox.Icon.Warning,
            "A bug",
            "Something went wrong in the window. What was decided is stored. Please report the details.",
            QMessageBox.StandardButton.Close,
            self,
        )
        box.setDetailedText(trace)
        box.finished.connect(box.deleteLater)
        box.open()

    # -- events --------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders are welcome."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            # After the drag has ended: questions would block the program that it came from.
            QTimer.singleShot(0, partial(self.open_paths, paths))

    def end(self) -> None:
        """Close without asking anything; questions that are open are answered with no first."""
        self._ending = True
        dialog = QApplication.activeModalWidget()
        if dialog is None:
            self.close()
            QApplication.quit()
            return
        if not dialog.close() and isinstance(dialog, QDialog):
            dialog.reject()
        QTimer.singleShot(50, self.end)  # whoever has asked goes on first

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask where something runs; then end all of it."""
        unfinished = self.jobs.unfinished()
        if unfinished and not self._ending and not self._may_stop(unfinished):
            event.ignore()
            return
        self._keys.close()
        self.settings.setValue("geometry", self.saveGeometry())
        self.jobs.shutdown()
        self.desk.live.close(at_once=True)
        self.session.close()
        self.workers.close()
        event.accept()

    # -- inside --------------------------------------------------------------------------------------------------

    def _own_handlers(self) -> dict[str, Callable[[], object]]:
        work = self.project_commands
        return {
            "new": self._new_project,
            "open": self._choose_project,
            "sample": lambda: work.open_sample(self.open_project),
            "add": work.choose_clips,
            "add_folder": work.choose_folder,
            "analyze": work.analyze,
            "auto": work.choose_automatically,
            "import": work.import_decisions,
            "export_decisions": work.export_decisions,
            "agreement": work.show_agreement,
            "close": self.session.close,
            "quit": self.close,
            "blind": self._toggle_blind,
            "help": self._show_help,
            **{name: partial(self._show_page, name) for name in _PAGES},
        }

    def _new_project(self) -> None:
        for folder in dialogs.choose(self, "An empty folder for the project", "folder"):
            self.project_commands.make_project(folder, self.open_project)

    def _choose_project(self) -> None:
        for folder in dialogs.choose(self, "Folder of the project", "folder"):
            self.open_project(folder)

    def _opened(self) -> None:
        project = self.session.project
        self.stack.setCurrentWidget(self.pages if project else self.start_page)
        self.setWindowTitle(f"{project.folder.name} – rainclean" if project else "rainclean")
        if project is not None:
            self.pages.setCurrentIndex(_PAGES.index("desk"))
            self.desk.view.setFocus()

    def _listed(self) -> None:
        """The list may have got its first sequences: judging them begins without a key."""
        if self._awaited and self.session.order and self.session.selected is None:
            self._awaited = False
            self.session.step(0)
        elif self.desk.shown_left is None and self.desk.shown_right is None:
            self.desk.show_pictures()  # says why there is nothing to see

    def _desk_is_seen(self) -> bool:
        return self.stack.currentWidget() is self.pages and self.pages.currentWidget() is self.desk

    def _turned(self) -> None:
        """Another page."""
        self._keys.let_go()
        self.commands.set_at_desk(self._desk_is_seen())

    def _anything_open(self) -> bool:
        return any(summary.state in ("ready", "accepted automatically") for summary in self.session.summaries.values())

    def _come_back(self, edit: Edit) -> None:
        """Show what was taken back or done again: its page, and a stroke's place where that is out of sight."""
        self._show_page("pairs" if edit.kind == "frames" else "desk")
        points = edit.value.get("shape", {}).get("points", ())
        if points and self.desk.view.has_picture:
            seen = self.desk.view.visible_region()
            x, y = (round(sum(axis) / len(points)) for axis in zip(*points, strict=True))
            if not (seen.x <= x < seen.x + seen.width and seen.y <= y < seen.y + seen.height):
                around = Region(x - seen.width // 2, y - seen.height // 2, seen.width, seen.height)
                self.desk.view.zoom_to(around)

    def _show_page(self, name: str) -> None:
        if self.session.project is None:
            self.stack.setCurrentWidget(self.pages)
        self.pages.setCurrentIndex(_PAGES.index(name))

    def _make_page(self, index: int) -> None:
        name = _PAGES[index]
        if name in self._made:
            return
        page = self._page(name)
        self._made[name] = page
        title, tip = self.pages.tabText(index), self.pages.tabToolTip(index)
        blocked = self.pages.blockSignals(True)
        self.pages.removeTab(index)
        self.pages.insertTab(index, page, title)
        self.pages.setTabToolTip(index, tip)
        self.pages.setCurrentIndex(index)
        self.pages.blockSignals(blocked)

    def _page(self, name: str) -> QWidget:
        if name == "pairs":
            from gui.pages.pairs import PairsPage

            return PairsPage(self.session, self.jobs, self.settings)
        if name == "training":
            from gui.pages.training import TrainingPanel

            training = TrainingPanel(self.jobs, self.project_folder)
            self._follow("export", training.set_dataset)
            return training
        from gui.pages.results import ResultsPanel

        results = ResultsPanel(self.jobs, self.project_folder)
        self._follow("export", results.set_dataset)
        self._follow("train", results.set_weights)
        return results

    def _follow(self, kind: str, take: Callable[[Path], None]) -> None:
        """Hand what the latest job of a kind made to a page, now and later on, unless a person says else there."""
        self._takers.setdefault(kind, []).append(take)
        if kind in self._results:
            take(self._results[kind])

    def project_folder(self) -> Path | None:
        """Folder of the open project."""
        return self.session.project.folder if self.session.project else None

    def _toggle_blind(self) -> None:
        self.desk.live.leave()
        self.session.set_blind(not self.session.blind)
        self.session.message.emit(
            "second opinion: order by chance, no names, no scores; O ends it"
            if self.session.blind
            else "second opinion ended"
        )

    def _show_help(self) -> None:
        from gui.pages.help import HelpDialog

        dialog = HelpDialog(self)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _make_status(self) -> None:
        self._working = Label()
        self._running = named(QToolButton(), "Running jobs", "What runs in the background (Ctrl+5)")
        self._running.setAutoRaise(True)
        self._running.clicked.connect(self.commands["jobs"].trigger)
        self._running.hide()
        self.statusBar().addPermanentWidget(self._working)
        self.statusBar().addPermanentWidget(self._running)

    def _show_jobs(self) -> None:
        unfinished = self.jobs.unfinished()
        self._running.setVisible(bool(unfinished))
        if unfinished:
            first = unfinished[0]
            share = f" {first.fraction:.0%}" if first.fraction is not None else ""
            more = f" and {len(unfinished) - 1} more" if len(unfinished) > 1 else ""
            self._running.setText(f"{first.title}{share}{more}".replace("&", "&&"))
        self.pages.setTabText(_PAGES.index("jobs"), f"Jobs ({len(unfinished)})" if unfinished else "Jobs")

    def _job_finished(self, job: Job) -> None:
        self._show_jobs()
        made = _MADE.get(job.kind)
        if made is not None and not job.error and isinstance(job.result, dict) and made in job.result:
            self._results[job.kind] = Path(str(job.result[made]))
            for take in self._takers.get(job.kind, ()):
                take(self._results[job.kind])
        words, bad = self.project_commands.outcome(job)
        if bad:
            self._complain(words)
        else:
            self.statusBar().showMessage(words, SAID_MS)

    def _complain(self, text: str) -> None:
        """Say what went wrong where it is seen, without a box that has to be clicked away."""
        self.statusBar().showMessage(f"⚠ {text}", 4 * SAID_MS)

    def _ask_who(self) -> None:
        who, chosen = QInputDialog.getText(self, "Who I am", "Decisions are recorded under:", text=self.session.user)
        if chosen and who.strip():
            self.session.set_user(who.strip())
            self.settings.setValue("who", who.strip())

    def _may_stop(self, unfinished: tuple[Job, ...]) -> bool:
        names = ", ".join(job.title for job in unfinished[:3])
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "Jobs are running",
            f"Still running: {names}. Finished work is kept and can be resumed. Stop the jobs and close?",
            QMessageBox.StandardButton.NoButton,
            self,
        )
        box.setTextFormat(Qt.TextFormat.PlainText)  # file names are in it
        stop = box.addButton("Stop and close", QMessageBox.ButtonRole.AcceptRole)
        box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
        box.exec()
        return box.clickedButton() is stop
