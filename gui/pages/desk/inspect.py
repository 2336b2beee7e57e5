"""Why is this pixel so: its values over time, histogram, mode, percentile range; the votes of a region and its η*."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from rainclean.video import Region

if TYPE_CHECKING:
    from rainclean.live import PixelHistory
    from rainclean.temporal import Votes

_CHANNELS = (("red", "#e5484d"), ("green", "#30a46c"), ("blue", "#3e8ed0"))

_HINT = (
    "P, then click a pixel: how its values went over time, and where the chosen percentile lies.\n\n"
    "Q, then drag a rectangle: the votes inside, and the η* that this region alone would choose."
)


class InspectPanel(QWidget):
    """Plots are made when they are first needed: loading them takes longer than opening the window may.

    use_region: a person wants the region's η* as a candidate for the region.
    """

    use_region = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text = QLabel(_HINT, wordWrap=True)
        self.text.setAccessibleName("About the pixel or region")
        self.use = QPushButton("Use this η* for the region (E)")
        self.use.setToolTip("Keeps a candidate with this percentile and paints the region with it (E)")
        self.use.clicked.connect(self.use_region)
        self.use.hide()
        self._layout = QVBoxLayout(self)
        self._layout.addWidget(self.text)
        self._layout.addWidget(self.use)
        self._layout.addStretch(1)
        self._plots: dict[str, Any] = {}
        self._again: Callable[[], None] | None = None

    def clear(self) -> None:
        """Back to the hint."""
        self.text.setText(_HINT)
        self.use.hide()
        self._again = None
        for plot in self._plots.values():
            plot.hide()

    def show_pixel(self, history: "PixelHistory", percentile: float) -> None:
        """Show one pixel, and what this percentile makes of it."""
        self._make_plots()
        self._again = partial(self.show_pixel, history, percentile)
        self.use.hide()
        chosen = history.at(percentile)
        votes = f"votes for {history.votes[0]} to {history.votes[-1]}" if history.votes else "casts no vote"
        self.text.setText(
            f"<b>Pixel {history.x}, {history.y}</b> over {len(history.luma)} frames: mode {history.mode} in luma, "
            f"percentile range {history.low:.1f} to {history.high:.1f}, {votes}. "
            f"Percentile {percentile:g} gives R {chosen[0]}, G {chosen[1]}, "
            f"B {chosen[2]}."
        )
        self._over_time(history, chosen)
        self._sorted(history, percentile)
        self._histogram(history)
        for name in ("time", "sorted", "histogram"):
            self._plots[name].show()
        self._plots["votes"].hide()

    def show_votes(self, region: Region, votes: "Votes", whole: "Votes") -> None:
        """Show what a region votes for, beside the whole picture."""
        self._make_plots()
        self._again = partial(self.show_votes, region, votes, whole)
        said = "So does the whole picture." if votes.eta == whole.eta else f"The whole picture chooses {whole.eta}."
        self.text.setText(
            f"<b>Region {region.width}×{region.height}</b> at {region.x}, {region.y}: alone it would choose "
            f"<b>η* = {votes.eta}</b> over {votes.frames} frames. {said} "
            f"{votes.silent_share:.1%} of its pixels cast no vote."
        )
        plot = self._plots["votes"]
        plot.clear()
        for these, colour, name in ((whole, (150, 150, 150), "whole picture"), (votes, (217, 164, 0), "region")):
            share = np.asarray(these.counts, float) / max(1, these.pixels)
            plot.plot(np.arange(101), share, pen={"color": colour, "width": 2}, name=name)
        plot.addItem(self._mark(votes.eta, "η*"))
        for name in ("time", "sorted", "histogram"):
            self._plots[name].hide()
        plot.show()
        self.use.show()

    def _over_time(self, history: "PixelHistory", chosen: tuple[int, int, int]) -> None:
        plot = self._plots["time"]
        plot.clear()
        for channel, (name, colour) in enumerate(_CHANNELS):
            plot.plot(list(history.indices), history.values[:, channel], pen={"color": colour, "width": 1}, name=name)
            plot.addItem(_level(chosen[channel], colour))
        plot.plot(list(history.indices), history.luma, pen={"color": (150, 150, 150), "width": 2}, name="luma")

    def _sorted(self, history: "PixelHistory", percentile: float) -> None:
        """The paper's figure: values in their order over the percentile, the mode's range shaded."""
        import pyqtgraph as pg

        plot = self._plots["sorted"]
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

    def _histogram(self, history: "PixelHistory") -> None:
        import pyqtgraph as pg

        plot = self._plots["histogram"]
        plot.clear()
        counts = np.bincount(history.luma, minlength=256)
        there = np.flatnonzero(counts)
        plot.addItem(pg.BarGraphItem(x=there, height=counts[there], width=0.9, brush=(150, 150, 150), pen=None))
        plot.addItem(self._mark(history.mode, "mode"))

    def _make_plots(self) -> None:
        if self._plots:
            return
        import pyqtgraph as pg

        for name, below, beside in (
            ("time", "frame", "level"),
            ("sorted", "percentile", "level"),
            ("histogram", "luma", "frames"),
            ("votes", "percentile", "share of pixels"),
        ):
            plot = pg.PlotWidget()
            plot.setMenuEnabled(False)
            plot.setMouseEnabled(False, False)
            plot.hideButtons()
            plot.setLabel("bottom", below)
            plot.setLabel("left", beside)
            plot.setMinimumSize(120, 130)
            plot.getAxis("left").enableAutoSIPrefix(False)
            if name in ("time", "votes"):
                plot.addLegend(offset=(-1, 1), colCount=2)
            plot.setAccessibleName(f"Plot: {beside} by {below}")
            self._plots[name] = plot
            self._layout.insertWidget(self._layout.count() - 1, plot, 3)
        self._colour()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and getattr(self, "_plots", None):
            self._colour()
            if self._again is not None:
                self._again()

    def _colour(self) -> None:
        text, base = self.palette().text().color(), self.palette().base().color()
        for plot in self._plots.values():
            plot.setBackground(base)
            for side in ("bottom", "left"):
                plot.getAxis(side).setPen(text)
                plot.getAxis(side).setTextPen(text)
            if plot.getPlotItem().legend is not None:
                plot.getPlotItem().legend.setLabelTextColor(text)

    def _mark(self, at: float, text: str) -> Any:
        """A line at a value, its name on the plot's own ground: legible over curves and bars."""
        import pyqtgraph as pg

        words = {"color": self.palette().text().color(), "fill": self.palette().base().color(), "position": 0.9}
        pen = {"color": (217, 100, 0), "width": 2}
        return pg.InfiniteLine(at, angle=90, pen=pen, label=text, labelOpts=words)


def _level(at: float, colour: str) -> Any:
    import pyqtgraph as pg

    return pg.InfiniteLine(at, angle=0, pen=pg.mkPen(colour, width=1, style=pg.QtCore.Qt.PenStyle.DashLine))
