"""A bar for states of the project that a person should mend. Each stands with its remedy until its cause is gone."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout

from gui.command_buttons import in_window
from gui.design import GAP, PAD, SPACE
from gui.pages.icon_mark import IconMark
from gui.widgets import Label, as_tip, named


class NoticeBar(QFrame):
    """Show one line for each state, with the button that mends it.

    Attributes:
        notices: The lines by the keys of their states.
    """

    def __init__(self) -> None:
        super().__init__()
        self.notices: dict[str, Notice] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(PAD, SPACE, PAD, SPACE)
        self._column.setSpacing(SPACE)
        self.setAccessibleName("Problems to fix")
        self.hide()

    def show_notice(self, key: str, text: str, action: str, tip: str, mend: Callable[[], object]) -> None:
        """Show a state, or update its line.

        Args:
            key: Name of the state.
            text: What it is.
            action: Text of the button.
            tip: Tooltip of the button.
            mend: Called when the button is pressed.
        """
        notice = self.notices.get(key)
        if notice is not None and (notice.text.text(), notice.button.text()) == (in_window(text), action):
            return
        self.clear(key)
        notice = self.notices[key] = Notice(in_window(text), action, tip, mend)
        self._column.addWidget(notice)
        self.show()

    def clear(self, key: str) -> None:
        """Take a state away: its cause is gone."""
        if (notice := self.notices.pop(key, None)) is not None:
            self._column.removeWidget(notice)
            notice.hide()
            notice.deleteLater()
        self.setVisible(bool(self.notices))


class Notice(QFrame):
    """One line with its button."""

    def __init__(self, text: str, action: str, tip: str, mend: Callable[[], object]) -> None:
        super().__init__()
        self.text = Label(text, wordWrap=True)
        self.text.setProperty("look", "warn")
        self.text.setToolTip(as_tip(text))
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.button = named(QPushButton(action), action, tip)
        self.button.clicked.connect(lambda: mend())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(IconMark("warning"), 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.text, 1)
        row.addWidget(self.button)
