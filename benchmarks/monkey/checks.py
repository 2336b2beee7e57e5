"""What must hold after any events: of the window, and of the store."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from PySide6.QtWidgets import QApplication, QWidget

from gui.main_window import Window
from pipeline.project.decisions import decisions, opinions
from pipeline.project.editing import Editor, draft_of
from pipeline.project.model import Decision, Opinion
from pipeline.project.overview import overview
from pipeline.project.recovery import problems
from pipeline.project.storage import Project

_REPLAYED = 5
"""Edits that are undone and redone."""


class Checks:
    """The checks. They raise AssertionError, with a line on what does not hold.

    Attributes:
        decided: Decisions and opinions that the window has made, as the editor returned them.
    """

    def __init__(self) -> None:
        self.decided: dict[Path, list[Decision | Opinion]] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note each decision of the block."""
        with ExitStack() as stack:
            for name in ("accept", "reject", "opine"):
                stack.enter_context(mock.patch.object(Editor, name, self._noting(getattr(Editor, name))))
            yield

    def check_window(self, window: Window) -> None:
        """Check that no key, button, cursor or event loop is left, and that the window knows what is stored."""
        view = window.desk.view
        _need(not window._keys._held, "Space is still held")
        _need(view._contents.override is None, "the rainy frame still covers the picture")
        _need(view._pointer.drag is None, f"a drag has not ended: {view._pointer.drag}")
        _need(not window.desk.composition.drawing, "a stroke has not ended")
        _need(QApplication.overrideCursor() is None, "the wait cursor is still there")
        _need(QWidget.mouseGrabber() is None, "a widget still grabs the mouse")
        _need(QWidget.keyboardGrabber() is None, "a widget still grabs the keyboard")
        _need(window.isEnabled(), "the window is disabled")
        session = window.session
        project = session.project
        if project is None:
            _need(session.editor is None and not session.summaries, "something of a closed project is left")
            return
        session.look_around()
        with Project(project.folder) as other:
            stored = {row.sequence.id: row for row in overview(other)}
        _need(set(session.summaries) == set(stored), "the list has other sequences than the store")
        for number, row in stored.items():
            _need(session.summaries[number] == row, f"the list has {session.summaries[number]}, the store {row}")
        _need(session.selected is None or session.selected in stored, "a sequence is selected that is not stored")
        _need(len(session.order) == len(set(session.order)), "a sequence is listed twice")
        self._check_history(window)
        self.check_store(project.folder)

    def check_store(self, folder: Path) -> None:
        """Check that a store is sound, and that it has every decision that was made."""
        with Project(folder) as project:
            _need(not (found := problems(project)), f"the store is damaged: {found}")
            journal: list[Decision | Opinion] = [*decisions.journal(project), *opinions.journal(project)]
        for decided in self.decided.get(folder.resolve(), ()):
            _need(decided in journal, f"not on disk: {decided}")

    def _check_history(self, window: Window) -> None:
        """Undo and redo some edits: everything must be as before."""
        session = window.session
        if session.project is None or session.project.read_only or session.editor is None:
            return
        window.desk.decide.save_note()  # what is being typed is stored before anything is undone
        before, undone = _state(session.project.folder), 0
        for _ in range(_REPLAYED):
            if session.editor.can_undo() is None:
                break
            window.commands["undo"].trigger()
            undone += 1
        for _ in range(undone):
            _need(session.editor.can_redo() is not None, "what was undone cannot be redone")
            window.commands["redo"].trigger()
        after = _state(session.project.folder)
        _need(before == after, f"undo and redo changed {_difference(before, after)}")

    def _noting(self, method: Any) -> Any:
        def run(editor: Editor, *arguments: Any, **more: Any) -> Any:
            result = method(editor, *arguments, **more)
            self.decided.setdefault(editor.project.folder.resolve(), []).append(result)
            return result

        return run


def _state(folder: Path) -> dict[str, Any]:
    """Return what people see of each sequence, read anew from disk."""
    with Project(folder) as project:
        state: dict[str, Any] = {}
        for row in overview(project):
            decision, number = row.decision, row.sequence.id
            made = decision and (decision.verdict, decision.candidate_id, decision.exclude, decision.reasons)
            found = opinions.opinions(project, number)[number]
            judged = sorted((o.who, o.verdict, o.candidate_id or 0) for o in found)
            state[row.sequence.name] = (row.state, row.star, row.note, made, judged, draft_of(project, number, {}))
    return state


def _difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    return "; ".join(
        f"{name}: {before.get(name)} to {after.get(name)}"
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    )


def _need(true: bool, otherwise: str) -> None:
    if not true:
        raise AssertionError(otherwise)
