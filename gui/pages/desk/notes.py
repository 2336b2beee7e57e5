"""What the analysis found, where the judge looks: the verdict, its reasons, the notes, and what is suggested."""

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout

from gui.design import GAP, PAD, SPACE
from gui.pages.desk.rows import TRUST, sentence
from gui.state import Session
from gui.widgets import Label, named
from pipeline.project.analysis import motion_summary
from rainclean.number_text import percent
from rainclean.verdict import LABELS, MEANINGS

LINES = 3
"""Lines that are shown while the list is folded."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the box says. Empty where nothing is analysed, and during a second opinion.

    Attributes:
        trust: One of `model.TRUST`, or "".
        title: The verdict as a word.
        meaning: What to do about it.
        lines: Reasons of the verdict, worst first, then the notes of the analysis.
        places: Whether the verdict's areas can be visited.
    """

    trust: str = ""
    title: str = ""
    meaning: str = ""
    lines: tuple[str, ...] = ()
    places: bool = False


def findings_of(session: Session) -> Findings:
    """Return what the analysis of the selected sequence found, as ``rainclean status`` shows it."""
    summary, analysis = session.summary, session.detail.analysis
    if summary is None or session.blind or not summary.trust or analysis is None:
        return Findings()
    verdict, motion = summary.verdict, motion_summary(analysis)
    reasons = [reason.description for reason in verdict.reasons] if verdict else []
    labels = list(motion.labels) if motion else []
    doubtful = f"{100 * motion.doubtful:.1f} % of the clean image is in doubt" if motion and motion.doubtful else ""
    notes = [*labels, doubtful, *(text for text in analysis.warnings if text not in labels)]
    lines = dict.fromkeys(sentence(text) for text in (*reasons, *notes) if text)
    title = sentence(LABELS[verdict.state]) if verdict else sentence(summary.trust)
    meaning = MEANINGS[verdict.state] if verdict else "analysed with an older version; press Ctrl+R to analyse it again"
    return Findings(trust=summary.trust, title=title, meaning=meaning, lines=tuple(lines), places=bool(summary.places))


class NotesBox(QFrame):
    """Show the findings in a card; long lists fold. Its height never moves the picture, which stands beside it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._unfolded = False
        self.setProperty("look", "card")
        self.title = named(Label(wordWrap=True), "Verdict", "Whether the candidates can be trusted")
        self.lines = named(Label(wordWrap=True), "Notes of the analysis")
        self.lines.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.lines.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hint = named(Label(wordWrap=True), "Where to look")
        self.hint.setProperty("look", "faint")
        self.suggestion = named(Label(wordWrap=True), "Suggested candidate")
        self.more = named(QToolButton(), "More notes", "Show all notes of the analysis, or fold them")
        self.more.setProperty("look", "flat")
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.clicked.connect(self._unfold)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, GAP, PAD, GAP)
        layout.setSpacing(SPACE)
        for widget in (self.title, self.lines):
            layout.addWidget(widget)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.hint, 1)
        row.addWidget(self.more, 0, Qt.AlignmentFlag.AlignRight)
        layout.addLayout(row)
        layout.addWidget(self.suggestion)
        session.selection_changed.connect(self._fold)
        for signal in (session.detail_changed, session.sequences_changed, session.suggestions_changed, session.folded):
            signal.connect(self.refresh)
        self.refresh()

    def text(self) -> str:
        """Return everything that the box says, one line each."""
        parts = (self.title, self.lines, self.hint, self.suggestion)
        return "\n".join(part.text() for part in parts if not part.isHidden())

    def refresh(self) -> None:
        """Show the findings of the selected sequence."""
        found = findings_of(self._session)
        suggestion = _suggestion(self._session)
        self.setVisible(bool(found.trust or suggestion))
        self._title(found)
        shown = found.lines if self._unfolded or len(found.lines) <= LINES + 1 else found.lines[:LINES]
        _say(self.lines, "\n".join(f"· {line}" for line in shown))
        _say(self.hint, "J goes to the next place, Shift+M tints all" if found.places else "")
        rest = len(found.lines) - LINES
        self.more.setVisible(len(found.lines) > LINES + 1)
        self.more.setText("Fewer notes" if self._unfolded else f"{rest} more notes")
        _say(self.suggestion, suggestion)
        self.suggestion.setToolTip(f"Suggested candidates: {self._session.suggestions.label}")

    def _title(self, found: Findings) -> None:
        mark, look = TRUST.get(found.trust, ("", ""))
        if self.title.property("look") != look:
            self.title.setProperty("look", look)
            self.title.style().polish(self.title)
        _say(self.title, f"{mark} {found.title}: {found.meaning}" if found.trust else "")

    def _fold(self) -> None:
        self._unfolded = False
        self.refresh()

    def _unfold(self) -> None:
        self._unfolded = not self._unfolded
        self.refresh()


def _suggestion(session: Session) -> str:
    """Return what is suggested and why, "" where nothing is: a row of the list has no room for all of it."""
    suggestion = session.suggested
    candidate = session.candidate(suggestion.candidate_id) if suggestion else None
    if suggestion is None or candidate is None:
        return ""
    place = session.listed.index(candidate) + 1
    number = f"{place}  " if place < 10 else ""
    return f"{number}{candidate.label}: {suggestion.label}. {percent(suggestion.chance)} likely to be chosen."


def _say(label: Label, text: str) -> None:
    label.setVisible(bool(text))
    if text != label.text():  # setting it makes the window lay out everything anew
        label.setText(text)
