"""Handlers of the desk's keys, by id of `actions.TABLE`."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from gui.actions import TABLE, Actions
from gui.compare import Mode, Outline, Tool
from gui.pages.desk.decide import RejectDialog
from gui.pages.desk.inspection import Inspection
from gui.pages.desk.judging import TONES, ZOOMS, JudgingTools
from gui.pages.desk.page import Desk
from gui.pages.desk.places import surroundings
from gui.pages.desk.toolbar import Lights
from pipeline.project.editing import new_batch
from rainclean.compositing import Tool as PaintTool
from rainclean.video import Region

BEHIND_SURVEY = frozenset(
    action.id
    for action in TABLE
    if action.group in ("Compare", "Frames", "Live", "Inspect", "Compose")
    and action.id not in ("survey", "panels", "no_tool", "save_view", *TONES, *ZOOMS)
)
"""Ids of actions that act on what the survey covers. They close it first, so that their effect is seen."""

DIFFERENCES = (("absolute", 1), ("absolute", 8), ("signed", 1), ("signed", 8))

DECODING = "The frames are being decoded. Press K when that is done."
WAITING_TO_KEEP = "The candidate will be saved as soon as the frames are sorted"
COMPARING = "Comparing with this candidate. Press C again to compare with the rainy frame."

_PAINT_TOOLS: dict[PaintTool, Tool] = {
    "brush": Tool.BRUSH,
    "rectangle": Tool.RECTANGLE,
    "lasso": Tool.LASSO,
    "fill": Tool.FILL,
}

SUGGESTED = (0, 220, 255)


class DeskActions:
    """Turn keys and strokes in the view into changes of session, live picture and draft."""

    def __init__(self, desk: Desk, actions: Actions) -> None:
        self.desk = desk
        self._lights = Lights(actions, desk.session, desk.composition, desk.confidence)
        self.session, self.live, self.view = desk.session, desk.live, desk.view
        self._difference = 0
        self._told = ""
        self.inspection = Inspection(desk, self.keep)
        self.judging = JudgingTools(desk)
        desk.view.picked.connect(self._picked)
        desk.view.rectangle_drawn.connect(self._rectangle)
        desk.view.set_mode(Mode.WIPE)
        desk.sliders.keep.connect(self.keep)
        desk.paint_suggestions.changed.connect(self._show_suggestion)
        desk.live.prepared.connect(lambda: self.session.withdrawn.emit(DECODING))
        desk.places.changed.connect(self._show_place)
        for signal in (desk.composition.brush_changed, desk.session.displayed_changed, desk.session.selection_changed):
            signal.connect(self.light)
        desk.strip.play.toggled.connect(self.light)
        self.light()

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return the handlers by id of the action. Each lights what is active afterwards."""
        return {name: partial(self._act, name, handler) for name, handler in self._handlers().items()}

    def light(self) -> None:
        """Light the actions of what is active."""
        desk, view = self.desk, self.view
        self._lights.update(
            view.mode,
            view.tool,
            blinking=view.blinking,
            places=desk.places_shown,
            panels=desk.splitter.hidden,
            play=desk.strip.play.isChecked(),
            **self.judging.lit(),
        )

    def _act(self, name: str, handler: Callable[[], object]) -> None:
        if name in BEHIND_SURVEY:
            self.judging.survey.close()
        handler()
        self.light()

    def _handlers(self) -> dict[str, Callable[[], object]]:
        session, desk = self.session, self.desk
        return {
            "next": partial(session.step, 1),
            "previous": partial(session.step, -1),
            "undecided": session.step_undecided,
            "next_candidate": partial(self._step_candidate, 1),
            "previous_candidate": partial(self._step_candidate, -1),
            **{f"candidate_{n}": partial(self._show_candidate, n - 1) for n in range(1, 10)},
            "all_candidates": lambda: session.list_all(on=not session.all_listed),
            "panels": desk.splitter.toggle,
            "find": desk.sequences.search.setFocus,
            "accept": partial(self.accept, advance=True),
            "accept_stay": partial(self.accept, advance=False),
            "reject": self.reject,
            "unset": session.unset,
            "star": session.star,
            "note": desk.decide.focus_note,
            "undo": partial(self._replay, session.undo),
            "redo": partial(self._replay, session.redo),
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
        if self.live.trying and self.live.candidate() is None:
            text = "The frames are being sorted. Press A again when that is done."
            self.session.message.emit(text)
            self.live.when_sorted(lambda: self.session.withdrawn.emit(text))
            return
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
            if self.live.sorted:
                self.session.message.emit("The clean image is being made. Press K again when that is done.")
                return None
            self._keep_later(percentile, batch)
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

    def _replay(self, replay: Callable[[], None]) -> None:
        """Undo or redo. A note that is being typed is stored first: stored later, it would end the redoing."""
        self.desk.decide.save_note()
        replay()

    def _keep_later(self, percentile: float | None, batch: str) -> None:
        """Keep as soon as the frames are sorted; another sequence or candidate, or Esc, cancels it."""
        if self.live.stack is None:
            self.session.message.emit(DECODING)
            return
        self.session.message.emit(WAITING_TO_KEEP)

        def keep() -> None:
            self.session.withdrawn.emit(WAITING_TO_KEEP)
            self.keep(percentile, batch)

        self.live.when_sorted(keep)

    # -- comparing -----------------------------------------------------------------------------------------------

    def _step_candidate(self, by: int) -> None:
        self.live.leave()
        self.session.step_candidate(by)

    def _show_candidate(self, place: int) -> None:
        candidates = self.session.listed
        if place < len(candidates):
            self.live.leave()
            self.session.show(candidates[place].id)

    def _tell(self, text: str) -> None:
        """Say what a mode or tool does. `_hush` removes it: the mode or tool is left."""
        self._told = text
        self.session.message.emit(text)

    def _hush(self) -> None:
        self.session.withdrawn.emit(self._told)

    def _mode(self, mode: Mode) -> None:
        self._hush()
        self.view.set_blinking(False)
        self.view.set_mode(mode)

    def _next_difference(self) -> None:
        if self.view.mode is Mode.DIFFERENCE:
            self._difference = (self._difference + 1) % len(DIFFERENCES)
        kind, gain = DIFFERENCES[self._difference]
        self.view.set_difference(kind, gain)  # type: ignore[arg-type]
        self._mode(Mode.DIFFERENCE)
        self._tell(f"Difference: {kind}" + (f", ×{gain}" if gain > 1 else ""))

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
            session.message.emit(COMPARING)
        else:
            session.compare_with(None)
            session.withdrawn.emit(COMPARING)

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
        self._tell(
            "Strokes now mark excluded areas. X paints again, Esc ends it."
            if composition.brush.excluding
            else "Strokes now paint with a candidate"
        )

    def _scale_brush(self, factor: float) -> None:
        composition = self.desk.composition
        composition.set_brush(radius=min(max(composition.brush.radius * factor, 1.0), 400.0))

    def _suggest(self) -> None:
        """Go to the next place of the verdict; after the last one, to the next suggestion."""
        self.live.leave()
        if self.desk.places.left:
            self.desk.places.next()
            return
        self.desk.places.leave()
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

    def _show_place(self) -> None:
        """Zoom to the current place of the verdict, outline it and name it."""
        place, size = self.desk.places.current, self.view.picture_size
        if place is None or size is None:
            self.view.set_outlines([])
            return
        self.view.zoom_to(surroundings(place.region, *size))
        self.view.set_outlines([Outline(shape, SUGGESTED) for shape in place.shapes])
        more = "J for the next" if self.desk.places.left else "J for what to paint"
        self.session.message.emit(f"{self.desk.places.label} · {more}")

    def _show_suggestion(self) -> None:
        paint_suggestions = self.desk.paint_suggestions
        self.desk.compose.set_suggestion(paint_suggestions.description)
        suggestion = paint_suggestions.current
        shapes = suggestion.shapes if suggestion else ()
        self.view.set_outlines([Outline(shape.points, SUGGESTED, dashed=True) for shape in shapes])
        if paint_suggestions.are_known:
            self._tell(paint_suggestions.description)  # the panel may be hidden

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
        self.session.withdrawn.emit(WAITING_TO_KEEP)
        self._hush()
        self.view.set_tool(Tool.NONE)
        self.view.set_outlines([])
        self.inspection.forget()
        self.desk.inspect.clear()
        self.desk.places.forget()
        self.live.leave()
        self.view.setFocus()
