"""The card of exports, trainings and evaluations on the home page."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gui.command_buttons import in_window
from gui.design import GAP, PAD, SPACE, sized
from gui.pages.home import texts
from gui.pages.icon_mark import IconMark
from gui.widgets import Label, WrappedLabel, as_tip, named
from pipeline.project.activities import Activity

_ICONS = {"export": "export", "training": "training", "evaluation": "results"}

EMPTY = "Nothing is exported yet. Exports, trainings and evaluations of this project are listed here."


class ActivitiesCard(QFrame):
    """List the activities of a project, the newest first.

    Signals: `opened` and `resumed`, each with the activity.
    """

    opened = Signal(object)
    resumed = Signal(object)

    def __init__(self, progress_of: Callable[[Activity], str]) -> None:
        """Make the card. progress_of: returns what a running activity is doing, "" where that is not known."""
        super().__init__()
        self.setProperty("look", "card")
        self._progress_of = progress_of
        self.rows: list[ActivityRow] = []
        self._key: tuple[object, ...] = ()
        title = Label("Exports, trainings and evaluations")
        title.setFont(sized("title"))
        self._empty = Label(EMPTY, wordWrap=True)
        self._empty.setProperty("look", "faint")
        self._column = QVBoxLayout()
        self._column.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD, PAD, PAD, PAD)
        column.setSpacing(GAP)
        column.addWidget(title)
        column.addWidget(self._empty)
        column.addLayout(self._column)

    def show_activities(self, activities: Sequence[Activity]) -> None:
        """List these; rows are made anew only where something has changed, so that the focus stays."""
        key = tuple((one.uuid, one.state, str(one.summary)) for one in activities)
        if key != self._key:
            self._key = key
            for row in self.rows:
                self._column.removeWidget(row)
                row.deleteLater()
            self.rows = [ActivityRow(one, self.opened.emit, self.resumed.emit) for one in activities]
            for row in self.rows:
                self._column.addWidget(row)
        for row in self.rows:
            if row.activity.state == "running":
                row.set_progress(self._progress_of(row.activity))
        self._empty.setVisible(not activities)


class ActivityRow(QWidget):
    """One activity.

    Attributes:
        open_button, reveal, resume: Its buttons; `resume` is visible where it was interrupted or failed.
    """

    def __init__(self, activity: Activity, opened: Callable[[object], None], resumed: Callable[[object], None]) -> None:
        super().__init__()
        self.activity = activity
        title = _Elided(f"{texts.KINDS[activity.kind]}: {activity.title}")
        title.setFont(sized("body", bold=True))
        title.setToolTip(as_tip(f"{activity.title}\n{activity.folder}"))
        self.state = Label(texts.STATES[activity.state])
        self.state.setProperty("look", texts.LOOKS[activity.state])
        parts = (texts.figures(activity.summary), texts.when(activity), f"by {activity.who}" if activity.who else "")
        self._facts = " · ".join(part for part in parts if part)
        self.facts = _Elided(self._facts)
        self.facts.setProperty("look", "faint")
        self.error = WrappedLabel(in_window(activity.error), look="bad")
        self.error.setVisible(bool(activity.error))
        self.folder = _Elided(str(activity.folder))
        self.folder.setProperty("look", "faint")
        name = f"{texts.KINDS[activity.kind].lower()} {activity.title}"
        self.open_button = named(QPushButton("Open"), f"Open the {name}", f"Show it on the page {_page(activity)}")
        self.reveal = named(QPushButton("Show in folder"), f"Show the {name} in its folder", "Open the file manager")
        resumable = activity.state in ("interrupted", "failed")
        has_begun = activity.resume != activity.arguments  # a training with a run to go on from
        verb = "Resume" if has_begun or activity.state == "interrupted" else "Try again"
        tip = "Go on where it was interrupted" if has_begun else "Start it again; finished work is kept"
        self.resume = named(QPushButton(verb), f"{verb}: {name}", tip)
        self.resume.setVisible(resumable)
        exists = activity.folder.is_dir()
        self.open_button.setEnabled(exists or activity.state == "running")
        self.reveal.setEnabled(exists)
        if not exists and activity.state == "finished":
            self.state.setText("Its folder is gone")
            self.state.setProperty("look", "warn")
        self.open_button.clicked.connect(lambda: opened(activity))
        self.resume.clicked.connect(lambda: resumed(activity))
        self.reveal.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(activity.folder))))
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(title, 1)
        head.addWidget(self.state)
        words = QVBoxLayout()
        words.setSpacing(SPACE // 2)
        words.addLayout(head)
        words.addWidget(self.error)
        words.addWidget(self.facts)
        words.addWidget(self.folder)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, GAP, 0, GAP)
        row.setSpacing(GAP)
        row.addWidget(IconMark(_ICONS[activity.kind]), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        for button in (self.resume, self.open_button, self.reveal):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)

    def set_progress(self, text: str) -> None:
        """Show what a running activity is doing."""
        self.facts.set_text(" · ".join(part for part in (text, self._facts) if part))


class _Elided(Label):
    """A line that is cut in the middle where it does not fit."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._text = text
        self.setToolTip(as_tip(text))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_text(self, text: str) -> None:
        """Show another text."""
        self._text = text
        self.setToolTip(as_tip(text))
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the text to the new width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        line = " ".join(self._text.split())
        self.setText(QFontMetrics(self.font()).elidedText(line, Qt.TextElideMode.ElideMiddle, self.width()))


def _page(activity: Activity) -> str:
    return {"export": "Pairs", "training": "Training", "evaluation": "Results"}[activity.kind]
