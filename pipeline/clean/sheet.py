"""The contact sheet: all candidates on one picture that a person can judge.

Whole pictures of a 4K clip shrunk to a page hide the very streaks that one looks for. So the page shows the
whole frame once, and every candidate at 1:1 where candidates differ most, beside its difference to the best.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.clean.result import CleanResult
from rainclean.temporal import luma
from rainclean.verdict import Verdict
from rainclean.video import Region

U8 = NDArray[np.uint8]
Cell = tuple[U8, U8, str, str]

CROP = (320, 240)
SMALLEST = 220
"""Width in px below which pictures are enlarged in whole steps, so that captions have room."""
HEAD = (640, 640)
GAP = 14
LINE = 22
COLUMNS = 3
REMOVED_GAIN = 4
DIFFERENCE_GAIN = 8
_VERDICTS = {"fit": (20, 120, 50), "look": (160, 100, 0), "unfit": (185, 30, 30)}
_PAPER, _INK, _FAINT, _MARK = (250, 250, 248), (25, 25, 25), (110, 110, 110), (0, 220, 255)


def contact_sheet(result: CleanResult) -> U8:
    """(H, W, 3) uint8 RGB page: verdict, rainy frame, best candidate, what it removed; then all candidates."""
    best = result.picture(result.candidates[0])
    x, y, width, height = _telling_crop(result)
    crop = np.s_[y : y + height, x : x + width]
    rainy = result.reference_rgb
    removed = f"rainy - best, x{REMOVED_GAIN}"
    small_rainy, small_best = _fit(rainy), _fit(best)
    heads = [
        (_boxed(small_rainy, np.array([x, y, width, height]) * (small_rainy.shape[1] / rainy.shape[1])),
         f"rainy frame {result.selection.reference_frame}; box: shown below"),
        (small_best, f"best: {result.candidates[0].recipe.name}"),
        (_difference(small_best, small_rainy, REMOVED_GAIN), f"{removed}; grey: equal"),
    ]  # fmt: skip
    cells = [(rainy[crop], _difference(best[crop], rainy[crop], REMOVED_GAIN), "rainy frame", removed)]
    for rank, candidate in enumerate(result.candidates, 1):
        picture = result.picture(candidate)[crop]
        assert candidate.scores is not None
        text = f"{rank}  {candidate.recipe.name}  {candidate.scores.total:.2f}"
        difference = _difference(picture, best[crop], DIFFERENCE_GAIN)
        cells.append((picture, difference, text, f"best - this, x{DIFFERENCE_GAIN}"))
    times = -(-SMALLEST // width)
    enlarged = [_enlarged_cell(c, times) for c in cells]
    return _lay_out(result.verdict, [(_enlarged(p, times), t) for p, t in heads], enlarged)


def _lay_out(verdict: Verdict, heads: list[tuple[U8, str]], cells: list[Cell]) -> U8:
    height, width = cells[0][0].shape[:2]
    cell_width, cell_height = 2 * width + 4, height + LINE
    columns = min(COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    head_height = max(len(picture) for picture, _ in heads)
    head_width = sum(max(picture.shape[1], 300) + GAP for picture, _ in heads)
    page_width = GAP + max(columns * (cell_width + GAP), head_width)
    top_of_cells = head_height + 2 * LINE + 2 * GAP
    page = Image.new("RGB", (page_width, top_of_cells + rows * (cell_height + GAP)), _PAPER)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(14)
    draw.text(
        (GAP, GAP // 2), _fitting(verdict.description, page_width - 2 * GAP, font), _VERDICTS[verdict.state], font
    )
    left = GAP
    for picture, text in heads:
        draw.text((left, GAP // 2 + LINE), text, _INK, font)
        page.paste(Image.fromarray(picture), (left, GAP // 2 + 2 * LINE))
        left += max(picture.shape[1], 300) + GAP
    for i, (picture, difference, text, note) in enumerate(cells):
        left = GAP + i % columns * (cell_width + GAP)
        top = top_of_cells + i // columns * (cell_height + GAP)
        draw.text((left, top), text, _INK, font)
        draw.text((left + cell_width, top), note, _FAINT, font, anchor="ra")
        page.paste(Image.fromarray(np.ascontiguousarray(picture)), (left, top + LINE))
        page.paste(Image.fromarray(difference), (left + width + 4, top + LINE))
    return np.asarray(page)


def _fitting(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """A line, cut where the page ends."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _telling_crop(result: CleanResult) -> Region:
    """Return where candidates differ most: a crop of at most CROP px."""
    height, width = result.reference_rgb.shape[:2]
    # Every step-th pixel in both directions tells the place well enough, in a fraction of the memory.
    step = max(1, min(height, width) // 360)
    pictures = [result.reference_rgb] if len(result.candidates) == 1 else []
    low = high = result.picture(result.candidates[0])[::step, ::step].copy()
    for picture in (*pictures, *map(result.picture, result.candidates[1:])):
        part = picture[::step, ::step]
        low, high = np.minimum(low, part), np.maximum(high, part)
    spread = (high - low).max(axis=2)
    crop_width, crop_height = min(CROP[0], width), min(CROP[1], height)
    across, down = max(1, crop_width // step), max(1, crop_height // step)
    sums = cv2.integral(spread)
    inside = sums[down:, across:] - sums[:-down, across:] - sums[down:, :-across] + sums[:-down, :-across]
    y, x = np.unravel_index(int(np.argmax(inside)), inside.shape)
    left, top = min(int(x) * step, width - crop_width), min(int(y) * step, height - crop_height)
    return Region(left, top, crop_width, crop_height)


def _difference(less: U8, picture: U8, gain: int) -> U8:
    """Luma of ``picture`` − luma of ``less``, amplified around middle grey; (H, W, 3) uint8."""
    difference = luma(np.ascontiguousarray(picture)).astype(np.int16) - luma(np.ascontiguousarray(less))
    return np.repeat(np.clip(difference * gain + 128, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _fit(picture: U8) -> U8:
    """Shrunk to fit HEAD, never enlarged."""
    scale = min(1.0, HEAD[0] / picture.shape[1], HEAD[1] / picture.shape[0])
    if scale == 1.0:
        return np.ascontiguousarray(picture)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _enlarged(picture: U8, times: int) -> U8:
    return picture if times == 1 else picture.repeat(times, 0).repeat(times, 1)


def _enlarged_cell(cell: Cell, times: int) -> Cell:
    return _enlarged(cell[0], times), _enlarged(cell[1], times), cell[2], cell[3]


def _boxed(picture: U8, box: NDArray[np.float64]) -> U8:
    x, y, width, height = (int(v) for v in box.round())
    boxed = picture.copy()
    if (width, height) == (picture.shape[1], picture.shape[0]):
        return boxed
    cv2.rectangle(boxed, (x, y), (x + width - 1, y + height - 1), _MARK, 2)
    return boxed
