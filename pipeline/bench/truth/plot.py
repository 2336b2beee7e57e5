"""The plot of `bench truth`: PSNR by case and method, and the reliability of expected errors."""

from collections.abc import Sequence
from functools import cache
from math import ceil, floor, log2
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pipeline.bench.truth.run import METHODS, Measured
from pipeline.bench.truth.scores import Reliability
from pipeline.bench.truth.thresholds import by_case, means, reliability
from pipeline.partial import unique

Point = tuple[float, float]
Box = tuple[float, float, float, float]

SCALE = 2
"""Drawn so many times larger, then shrunk, which makes edges smooth."""

_COLUMN, _HEIGHT, _LEFT, _TOP, _BOTTOM, _GAP = 78, 380, 56, 64, 40, 24
_PAPER, _INK, _FAINT, _GRID = "#fafaf8", "#191919", "#6e6e6e", "#dddddd"
_LEVELS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_COLOURS = {
    "rainy": "#9a9a9a",
    "released": "#d55e00",
    "median": "#cc79a7",
    "suggestion": "#0072b2",
    "best": "#009e73",
    "limit": "#191919",
}
"""By method. People who see fewer colours can tell them apart, too (Okabe and Ito); so do their shapes."""


_LABELS = {"limit": "upper bound"}
"""Words for a method where its key is not its name."""


def write_plot(clips: Sequence[Measured], path: Path) -> None:
    """Draw and write a PNG; a file of that name is replaced when the new one is whole. Raises OSError."""
    picture = draw(clips)
    partial = unique(path)
    try:
        picture.save(partial, "png")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def draw(clips: Sequence[Measured]) -> Image.Image:
    """Return the plot as an RGB picture: points are means of the cases, lines reach from the worst clip to the best."""
    groups, known = by_case(clips), reliability(clips)
    wide = max(_COLUMN * len(groups), 96 * len(METHODS))
    width = _LEFT + wide + _GAP + (_LEFT + _HEIGHT + _GAP if known else 0)
    image = Image.new("RGB", (SCALE * width, SCALE * (_TOP + _HEIGHT + _BOTTOM)), _PAPER)
    pen = _Pen(ImageDraw.Draw(image))
    _draw_cases(pen, groups, (_LEFT, _TOP, _LEFT + wide, _TOP + _HEIGHT))
    if known:
        left = _LEFT + wide + _GAP + _LEFT
        _draw_reliability(pen, known, (left, _TOP, left + _HEIGHT, _TOP + _HEIGHT))
    return image.resize((width, image.height // SCALE), Image.Resampling.LANCZOS)


def _draw_cases(pen: "_Pen", groups: dict[str, list[Measured]], box: Box) -> None:
    left, top, right, bottom = box
    values = [figures.psnr for clips in groups.values() for clip in clips for figures in clip.figures.values()]
    low, high = 5 * floor(min(values) / 5), 5 * ceil(max(values) / 5 + 0.01)

    def y(db: float) -> float:
        return bottom - (db - low) / (high - low) * (bottom - top)

    pen.text((left, 10), "PSNR in dB against the ground truth, means of the cases; lines: all clips", _INK, "la")
    for place, name in enumerate(METHODS):
        x = left + 8 + 96 * place
        pen.mark(name, (x, 46))
        pen.text((x + 10, 46), _LABELS.get(name, name), _INK, "lm")
    for db in range(low, high + 1, 5):
        pen.line([(left, y(db)), (right, y(db))], _GRID)
        pen.text((left - 8, y(db)), str(db), _FAINT, "rm")
    step = (right - left) / len(groups)
    for place, (case, clips) in enumerate(groups.items()):
        middle = left + (place + 0.5) * step
        pen.text((middle, bottom + 10), case, _INK, "ma")
        figures = means(clips)["figures"]
        # Side by side, or equal methods would hide each other.
        for number, name in enumerate(name for name in METHODS if name in figures):
            x = middle + (number - 2.5) * 9
            each = [clip.figures[name].psnr for clip in clips]
            pen.line([(x, y(min(each))), (x, y(max(each)))], _COLOURS[name], 1.5)
            pen.mark(name, (x, y(figures[name]["psnr"])))


def _draw_reliability(pen: "_Pen", known: Reliability, box: Box) -> None:
    left, top, right, bottom = box

    def along(levels: float) -> float:
        return (log2(max(levels, _LEVELS[0])) - log2(_LEVELS[0])) / (log2(_LEVELS[-1]) - log2(_LEVELS[0]))

    def at(x: float, y: float) -> Point:
        return left + along(x) * (right - left), bottom - along(y) * (bottom - top)

    pen.text((left, 10), "Error in grey levels: expected, and actual", _INK, "la")
    caption = f"off by a factor of {known.factor:.2f} at most; area of a point: share of the pixels"
    pen.text((left, 46), caption, _FAINT, "lm")
    low, high = _LEVELS[0], _LEVELS[-1]
    for level in _LEVELS:
        pen.line([at(level, low), at(level, high)], _GRID)
        pen.line([at(low, level), at(high, level)], _GRID)
        pen.text((left - 8, at(low, level)[1]), f"{level:g}", _FAINT, "rm")
        pen.text((at(level, low)[0], bottom + 10), f"{level:g}", _FAINT, "ma")
    pen.line([at(low, low), at(high, high)], _FAINT)
    points = [at(min(each.expected, high), min(each.actual, high)) for each in known.curve]
    pen.line(points, _COLOURS["suggestion"], 1.5)
    for point, each in zip(points, known.curve, strict=True):
        pen.dot(point, 2 + 12 * each.share**0.5, _COLOURS["suggestion"])


class _Pen:
    """Draws in px of the finished picture."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self._draw = draw

    def line(self, points: Sequence[Point], colour: str, width: float = 1.0) -> None:
        self._draw.line([(SCALE * x, SCALE * y) for x, y in points], fill=colour, width=round(SCALE * width))

    def text(self, at: Point, text: str, colour: str, anchor: str) -> None:
        self._draw.text((SCALE * at[0], SCALE * at[1]), text, fill=colour, font=_font(), anchor=anchor)

    def dot(self, at: Point, radius: float, fill: str | None, outline: str | None = None) -> None:
        box = [SCALE * (at[0] - radius), SCALE * (at[1] - radius), SCALE * (at[0] + radius), SCALE * (at[1] + radius)]
        self._draw.ellipse(box, fill=fill, outline=outline, width=2 * SCALE)

    def mark(self, method: str, at: Point) -> None:
        """Draw a method: a dot; a ring for the best candidate, a bar for the upper bound, squares for the others."""
        colour, (x, y) = _COLOURS[method], at
        if method == "limit":
            self.line([(x - 5, y), (x + 5, y)], colour, 3)
        elif method == "best":
            self.dot(at, 4.5, None, colour)
        elif method == "suggestion":
            self.dot(at, 4.5, colour)
        else:
            box = [SCALE * (x - 3.5), SCALE * (y - 3.5), SCALE * (x + 3.5), SCALE * (y + 3.5)]
            self._draw.rectangle(box, fill=colour)


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(SCALE * 13)
