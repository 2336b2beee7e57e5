"""The live picture: it follows while a person drags the sliders for percentile and number of frames.

Once a sequence has been selected for a moment, a thread decodes and sorts its frames. Then any percentile is read from
the sorted frames. Another number of frames is previewed while the slider is dragged, and sorted when it is released.
"""

import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gui.command_buttons import in_window
from gui.state.session import Session
from gui.workers import LATER, NOW
from pipeline.project.model import Analysis
from pipeline.project.storage import Project
from pipeline.stages import Progress
from rainclean.candidates.estimators import PERCENTILE
from rainclean.number_text import percent
from rainclean.video import Region

if TYPE_CHECKING:  # loaded when a sequence has been selected for a moment, not before the window
    from pipeline.project.analysis import LiveCandidate
    from rainclean.candidates import Recipe
    from rainclean.live import LiveStack, PixelHistory
    from rainclean.temporal import Votes

U8 = NDArray[np.uint8]

_STAGE_TEXTS = {"open": "Opening the clip", "decode": "Decoding frames", "sort": "Sorting frames"}
"""Stage of the work → text below the sliders."""

REST_MS = 400
"""Milliseconds that a sequence is selected before its frames are decoded, so that stepping through a list is cheap."""

MAX_FRAMES = 200
"""Frames around the reference frame that the sliders reach. More would take long and need much scratch space."""

_OPEN, _SORT, _ESTIMATE = "live open", "live sort", "live estimate"


class LivePreview(QObject):
    """The live stack of the selected sequence, and what of it is displayed.

    Signals: `prepared` when it can be used or has gone; `moved` when percentile or frames have changed; `previewed`
    with a coarse picture; `picture_changed` when the live picture came, changed or went; `working` with a line on
    what is being done.
    """

    prepared = Signal()
    moved = Signal()
    previewed = Signal(object)
    picture_changed = Signal()
    working = Signal(str)

    def __init__(self, session: Session, in_view: Callable[[], Region], rest_ms: int = REST_MS) -> None:
        super().__init__()
        self._session, self._in_view = session, in_view
        self._sorting: int | None = None
        self.stack: LiveStack | None = None
        self.percentile, self.frames, self.rule = 50.0, 2, PERCENTILE
        self.picture: U8 | None = None
        self._estimated: Recipe | None = None
        self._estimating: Recipe | None = None
        self._trying = False
        self._when_sorted: Callable[[], None] | None = None
        self._spare_buffer: U8 | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(rest_ms)
        self._rest.timeout.connect(self.prepare)
        # Several steps of a slider between two turns of the event loop are one look-up.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._look_up)
        self._analysis_id: int | None = None
        self._analysis: Analysis | None = None
        session.selection_changed.connect(self._leave)
        session.detail_changed.connect(self._look_again)
        session.displayed_changed.connect(self._follow)

    @property
    def active(self) -> bool:
        """Return whether the live picture is displayed in place of the candidate."""
        return self.picture is not None

    @property
    def trying(self) -> bool:
        """Return whether the sliders were moved and not left since, even before the live picture is ready."""
        return self._trying

    @property
    def sorted(self) -> bool:
        """Return whether the frames that the sliders select are sorted."""
        return self.stack is not None and self.stack.sorted_frames == self.frames

    @property
    def whole(self) -> "Votes | None":
        """Return the votes of the whole picture over the selected frames; None while they are not sorted."""
        try:
            return self.stack.votes if self.stack is not None and self.sorted else None
        except ValueError:  # NothingSorted: another window is just being sorted
            return None

    @property
    def blind(self) -> bool:
        """Return whether there is no live picture because of a second opinion: it would reveal the recipe."""
        return self._session.blind

    @property
    def analysed(self) -> bool:
        """Return whether the selected sequence is analysed: without an analysis there is nothing to sort."""
        return self._session.detail.analysis is not None

    @property
    def label(self) -> str:
        """Return the settings of the live picture in words."""
        if self.rule == PERCENTILE:
            return f"Live: {self.frames} frames, percentile {self.percentile:g}"
        from rainclean.candidates import Recipe

        return f"Live: {Recipe(self.frames, rule=self.rule).description}"

    @property
    def used(self) -> range:
        """Return the indices in the clip of the frames that the sliders select."""
        if self.stack is None:
            return range(0)
        start, stop = self.stack.window(self.frames)
        indices = self.stack.selection.indices
        return range(indices[start], indices[stop - 1] + 1)

    def prepare(self) -> None:
        """Decode and sort the frames in a thread."""
        self._rest.stop()
        session = self._session
        summary, analysis, project = session.summary, session.detail.analysis, session.project
        if summary is None or analysis is None or project is None or session.blind or self.stack is not None:
            return
        self._analysis_id, self._analysis = analysis.id, analysis
        folder, sequence = project.folder, summary.sequence
        shown = session.candidate(session.displayed)
        frames = (shown.recipe.frames or MAX_FRAMES) if shown else MAX_FRAMES

        def stage() -> "Generator[Progress, None, LiveStack]":
            from pipeline.project.analysis import open_live

            scratch = Path(tempfile.gettempdir())
            with Project.again(folder) as own:
                return (yield from open_live(own, sequence, analysis, MAX_FRAMES, scratch, frames=max(2, frames)))

        session.workers.run_stage(stage, self._opened, self._failed, progress=self._say, lane=_OPEN, urgency=LATER)

    def set_percentile(self, percentile: float) -> None:
        """Display a percentile, 0…100, of the sorted frames."""
        percentile = round(min(max(percentile, 0.0), 100.0) * 10) / 10
        unchanged = percentile == self.percentile and self.rule == PERCENTILE and self.active
        if self.stack is not None and not unchanged:
            self._trying, self.percentile, self.rule = True, percentile, PERCENTILE
            self.moved.emit()
            self._soon.start(0)

    def set_rule(self, rule: str) -> None:
        """Display what another estimator makes of the sorted frames.

        Args:
            rule: Of a registered estimator that has a live picture.
        """
        if self.stack is not None and (rule != self.rule or not self.active):
            self._trying, self.rule = True, rule
            self.moved.emit()
            self._soon.start(0)

    def set_frames(self, frames: int, *, settled: bool) -> None:
        """Display another number of frames: a coarse preview of the visible part at once.

        Args:
            frames: Frames around the reference frame.
            settled: The person has released the slider: sort the frames, and display the whole picture.
        """
        if self.stack is None:
            return
        self._trying, self.frames = True, min(max(frames, 2), self.stack.frames)
        self.moved.emit()
        if self.stack.sorted_frames != self.frames:
            self._preview()
        if settled:
            self._settle()

    def pixel(self, x: int, y: int) -> "PixelHistory | None":
        """Return the values of a pixel over the selected frames; None while there is no stack."""
        return self.stack.pixel(x, y, self.frames) if self.stack is not None else None

    def votes(self, region: Region) -> "tuple[Votes, Votes] | None":
        """Return the votes of a region and of the whole picture over the selected frames.

        None while these are not sorted, see `when_sorted`.
        """
        whole = self.whole
        if self.stack is None or whole is None:
            return None
        try:
            return self.stack.votes_in(region), whole
        except ValueError:  # NothingSorted: another window is just being sorted
            return None

    def when_sorted(self, act: Callable[[], None]) -> bool:
        """Call something once the selected frames are sorted.

        Only the latest call counts. Another sequence, or `leave`, cancels it.

        Returns:
            Whether they were sorted already, so that `act` was called at once.
        """
        self._when_sorted = None
        if self.sorted:
            act()
            return True
        if self.stack is not None:
            self._when_sorted = act
            self._settle()
        return False

    def frame(self, index: int) -> U8 | None:
        """Return a rainy frame, (H, W, 3) uint8, by its index in the clip; None if the stack does not hold it."""
        if self.stack is None or index not in self.stack.selection.indices:
            return None
        return self.stack.frame(self.stack.selection.indices.index(index))

    def candidate(self, percentile: float | None = None) -> "tuple[Recipe, LiveCandidate] | None":
        """Return the settings of the sliders (or another percentile) as a candidate; None while it is being made."""
        if self.stack is None or not self.sorted:
            return None
        from pipeline.project.analysis import kept_candidate, live_recipe

        assert self._analysis is not None
        chosen = self.percentile if percentile is None else percentile
        rule = self.rule if percentile is None else PERCENTILE
        recipe = live_recipe(self.stack, self._analysis, self.frames, chosen, rule)
        if rule != PERCENTILE and recipe != self._estimated:
            return None
        try:
            return recipe, kept_candidate(self.stack, recipe, self.picture if rule != PERCENTILE else None)
        except ValueError:  # NothingSorted: another window is just being sorted
            return None

    def leave(self) -> None:
        """Display the candidate again."""
        self._when_sorted = None
        if self._trying:
            self._follow()

    def close(self, *, at_once: bool = False) -> None:
        """Free frames and scratch space in a thread. at_once: before this returns."""
        self._rest.stop()
        self._soon.stop()
        for lane in (_OPEN, _SORT, _ESTIMATE):
            self._session.workers.cancel(lane)
        stack, self.stack = self.stack, None
        self.picture = self._spare_buffer = self._sorting = self._when_sorted = None
        self._estimated = self._estimating = None
        self._trying, self.rule = False, PERCENTILE
        if stack is None:
            return
        if at_once:
            stack.close()
        else:
            # A gigabyte of scratch space takes a third of a second to give back.
            self._session.workers.run(stack.close, lambda _: None, urgency=LATER)

    # -- inside --------------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        """Free the stack of the sequence before."""
        had_stack = self.stack is not None
        self.close()
        self.working.emit("")
        if had_stack:
            self.prepared.emit()
            self.picture_changed.emit()
        if self._session.selected is not None:
            self._rest.start()

    def _look_again(self) -> None:
        """Start anew if the selected sequence was analysed meanwhile."""
        analysis = self._session.detail.analysis
        if analysis is not None and analysis.id != self._analysis_id:
            self._leave()

    def _opened(self, stack: "LiveStack") -> None:
        self.stack = stack
        self._follow()
        self.working.emit("")
        self.prepared.emit()

    def _failed(self, error: Exception) -> None:
        self._sorting = self._when_sorted = None
        self.working.emit(f"No live picture: {in_window(str(error))}")

    def _say(self, step: Progress) -> None:
        done = f" {percent(step.done / step.total)}" if step.total else ""
        self.working.emit(step.note or f"{_STAGE_TEXTS.get(step.stage, step.stage)}{done}")

    def _follow(self) -> None:
        """Display the candidate, and set the sliders to its settings."""
        self._soon.stop()
        self._forget_estimate()
        self.rule = PERCENTILE
        candidate = self._session.candidate(self._session.displayed)
        if self._trying:
            self.picture, self._trying = None, False
            self.picture_changed.emit()
        if self.stack is None or candidate is None:
            return
        self.percentile = round(candidate.percentile * 10) / 10
        frames = candidate.recipe.frames or self.stack.frames
        self.frames = min(max(frames, 2), self.stack.frames)
        self.moved.emit()

    def _look_up(self) -> None:
        stack = self.stack
        if stack is None or not self._trying:
            return
        if stack.sorted_frames != self.frames:
            self._preview()
            self._settle()
            return
        if self.rule != PERCENTILE:
            self._estimate(stack)
            return
        self._forget_estimate()
        try:
            # Two arrays in turns: the one that is being shown is never written to.
            picture = stack.percentile(self.percentile, self._spare_buffer)
        except ValueError:  # NothingSorted: another window is just being sorted
            return
        self._spare_buffer, self.picture = self.picture, picture
        self.picture_changed.emit()

    def _estimate(self, stack: "LiveStack") -> None:
        """Make the picture of another estimator in a thread: it may read all values, and take long."""
        from pipeline.project.analysis import live_recipe

        assert self._analysis is not None
        recipe = live_recipe(stack, self._analysis, self.frames, None, self.rule)
        if recipe in (self._estimated, self._estimating):
            return

        def done(picture: U8) -> None:
            self._estimating = None
            self.picture, self._estimated = picture, recipe
            self.working.emit("")
            self.picture_changed.emit()

        def failed(error: Exception) -> None:
            if self.sorted:
                self.working.emit(f"No live picture: {in_window(str(error))}")
            else:  # NothingSorted: another window is just being sorted
                self._forget_estimate()

        self._forget_estimate()
        self._estimating = recipe
        self.working.emit("Making the clean image")
        self._session.workers.run(lambda: stack.estimate(recipe), done, failed, lane=_ESTIMATE, urgency=NOW)

    def _forget_estimate(self) -> None:
        """Cancel the picture of another estimator that is being made, and forget which one is displayed."""
        self._estimated = None
        if self._estimating is not None:
            self._estimating = None
            self._session.workers.cancel(_ESTIMATE)
            self.working.emit("")

    def _preview(self) -> None:
        """Display the settings of the sliders coarsely, in the visible part only; only percentiles have previews."""
        if self.stack is not None and self.rule == PERCENTILE:
            self.previewed.emit(self.stack.preview(self.frames, self.percentile, self._in_view()))

    def _settle(self) -> None:
        """Sort the selected frames, and display them if the sliders were moved."""
        stack, frames = self.stack, self.frames
        if stack is None:
            return
        if stack.sorted_frames == frames:
            self._session.workers.cancel(_SORT)  # of another number of frames, if it has not begun
            self._sorting = None
            self._soon.start(0)
            return
        if self._sorting == frames:
            return
        self._sorting = frames

        def stage() -> Generator[Progress, None, int]:
            for share in stack.sort(frames):
                yield Progress("sort", round(100 * share), 100)
            return frames

        self._session.workers.run_stage(
            stage, lambda _: self._sorted(stack), self._failed, progress=self._say, lane=_SORT, urgency=NOW
        )

    def _sorted(self, stack: "LiveStack") -> None:
        if stack is self.stack:
            self._sorting = None
            self.working.emit("")
            self._look_up()
            if self._when_sorted is not None:
                self.when_sorted(self._when_sorted)
            self.prepared.emit()  # the panel of the sliders describes the sorted frames
