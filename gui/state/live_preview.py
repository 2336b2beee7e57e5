"""The live picture: while a person drags percentile or number of frames, the picture follows.

Once a sequence has been selected for a moment its frames are decoded and sorted beside the window. Then a percentile
is a look-up; another number of frames is previewed while it is dragged and sorted when it is let go.
"""

import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gui.state.session import Session
from gui.workers import LATER, NOW
from pipeline.project.model import Analysis
from pipeline.project.storage import Project
from pipeline.stages import Progress
from rainclean.video import Region

if TYPE_CHECKING:  # what computes is loaded when a sequence has been selected for a moment, not before the window
    from pipeline.project.analysis import LiveCandidate
    from rainclean.candidates import Recipe
    from rainclean.live import LiveStack, PixelHistory
    from rainclean.temporal import Votes

U8 = NDArray[np.uint8]

REST_MS = 400
"""Milliseconds that a sequence is selected before its frames are decoded: leafing through a list costs nothing."""

MOST_FRAMES = 200
"""Frames around the reference frame that the sliders reach: more take long to decode and much scratch space."""

_OPEN, _SORT = "live open", "live sort"


class Live(QObject):
    """The live stack of the selected sequence, and what of it is shown.

    Signals: `prepared` when it can be used or has gone; `moved` when percentile or frames have changed; `previewed`
    with a coarse picture; `shown` when the live picture came, changed or went; `working` with a line on what is done.
    """

    prepared = Signal()
    moved = Signal()
    previewed = Signal(object)
    shown = Signal()
    working = Signal(str)

    def __init__(self, session: Session, in_view: Callable[[], Region], rest_ms: int = REST_MS) -> None:
        super().__init__()
        self._session, self._in_view = session, in_view
        self._sorting: int | None = None
        self.stack: LiveStack | None = None
        self.percentile, self.frames = 50.0, 2
        self.picture: U8 | None = None
        self._trying = False
        self._then: Callable[[], None] | None = None
        self._spare: U8 | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(rest_ms)
        self._rest.timeout.connect(self.prepare)
        # Several steps of a slider between two turns of the event loop are one look-up.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._look_up)
        self._of: int | None = None
        self._analysis: Analysis | None = None
        session.target_changed.connect(self._leave)
        session.detail_changed.connect(self._look_again)
        session.shown_changed.connect(self._follow)

    @property
    def active(self) -> bool:
        """Whether the live picture is shown in place of the candidate."""
        return self.picture is not None

    @property
    def trying(self) -> bool:
        """Whether sliders were moved and not left since: from the first move on, before the live picture is there."""
        return self._trying

    @property
    def sorted(self) -> bool:
        """Whether the window that the sliders stand for is the one that is sorted."""
        return self.stack is not None and self.stack.sorted_frames == self.frames

    @property
    def whole(self) -> "Votes | None":
        """Votes of the whole picture over the frames that the sliders stand for; None while they are not sorted."""
        try:
            return self.stack.votes if self.stack is not None and self.sorted else None
        except ValueError:  # NothingSorted: another window is just being sorted
            return None

    @property
    def blind(self) -> bool:
        """Whether there is no live picture because judging is blind: what it is made of would be told."""
        return self._session.blind

    @property
    def words(self) -> str:
        """What the live picture is made of."""
        return f"live: {self.frames} frames, percentile {self.percentile:g}"

    @property
    def used(self) -> range:
        """Indices in the clip of the frames that the sliders stand for."""
        if self.stack is None:
            return range(0)
        start, stop = self.stack.window(self.frames)
        indices = self.stack.selection.indices
        return range(indices[start], indices[stop - 1] + 1)

    def prepare(self) -> None:
        """Decode and sort, beside the window."""
        self._rest.stop()
        session = self._session
        line, analysis, project = session.line, session.detail.analysis, session.project
        if line is None or analysis is None or project is None or session.blind or self.stack is not None:
            return
        self._of, self._analysis = analysis.id, analysis
        folder, sequence = project.folder, line.sequence
        shown = session.candidate(session.shown)
        frames = int(shown.recipe.get("frames") or MOST_FRAMES) if shown else MOST_FRAMES

        def stage() -> "Generator[Progress, None, LiveStack]":
            from pipeline.project.analysis import open_live

            scratch = Path(tempfile.gettempdir())
            with Project.again(folder) as own:
                return (yield from open_live(own, sequence, analysis, MOST_FRAMES, scratch, frames=max(2, frames)))

        session.workers.run_stage(stage, self._opened, self._failed, progress=self._say, lane=_OPEN, urgency=LATER)

    def set_percentile(self, percentile: float) -> None:
        """Show this percentile of the sorted window."""
        percentile = round(min(max(percentile, 0.0), 100.0) * 10) / 10
        if self.stack is not None and (percentile != self.percentile or not self.active):
            self._trying, self.percentile = True, percentile
            self.moved.emit()
            self._soon.start(0)

    def set_frames(self, frames: int, settled: bool) -> None:
        """Show this number of frames: a preview of what is in view at once, all of it once the person has settled."""
        if self.stack is None:
            return
        self._trying, self.frames = True, min(max(frames, 2), self.stack.frames)
        self.moved.emit()
        if self.stack.sorted_frames != self.frames:
            self._preview()
        if settled:
            self._settle()

    def pixel(self, x: int, y: int) -> "PixelHistory | None":
        """Values of a pixel over the frames that the sliders stand for; None while there is no stack."""
        return self.stack.pixel(x, y, self.frames) if self.stack is not None else None

    def votes(self, region: Region) -> "tuple[Votes, Votes] | None":
        """Votes of a region and of the whole picture, over the frames that the sliders stand for.

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
        """Do something once the window that the sliders stand for is sorted; at once, and True, where it is.

        The latest counts; another sequence, or leaving, forgets it.
        """
        self._then = None
        if self.sorted:
            act()
            return True
        if self.stack is not None:
            self._then = act
            self._settle()
        return False

    def frame(self, index: int) -> U8 | None:
        """A rainy frame by its index in the clip; None where the stack does not hold it."""
        if self.stack is None or index not in self.stack.selection.indices:
            return None
        return self.stack.frame(self.stack.selection.indices.index(index))

    def candidate(self, percentile: float | None = None) -> "tuple[Recipe, LiveCandidate] | None":
        """What the sliders stand for (or another percentile of it) as a candidate; None while it is being sorted."""
        if self.stack is None or not self.sorted:
            return None
        from pipeline.project.analysis import kept_candidate, live_recipe

        assert self._analysis is not None
        chosen = self.percentile if percentile is None else percentile
        recipe = live_recipe(self.stack, self._analysis, self.frames, chosen)
        try:
            return recipe, kept_candidate(self.stack, recipe)
        except ValueError:  # NothingSorted: another window is just being sorted
            return None

    def leave(self) -> None:
        """Show the candidate again."""
        self._then = None
        if self._trying:
            self._follow()

    def close(self, at_once: bool = False) -> None:
        """Give everything back, beside the window unless it has to be done before this returns."""
        self._rest.stop()
        self._soon.stop()
        for lane in (_OPEN, _SORT):
            self._session.workers.cancel(lane)
        stack, self.stack = self.stack, None
        self.picture = self._spare = self._sorting = self._then = None
        self._trying = False
        if stack is None:
            return
        if at_once:
            stack.close()
        else:
            # A gigabyte of scratch space takes a third of a second to give back.
            self._session.workers.run(stack.close, lambda _: None, urgency=LATER)

    # -- inside --------------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        """Another sequence is selected."""
        was = self.stack is not None
        self.close()
        self.working.emit("")
        if was:
            self.prepared.emit()
            self.shown.emit()
        if self._session.target is not None:
            self._rest.start()

    def _look_again(self) -> None:
        """The selected sequence was analysed, or analysed anew, while it was selected."""
        analysis = self._session.detail.analysis
        if analysis is not None and analysis.id != self._of:
            self._leave()

    def _opened(self, stack: "LiveStack") -> None:
        self.stack = stack
        self._follow()
        self.working.emit("")
        self.prepared.emit()

    def _failed(self, error: Exception) -> None:
        self._sorting = self._then = None
        self.working.emit(f"no live picture: {error}")

    def _say(self, step: Progress) -> None:
        done = f" {step.done / step.total:.0%}" if step.total else ""
        self.working.emit(step.note or f"{step.stage}{done}")

    def _follow(self) -> None:
        """Show the candidate; as long as nobody moves them, the sliders stand where it has them."""
        self._soon.stop()
        candidate = self._session.candidate(self._session.shown)
        if self._trying:
            self.picture, self._trying = None, False
            self.shown.emit()
        if self.stack is None or candidate is None:
            return
        self.percentile = round(candidate.percentile * 10) / 10
        frames = int(candidate.recipe.get("frames") or self.stack.frames)
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
        try:
            # Two arrays in turns: the one that is being shown is never written to.
            picture = stack.percentile(self.percentile, self._spare)
        except ValueError:  # NothingSorted: another window is just being sorted
            return
        self._spare, self.picture = self.picture, picture
        self.shown.emit()

    def _preview(self) -> None:
        """Show what the sliders stand for, coarsely and in view only."""
        if self.stack is not None:
            self.previewed.emit(self.stack.preview(self.frames, self.percentile, self._in_view()))

    def _settle(self) -> None:
        """Sort the window that the slider stands for; show it where it was moved."""
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
            if self._then is not None:
                self.when_sorted(self._then)
            self.prepared.emit()  # what the sliders' panel says is of the sorted window
