"""The main window: start page or pages, menus, dropped files, the question before it closes."""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QInputDialog,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gui.actions import Actions
from gui.jobs import Job, Jobs
from gui.main_window import closing, geometry
from gui.main_window.held_keys import Keys
from gui.main_window.help_menu import HelpMenu
from gui.main_window.jobs_status import JobsStatus, live_text
from gui.main_window.menus import fill_menus
from gui.main_window.notices import NoticeBar
from gui.main_window.page_tabs import PAGES, PageTabs
from gui.main_window.places import Places
from gui.main_window.project_commands import ProjectCommands
from gui.main_window.states import States
from gui.main_window.status_line import StatusLine
from gui.pages import recent
from gui.pages.desk import Desk, DeskActions, SequenceActions
from gui.state import Session, Thumbnails
from gui.widgets import Label, dialogs, typed_paths
from gui.workers import Workers
from pipeline.project.editing import Edit
from pipeline.project.storage import DATABASE, backups
from pipeline.text_format import few
from rainclean.environment import PERSON
from rainclean.errors import RaincleanError
from rainclean.video import Region

if TYPE_CHECKING:
    from gui.pages.home import HomePage
    from gui.pages.jobs import JobsPanel
    from gui.pages.start import StartPage


class Window(QMainWindow):
    """Puts everything together. Closing it ends all threads and processes."""

    def __init__(self, settings: QSettings) -> None:
        super().__init__()
        self.settings = settings
        self.workers = Workers(self)
        self.session = Session(self.workers)
        self.jobs = Jobs(self, closing.jobs_folder(settings))
        # What jobs record is by the person at the window, who need not be the one who is logged in.
        self.session.user_changed.connect(lambda user: self.jobs.environment.update({PERSON: user}))
        self.thumbnails = Thumbnails(self.session)
        self.project_commands = ProjectCommands(self.session, self.jobs, self)
        self._awaited = self._ending = False
        self._line = StatusLine(self.statusBar(), self.session)
        self._handlers: dict[str, Callable[[], object]] = {}
        self.commands = Actions(self.session, lambda name: self._handlers[name](), self)
        self.desk = Desk(self.session, self.jobs, self.thumbnails, self.commands)
        self.desk_actions = DeskActions(self.desk, self.commands)
        self.desk.splitter.restore(settings)
        self.help = HelpMenu(
            self, self.commands, self.desk, lambda: self.project_commands.open_sample(self.open_project)
        )
        self.sequence_actions = SequenceActions(self.desk, self.jobs, self.commands)
        self._handlers.update(self.desk_actions.handlers() | self._own_handlers())
        self._handlers.update(self.sequence_actions.handlers(dict(self._handlers)))
        self.pages = PageTabs(self.session, self.jobs, settings)
        self._places = Places(
            settings, self.session, self.desk, page=lambda: self.pages.current, show_page=self._show_page
        )
        self.pages.fill(
            self.desk,
            {"home": self._make_home, "jobs": self._make_jobs_panel},
            lambda name: self.commands[name].toolTip(),
        )
        self._places.pages = self.pages.made_pages
        self.pages.made.connect(self._places.recall_page)
        self.pages.wanted.connect(self._show_page)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.pages)
        self.notices = NoticeBar()
        central = QWidget()
        column = QVBoxLayout(central)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notices)
        column.addWidget(self.stack, 1)
        self.setCentralWidget(central)
        self.states = States(
            self.session, self.jobs, self.notices,
            find=self.project_commands.find_clips, open_project=self.open_project, close_project=self._close_project,
            parent=self,
        )  # fmt: skip
        for page_changed in (self.stack.currentChanged, self.pages.currentChanged):
            page_changed.connect(self._page_changed)
        fill_menus(self.menuBar(), self.commands, settings, self._ask_who, self.open_project)
        self._working = Label()
        self.statusBar().addPermanentWidget(self._working)
        self._jobs_status = JobsStatus(
            self.statusBar(), self.jobs, self.commands["jobs"].trigger,
            partial(self.pages.set_title, "jobs"),
        )  # fmt: skip
        self.setAcceptDrops(True)
        self.resize(geometry.SIZE)
        self.session.opened.connect(self._show_project)
        self.session.sequences_changed.connect(self._sequences_changed)
        self.session.history_moved.connect(self._show_edit)
        self.project_commands.to_desk.connect(partial(self._show_page, "desk"))
        self.session.store_damaged.connect(lambda folder: self.start_page.offer.look(folder))  # seen after closing
        self.desk.live.working.connect(lambda text: self._working.setText(live_text(text)))
        self.jobs.finished.connect(self._job_finished)
        self._keys = Keys(self, self.desk, self._desk_is_visible)
        self._page_changed()
        self.jobs.follow_left_behind()
        # Not made for nothing if a project is opened at once.
        QTimer.singleShot(0, self, lambda: None if self.session.project else self._show_project())

    # -- parts that are made when they are first shown -------------------------------------------------------------

    @cached_property
    def start_page(self) -> "StartPage":
        """Return the page that is shown without a project."""
        from gui.pages.start import StartPage

        page = StartPage(self.settings, self.workers, lambda name: self.commands[name].trigger())
        page.open_project.connect(self.open_project)
        page.offer.restored.connect(self.open_project)
        page.offer.warning.connect(self.session.warning)
        page.offer.message.connect(self.session.message)
        self.stack.addWidget(page)
        return page

    @property
    def home(self) -> "HomePage":
        """Return the page that shows how far a project is."""
        return self.pages.page("home")  # type: ignore[return-value]

    @property
    def jobs_panel(self) -> "JobsPanel":
        """Return the page of jobs."""
        return self.pages.page("jobs")  # type: ignore[return-value]

    def _make_home(self) -> "HomePage":
        from gui.main_window.home_actions import HomeActions
        from gui.pages.home import HomePage

        page = HomePage(self.session, self.jobs)
        HomeActions(self.session, self.jobs, self.project_commands, self.desk, show_page=self._show_page).connect(page)
        page.clips.show_missing(self.states.missing)
        self.states.missing_found.connect(page.clips.show_missing)
        return page

    def _make_jobs_panel(self) -> "JobsPanel":
        from gui.pages.jobs import JobsPanel

        page = JobsPanel(self.jobs)
        page.opened.connect(self._open_result)
        return page

    # -- projects ------------------------------------------------------------------------------------------------

    def open_project(self, folder: Path) -> None:
        """Open a project, or announce why it cannot be opened."""
        self._places.keep()
        try:
            self.session.open(folder)
        except RaincleanError as error:
            self._line.warn(str(error))
            self.start_page.offer.look(folder)
            return
        if "start_page" in vars(self):
            self.start_page.offer.forget()
        recent.remember(self.settings, self.session.project.folder if self.session.project else folder)
        self._awaited = not self.session.summaries
        self._places.recall()

    def open_paths(self, paths: list[Path]) -> None:
        """Open a project, or add clips: what was dropped on the window, or named on the command line."""
        missing = [path for path in paths if not typed_paths.exists(path)]
        paths = [path for path in paths if path not in missing]
        if missing:
            self._line.warn(f"Not found: {few(list(map(str, missing)))}")
        if not paths:
            return
        project = next((p for p in paths if (p / DATABASE).is_file() or p.name == DATABASE or backups(p)), None)
        if project is not None:
            self.open_project(project.parent if project.name == DATABASE else project)
            return
        if self.session.project is None:
            self._new_project(paths)
        else:
            self.project_commands.add(paths)

    def report_bug(self, trace: str) -> None:
        """Show a bug. trace: the traceback, for the report."""
        box = QMessageBox(
            QMessageBox.Icon.Warning,
            "Unexpected error",
            "Something went wrong in the window. All decisions are stored. Please report the details below.",
            QMessageBox.StandardButton.Close,
            self,
        )
        box.setDetailedText(trace)
        box.finished.connect(box.deleteLater)
        box.open()

    # -- events --------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the files and folders that were dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            # After the drag has ended: a question would block the program that it came from.
            QTimer.singleShot(0, partial(self.open_paths, paths))

    def end(self) -> None:
        """Close without asking; open questions are answered with no first."""
        self._ending = True
        dialog = QApplication.activeModalWidget()
        if dialog is None:
            self.close()
            QApplication.quit()
            return
        if not dialog.close() and isinstance(dialog, QDialog):
            dialog.reject()
        QTimer.singleShot(50, self.end)  # the caller of the dialog goes on first

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask if jobs are running; then end all of them."""
        unfinished = self.jobs.unfinished()
        answer = closing.ask(self, unfinished) if unfinished and not self._ending else "stop"
        if answer == "cancel":
            event.ignore()
            return
        self._keys.close()
        self._places.keep()
        self.settings.setValue(geometry.KEY, self.saveGeometry())
        self.desk.splitter.remember(self.settings)
        if answer == "keep":
            self.jobs.keep_running()
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
            "shrink": work.shrink,
            "agreement": work.show_agreement,
            "close": self._close_project,
            "quit": self.close,
            "blind": self._toggle_blind,
            "fullscreen": self._toggle_fullscreen,
            **self.help.handlers(),
            **{name: partial(self._show_page, name) for name in PAGES},
        }

    def _new_project(self, clips: Sequence[Path] = ()) -> None:
        self.project_commands.ask_new(self.settings, self.open_project, clips)

    def _close_project(self) -> None:
        self._places.keep()
        self.session.close()

    def _choose_project(self) -> None:
        for folder in dialogs.choose(self, "Choose the folder of the project", "folder"):
            self.open_project(folder)

    def _show_project(self) -> None:
        """Show the pages of the open project, or the start page."""
        project = self.session.project
        self.setWindowTitle(f"{project.folder.name} – rainclean" if project else "rainclean")
        if project is not None:
            self.pages.open("desk")
            self.stack.setCurrentWidget(self.pages)
            self.desk.view.setFocus()
        else:
            self.start_page.show_recent()
            self.stack.setCurrentWidget(self.start_page)

    def _sequences_changed(self) -> None:
        """Select the first sequence once there is one, so that judging begins without a key."""
        if self._awaited and self.session.order and self.session.selected is None:
            self._awaited = False
            self.session.step(0)
            if self.pages.current == "home":
                self._show_page("desk")
        elif self.desk.shown_left is None and self.desk.shown_right is None:
            self.desk.show_pictures()  # explains why there is no picture

    def _desk_is_visible(self) -> bool:
        return self.stack.currentWidget() is self.pages and self.pages.currentWidget() is self.desk

    def _page_changed(self) -> None:
        self._keys.release()
        self.commands.set_at_desk(self._desk_is_visible())

    def _show_edit(self, edit: Edit) -> None:
        """Show an edit that was undone or redone: its page, and the place of a stroke outside the view."""
        self._show_page("pairs" if edit.kind == "frames" else "desk")
        points = (edit.value.shape or {}).get("points", ())
        if points and self.desk.view.has_picture:
            visible = self.desk.view.visible_region()
            x, y = (round(sum(axis) / len(points)) for axis in zip(*points, strict=True))
            if not (visible.x <= x < visible.x + visible.width and visible.y <= y < visible.y + visible.height):
                left, top = x - visible.width // 2, y - visible.height // 2
                around = Region(left, top, visible.width, visible.height)
                self.desk.view.zoom_to(around)

    def _show_page(self, name: str) -> QWidget:
        """Show a page, and return it."""
        if self.session.project is None:
            self.stack.setCurrentWidget(self.pages)
        return self.pages.open(name)

    def _open_result(self, page: str, job: Job | None) -> None:
        """Show the result of a job on its page."""
        self._show_page(page)
        open_result = getattr(self.pages.made_pages.get(page), "open_result", None)
        if job is not None and open_result is not None:
            open_result(job)

    def project_folder(self) -> Path | None:
        """Return the folder of the open project, None on the start page."""
        return self.session.project.folder if self.session.project else None

    def _toggle_blind(self) -> None:
        self.desk.live.leave()
        self.session.set_blind(not self.session.blind)
        self.session.message.emit(
            "Second opinion: random order, names and scores hidden. Press O to end it."
            if self.session.blind
            else "Second opinion ended"
        )

    def _toggle_fullscreen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        self.commands["fullscreen"].setChecked(self.isFullScreen())

    def _job_finished(self, job: Job) -> None:
        self._jobs_status.update()
        self.pages.hand_on(job)
        if job.kind == "find":
            self.desk.live.prepare()  # it may have failed because the clip was missing
        if job.kind == "add" and self.pages.current == "home":
            self._show_added(job)
        text, is_warning = self.project_commands.outcome(job)
        (self._line.warn if is_warning else self._line.say)(text)

    def _show_added(self, job: Job) -> None:
        """Show the first of the sequences that were added."""
        new = job.result.get("sequences") if isinstance(job.result, dict) else None
        number = next(
            (row.sequence.id for row in self.session.summaries.values() if new and row.sequence.name == new[0]), None
        )
        if number is not None and job.project == self.project_folder():
            self.session.select(number)
            self._show_page("desk")

    def _ask_who(self) -> None:
        name, accepted = QInputDialog.getText(
            self, "Your name", "Record decisions under this name:", text=self.session.user
        )
        if accepted and name.strip():
            self.session.set_user(name.strip())
            self.settings.setValue("who", name.strip())
