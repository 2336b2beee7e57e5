"""The page of jobs: what each is doing, how long it will take, what to do after a failure."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gui.design import GAP, PAD, sized
from gui.jobs import Job, Jobs
from gui.pages.job_card import JobCard
from gui.widgets import EmptyState, Label

EMPTY = "Jobs appear here: adding clips, analysing, exporting, training and evaluating run in the background."


class JobsPanel(QWidget):
    """All jobs, the newest first. The state is in `Jobs`.

    Signal `opened`: a person wants to see a result: the name of its page, and the job or None.
    """

    opened = Signal(str, object)

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._cards: dict[Job, JobCard] = {}
        self._empty = EmptyState("jobs", EMPTY, "Open the desk", "Add and judge clips on the desk (Ctrl+1)")
        self._empty.asked.connect(lambda: self.opened.emit("desk", None))
        title = Label("Jobs")
        title.setFont(sized("title"))
        self._clear = QPushButton("Clear finished")
        self._clear.setToolTip("Remove jobs that have ended from this list")
        self._clear.clicked.connect(self._remove_all)
        top = QHBoxLayout()
        top.addWidget(title, 1)
        top.addWidget(self._clear)
        body = QWidget()
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GAP)
        self._column.addStretch(1)
        area = self._area = QScrollArea()
        area.setAccessibleName("Jobs, the newest first")
        area.setWidget(body)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, GAP)
        layout.setSpacing(GAP)
        layout.addLayout(top)
        layout.addWidget(area, 1)
        layout.addWidget(self._empty, 1)
        jobs.added.connect(self._add)
        jobs.changed.connect(self._refresh)
        jobs.removed.connect(self._remove)
        # The time left changes even without news from a job.
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._refresh_running)
        self._clock.start()
        for job in jobs.all:
            self._add(job)
        self._update_empty()

    def card(self, job: Job) -> JobCard:
        """Return the card of a job."""
        return self._cards[job]

    def _add(self, job: Job) -> None:
        card = self._cards[job] = JobCard(job, self._jobs)
        card.opened.connect(lambda page: self.opened.emit(page, job))
        self._column.insertWidget(0, card)
        self._order_focus()
        self._update_empty()

    def _order_focus(self) -> None:
        """Let Tab go from the button above the cards through them, as they are shown."""
        before: QWidget = self._clear
        parts = [part for card in reversed(self._cards.values()) for part in card.findChildren(QWidget)]
        for widget in (self._area, *parts):
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                QWidget.setTabOrder(before, widget)
                before = widget

    def _refresh(self, job: Job) -> None:
        if job in self._cards:
            self._cards[job].refresh()
            self._update_empty()

    def _refresh_running(self) -> None:
        for job in self._jobs.running():
            self._refresh(job)

    def _remove(self, job: Job) -> None:
        card = self._cards.pop(job, None)
        if card is not None:
            self._column.removeWidget(card)
            card.deleteLater()
        self._update_empty()

    def _remove_all(self) -> None:
        for job in self._jobs.all:
            self._jobs.remove(job)

    def _update_empty(self) -> None:
        self._empty.setVisible(not self._cards)
        self._area.setVisible(bool(self._cards))
        self._clear.setVisible(any(job.is_over for job in self._cards))
