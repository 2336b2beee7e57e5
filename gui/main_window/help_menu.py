"""What the Help menu opens. Each part is made when it is first asked for."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QMainWindow, QTabWidget

from gui.actions import Actions
from gui.pages.desk import Desk

if TYPE_CHECKING:
    from gui.help import Tour


class HelpMenu:
    """Opens keys, guide, tour and *About*."""

    def __init__(self, window: QMainWindow, commands: Actions, desk: Desk, open_sample: Callable[[], object]) -> None:
        """Make the menu's handlers.

        Args:
            window: Window that dialogs belong to.
            commands: Actions that the tour waits for.
            desk: Page that the tour describes.
            open_sample: Opens the sample project.
        """
        self._window, self._commands, self._desk, self._open_sample = window, commands, desk, open_sample
        self.tour: Tour | None = None

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return a handler for each action of the menu, by its id."""
        return {"help": self._show_keys, "guide": self._show_guide, "tour": self.start_tour, "about": self._show_about}

    def start_tour(self) -> None:
        """Open the sample project if no project with candidates is open, and begin the tour at the desk."""
        from gui.help import Tour

        desk = self._desk
        session = desk.session
        if session.project is None or not any(row.candidates for row in session.summaries.values()):
            self._open_sample()
        if session.project is None:
            return  # why the sample cannot be opened was announced
        self._commands["desk"].trigger()
        if self.tour is None:
            parts = {"view": desk.view, "candidates": desk.candidates, "decide": desk.decide}
            if pages := self._window.findChild(QTabWidget, "pages"):
                parts["tabs"] = pages.tabBar()
            self.tour = Tour(self._window, self._commands, parts)
        self.tour.start()

    def _show_keys(self) -> None:
        from gui.help import KeysDialog

        self._show(KeysDialog(self._window))

    def _show_guide(self) -> None:
        from gui.help import GuideDialog

        self._show(GuideDialog(self._window))

    def _show_about(self) -> None:
        from gui.help import AboutDialog

        self._show(AboutDialog(self._window))

    def _show(self, dialog: QDialog) -> None:
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
