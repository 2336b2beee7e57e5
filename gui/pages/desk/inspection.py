"""Explain the pixel or region that a person picks in the picture, and paint a region with its own η*."""

from collections.abc import Callable

from gui.compare import Outline, Tool
from gui.pages.desk.page import Desk
from pipeline.project.editing import new_batch
from rainclean.compositing import Shape
from rainclean.video import Region

CHOSEN = (255, 200, 0)

Keep = Callable[[float, str], int | None]
"""Saves the frames of the sliders at another percentile as a candidate, in a batch of edits; returns its id."""


class Inspection:
    """Hold the pixel or region that was picked last. It is explained over the frames that the sliders select."""

    def __init__(self, desk: Desk, keep: Keep) -> None:
        self._desk, self._keep = desk, keep
        self._session, self._live, self._view = desk.session, desk.live, desk.view
        self._pixel: tuple[int, int] | None = None
        self._region: Region | None = None
        desk.inspect.use_region.connect(self.keep_region)
        desk.live.picture_changed.connect(self._show_pixel_again)
        self._session.selection_changed.connect(self.forget)

    def choose(self, tool: Tool) -> None:
        """Select one of the two tools, or deselect it."""
        desk = self._desk
        desk.composition.set_brush(tool=None)
        self._view.set_tool(Tool.NONE if self._view.tool is tool else tool)
        desk.tabs.setCurrentWidget(desk.inspect)
        if self._live.stack is None:
            self._live.prepare()

    def forget(self) -> None:
        """Forget the picked pixel or region."""
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
        decoded = self._live.stack is not None
        self._session.message.emit(
            f"Sorting {self._live.frames} frames …"
            if decoded
            else "The frames are being decoded. Drag again in a moment."
        )

    def keep_region(self) -> None:
        """Save the region's own η* as a candidate and paint the region with it, as one step for undo."""
        if self._region is None:
            self._session.message.emit("No region selected. Press Q and drag a rectangle.")
        elif not self._live.when_sorted(self._keep_region):
            self._session.message.emit(f"Sorting {self._live.frames} frames first …")

    def _keep_region(self) -> None:
        region, base = self._region, self._desk.composition.base()
        counted = self._live.votes(region) if region is not None else None
        if region is None or base is None or counted is None:
            return
        votes, _ = counted
        self._show_votes()
        batch = new_batch()
        candidate = self._keep(float(votes.eta), batch)
        if candidate is None:
            return
        self._session.show(base)
        if candidate == base:
            self._session.message.emit(f"The displayed candidate already uses η* = {votes.eta}")
            return
        right, bottom = region.x + region.width, region.y + region.height
        corners = ((float(region.x), float(region.y)), (float(right), float(bottom)))
        if self._desk.composition.add((Shape("rectangle", corners),), candidate, batch):
            self._session.message.emit(
                f"Region painted with its own η* = {votes.eta} over {votes.frames} frames. Ctrl+Z undoes it."
            )

    def _show_votes(self) -> None:
        counted = self._live.votes(self._region) if self._region is not None else None
        if self._region is not None and counted is not None:
            self._desk.inspect.show_votes(self._region, *counted)

    def _show_pixel_again(self) -> None:
        if self._pixel is not None and self._desk.tabs.currentWidget() is self._desk.inspect:
            self._show_pixel(complain=False)

    def _show_pixel(self, *, complain: bool) -> None:
        assert self._pixel is not None
        x, y = self._pixel
        history = self._live.pixel(x, y)
        if history is None:
            if complain:
                self._session.message.emit("The frames are being decoded. Click again in a moment.")
            return
        self._region = None
        self._view.set_outlines([Outline(_corners(Region(x - 2, y - 2, 5, 5)), CHOSEN)])
        self._desk.inspect.show_pixel(history, self._live.percentile)


def _corners(region: Region) -> tuple[tuple[float, float], ...]:
    x, y, right, bottom = region.x, region.y, region.x + region.width, region.y + region.height
    return (x, y), (right, y), (right, bottom), (x, bottom)
