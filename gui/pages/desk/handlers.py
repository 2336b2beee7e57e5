"""Handlers of the desk's keys, by id of `actions.TABLE`."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from gui.compare import Mode, Outline, Tool
from gui.pages.desk.decide import RejectDialog
from gui.pages.desk.inspection import Inspection
from gui.pages.desk.judging import JudgingTools
from gui.pages.desk.page import Desk
from pipeline.project.editing import new_batch
from rainclean.compositing import Tool as PaintTool
from rainclean.video import Region

DIFFERENCES = (("absolute", 1), ("absolute", 8), ("signed", 1), ("signed", 8))

_PAINT_TOOLS: dict[PaintTool, Tool] = {
    "brush": Tool.BRUSH,
    "rectangle": Tool.RECTANGLE,
    "lasso": Tool.LASSO,
    "fill": Tool.FILL,
}

SUGGESTED = (0, 220, 255)


class DeskActions:
    """Turn keys and strokes in the view into changes of session, live picture and draft."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session, self.live, self.view = desk.session, desk.live, desk.view
        self._difference = 0
        self.inspection = Inspection(desk, self.keep)
        self.judging = JudgingTools(desk)
        desk.view.picked.connect(self._picked)
        desk.view.rectangle_drawn.connect(self._rectangle)
        desk.view.set_mode(Mode.WIPE)
        desk.sliders.keep.connect(self.keep)
        desk.paint_suggestions.changed.connect(self._show_suggestion)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return the handlers by id of the action."""
        session, desk, view = self.session, self.desk, self.view
        return {
            "next": partial(session.step, 1),
            "previous": partial(session.step, -1),
            "undecided": session.step_undecided,
            "next_candidate": partial(self._step_candidate, 1),
            "previous_candidate": partial(self._step_candidate, -1),
            **{f"candidate_{n}": partial(self._show_candidate, n - 1) for n in range(1, 10)},
            "find": desk.sequences.search.setFocus,
            "accept": partial(self.accept, advance=True),
            "accept_stay": partial(self.accept, advance=False),
            "reject": self.reject,
            "unset": session.unset,
            "star": session.star,
            "note": desk.decide.focus_note,
            "undo": session.undo,
            "redo": session.redo,
            "wipe": partial(self._mode, Mode.WIPE),
            "side": partial(self._mode, Mode.SIDE),
            "single": partial(self._mode, Mode.SINGLE),
            "difference": self._next_difference,
            "blink": self._blink,
            "blinking": self._blink_by_itself,
            "compare_with": self._compare_with_shown,
            "confidence": desk.confidence.next_mode,
            "places": desk.toggle_places,
            **self.judging.handlers(),
            "fit": view.fit,
            "actual": view.actual_size,
            "zoom_in": view.zoom_in,
            "zoom_out": view.zoom_out,
            "play": desk.strip.play.toggle,
            "next_frame": partial(desk.strip.step, 1),
            "previous_frame": partial(desk.strip.step, -1),
            "reference": lambda: desk.strip.choose(desk.strip.curve.reference),
            "percentile_up": partial(desk.sliders.step_percentile, 1.0),
            "percentile_down": partial(desk.sliders.step_percentile, -1.0),
            "percentile_up_fine": partial(desk.sliders.step_percentile, 0.1),
            "percentile_down_fine": partial(desk.sliders.step_percentile, -0.1),
            "frames_up": partial(desk.sliders.step_frames, 10),
            "frames_down": partial(desk.sliders.step_frames, -10),
            "keep": self.keep,
            "pick": partial(self.inspection.choose, Tool.PICK),
            "region": partial(self.inspection.choose, Tool.RECTANGLE),
            "region_keep": self.inspection.keep_region,
            **{name: partial(self._paint, name) for name in _PAINT_TOOLS},
            "exclude": self._exclude,
            "erase": lambda: desk.composition.set_brush(erasing=not desk.composition.brush.erasing),
            "masks": desk.masks.toggle_all,
            "larger": partial(self._scale_brush, 1.25),
            "smaller": partial(self._scale_brush, 0.8),
            "suggest": self._suggest,
            "take": self._take_suggestion,
            "no_tool": self.no_tool,
        }

    # -- deciding ------------------------------------------------------------------------------------------------

    def accept(self, *, advance: bool) -> None:
        """Accept the displayed candidate; a live picture is saved as a candidate first.

        Args:
            advance: go on to the nearest undecided sequence.
        """
        if self.live.trying and not self.keep():
            return
        # Joining and scoring a composite takes a moment, a plain acceptance a few milliseconds.
        busy = self.desk.composition.on_base
        if busy:
            QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            self.session.accept(advance=advance)
        finally:
            if busy:
                QGuiApplication.restoreOverrideCursor()

    def reject(self) -> None:
        """Ask for the reasons, then reject."""
        summary = self.session.summary
        if summary is None:
            return
        dialog = RejectDialog(summary.sequence.name, self.desk)
        dialog.accepted.connect(lambda: self.session.reject(dialog.reasons, dialog.note.text()))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def keep(self, percentile: float | None = None, batch: str = "") -> int | None:
        """Save the live picture as a candidate.

        Args:
            percentile: another one than the slider's.
            batch: of edits that are undone together; "" for an edit of its own.

        Returns:
            The candidate's id, None if it cannot be saved now.
        """
        summary = self.session.summary
        live_candidate = self.live.candidate(percentile)
        if summary is None or live_candidate is None:
            self.live.when_sorted(lambda: self.session.message.emit("Frames sorted"))
            self.session.message.emit("The frames are being sorted. Press K again when that is done.")
            return None
        recipe, kept = live_candidate
        change = self.session.change(
            lambda editor: editor.keep(
                summary.sequence,
                recipe,
                kept.picture,
                eta=kept.eta,
                silent_share=kept.silent_share,
                scores=kept.scores,
                batch=batch,
            )
        )
        if change is None:
            return None
        self.live.leave()
        if percentile is None:
            self.session.show(change.result.id)
            self.session.message.emit(f"Candidate saved: {recipe.description}")
        return change.result.id

    # -- comparing -----------------------------------------------------------------------------------------------

    def _step_candidate(self, by: int) -> None:
        self.live.leave()
        self.session.step_candidate(by)

    def _show_candidate(self, place: int) -> None:
        candidates = self.session.detail.candidates
        if place < len(candidates):
            self.live.leave()
            self.session.show(candidates[place].id)

    def _mode(self, mode: Mode) -> None:
        self.view.set_blinking(False)
        self.view.set_mode(mode)

    def _next_difference(self) -> None:
        if self.view.mode is Mode.DIFFERENCE:
            self._difference = (self._difference + 1) % len(DIFFERENCES)
        kind, gain = DIFFERENCES[self._difference]
        self.view.set_difference(kind, gain)  # type: ignore[arg-type]
        self._mode(Mode.DIFFERENCE)
        self.session.message.emit(f"Difference: {kind}" + (f", ×{gain}" if gain > 1 else ""))

    def _blink(self) -> None:
        self.view.set_blinking(False)
        if self.view.mode is not Mode.BLINK:
            self.view.set_mode(Mode.BLINK)
        self.view.blink()

    def _blink_by_itself(self) -> None:
        on = not self.view.blinking
        self.view.set_mode(Mode.BLINK)
        self.view.set_blinking(on)

    def _compare_with_shown(self) -> None:
        session = self.session
        if session.compared_with is None and session.displayed is not None:
            session.compare_with(session.displayed)
            session.message.emit("Comparing with this candidate. Press C again to compare with the rainy frame.")
        else:
            session.compare_with(None)

    # -- what is pointed at in the picture ------------------------------------------------------------------------

    def _picked(self, x: float, y: float) -> None:
        if self.desk.composition.brush.tool == "fill":
            self.desk.begin_stroke(x, y)
            self.desk.composition.end()
        else:
            self.inspection.pick(x, y)

    def _rectangle(self, region: Region) -> None:
        if self.desk.composition.brush.tool == "rectangle":
            self.desk.begin_stroke(region.x, region.y)
            self.desk.composition.move(region.x + region.width, region.y + region.height)
            self.desk.composition.end()
        else:
            self.inspection.ask(region)

    # -- composing -----------------------------------------------------------------------------------------------

    def _paint(self, tool: PaintTool) -> None:
        composition = self.desk.composition
        self.live.leave()
        composition.set_brush(tool=None if composition.brush.tool == tool else tool)
        chosen = composition.brush.tool
        self.view.set_tool(_PAINT_TOOLS[chosen] if chosen else Tool.NONE)
        self.view.set_brush_radius(composition.brush.radius)
        self.desk.tabs.setCurrentWidget(self.desk.compose)

    def _exclude(self) -> None:
        composition = self.desk.composition
        composition.set_brush(excluding=not composition.brush.excluding)
        if composition.brush.tool is None:
            self._paint("brush")
        self.session.message.emit(
            "Strokes now mark excluded areas" if composition.brush.excluding else "Strokes now paint with a candidate"
        )

    def _scale_brush(self, factor: float) -> None:
        composition = self.desk.composition
        composition.set_brush(radius=min(max(composition.brush.radius * factor, 1.0), 400.0))

    def _suggest(self) -> None:
        self.live.leave()
        self.desk.tabs.setCurrentWidget(self.desk.compose)
        self.desk.paint_suggestions.next()

    def _take_suggestion(self) -> None:
        paint_suggestions = self.desk.paint_suggestions
        suggestion = paint_suggestions.current
        if suggestion is None:
            self.session.message.emit("No suggestion yet. Press J.")
            return
        if self.desk.composition.add(
            suggestion.shapes, paint_suggestions.candidate, new_batch(), excluding=suggestion.kind == "exclude"
        ):
            paint_suggestions.drop()

    def _show_suggestion(self) -> None:
        paint_suggestions = self.desk.paint_suggestions
        self.desk.compose.set_suggestion(paint_suggestions.description)
        suggestion = paint_suggestions.current
        shapes = suggestion.shapes if suggestion else ()
        self.view.set_outlines([Outline(shape.points, SUGGESTED, dashed=True) for shape in shapes])

    # -- leaving -------------------------------------------------------------------------------------------------

    def no_tool(self) -> None:
        """Put the tool away and leave the live picture."""
        if self.view.drawing:
            self.view.cancel_stroke()
            return
        if self.judging.survey.is_open():
            self.judging.survey.close()
            return
        self.desk.composition.set_brush(tool=None, excluding=False, erasing=False)
        self.view.set_tool(Tool.NONE)
        self.view.set_outlines([])
        self.inspection.forget()
        self.live.leave()
        self.view.setFocus()
