"""What happens to a sequence without candidates: waiting, analysing, failed, with a button where nothing runs."""

from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui.actions import Actions
from gui.design import GAP, PAD
from gui.jobs import Jobs, stage_text
from gui.state import Session
from gui.widgets import Label, named
from rainclean.number_text import percent


class Situation(NamedTuple):
    """A line on the analysis of the selected sequence. startable: nothing runs, so that a button makes sense."""

    text: str
    startable: bool = False


def situation_of(session: Session, jobs: Jobs) -> Situation:
    """Return what is happening to the selected sequence; an empty text where it is analysed."""
    summary = session.summary
    if summary is None:
        return Situation("No sequence selected. Press Down or click one.")
    unfinished = [job for job in jobs.unfinished() if job.kind == "analyze"]
    for job in unfinished:
        step = job.progress
        if step is not None and step.part == summary.sequence.name:
            share = "" if job.fraction is None else f", {_of_part(job.fraction, step.parts_total, step.parts_done)}"
            return Situation(f"Analysing: {stage_text(step.stage)}{share}")
    if session.detail.candidates:
        return Situation("")
    if unfinished:
        return Situation("Waiting to be analysed. Other sequences come first.")
    if summary.state == "failed":
        return Situation(f"Analysis failed: {summary.error}", startable=True)
    return Situation("Not analysed yet. The frames of the clip can be played.", startable=True)


def _of_part(fraction: float, total: int, done: int) -> str:
    """Return the finished share of one sequence of a job."""
    return percent(min(max(fraction * max(total, 1) - done, 0.0), 1.0))


class AnalysisState(QWidget):
    """Show the situation, and the button that starts the analysis."""

    def __init__(self, session: Session, jobs: Jobs, actions: Actions) -> None:
        super().__init__()
        self._session, self._jobs = session, jobs
        self.text = named(Label(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter), "State of the analysis")
        self.button = named(QPushButton("Analyse"), "Analyse", actions["analyze"].toolTip())
        self.button.setProperty("look", "main")
        self.button.clicked.connect(actions["analyze"].trigger)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, PAD)
        layout.setSpacing(GAP)
        layout.addWidget(self.text)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        for signal in (session.selection_changed, session.detail_changed, session.sequences_changed):
            signal.connect(self.refresh)
        jobs.changed.connect(lambda _: self.refresh())
        jobs.finished.connect(lambda _: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        """Show what is happening now."""
        situation = situation_of(self._session, self._jobs)
        if situation.text != self.text.text():
            self.text.setText(situation.text)
        self.button.setVisible(situation.startable)
        self.setVisible(not self._session.detail.candidates)
