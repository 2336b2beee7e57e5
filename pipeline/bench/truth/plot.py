"""The plot of `bench truth`: PSNR by case and method, and the reliability of expected errors."""

from collections.abc import Sequence
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.bench.truth.methods import method_label, method_names
from pipeline.bench.truth.run import Measured
from pipeline.bench.truth.scores import Reliability
from pipeline.bench.truth.thresholds import by_case, means, reliability
from pipeline.partial import unique

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 100
_COLUMN, _HEIGHT, _RELIABILITY = 0.78, 4.84, 4.4
"""Inches: of a case, of the plot, of the second panel."""
_PAPER, _INK, _FAINT, _GRID = "#fafaf8", "#191919", "#6e6e6e", "#dddddd"
_LEVELS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_LARGEST_POINT = 600
"""Area in square points of a bin that holds all pixels."""
_COLOURS = {
    "rainy": "#9a9a9a",
    "released": "#d55e00",
    "median": "#cc79a7",
    "suggestion": "#0072b2",
    "best": "#009e73",
    "limit": "#191919",
}
"""By method. People who see fewer colours can tell them apart, too (Okabe and Ito); so do their shapes."""
_MARKS: dict[str, dict[str, Any]] = {
    **{name: {"marker": "s", "markersize": 5} for name in ("rainy", "released", "median")},
    "suggestion": {"marker": "o", "markersize": 6.5},
    "best": {"marker": "o", "markersize": 6.5, "markerfacecolor": "none", "markeredgewidth": 1.5},
    "limit": {"marker": "_", "markersize": 8, "markeredgewidth": 2.5},
}
_ADDED_COLOURS, _ADDED_MARKERS = ("#56b4e9", "#e69f00", "#7a5195"), "^vDP"
"""Of estimators that were measured as well, in turn; of the same palette, and other shapes."""


def write_plot(clips: Sequence[Measured], path: Path) -> None:
    """Draw and write a PNG; a file of that name is replaced when the new one is whole. Raises OSError."""
    figure = draw(clips)
    partial = unique(path)
    try:
        figure.savefig(partial, format="png", dpi=_DPI)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def draw(clips: Sequence[Measured]) -> "Figure":
    """Return the plot: points are means of the cases, lines reach from the worst clip to the best."""
    from matplotlib.figure import Figure

    groups, known = by_case(clips), reliability(clips)
    methods = method_names(clip.figures for clip in clips)
    column = _COLUMN * max(1.0, len(methods) / len(_COLOURS))
    wide = max(column * len(groups), 0.96 * len(methods)) + 0.8
    widths = [wide, _RELIABILITY] if known else [wide]
    figure = Figure((sum(widths), _HEIGHT), dpi=_DPI, facecolor=_PAPER, layout="constrained")
    panels = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    for panel in panels:
        panel.set_facecolor(_PAPER)
        panel.spines[:].set_visible(False)
        panel.tick_params(length=0, pad=6, colors=_FAINT)
        panel.set_axisbelow(True)
    _draw_cases(panels[0], groups, methods)
    if known:
        _draw_reliability(panels[1], known)
    return figure


def _draw_cases(panel: "Axes", groups: dict[str, list[Measured]], methods: Sequence[str]) -> None:
    values = [figures.psnr for clips in groups.values() for clip in clips for figures in clip.figures.values()]
    low, high = 5 * floor(min(values) / 5), 5 * ceil(max(values) / 5 + 0.01)
    panel.set_title(
        "PSNR in dB against the ground truth, means of the cases; lines: all clips",
        loc="left", fontsize=10, color=_INK, pad=26,
    )  # fmt: skip
    panel.set_ylim(low, high)
    panel.set_yticks(range(low, high + 1, 5))
    panel.grid(axis="y", color=_GRID)
    panel.set_xlim(-0.5, len(groups) - 0.5)
    panel.set_xticks(range(len(groups)), list(groups), color=_INK)
    spacing = 0.115 * min(1.0, len(_COLOURS) / len(methods))
    for number, name in enumerate(methods):
        # Side by side, or equal methods would hide each other.
        offset = (number - (len(methods) - 1) / 2) * spacing
        colour, mark = _style(name, number - len(_COLOURS))
        for place, clips in enumerate(groups.values()):
            each = [clip.figures[name].psnr for clip in clips if name in clip.figures]
            mean = means(clips)["figures"].get(name)
            if mean is not None:
                panel.plot([place + offset] * 2, [min(each), max(each)], color=colour, linewidth=1.5)
                panel.plot(place + offset, mean["psnr"], color=colour, linestyle="none", clip_on=False, **mark)
        panel.plot([], [], color=colour, linestyle="none", label=method_label(name), **mark)
    panel.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=len(methods), frameon=False, fontsize=9, labelcolor=_INK,
        borderaxespad=0.2, handletextpad=0.2, columnspacing=1.5,
    )  # fmt: skip


def _style(name: str, added: int) -> tuple[str, dict[str, Any]]:
    """Return colour and marker of a method. added: its place among those that are measured as well, from 0."""
    if name in _COLOURS:
        return _COLOURS[name], _MARKS[name]
    marker = _ADDED_MARKERS[added % len(_ADDED_MARKERS)]
    return _ADDED_COLOURS[added % len(_ADDED_COLOURS)], {"marker": marker, "markersize": 6}


def _draw_reliability(panel: "Axes", known: Reliability) -> None:
    low, high = _LEVELS[0], _LEVELS[-1]
    panel.set_title(
        "Error in grey levels: expected (across) and actual (up)", loc="left", fontsize=10, color=_INK, pad=26
    )
    panel.text(
        0, 1.02, f"off by {known.factor:.2f} times at most; area of a point: share of the pixels",
        transform=panel.transAxes, fontsize=9, color=_FAINT,
    )  # fmt: skip
    for scale, ticks, limit in (
        (panel.set_xscale, panel.set_xticks, panel.set_xlim), (panel.set_yscale, panel.set_yticks, panel.set_ylim)
    ):  # fmt: skip
        scale("log", base=2)
        ticks(_LEVELS, [f"{level:g}" for level in _LEVELS])
        limit(low, high)
    panel.set_aspect("equal")
    panel.grid(color=_GRID)
    panel.plot([low, high], [low, high], color=_FAINT, linewidth=1)
    expected = [min(max(claimed, low), high) for _, claimed, _ in known.curve]
    found = [min(max(error, low), high) for _, _, error in known.curve]
    areas = [6 + _LARGEST_POINT * share for share, _, _ in known.curve]
    panel.plot(expected, found, color=_COLOURS["suggestion"], linewidth=1.5, clip_on=False)
    panel.scatter(expected, found, areas, color=_COLOURS["suggestion"], clip_on=False)
