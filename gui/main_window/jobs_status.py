"""Jobs in the status bar and in the title of their tab."""

from collections.abc import Callable

from PySide6.QtWidgets import QStatusBar, QToolButton

from gui.jobs import Jobs
from gui.widgets import named
from rainclean.number_text import percent


class JobsStatus:
    """Show in the status bar what runs in the background."""

    def __init__(
        self, bar: QStatusBar, jobs: Jobs, show_jobs: Callable[[], object], set_title: Callable[[str], object]
    ) -> None:
        """Make the button.

        Args:
            bar: Status bar.
            jobs: The jobs.
            show_jobs: Shows the page of jobs.
            set_title: Sets the title of its tab.
        """
        self._jobs, self._set_title = jobs, set_title
        self.button = named(QToolButton(), "Running jobs", "Show the jobs in the background (Ctrl+5)")
        self.button.setAutoRaise(True)
        self.button.clicked.connect(lambda: show_jobs())
        self.button.hide()
        bar.addPermanentWidget(self.button)
        jobs.changed.connect(lambda _: self.update())

    def update(self) -> None:
        """Show what runs now."""
        unfinished = self._jobs.unfinished()
        self.button.setVisible(bool(unfinished))
        if unfinished:
            first = unfinished[0]
            share = f" {percent(first.fraction)}" if first.fraction is not None else ""
            more = f" and {len(unfinished) - 1} more" if len(unfinished) > 1 else ""
            self.button.setText(f"{first.title}{share}{more}".replace("&", "&&"))
        self._set_title(f"Jobs ({len(unfinished)})" if unfinished else "Jobs")


def live_text(text: str) -> str:
    """Return what the live picture does, for the status bar, where its sliders are not beside it."""
    return f"Live picture: {text[:1].lower()}{text[1:]}" if text and not text.startswith("No live picture") else text
