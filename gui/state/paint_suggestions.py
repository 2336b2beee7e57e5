"""Suggestions where to compose and what to exclude, computed beside the window, looked through with a key."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.state.composition import Composition
from gui.state.session import Session
from gui.workers import NOW
from pipeline.project.analysis import read_areas, read_scoring_target

if TYPE_CHECKING:
    from gui.state.image_cache import U8
    from rainclean.candidates import Suggestion

MOST_CANDIDATES = 12
"""Looked at, the best first: the rest hardly differ from them."""


class PaintSuggestions(QObject):
    """changed: suggestions have come, gone, or another one is looked at."""

    changed = Signal()

    def __init__(self, session: Session, composition: Composition) -> None:
        super().__init__()
        self._session, self._composition = session, composition
        self._base: int | None = None
        self._found: list[Suggestion] | None = None
        self._ids: list[int] = []
        self._place = -1
        session.selection_changed.connect(self.forget)
        session.displayed_changed.connect(self.forget)
        session.draft_changed.connect(self._check_base)

    @property
    def current(self) -> "Suggestion | None":
        """The one that is looked at."""
        found = self._found or []
        return found[self._place] if 0 <= self._place < len(found) else None

    @property
    def words(self) -> str:
        """A line on it."""
        if self._found is None:
            return "Suggestions: press J."
        if not self._found:
            return "Candidates hardly differ here: nothing is suggested."
        one = self.current
        if one is None:
            return f"{len(self._found)} suggestions: J goes through them."
        source = self._session.candidate(self.candidate)
        what = "exclude this" if one.kind == "exclude" else f"use {self._session.label(source) if source else '?'} here"
        return f"{self._place + 1} of {len(self._found)}: {what}: {one.reason}. Y takes it, J shows the next."

    @property
    def candidate(self) -> int | None:
        """Id of the candidate that the suggestion would use."""
        one = self.current
        return self._ids[one.candidate] if one is not None and one.candidate is not None else None

    def forget(self) -> None:
        """Other pictures are shown: suggestions are about these."""
        self._session.workers.cancel("suggest")
        self._found, self._place, self._base = None, -1, None
        self.changed.emit()

    def _check_base(self) -> None:
        """Suggestions are for the picture that they would be painted on; an undo may have changed which that is."""
        if self._base is not None and self._composition.base() != self._base:
            self.forget()

    def drop(self) -> None:
        """The one that is looked at was taken."""
        if self._found and self.current is not None:
            del self._found[self._place]
            self._place = min(self._place, len(self._found) - 1)
            self.changed.emit()

    def next(self) -> None:
        """Look at the next one; the first time they are computed."""
        if self._found is None:
            self._compute()
        elif self._found:
            self._place = (self._place + 1) % len(self._found)
            self.changed.emit()

    def _compute(self) -> None:
        session, base = self._session, self._composition.base()
        project, analysis, painted_on = session.project, session.detail.analysis, session.candidate(base)
        if project is None or analysis is None or painted_on is None or session.blind:
            return
        session.show(base)  # what is suggested would be painted there
        self._base = base
        best = sorted(session.detail.candidates, key=lambda c: c.score)[:MOST_CANDIDATES]
        chosen = [painted_on, *(c for c in best if c.id != base)]
        # What is painted already is looked at as it is; strokes go on in the array meanwhile.
        composite = self._composition.composite
        so_far = None if composite is None else composite.copy()
        self._ids = [c.id for c in chosen]
        artefacts = project.artefacts
        names = [c.picture for c in chosen]
        reference = analysis.reference

        def work() -> "list[Suggestion]":
            from rainclean.candidates import suggest

            def load(name: str) -> "U8":
                picture = session.pictures.peek(name)
                return artefacts.picture(name) if picture is None else picture

            pictures = [load(name) for name in names]
            rainy = load(reference) if reference else pictures[0]
            if so_far is not None:
                pictures[0] = so_far
            scoring_target = read_scoring_target(project, analysis) if reference else None
            return suggest(pictures, scoring_target, rainy, 0, read_areas(project, analysis))

        session.message.emit("looking where candidates differ …")
        session.workers.run(work, self._come, lambda e: session.warning.emit(str(e)), lane="suggest", urgency=NOW)

    def _come(self, found: "list[Suggestion]") -> None:
        self._found, self._place = found, 0 if found else -1
        self.changed.emit()
