"""Explain a pixel by its values over time, histogram, mode and percentile range, and a region by its votes and η*."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from rainclean.number_text import percent
from rainclean.video import Region

if TYPE_CHECKING:
    from rainclean.live import PixelHistory
    from rainclean.temporal import Votes

_CHANNELS = (("Red", "#e5484d"), ("Green", "#30a46c"), ("Blue", "#3e8ed0"))

_GREY, _GOLD = "#969696", "#d9a400"

_HINT = (
    "Press P and click a pixel: see its values over time, and where the percentile lies.\n\n"
    "Press Q and drag a rectangle: see its votes, and the η* that this region alone would choose."
)


class _Plots(NamedTuple):
    """The plots, each a ``pyqtgraph.PlotWidget``: that library has no types."""

    time: Any
    sorted: Any
    histogram: Any
    votes: Any


class _Axes(NamedTuple):
    """Titles of a plot's axes. legend: name and colour of each curve."""

    bottom: str
    left: str
    legend: tuple[tuple[str, str], ...] = ()


_AXES = {
    "time": _Axes("Frame", "Value, levels", (*_CHANNELS, ("Luma", _GREY))),
    "sorted": _Axes("Percentile", "Value, levels"),
    "histogram": _Axes("Luma, levels", "Frames"),
    "votes": _Axes("Percentile", "Fraction of pixels", (("Whole picture", _GREY), ("Region", _GOLD))),
}


class InspectPanel(QWidget):
    """Show text and plots of a pixel or a region.

    Plots are made when they are first needed: loading them takes longer than opening the window may. Signal
    `use_region`: a person wants the region's η* as a candidate for the region.
    """

    use_region = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text = QLabel(_HINT, wordWrap=True)
        self.text.setAccessibleName("About the pixel or region")
        self.use = QPushButton("Use this η* for the region (E)")
        self.use.setToolTip("Save a candidate with the region's own η* and paint the region with it (E)")
        self.use.clicked.connect(self.use_region)
        self.use.hide()
        self._layout = QVBoxLayout(self)
        self._layout.addWidget(self.text)
        self._layout.addWidget(self.use)
        self._layout.addStretch(1)
        self._plots: _Plots | None = None
        self._redraw: Callable[[], None] | None = None

    def clear(self) -> None:
        """Show the hint in place of text and plots."""
        self.text.setText(_HINT)
        self.use.hide()
        self._redraw = None
        for plot in self._plots or ():
            plot.hide()

    def show_pixel(self, history: "PixelHistory", percentile: float) -> None:
        """Show the values of one pixel and the colour that this percentile gives it."""
        plots = self._ready_plots()
        self._redraw = partial(self.show_pixel, history, percentile)
        self.use.hide()
        chosen = history.at(percentile)
        votes = (
            f"It votes for percentiles {history.votes[0]} to {history.votes[-1]}."
            if history.votes
            else "It casts no vote."
        )
        self.text.setText(
            f"<b>Pixel {history.x}, {history.y}</b> over {len(history.luma)} frames. The mode of its luma is "
            f"{history.mode} levels, at percentiles {history.low:.1f} to {history.high:.1f}. {votes} "
            f"Percentile {percentile:g} gives R {chosen[0]}, G {chosen[1]}, B {chosen[2]}."
        )
        self._draw_time(plots.time, history, chosen)
        self._draw_sorted(plots.sorted, history, percentile)
        self._draw_histogram(plots.histogram, history)
        for plot in (plots.time, plots.sorted, plots.histogram):
            plot.show()
        plots.votes.hide()

    def show_votes(self, region: Region, votes: "Votes", whole: "Votes") -> None:
        """Show the votes of a region and, for comparison, of the whole picture."""
        plots = self._ready_plots()
        self._redraw = partial(self.show_votes, region, votes, whole)
        same = votes.eta == whole.eta
        comparison = "The whole picture has the same η*." if same else f"The whole picture has η* = {whole.eta}."
        self.text.setText(
            f"<b>Region {region.width}×{region.height} px</b> at {region.x}, {region.y}: "
            f"<b>η* = {votes.eta}</b> over {votes.frames} frames. {comparison} "
            f"{percent(votes.silent_share, 1)} of the region's pixels cast no vote."
        )
        plot = plots.votes
        plot.clear()
        for these, colour in ((whole, _GREY), (votes, _GOLD)):
            fractions = np.asarray(these.counts, float) / max(1, these.pixels)
            plot.plot(np.arange(101), fractions, pen={"color": colour, "width": 2})
        plot.addItem(self._mark(votes.eta, "η*", 0.1))
        for other in (plots.time, plots.sorted, plots.histogram):
            other.hide()
        plot.show()
        self.use.show()

    @staticmethod
    def _draw_time(plot: Any, history: "PixelHistory", chosen: tuple[int, int, int]) -> None:
        plot.clear()
        for channel, (_, colour) in enumerate(_CHANNELS):
            plot.plot(list(history.indices), history.values[:, channel], pen={"color": colour, "width": 1})
            plot.addItem(_level(chosen[channel], colour))
        plot.plot(list(history.indices), history.luma, pen={"color": _GREY, "width": 2})

    def _draw_sorted(self, plot: Any, history: "PixelHistory", percentile: float) -> None:
        """Draw the paper's figure: sorted values over the percentile, the mode's range shaded."""
        import pyqtgraph as pg

        plot.clear()
        along = 100 * np.arange(len(history.luma)) / max(1, len(history.luma) - 1)
        shade = pg.LinearRegionItem(
            (history.low, history.high), movable=False, brush=(217, 164, 0, 60), pen=(217, 164, 0)
        )
        plot.addItem(shade)
        for channel, (_, colour) in enumerate(_CHANNELS):
            plot.plot(along, np.sort(history.values[:, channel]), pen={"color": colour, "width": 1})
        plot.plot(along, np.sort(history.luma), pen={"color": (150, 150, 150), "width": 2})
        plot.addItem(self._mark(percentile, f"{percentile:g}"))

    def _draw_histogram(self, plot: Any, history: "PixelHistory") -> None:
        import pyqtgraph as pg

        plot.clear()
        counts = np.bincount(history.luma, minlength=256)
        levels = np.flatnonzero(counts)
        plot.addItem(pg.BarGraphItem(x=levels, height=counts[levels], width=0.9, brush=(150, 150, 150), pen=None))
        plot.addItem(self._mark(history.mode, "Mode"))

    def _ready_plots(self) -> _Plots:
        """Return the plots, made at the first call."""
        if self._plots is None:
            self._plots = _Plots(**{name: self._make_plot(axes) for name, axes in _AXES.items()})
            self._colour()
        return self._plots

    def _make_plot(self, axes: _Axes) -> Any:
        import pyqtgraph as pg

        plot = pg.PlotWidget()
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(False, False)
        plot.hideButtons()
        plot.setLabel("bottom", axes.bottom)
        plot.setLabel("left", axes.left)
        plot.setMinimumSize(120, 130)
        plot.getAxis("left").enableAutoSIPrefix(False)
        if axes.legend:
            # In the place of a title: over the curves it would hide values.
            names = "&nbsp;&nbsp; ".join(
                f'<span style="color:{colour}">━</span> {name}' for name, colour in axes.legend
            )
            plot.setTitle(names, size="8pt")
        plot.setAccessibleName(f"Plot: {axes.left} by {axes.bottom}")
        self._layout.insertWidget(self._layout.count() - 1, plot, 3)
        return plot

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and getattr(self, "_plots", None):
            self._colour()
            if self._redraw is not None:
                self._redraw()

    def _colour(self) -> None:
        text, base = self.palette().text().color(), self.palette().base().color()
        for plot in self._plots or ():
            plot.setBackground(base)
            for side in ("bottom", "left"):
                plot.getAxis(side).setPen(text)
                plot.getAxis(side).setTextPen(text)
            title = plot.getPlotItem().titleLabel
            title.setText(title.text, color=text.name())

    def _mark(self, at: float, text: str, height: float = 0.9) -> Any:
        """Return a line at a value, its name on the plot's own background: legible over curves and bars.

        Args:
            at: The value.
            text: Its name.
            height: Where the name is, as a fraction of the plot's height.
        """
        import pyqtgraph as pg

        label = {"color": self.palette().text().color(), "fill": self.palette().base().color(), "position": height}
        pen = {"color": (217, 100, 0), "width": 2}
        return pg.InfiniteLine(at, angle=90, pen=pen, label=text, labelOpts=label)


def _level(at: float, colour: str) -> Any:
    import pyqtgraph as pg

    return pg.InfiniteLine(at, angle=0, pen=pg.mkPen(colour, width=1, style=pg.QtCore.Qt.PenStyle.DashLine))
