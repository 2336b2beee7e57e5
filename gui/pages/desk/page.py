"""The desk: sequences at the left, comparison in the middle, candidates and tools at the right."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QComboBox, QTabWidget, QVBoxLayout, QWidget

from gui.actions import Actions
from gui.compare import CompareView, Tool
from gui.jobs import Jobs
from gui.pages.desk.ahead import LookAhead
from gui.pages.desk.candidates import CandidatesPanel
from gui.pages.desk.compose import ComposePanel
from gui.pages.desk.decide import DecideBar
from gui.pages.desk.frames import FrameStrip
from gui.pages.desk.live import LivePanel
from gui.pages.desk.masks import MaskTints
from gui.pages.desk.panels import SidePanels
from gui.pages.desk.pixel_panel import InspectPanel
from gui.pages.desk.places import VerdictPlaces
from gui.pages.desk.rows import sentence
from gui.pages.desk.sequences import SequencesPanel
from gui.pages.desk.toolbar import DeskToolbar
from gui.pages.desk.values import ValuesLine
from gui.state import Composition, ConfidenceView, FrameReader, LivePreview, PaintSuggestions, Session, Thumbnails
from rainclean.video import Region

if TYPE_CHECKING:
    from pipeline.project.model import StoredCandidate
    from rainclean.live import Preview

U8 = NDArray[np.uint8]

JUDGED = (245, 150, 0)
"""Colour of the verdict\x27s areas."""


class Desk(QWidget):
    """Put the panels together and decide which pictures the view displays; `handlers` has what keys do."""

    def __init__(self, session: Session, jobs: Jobs, thumbnails: Thumbnails, actions: Actions) -> None:
        super().__init__()
        self.session = session
        self.frame: int | None = None
        # Before anybody else hears of it and asks for pictures: a frame is one of the sequence that was selected.
        session.selection_changed.connect(self._forget_frame)
        self.view = CompareView()
        self.live = LivePreview(session, self.view.visible_region)
        self.composition = Composition(session)
        self.masks = MaskTints(session, self.composition, self.view)
        self.paint_suggestions = PaintSuggestions(session, self.composition)
        self.reader = FrameReader(session, self.live)
        self.confidence = ConfidenceView(session)
        self.shown_left: U8 | None = None
        self.shown_right: U8 | None = None
        self._places_wanted = False
        self._selected: int | None = None
        self._drawn_on: int | None = None
        self._previewing = False
        self._remaking_text = ""
        self.sequences = SequencesPanel(session, jobs, thumbnails)
        self.candidates = CandidatesPanel(session, jobs, thumbnails, actions)
        self.sliders = LivePanel(self.live)
        self.inspect = InspectPanel()
        self.compose = ComposePanel(session, self.composition, self.masks, actions)
        self.strip = FrameStrip(session)
        self.decide = DecideBar(session, actions)
        self.places = VerdictPlaces(session)
        self.values = ValuesLine()
        self._ahead = LookAhead(session, self.view, self)
        self._lay_out(actions)
        self._connect()
        self.show_pictures()

    # -- pictures ------------------------------------------------------------------------------------------------

    def show_pictures(self) -> None:
        """Display the pictures that the session names; those not in memory yet follow when they are loaded."""
        session = self.session
        left, left_name = self._left()
        right, right_name = self._right()
        if left is not None and right is not None and left.shape != right.shape:
            left = None  # from another analysis, with another region
        # Only other pictures cancel a stroke that is being drawn, not other contents.
        same_place = left is not None and left is self.shown_left and self._selected == session.selected
        if same_place and right is not None and self._right_is(right.shape):
            if right is not self.shown_right or self._previewing:
                self.view.update_right(right)
            self.view.set_names(left_name, right_name)
        else:
            self.view.show_pictures(left, right, left_name, right_name)
        self.shown_left, self.shown_right, self._selected = left, right, session.selected
        self._previewing = False
        self.masks.show()
        self._show_places()
        self.confidence.set_picture(right)
        self.update_values()
        if left is None and right is None:
            self.view.set_empty_text(self._why_empty())
        self._ahead.soon()

    def rainy(self) -> U8 | None:
        """Return the rainy frame that the strip has selected; None while it is being loaded."""
        analysis, frame = self.session.detail.analysis, self._frame()
        if analysis is not None and frame == analysis.reference_frame and analysis.reference:
            return self.session.pictures.get(analysis.reference)
        return None if self.session.summary is None else self.reader.get(frame)

    def _frame(self) -> int:
        """Return the displayed rainy frame: the chosen one, else the reference frame, or the middle of a new clip."""
        analysis, summary = self.session.detail.analysis, self.session.summary
        if self.frame is not None or summary is None:
            return self.frame or 0
        first = summary.sequence.first
        return analysis.reference_frame if analysis else first + summary.sequence.frame_count // 2

    def _frame_is_seen(self) -> bool:
        analysis, frame = self.session.detail.analysis, self._frame()
        stored = analysis is not None and frame == analysis.reference_frame and bool(analysis.reference)
        return stored or self.session.compared_with is not None or self.reader.has(frame)

    def _left(self) -> tuple[U8 | None, str]:
        session = self.session
        opponent = session.candidate(session.compared_with)
        if opponent is not None:
            return session.pictures.get(opponent.picture), self._name(opponent)
        return self.rainy(), f"Rainy frame {self._frame()}"

    def _right(self) -> tuple[U8 | None, str]:
        session = self.session
        shown = session.candidate(session.displayed)
        if self.live.picture is not None:
            return self.live.picture, sentence(self.live.label)
        if shown is None:
            return None, ""
        if self.composition.on_base:
            return self.composition.composite, f"Composite on {session.label(shown)}"
        return session.pictures.get(shown.picture), self._name(shown)

    def _name(self, candidate: "StoredCandidate") -> str:
        """Return the name of a candidate, and that its picture is being made again."""
        remaking, name = self.session.remaking, sentence(self.session.label(candidate))
        return f"{name}: {remaking.text}" if remaking.makes(candidate.picture) else name

    def _show_remaking(self) -> None:
        """Show how far making a picture again has come, in the view and in the status line."""
        session = self.session
        text = session.remaking.text
        if self._remaking_text:
            session.withdrawn.emit(self._remaking_text)
        self._remaking_text = text
        if text:
            session.message.emit(text)
            self.view.set_empty_text(text)
        self.view.set_names(self._left()[1], self._right()[1])

    def _why_empty(self) -> str:
        session = self.session
        summary = session.summary
        if not session.summaries:
            return "No clips yet. Drop video files or folders here, or press Ctrl+I."
        if summary is None:
            return "No sequence selected. Press Down or click one."
        return self.reader.error or session.remaking.text or "Loading …"

    # -- what others do to the view ------------------------------------------------------------------------------

    def _connect(self) -> None:
        session, view, live, composition = self.session, self.view, self.live, self.composition
        session.selection_changed.connect(self._on_selection)
        session.displayed_changed.connect(self._cancel_drawing)
        session.displayed_changed.connect(self.show_pictures)
        session.detail_changed.connect(self.show_pictures)
        session.pictures.loaded.connect(self._on_loaded)
        session.remaking.moved.connect(self._show_remaking)
        session.pictures.failed.connect(lambda _, error: session.warning.emit(error))
        self.reader.loaded.connect(lambda frame: self.show_pictures() if frame == self._frame() else None)
        self.reader.failed.connect(lambda: self.view.set_empty_text(self._why_empty()))
        self.strip.ready = self._frame_is_seen
        self.strip.frame_chosen.connect(self._choose_frame)
        self.confidence.changed.connect(self._show_confidence)
        live.picture_changed.connect(self._show_live)
        live.previewed.connect(self._show_preview)
        live.moved.connect(lambda: self.strip.curve.set_used(live.used))
        composition.changed.connect(self._repaint)
        composition.brush_changed.connect(self._cancel_rectangle)
        composition.brush_changed.connect(lambda: view.set_brush_radius(composition.brush.radius))
        view.stroke_began.connect(self.begin_stroke)
        view.stroke_moved.connect(composition.move)
        view.stroke_ended.connect(composition.end)
        view.stroke_cancelled.connect(composition.cancel)
        view.pointed.connect(lambda *_: self.update_values())
        self.compose.layer_chosen.connect(self.masks.select)
        self.candidates.paint_with.connect(lambda number: composition.set_brush(source=number, excluding=False))

    def begin_stroke(self, x: float, y: float) -> None:
        """Begin a stroke at (x, y) px on a candidate; the live picture is left."""
        self.live.leave()
        self.composition.begin(x, y)

    def update_values(self) -> None:
        """Show the values of the pictures at the pixel under the pointer."""
        x, y = self.view.pointed_pixel
        colours = self.view.values_at(x, y) if x >= 0 else []
        # The picture's caption says what a composite is of; the line has no room for it in a small window.
        values = "   ".join(f"{name.split(' on ')[0]}: {' '.join(f'{v:3d}' for v in rgb)}" for name, rgb in colours)
        error = self.confidence.error_at(x, y) if colours else None
        expected = "" if error is None else f"   expected error {error:.1f} levels"
        self.values.set_text(f"{x}, {y}   {values}{expected}" if colours else "")

    def _cancel_drawing(self) -> None:
        """Cancel a stroke when another candidate is displayed than the one that it was begun on."""
        previous, self._drawn_on = self._drawn_on, self.session.displayed
        if previous == self.session.displayed or not self.view.drawing:
            return
        # A stroke that is about to begin may have displayed its base itself.
        if self.composition.drawing or self.view.tool is Tool.RECTANGLE:
            self.view.cancel_stroke()
            self.session.message.emit("Stroke cancelled: another candidate was selected")

    def _cancel_rectangle(self) -> None:
        """Cancel a rectangle when the brush changes: it is painted with the brush that it was begun with."""
        if self.view.drawing and self.view.tool is Tool.RECTANGLE:
            self.view.cancel_stroke()

    def _forget_frame(self) -> None:
        self.frame = None

    def _on_selection(self) -> None:
        for page in (self.compose, self.inspect):
            self.tabs.setTabEnabled(self.tabs.indexOf(page), not self.session.blind)
        self.inspect.clear()
        self.view.set_outlines([])
        self.show_pictures()

    def _on_loaded(self, name: str) -> None:
        session = self.session
        analysis = session.detail.analysis
        wanted = {
            c.picture for c in (session.candidate(session.displayed), session.candidate(session.compared_with)) if c
        }
        if session.summary is not None and name == session.summary.places:
            self._show_places()
        if name in wanted or (analysis is not None and name == analysis.reference):
            self.show_pictures()

    def _choose_frame(self, frame: int) -> None:
        self.frame = frame
        if self.session.compared_with is None and self.rainy() is not None:
            self.show_pictures()

    def _show_live(self) -> None:
        picture = self.live.picture
        if picture is not None and self._right_is(picture.shape):
            self.shown_right, self._previewing = picture, False
            self.view.update_right(picture)
            self.confidence.set_picture(picture)
            self.view.set_names(self._left()[1], sentence(self.live.label))
            self.update_values()
        else:
            self.show_pictures()

    def _show_preview(self, preview: "Preview") -> None:
        if self._right_is((self.live.stack.height, self.live.stack.width, 3) if self.live.stack else ()):
            self._previewing = True
            self.view.show_preview(preview.picture, preview.region, preview.step)
            self.view.set_names(self._left()[1], f"{sentence(self.live.label)} (preview)")
            self.update_values()

    def _right_is(self, shape: tuple[int, ...]) -> bool:
        return self.shown_right is not None and self.shown_right.shape == shape

    def _repaint(self, region: Region | None) -> None:
        """Display a region of the composite that a stroke changed; None: everything may have changed."""
        composite = self.composition.composite
        if region is None or composite is None or self.shown_right is not composite:
            self.show_pictures()
            return
        self.view.update_right(composite, region)
        self.confidence.set_picture(composite, changed=True)
        self.update_values()

    def _show_confidence(self) -> None:
        tint = self.confidence.tint
        if tint is None:
            self.view.set_overlay("confidence", None)
        else:
            self.view.set_overlay("confidence", tint.mask, tint.colour, tint.alpha, hatched=tint.hatched)
        self.view.set_legend(None if tint is None else tint.legend)
        self.update_values()

    @property
    def places_shown(self) -> bool:
        """Return whether the areas that explain the verdict are to be tinted."""
        return self._places_wanted

    def toggle_places(self) -> None:
        """Show or hide the areas that explain the verdict."""
        summary = self.session.summary
        self._places_wanted = not self._places_wanted
        if not self._places_wanted:
            message = "Verdict areas hidden"
        elif summary is None or not summary.places:
            self._places_wanted = False
            message = "The verdict has no areas to show"
        else:
            message = "Tinted: the areas that explain the verdict"
        self.session.message.emit(message)
        self._show_places()

    def _show_places(self) -> None:
        summary, right = self.session.summary, self.shown_right
        wanted = self._places_wanted and summary is not None and not self.session.blind
        mask = self.session.pictures.get(summary.places) if wanted and summary is not None else None
        fits = mask is not None and right is not None and mask.shape == right.shape[:2]
        self.view.set_overlay("places", mask if fits else None, JUDGED, 0.5, hatched=True)

    # -- layout --------------------------------------------------------------------------------------------------

    def _lay_out(self, actions: Actions) -> None:
        tools = DeskToolbar(actions)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(4, 2, 4, 4)
        column.setSpacing(3)
        column.addWidget(tools)
        column.addWidget(self.view, 1)
        column.addWidget(self.values)
        column.addWidget(self.strip)
        column.addWidget(self.decide)
        right = QWidget()
        right_column = QVBoxLayout(right)
        right_column.setContentsMargins(0, 2, 4, 4)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Candidates and tools")
        self.tabs.addTab(self.candidates, "Candidates")
        self.tabs.addTab(self.compose, "Compose")
        self.tabs.addTab(self.inspect, "Inspect")
        right_column.addWidget(self.tabs, 1)
        right_column.addWidget(self.sliders)
        for box in (self.sequences.filter, self.sequences.sort, self.compose.source):
            # Else the longest entry decides how wide the window is at least.
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(6)
        self.splitter = SidePanels(self.sequences, centre, right)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)
