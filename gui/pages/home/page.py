"""The home of a project: how far it is, the one next step, clips, exports, trainings and evaluations."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gui.design import GAP, PAD, sized
from gui.jobs import Job, Jobs
from gui.pages.home.activities_card import ActivitiesCard
from gui.pages.home.clips_card import ClipsCard
from gui.state import Session
from gui.widgets import Label, named
from pipeline.project.activities import Activity, activities
from pipeline.project.progress import NextStep, next_step, progress
from rainclean.number_text import percent

_WIDEST = 1120
"""Width of the cards at most, px."""

_PAUSE_MS = 100
"""Milliseconds that changes are collected before the page is filled anew."""

_LOOK_MS = 2000
"""Milliseconds between two looks at what runs."""

_TIPS = {
    "add": "Choose video files (Ctrl+I)",
    "analyze": "Make candidates (Ctrl+R)",
    "judge": "Go to the next sequence to judge (Ctrl+1)",
    "export": "Go to Pairs (Ctrl+2)",
    "train": "Go to Training, with this export filled in (Ctrl+3)",
    "evaluate": "Go to Results, with these weights filled in (Ctrl+4)",
    "resume": "Go on where it was interrupted",
    "done": "Go to Results (Ctrl+4)",
}


class HomePage(QScrollArea):
    """Show one project on one page. Everything is read from its folder.

    Signals: `step` with the next step whose button was pressed; `opened` and `resumed` with an activity;
    `filter_chosen`, `find_asked` and `analyse_asked` as `ClipsCard`; `refreshed` when it was filled anew.

    Attributes:
        headline: How far the project is.
        next_button: The one next step.
        next: What that is.
    """

    step = Signal(object)
    opened = Signal(object)
    resumed = Signal(object)
    refreshed = Signal()

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__()
        self._session, self._jobs = session, jobs
        self.next: NextStep | None = None
        self.name, self.headline = Label(), Label(wordWrap=True)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName("Decided sequences")
        self.next_button = QPushButton()
        self.next_button.setProperty("look", "main")
        self.next_button.clicked.connect(self._take_step)
        self.clips = ClipsCard()
        self.activities = ActivitiesCard(self._progress_of)
        self.activities.opened.connect(self.opened)
        self.activities.resumed.connect(self.resumed)
        self.filter_chosen, self.find_asked = self.clips.filter_chosen, self.clips.find_asked
        self.analyse_asked = self.clips.analyse_asked
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self.refresh)
        self._clock = QTimer(self, interval=_LOOK_MS)
        self._clock.timeout.connect(self._look)
        self._clock.start()
        for signal in (session.opened, session.sequences_changed, jobs.added, jobs.finished):
            signal.connect(lambda *_: self._pause.start())
        self._lay_out()

    def showEvent(self, event: QShowEvent) -> None:
        """Read the project anew."""
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Read and show the project, if the page is visible."""
        project = self._session.project
        if project is None or not self.isVisible():
            return
        lines = list(self._session.summaries.values())
        try:
            done = activities(project)
            self.next = next_step(project, lines, done)
        except Exception as error:
            if not self._session.explain(error):
                raise
            return
        state = progress(lines)
        self.name.setText(project.folder.name)
        self.headline.setText(state.text if lines else "No clips yet. Add video files, or drop them on the window.")
        self.bar.setVisible(bool(lines))
        self.bar.setRange(0, max(state.total, 1))
        self.bar.setValue(state.decided)
        self.next_button.setText(self._step_text(self.next))
        named(self.next_button, f"Next step: {self.next_button.text()}", _TIPS[self.next.kind])
        self.clips.setVisible(bool(lines))
        self.clips.show_lines(lines)
        self.activities.setVisible(bool(lines) or bool(done))
        self.activities.show_activities(done)
        self.refreshed.emit()

    def _look(self) -> None:
        """Follow what runs, and notice when a process that is not ours has ended."""
        if self.isVisible() and any(row.activity.state == "running" for row in self.activities.rows):
            self.refresh()

    def _step_text(self, step: NextStep) -> str:
        if step.kind == "analyze" and self._is_at("analyze"):
            return "See what is being analysed"
        if step.kind == "add" and self._is_at("add"):
            return "See what is being added"
        if step.kind == "done" and step.activity is not None:
            return "See what is running" if step.activity.state == "running" else "See the results"
        return step.text

    def _take_step(self) -> None:
        if self.next is not None:
            self.step.emit(self.next)

    def _is_at(self, kind: str) -> bool:
        folder = self._session.project.folder if self._session.project else None
        return any(job.kind == kind and job.project == folder for job in self._jobs.unfinished())

    def _progress_of(self, activity: Activity) -> str:
        job = job_of(activity, self._jobs.running())
        if job is None:
            return "running in another process"
        share = f"{percent(job.fraction)}, " if job.fraction is not None else ""
        return f"{share}{job.doing()}"

    def _lay_out(self) -> None:
        self.name.setFont(sized("small"))
        self.name.setProperty("look", "faint")
        self.headline.setFont(sized("title"))
        head = QFrame()
        head.setProperty("look", "card")
        row = QHBoxLayout()
        row.setSpacing(PAD)
        words = QVBoxLayout()
        words.setSpacing(GAP)
        words.addWidget(self.name)
        words.addWidget(self.headline)
        row.addLayout(words, 1)
        row.addWidget(self.next_button, 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(head)
        column.setContentsMargins(PAD, PAD, PAD, PAD)
        column.setSpacing(GAP)
        column.addLayout(row)
        column.addWidget(self.bar)
        body = QWidget()
        body.setMaximumWidth(_WIDEST)
        cards = QVBoxLayout(body)
        cards.setContentsMargins(0, 0, 0, 0)
        cards.setSpacing(PAD)
        for card in (head, self.clips, self.activities):
            cards.addWidget(card)
        cards.addStretch(1)
        whole = QWidget()
        middle = QHBoxLayout(whole)
        middle.setContentsMargins(PAD, PAD, PAD, PAD)
        middle.addStretch(1)
        middle.addWidget(body, 100)
        middle.addStretch(1)
        self.setWidget(whole)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)


def job_of(activity: Activity, jobs: Sequence[Job]) -> Job | None:
    """Return the job that is at work on an activity: it names the activity's folder."""
    folder = str(activity.folder)
    return next((job for job in jobs if folder in job.arguments), None)
