"""The line at the bottom of the window: what was done, and what could not be done and why."""

from PySide6.QtWidgets import QStatusBar

from gui.command_buttons import in_window
from gui.state import Session

MESSAGE_MS = 6000
"""Milliseconds that a message is shown; a warning is shown four times as long."""


class StatusLine:
    """Shows messages of the session, and removes them when they are no longer true."""

    def __init__(self, bar: QStatusBar, session: Session) -> None:
        self._bar, self._latest = bar, ""
        session.message.connect(self.say)
        session.warning.connect(self.warn)
        session.withdrawn.connect(self.withdraw)
        # Warnings stay: selecting another sequence mends nothing.
        session.selection_changed.connect(lambda: self.withdraw(self._latest))

    def say(self, text: str) -> None:
        """Show a message."""
        self._latest = text
        self._bar.showMessage(in_window(text), MESSAGE_MS)

    def warn(self, text: str) -> None:
        """Show a warning, without a box that has to be clicked away."""
        self._bar.showMessage(f"⚠ {in_window(text)}", 4 * MESSAGE_MS)

    def withdraw(self, text: str) -> None:
        """Remove a message that is no longer true."""
        if text and self._bar.currentMessage() == in_window(text):
            self._bar.clearMessage()
