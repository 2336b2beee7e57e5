"""Suggestions what to paint and what to exclude: computed in a thread, visited one after the other."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.state.composition import Composition
from gui.state.session import Session
from gui.workers import NOW
from pipeline.project.analysis import read_areas, read_scoring_target
from pipeline.text_format import counted

if TYPE_CHECKING:
    from gui.state.image_cache import U8
    from rainclean.candidates import Suggestion

MAX_CANDIDATES = 12
"""Candidates that are compared, the best first: the others hardly differ from them."""

LOOKING = "Looking for places where candidates differ …"


class PaintSuggestions(QObject):
    """Suggestions for the candidate that is painted on.

    Signals: `changed` when suggestions came or went, or another one is current.
    """

    changed = Signal()

    def __init__(self, session: Session, composition: Composition) -> None:
        super().__init__()
        self._session, self._composition = session, composition
        self._base: int | None = None
        self._suggestions: list[Suggestion] | None = None
        self._ids: list[int] = []
        self._place = -1
        session.selection_changed.connect(self.forget)
        session.displayed_changed.connect(self.forget)
        session.draft_changed.connect(self._check_base)

    @property
    def current(self) -> "Suggestion | None":
        """Return the current suggestion."""
        suggestions = self._suggestions or []
        return suggestions[self._place] if 0 <= self._place < len(suggestions) else None

    @property
    def are_known(self) -> bool:
        """Return whether suggestions were looked for, with or without a result."""
        return self._suggestions is not None

    @property
    def description(self) -> str:
        """Return a line on the current suggestion, or on what to do."""
        if self._suggestions is None:
            return "Press J for suggestions."
        if not self._suggestions:
            return "No suggestions: the candidates hardly differ."
        one = self.current
        if one is None:
            return f"{counted(len(self._suggestions), 'suggestion')} left. Press J for the next."
        source = self._session.candidate(self.candidate)
        what = (
            "exclude this area"
            if one.kind == "exclude"
            else f"use {self._session.label(source) if source else '?'} here"
        )
        place = f"{self._place + 1} of {len(self._suggestions)}"
        return f"{place}: {what}, because {one.reason}. Press Y to take it, J for the next."

    @property
    def candidate(self) -> int | None:
        """Return the id of the candidate that the current suggestion would paint with."""
        one = self.current
        return self._ids[one.candidate] if one is not None and one.candidate is not None else None

    def forget(self) -> None:
        """Drop all suggestions: they are about other pictures than those displayed now."""
        self._session.workers.cancel("suggest")
        self._suggestions, self._place, self._base = None, -1, None
        self.changed.emit()

    def _check_base(self) -> None:
        """Drop the suggestions if an undo has changed the base candidate that they are for."""
        if self._base is not None and self._composition.base() != self._base:
            self.forget()

    def drop(self) -> None:
        """Remove the current suggestion, which was taken."""
        if self._suggestions and self.current is not None:
            del self._suggestions[self._place]
            self._place = min(self._place, len(self._suggestions) - 1)
            self.changed.emit()

    def next(self) -> None:
        """Go to the next suggestion; compute them the first time."""
        if self._suggestions is None:
            self._compute()
        elif self._suggestions:
            self._place = (self._place + 1) % len(self._suggestions)
            self.changed.emit()

    def _compute(self) -> None:
        session, base = self._session, self._composition.base()
        project, analysis, painted_on = session.project, session.detail.analysis, session.candidate(base)
        if project is None or analysis is None or painted_on is None or session.blind:
            return
        session.show(base)  # what is suggested would be painted there
        self._base = base
        at_hand = (c for c in session.detail.candidates if c.kept or session.pictures.peek(c.picture) is not None)
        best = sorted(at_hand, key=lambda c: c.score)[:MAX_CANDIDATES]
        chosen = [painted_on, *(c for c in best if c.id != base)]
        # The composite so far is compared; strokes change the array meanwhile.
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

        session.message.emit(LOOKING)
        session.workers.run(work, self._show, lambda e: session.warning.emit(str(e)), lane="suggest", urgency=NOW)

    def _show(self, suggestions: "list[Suggestion]") -> None:
        self._session.withdrawn.emit(LOOKING)
        self._suggestions, self._place = suggestions, 0 if suggestions else -1
        self.changed.emit()
