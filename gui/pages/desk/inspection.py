"""Why is a pixel so, what does a region vote: what is picked in the picture, explained beside it, and made use of."""

from collections.abc import Callable

from gui.compare import Outline, Tool
from gui.pages.desk.page import Desk
from pipeline.project.editing import new_batch
from rainclean.compositing import Shape
from rainclean.video import Region

CHOSEN = (255, 200, 0)

Keep = Callable[[float, str], int | None]
"""Makes another percentile of where the sliders stand a candidate, in a batch of edits; returns its id."""


class Inspection:
    """The pixel or region that was picked last. All that is said of it is of the frames that the sliders stand for."""

    def __init__(self, desk: Desk, keep: Keep) -> None:
        self._desk, self._keep = desk, keep
        self._session, self._live, self._view = desk.session, desk.live, desk.view
        self._pixel: tuple[int, int] | None = None
        self._region: Region | None = None
        desk.inspect.use_region.connect(self.keep_region)
        desk.live.picture_changed.connect(self._show_pixel_again)
        self._session.selection_changed.connect(self.forget)

    def choose(self, tool: Tool) -> None:
        """Take one of the two tools, or put it away."""
        desk = self._desk
        desk.composition.set_brush(tool=None)
        self._view.set_tool(Tool.NONE if self._view.tool is tool else tool)
        desk.tabs.setCurrentWidget(desk.inspect)
        if self._live.stack is None:
            self._live.prepare()

    def forget(self) -> None:
        """Nothing is picked any more."""
        self._pixel = self._region = None

    def pick(self, x: float, y: float) -> None:
        """Explain the pixel at (x, y) px."""
        self._pixel = int(x), int(y)
        self._show_pixel(complain=True)

    def ask(self, region: Region) -> None:
        """Show what a region votes, once the frames are sorted."""
        self._pixel, self._region = None, region
        self._view.set_outlines([Outline(_corners(region), CHOSEN)])
        if self._live.when_sorted(self._show_votes):
            return
        there = self._live.stack is not None
        self._session.message.emit(
            f"sorting {self._live.frames} frames …" if there else "the frames are being decoded; drag again in a moment"
        )

    def keep_region(self) -> None:
        """The region's own η* becomes a candidate, which is painted over the region: one step for undo."""
        if self._region is None:
            self._session.message.emit("drag a rectangle first (Q)")
        elif not self._live.when_sorted(self._keep_region):
            self._session.message.emit(f"sorting {self._live.frames} frames first …")

    def _keep_region(self) -> None:
        region, base = self._region, self._desk.composition.base()
        found = self._live.votes(region) if region is not None else None
        if region is None or base is None or found is None:
            return
        votes, _ = found
        self._show_votes()
        batch = new_batch()
        kept = self._keep(float(votes.eta), batch)
        if kept is None:
            return
        self._session.show(base)
        if kept == base:
            self._session.message.emit(f"the candidate has the region's own η* = {votes.eta} already")
            return
        right, bottom = region.x + region.width, region.y + region.height
        corners = ((float(region.x), float(region.y)), (float(right), float(bottom)))
        if self._desk.composition.add((Shape("rectangle", corners),), False, kept, batch):
            self._session.message.emit(
                f"the region has its own η* = {votes.eta} of {votes.frames} frames now; Ctrl+Z takes it back"
            )

    def _show_votes(self) -> None:
        found = self._live.votes(self._region) if self._region is not None else None
        if self._region is not None and found is not None:
            self._desk.inspect.show_votes(self._region, *found)

    def _show_pixel_again(self) -> None:
        if self._pixel is not None and self._desk.tabs.currentWidget() is self._desk.inspect:
            self._show_pixel(complain=False)

    def _show_pixel(self, complain: bool) -> None:
        assert self._pixel is not None
        x, y = self._pixel
        history = self._live.pixel(x, y)
        if history is None:
            if complain:
                self._session.message.emit("the frames are being decoded; click again in a moment")
            return
        self._region = None
        self._view.set_outlines([Outline(_corners(Region(x - 2, y - 2, 5, 5)), CHOSEN)])
        self._desk.inspect.show_pixel(history, self._live.percentile)


def _corners(region: Region) -> tuple[tuple[float, float], ...]:
    x, y, right, bottom = region.x, region.y, region.x + region.width, region.y + region.height
    return (x, y), (right, y), (right, bottom), (x, bottom)
