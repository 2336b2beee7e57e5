"""Handlers of actions on sequences: properties, history, removal, and decisions on several marked ones."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMenu, QMessageBox

from gui.actions import Actions
from gui.jobs import Job, Jobs
from gui.pages.desk.decide import RejectDialog
from gui.pages.desk.page import Desk
from pipeline.project.clips import Properties, clip, located
from pipeline.project.editing import Editor
from pipeline.project.model import Overview
from pipeline.project.storage import Project
from pipeline.text_format import counted

MOST_FOLDERS = 5
"""Folders that are opened at a time; more windows would help nobody."""

_MENU = (
    "properties", "confirm_scene", "analyze_again", "star", "history", "", "show_file", "copy_path", "", "remove"
)  # fmt: skip
"""Actions of the context menu; "" for a line between them."""


class SequenceActions(QObject):
    """Act on the marked sequences, or on the selected one where none are marked."""

    def __init__(self, desk: Desk, jobs: Jobs, actions: Actions) -> None:
        super().__init__(desk)
        self._desk, self._session, self._jobs, self._actions = desk, desk.session, jobs, actions
        self._panel = desk.sequences
        self._panel.menu_wanted.connect(self.show_menu)
        self._panel.restore_wanted.connect(self.restore)
        self._panel.add_wanted.connect(lambda: actions["add"].trigger())

    def handlers(self, of_one: dict[str, Callable[[], object]]) -> dict[str, Callable[[], object]]:
        """Return the handlers by id of the action.

        Args:
            of_one: Handlers of actions on the selected sequence. With marked ones these act on all of them instead.
        """
        several: dict[str, Callable[[], object]] = {
            "accept": self.accept,
            "accept_stay": self.accept,
            "reject": self.reject,
            "unset": self.unset,
            "star": self.star,
        }
        return {
            **{name: partial(self._of_marked, act, of_one[name]) for name, act in several.items()},
            "no_tool": partial(self._leave, of_one["no_tool"]),
            "properties": self.show_properties,
            "history": self.show_history,
            "confirm_scene": self.confirm_scene,
            "analyze_again": self.analyze_again,
            "show_file": self.show_file,
            "copy_path": self.copy_path,
            "remove": self.remove,
            "mark_all": self._panel.mark_all,
            "mark_down": partial(self._panel.extend, 1),
            "mark_up": partial(self._panel.extend, -1),
        }

    def make_menu(self) -> QMenu:
        """Return the menu of the marked sequences, or of the selected one."""
        menu = QMenu(self._panel)
        rows = self._session.acted_on()
        if len(rows) > 1:
            menu.addAction(counted(len(rows), "sequence")).setEnabled(False)
            menu.addSeparator()
        if self._panel.shows_removed:
            menu.addAction("Restore", self.restore)
            for name in ("show_file", "copy_path"):
                menu.addAction(self._actions[name].text(), getattr(self, name))
            return menu
        for name in _MENU:
            if name:
                menu.addAction(self._actions[name])
            else:
                menu.addSeparator()
        return menu

    def show_menu(self, place: QPoint) -> None:
        """Show the menu. place: px of the screen."""
        if self._session.blind:
            return
        menu = self.make_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    # -- properties --------------------------------------------------------------------------------------------------

    def show_properties(self) -> None:
        """Show the properties of the sequences."""
        from gui.pages.properties import PropertiesDialog

        rows = self._present()
        if not rows:
            return
        rows.sort(key=lambda row: row.sequence.id != self._session.selected)  # a frame of the first one is shown
        dialog = PropertiesDialog(self._session, rows, self._desk.window())
        dialog.saved.connect(lambda: self._tell(rows, "changed"))
        dialog.analyze_wanted.connect(self._analyze)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def show_history(self) -> None:
        """Show what was done to the selected sequence."""
        from gui.pages.properties import HistoryDialog

        summary, project = self._session.summary, self._session.project
        if summary is None or project is None:
            return
        dialog = HistoryDialog(project, summary.sequence, self._desk.window())
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def confirm_scene(self) -> None:
        """Make suggested scenes the person's choice."""
        rows = [row for row in self._present() if row.sequence.scene_by == "suggestion"]
        if not rows:
            self._session.message.emit("No suggested scene to confirm here")
            return
        changes, sequences = Properties(confirm_scene=True), [row.sequence for row in rows]
        if self._session.change_several(lambda editor: editor.set_properties(sequences, changes)) is not None:
            scene = f": {rows[0].sequence.scene}" if len(rows) == 1 else ""
            self._tell(rows, f"scene confirmed{scene}" if len(rows) == 1 else "scenes confirmed")

    def analyze_again(self) -> None:
        """Make new candidates for the sequences."""
        self._analyze(self._present())

    def _analyze(self, rows: Sequence[Overview]) -> None:
        project = self._session.project
        if project is None or not rows:
            return
        names = [row.sequence.name for row in rows]
        if len(names) == len(self._session.summaries) and len(names) > 1:
            names = []  # all of them
        title = rows[0].sequence.label if len(rows) == 1 else counted(len(rows), "sequence")
        arguments = ["analyze", str(project.folder), "--again", *names]
        self._jobs.start(Job(f"Analyse {title} again", arguments, project.folder))

    # -- files -------------------------------------------------------------------------------------------------------

    def show_file(self) -> None:
        """Show the folders of the clips in the system's file manager."""
        self._with_paths(self._open_folders)

    def copy_path(self) -> None:
        """Copy the paths of the clips, a line each."""
        self._with_paths(self._copy)

    def _with_paths(self, then: Callable[[list[Path]], None]) -> None:
        """Find the clips in a thread: one that was changed has to be read."""
        project, ids = self._session.project, [row.sequence.clip_id for row in self._session.acted_on()]
        if project is None or not ids:
            return
        folder = project.folder

        def work() -> list[Path]:
            with Project.again(folder) as own:
                return [located(own.folder, clip(own, number)).path for number in dict.fromkeys(ids)]

        self._session.workers.run(work, then, lambda error: self._session.warning.emit(str(error)), lane="clip files")

    def _open_folders(self, paths: list[Path]) -> None:
        folders = list(dict.fromkeys(path.parent for path in paths))
        for folder in folders[:MOST_FOLDERS]:
            if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
                self._session.warning.emit(f"{folder}: no file manager could be opened. Ctrl+Shift+C copies the path.")
        if len(folders) > MOST_FOLDERS:
            self._session.message.emit(f"Opened the first {MOST_FOLDERS} of {len(folders)} folders")

    def _copy(self, paths: list[Path]) -> None:
        QGuiApplication.clipboard().setText("\n".join(map(str, paths)))
        self._session.message.emit("Path copied" if len(paths) == 1 else f"{counted(len(paths), 'path')} copied")

    # -- removal -----------------------------------------------------------------------------------------------------

    def remove(self) -> None:
        """Take the sequences out of all lists and exports; their files and decisions stay."""
        rows = self._present()
        if not rows:
            return
        sequences = [row.sequence for row in rows]
        if self._session.change_several(lambda editor: editor.remove(sequences)) is not None:
            self._session.marks.clear()
            self._tell(rows, "removed", "brings")

    def restore(self) -> None:
        """Bring the marked removed sequences back, or all that are listed if none is marked."""
        listed = [row for number in self._panel.model.ids if (row := self._session.removed.get(number)) is not None]
        rows = [row for row in listed if row.sequence.id in self._session.marked] or listed
        sequences = [row.sequence for row in rows]
        if rows and self._session.change_several(lambda editor: editor.restore(sequences)) is not None:
            self._session.marks.clear()
            if not self._session.removed:
                self._panel.show_all()
            self._session.select(sequences[0].id)
            self._tell(rows, "restored", "removes")

    # -- decisions on several ----------------------------------------------------------------------------------------

    def accept(self) -> None:
        """Ask, then accept the candidate of each marked sequence that would be displayed first."""
        rows = self._present()
        ready = [row for row in rows if row.candidates]
        missing = len(rows) - len(ready)
        left = f" {counted(missing, 'sequence')} without candidates will be left out." if missing else ""
        self._ask(
            f"Accept the first candidate of {counted(len(ready), 'sequence')}?",
            f"For each, the suggested candidate is accepted, or else the one with the best score.{left}",
            "Accept",
            partial(self._accept, ready),
        )

    def _accept(self, rows: Sequence[Overview]) -> None:
        def act(editor: Editor) -> None:
            with editor.together():
                for row in rows:
                    if (number := self._session.first_candidate(row.sequence.id)) is not None:
                        editor.accept(row.sequence, number)

        self._decide(rows, act, "accepted")

    def reject(self) -> None:
        """Ask for the reasons, then reject the marked sequences."""
        rows = self._present()
        dialog = RejectDialog(counted(len(rows), "sequence"), self._desk)

        def act(editor: Editor) -> None:
            with editor.together():
                for row in rows:
                    editor.reject(row.sequence, dialog.reasons, dialog.note.text())

        dialog.accepted.connect(lambda: self._decide(rows, act, "rejected"))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def unset(self) -> None:
        """Ask, then withdraw the decisions on the marked sequences."""
        rows = [row for row in self._present() if row.decision is not None]
        if not rows:
            self._session.message.emit("None of the marked sequences is decided")
            return

        def act(editor: Editor) -> None:
            with editor.together():
                for row in rows:
                    editor.unset(row.sequence)

        self._ask(
            f"Withdraw the decisions on {counted(len(rows), 'sequence')}?",
            "The sequences will be undecided. Ctrl+Z brings the decisions back.",
            "Withdraw",
            lambda: self._decide(rows, act, "undecided again", go_on=False),
        )

    def star(self) -> None:
        """Star the marked sequences, or remove the stars if all have one."""
        rows = self._present()
        on = not all(row.star for row in rows)

        def act(editor: Editor) -> None:
            with editor.together():
                for row in rows:
                    editor.star(row.sequence, on=on)

        if self._session.change_several(act) is not None:
            self._tell(rows, "starred" if on else "no longer starred")

    def _decide(
        self, rows: Sequence[Overview], act: Callable[[Editor], object], what: str, *, go_on: bool = True
    ) -> None:
        with _waiting():
            stored = self._session.change_several(act)
        if stored is None:
            return
        self._session.marks.clear()
        if go_on and self._session.selected in {row.sequence.id for row in rows}:
            self._session.step_undecided()
        self._tell(rows, what)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _of_marked(self, several: Callable[[], object], one: Callable[[], object]) -> None:
        if self._session.marked and not self._panel.shows_removed:
            several()
        else:
            one()

    def _leave(self, no_tool: Callable[[], object]) -> None:
        self._session.marks.clear()
        no_tool()

    def _present(self) -> list[Overview]:
        return [row for row in self._session.acted_on() if not row.sequence.removed]

    def _tell(self, rows: Sequence[Overview], what: str, back: str = "takes") -> None:
        """Say what was done, and that it can be undone."""
        them = "it" if len(rows) == 1 else "them"
        undo = {"brings": f"brings {them} back", "removes": f"removes {them} again"}.get(back, "takes it back")
        first = self._panel.model.row(rows[0].sequence.id) or rows[0]  # it may have another name now
        subject = first.sequence.label if len(rows) == 1 else counted(len(rows), "sequence")
        self._session.message.emit(f"{subject} {what} · Ctrl+Z {undo}")

    def _ask(self, question: str, explanation: str, button: str, then: Callable[[], object]) -> None:
        box = QMessageBox(
            QMessageBox.Icon.Question, button, question, QMessageBox.StandardButton.Cancel, self._desk.window()
        )
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(explanation)
        yes = box.addButton(button, QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(yes)
        box.buttonClicked.connect(lambda clicked: then() if clicked is yes else None)
        box.finished.connect(box.deleteLater)
        box.open()


@contextmanager
def _waiting() -> Iterator[None]:
    """Show that the window is busy: accepting many sequences takes a moment."""
    QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
    try:
        yield
    finally:
        QGuiApplication.restoreOverrideCursor()
