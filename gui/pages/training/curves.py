"""Live curves of a training: losses on a logarithmic scale, validation PSNR beside that of the rainy pictures."""

import math
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.pages.training.run_watch import RunWatch, Series

_LOSSES = (
    ("loss", "All", 0, Qt.PenStyle.SolidLine),
    ("loss_l1", "L1", 1, Qt.PenStyle.SolidLine),
    ("loss_ssim", "1 − SSIM", 2, Qt.PenStyle.DashLine),
    ("loss_attention", "Attention", 3, Qt.PenStyle.DotLine),
)
_VALIDATION = (
    ("validation_psnr_db", "Output", 0, Qt.PenStyle.SolidLine),
    ("validation_rainy_psnr_db", "Rainy input", 1, Qt.PenStyle.DashLine),
)
_HUES = (215, 30, 150, 320)
"""Degrees; told apart by colour-blind people by the lines' styles, too. How light they are follows the palette."""


class Curves(QWidget):
    """Two plots. `show_run` draws what a run has; None empties them."""

    def __init__(self) -> None:
        super().__init__()
        import pyqtgraph  # here: it takes a third of a second, which the window's start can do without

        self._graph = pyqtgraph
        self._run: RunWatch | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.losses = self._plot("Training loss", "Loss, logarithmic", row, logarithmic=True)
        self.validation = self._plot("Validation", "PSNR, dB", row)
        self.losses.setLogMode(y=True)
        self._lines = {
            column: (plot.plot([], [], name=name), hue, style)
            for plot, curves in ((self.losses, _LOSSES), (self.validation, _VALIDATION))
            for column, name, hue, style in curves
        }
        self._colour()
        self.show_run(None)

    def show_run(self, run: RunWatch | None) -> None:
        """Draw all that is known of a run."""
        self._run = run
        for column, (line, _, _) in self._lines.items():
            steps, values = run.series(column) if run is not None else ([], [])
            line.setData(*_drawable(steps, values, column.startswith("loss")))
        self._title(self.losses, "Training loss")
        rows = [] if run is None else run.rows
        protocol = next((row["validation_protocol"] for row in rows if row["validation_protocol"]), "")
        self._title(self.validation, f"Validation, protocol {protocol}" if protocol else "Validation")

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_lines"):
            self._colour()
            self.show_run(self._run)

    def _plot(self, title: str, left: str, row: QHBoxLayout, logarithmic: bool = False) -> Any:
        plot = self._graph.PlotWidget(axisItems={"left": _axis_class()("left")} if logarithmic else {})
        plot.setMinimumSize(220, 180)
        plot.setLabel("bottom", "Step")
        plot.setLabel("left", left)
        # Losses fall, PSNR rises: the corner that stays free.
        plot.addLegend(offset=(-8, 8 if logarithmic else -8), labelTextSize="9pt")
        plot.setLimits(xMin=0)
        plot.showGrid(x=True, y=True, alpha=0.2)
        plot.setAccessibleName(title)
        plot.setToolTip("Drag to move, turn the wheel to zoom; A in the corner shows everything")
        plot.getPlotItem().setMenuEnabled(False)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it takes no keys
        row.addWidget(plot, 1)
        return plot

    def _title(self, plot: Any, title: str) -> None:
        plot.setTitle(title, color=self.palette().text().color(), size="10pt")

    def _colour(self) -> None:
        palette = self.palette()
        text, dark = palette.text().color(), palette.base().color().lightness() < 128
        for plot in (self.losses, self.validation):
            plot.setBackground(palette.base().color())
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.enableAutoSIPrefix(False)
                axis.setPen(text)
                axis.setTextPen(text)
            legend = plot.getPlotItem().legend
            legend.setLabelTextColor(text)
            for _, label in legend.items:
                label.setText(label.text, color=text)
        for line, hue, style in self._lines.values():
            colour = self._graph.hsvColor(_HUES[hue] / 360, 0.55 if dark else 0.9, 0.95 if dark else 0.7)
            line.setPen(self._graph.mkPen(colour, width=2, style=style))
            few = line.name() == "Output"
            line.setSymbol("o" if few else None)
            line.setSymbolSize(5)
            line.setSymbolBrush(colour)
            line.setSymbolPen(None)


def _axis_class() -> Any:
    """An axis with few plain numbers; made when it is needed, as pyqtgraph is loaded then."""
    from pyqtgraph import AxisItem

    class PlainLogarithmic(AxisItem):  # type: ignore[misc]
        """Names 1, 2 and 5 of each power of ten."""

        def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
            """Texts of ticks at powers of ten."""
            texts = [f"{10**value:.3g}" for value in values]
            return [text if text.strip("0.")[:1] in ("1", "2", "5") else "" for text in texts]

    return PlainLogarithmic


def _drawable(steps: list[int], values: list[float], logarithmic: bool) -> Series:
    """Points that the scale has a place for."""
    pairs = [
        (step, value)
        for step, value in zip(steps, values, strict=True)
        if math.isfinite(value) and (value > 0 or not logarithmic)
    ]
    return [step for step, _ in pairs], [value for _, value in pairs]
