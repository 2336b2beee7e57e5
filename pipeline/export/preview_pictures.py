"""Draw previews of a scene: frames of a before/after animation, and a contact sheet of some pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

U8 = NDArray[np.uint8]

WIDTH = 1280
"""Largest width of a preview, px."""

MOST_PAIRS = 4
"""Largest number of pairs on a contact sheet."""

_LEAST_WIDTH = 480
"""Width in px below which pictures are enlarged in whole steps, so that captions have room."""

_HOLD, _SWEEP = 5, 9
"""Frames in which the divider stands at an edge, and in which it crosses the picture."""

_GAP, _LINE = 12, 26
_PAPER, _INK, _FAINT = (250, 250, 250), (25, 25, 25), (95, 95, 95)
_LABEL, _LABEL_BACK = (255, 255, 255), (0, 0, 0, 170)


class CaptionedPair(NamedTuple):
    """A pair, (H, W, 3) uint8 RGB each, with what is said below it."""

    rainy: U8
    clean: U8
    caption: str


@dataclass(frozen=True, kw_only=True)
class Titles:
    """Texts of a preview. head: what it shows. credit: author and licence, or ""."""

    head: str
    credit: str


def animation(rainy: Sequence[U8], clean: U8, titles: Titles, width: int = WIDTH) -> list[U8]:
    """Return the frames of a loop in which a divider uncovers the clean image and covers it again.

    Args:
        rainy: Rainy frames, (H, W, 3) uint8 RGB, shown one after another.
        clean: Their clean image, (H, W, 3) uint8 RGB.
        titles: Texts below the picture.
        width: Largest width, px.

    Returns:
        (h, w, 3) uint8 RGB; both sides are even, as video coders need them.
    """
    scaled, target = [_fitted(each, width) for each in rainy], _fitted(clean, width)
    frames = []
    for number, share in enumerate(_shares()):
        before = scaled[number % len(scaled)]
        edge = round(share * target.shape[1])
        picture = before.copy()
        picture[:, :edge] = target[:, :edge]
        if 0 < edge < target.shape[1]:
            picture[:, max(0, edge - 1) : edge + 1] = 255
        frames.append(_titled(picture, edge, titles))
    return frames


def contact_sheet(pairs: Sequence[CaptionedPair], titles: Titles) -> U8:
    """Return a page of some pairs, rainy frames on the left and clean images on the right; (h, w, 3) uint8 RGB."""
    cell = (WIDTH - 3 * _GAP) // 2
    shown = [(_fitted(pair.rainy, cell), _fitted(pair.clean, cell), pair.caption) for pair in pairs[:MOST_PAIRS]]
    column = max(rainy.shape[1] for rainy, _, _ in shown)
    font, large, width = _font(15), _font(18), 2 * column + _GAP
    top = _GAP + _LINE * _lines(titles, width, large)
    height = top + _LINE + _GAP + sum(rainy.shape[0] + _LINE + _GAP for rainy, _, _ in shown)
    page = Image.new("RGB", (width + 2 * _GAP, height), _PAPER)
    draw = ImageDraw.Draw(page)
    _write(draw, (_GAP, _GAP), width, titles, large)
    for number, words in enumerate(("Rainy", "Clean")):
        draw.text((_GAP + number * (column + _GAP), top), words, _INK, font)
    top += _LINE
    for rainy, clean, caption in shown:
        page.paste(Image.fromarray(rainy), (_GAP, top))
        page.paste(Image.fromarray(clean), (2 * _GAP + column, top))
        draw.text((_GAP, top + rainy.shape[0] + 4), caption, _FAINT, font)
        top += rainy.shape[0] + _LINE + _GAP
    return np.asarray(page)


def _shares() -> Iterator[float]:
    """Yield how much of the clean image is uncovered in each frame of the loop, 0…1."""
    steps = [0.5 - 0.5 * float(np.cos(np.pi * step / _SWEEP)) for step in range(1, _SWEEP)]
    yield from [0.0] * _HOLD
    yield from steps
    yield from [1.0] * _HOLD
    yield from reversed(steps)


def _fitted(picture: U8, width: int) -> U8:
    """Return a picture with even sides, shrunk to a width, or enlarged in whole steps where it is small."""
    height, own = picture.shape[:2]
    if own > width:
        size = (width, max(2, round(height * width / own)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    else:
        times = max(1, min(width, max(_LEAST_WIDTH, own)) // own)
        picture = picture.repeat(times, 0).repeat(times, 1) if times > 1 else picture
    return np.ascontiguousarray(picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2])


def _titled(picture: U8, edge: int, titles: Titles) -> U8:
    """Return a picture with labels of both parts, and a line of text below it."""
    height, width = picture.shape[:2]
    font, small = _font(18), _font(15)
    page = Image.new("RGB", (width, height + _LINE * _lines(titles, width - 16, small) + 2), _PAPER)
    page.paste(Image.fromarray(picture), (0, 0))
    draw = ImageDraw.Draw(page, "RGBA")
    for words, left, room in (("Clean", 0, edge), ("Rainy", edge, width - edge)):
        needed = font.getlength(words) + 16
        if room >= needed + 12:
            at = 8 if left == 0 and words == "Clean" else width - needed - 8
            draw.rounded_rectangle((at, 8, at + needed, 34), 5, fill=_LABEL_BACK)
            draw.text((at + 8, 11), words, _LABEL, font)
    _write(draw, (8, height + 5), width - 16, titles, small)
    return np.asarray(page)


def _lines(titles: Titles, width: int, font: ImageFont.FreeTypeFont) -> int:
    """Return the number of lines that head and credit take."""
    together = font.getlength(titles.head) + font.getlength(titles.credit) + 20
    return 1 if not titles.credit or together <= width else 2


def _write(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], width: int, titles: Titles, font: ImageFont.FreeTypeFont
) -> None:
    """Draw head and credit, side by side where there is room."""
    left, top = place
    draw.text(place, _cut(titles.head, width, font), _INK, font)
    if _lines(titles, width, font) == 1:
        draw.text((left + width, top), titles.credit, _FAINT, font, anchor="ra")
    else:
        draw.text((left, top + _LINE), _cut(titles.credit, width, font), _FAINT, font)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which comes with matplotlib: the font of Pillow has no accents."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _cut(text: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"
