"""Live curves of a training: losses on a logarithmic scale, validation PSNR of the output and the rainy input."""

import math
from typing import Any, NamedTuple

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.pages.training.run_watch import RunWatch, Series


class _Curve(NamedTuple):
    """A curve: its column in metrics.csv, its name in the legend, its hue in degrees, its style.

    The styles tell curves apart for colour-blind people; the lightness follows the palette.
    """

    column: str
    name: str
    hue: int
    style: Qt.PenStyle


class _DrawnCurve(NamedTuple):
    """A curve and the item that draws it, a ``pyqtgraph.PlotDataItem``: that library has no types."""

    item: Any
    curve: _Curve


_LOSSES = (
    _Curve("loss", "Total", 215, Qt.PenStyle.SolidLine),
    _Curve("loss_l1", "L1", 30, Qt.PenStyle.SolidLine),
    _Curve("loss_ssim", "1 − SSIM", 150, Qt.PenStyle.DashLine),
    _Curve("loss_attention", "Attention", 320, Qt.PenStyle.DotLine),
)
_VALIDATION = (
    _Curve("validation_psnr_db", "Output", 215, Qt.PenStyle.SolidLine),
    _Curve("validation_rainy_psnr_db", "Rainy input", 30, Qt.PenStyle.DashLine),
)


class Curves(QWidget):
    """Show two plots, of the losses and of the validation."""

    def __init__(self) -> None:
        super().__init__()
        import pyqtgraph  # here: it takes a third of a second, which would delay the start of the window

        self._graph = pyqtgraph
        self._run: RunWatch | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.losses = self._plot("Training loss", "Loss (logarithmic)", row, logarithmic=True)
        self.validation = self._plot("Validation", "PSNR (dB)", row)
        self.losses.setLogMode(y=True)
        self._lines = {
            curve.column: _DrawnCurve(plot.plot([], [], name=curve.name), curve)
            for plot, curves in ((self.losses, _LOSSES), (self.validation, _VALIDATION))
            for curve in curves
        }
        self._colour()
        self.show_run(None)

    def show_run(self, run: RunWatch | None) -> None:
        """Draw the curves of a run; None for empty plots."""
        self._run = run
        for column, drawn in self._lines.items():
            steps, values = run.series(column) if run is not None else ([], [])
            drawn.item.setData(*_drawable(steps, values, logarithmic=column.startswith("loss")))
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

    def _plot(self, title: str, left: str, row: QHBoxLayout, *, logarithmic: bool = False) -> Any:
        axes = {"left": _axis_class()("left")} if logarithmic else {}
        plot = self._graph.PlotWidget(axisItems=axes, viewBox=_box_class()())
        plot.setMinimumSize(220, 180)
        plot.setLabel("bottom", "Step")
        plot.setLabel("left", left)
        # Losses fall, PSNR rises: the corner that stays free. There the box leaves room for two rows of names.
        plot.addLegend(offset=(-8, 4 if logarithmic else -4), labelTextSize="9pt", colCount=2)
        plot.setLimits(xMin=0)
        plot.showGrid(x=True, y=True, alpha=0.2)
        plot.setAccessibleName(title)
        plot.setToolTip("Drag to move, turn the wheel to zoom; click A in the corner to show everything")
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
        for item, curve in self._lines.values():
            colour = self._graph.hsvColor(curve.hue / 360, 0.55 if dark else 0.9, 0.95 if dark else 0.7)
            item.setPen(self._graph.mkPen(colour, width=2, style=curve.style))
            item.setSymbol("o" if curve.name == "Output" else None)  # it has few points
            item.setSymbolSize(5)
            item.setSymbolBrush(colour)
            item.setSymbolPen(None)


def _axis_class() -> Any:
    """Return an axis with few plain numbers; made here, because pyqtgraph is loaded late."""
    from pyqtgraph import AxisItem

    class PlainLogarithmic(AxisItem):  # type: ignore[misc]
        """Label 1, 2 and 5 of each power of ten."""

        def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
            """Return the texts of ticks at powers of ten."""
            texts = [f"{10**value:.3g}" for value in values]
            return [text if text.strip("0.")[:1] in ("1", "2", "5") else "" for text in texts]

    return PlainLogarithmic


def _box_class() -> Any:
    """Return a box of curves with room for a legend; made here, because pyqtgraph is loaded late."""
    from pyqtgraph import ViewBox

    class Roomy(ViewBox):  # type: ignore[misc]
        """Leave a share of the height free above and below the curves."""

        def suggestPadding(self, axis: int) -> float:
            """Return the share of the range of an axis that is added at both ends."""
            return 0.18 if axis == ViewBox.YAxis else float(super().suggestPadding(axis))

    return Roomy


def _drawable(steps: list[int], values: list[float], *, logarithmic: bool) -> Series:
    """Return the points that the scale can show."""
    pairs = [
        (step, value)
        for step, value in zip(steps, values, strict=True)
        if math.isfinite(value) and (value > 0 or not logarithmic)
    ]
    return [step for step, _ in pairs], [value for _, value in pairs]
