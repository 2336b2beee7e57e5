"""The contact sheet: all candidates on one picture that a person can judge.

Whole pictures of a 4K clip shrunk to a page hide the very streaks that one looks for. So the page shows the
whole frame once, and every candidate at 1:1 where candidates differ most, beside its difference to the best.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.clean import CleanResult

U8 = NDArray[np.uint8]

CROP = (320, 240)
HEAD_HEIGHT = 640
GAP = 14
LINE = 22
COLUMNS = 3
REMOVED_GAIN = 4
DIFFERENCE_GAIN = 16
_PAPER, _INK, _FAINT, _MARK = (250, 250, 248), (25, 25, 25), (110, 110, 110), (0, 220, 255)


def contact_sheet(result: CleanResult) -> U8:
    """(H, W, 3) uint8 RGB page: the rainy frame, the best candidate, what it removed; then all candidates."""
    best = result.picture(result.candidates[0])
    x, y, width, height = _telling_crop(result)
    crop = np.s_[y : y + height, x : x + width]
    rainy = result.reference_rgb
    heads = [
        (_fit(_boxed(rainy, x, y, width, height)), f"rainy frame {result.selection.reference_frame}"),
        (_fit(best), f"best: {result.candidates[0].recipe.name}"),
        (_fit(_difference(best, rainy, REMOVED_GAIN)), f"rainy frame - best, x{REMOVED_GAIN} around grey"),
    ]
    cells = [(rainy[crop], _difference(best[crop], rainy[crop], REMOVED_GAIN), "rainy frame, 1:1", heads[2][1])]
    for rank, candidate in enumerate(result.candidates, 1):
        picture = result.picture(candidate)[crop]
        scores = candidate.scores
        assert scores is not None
        cells.append(
            (
                picture,
                _difference(picture, best[crop], DIFFERENCE_GAIN),
                f"{rank}  {candidate.recipe.name}   score {scores.total:.2f}",
                f"best - this, x{DIFFERENCE_GAIN} around grey",
            )
        )
    return _lay_out(heads, cells, width, height)


def _lay_out(heads: list[tuple[U8, str]], cells: list[tuple[U8, U8, str, str]], width: int, height: int) -> U8:
    cell_width, cell_height = 2 * width + 4, height + LINE
    columns = min(COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    head_height = max(len(picture) for picture, _ in heads)
    page_width = max(columns * (cell_width + GAP) + GAP, sum(picture.shape[1] + GAP for picture, _ in heads) + GAP)
    page = Image.new("RGB", (page_width, head_height + LINE + 2 * GAP + rows * (cell_height + GAP)), _PAPER)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(14)
    left = GAP
    for picture, text in heads:
        draw.text((left, GAP // 2), text, _INK, font)
        page.paste(Image.fromarray(picture), (left, GAP // 2 + LINE))
        left += picture.shape[1] + GAP
    for i, (picture, difference, text, note) in enumerate(cells):
        left = GAP + i % columns * (cell_width + GAP)
        top = head_height + LINE + 2 * GAP + i // columns * (cell_height + GAP)
        draw.text((left, top), text, _INK, font)
        draw.text((left + cell_width, top), note, _FAINT, font, anchor="ra")
        page.paste(Image.fromarray(np.ascontiguousarray(picture)), (left, top + LINE))
        page.paste(Image.fromarray(difference), (left + width + 4, top + LINE))
    return np.asarray(page)


def _telling_crop(result: CleanResult) -> tuple[int, int, int, int]:
    """Where candidates differ most: x, y, width, height of a crop of at most CROP px."""
    low = high = result.picture(result.candidates[0])
    for candidate in result.candidates[1:]:
        picture = result.picture(candidate)
        low, high = np.minimum(low, picture), np.maximum(high, picture)
    if len(result.candidates) == 1:
        low, high = np.minimum(low, result.reference_rgb), np.maximum(high, result.reference_rgb)
    spread = (high - low).max(axis=2)
    width, height = min(CROP[0], spread.shape[1]), min(CROP[1], spread.shape[0])
    sums = cv2.integral(spread)
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    y, x = np.unravel_index(int(np.argmax(inside)), inside.shape)
    return int(x), int(y), width, height


def _difference(less: U8, picture: U8, gain: int) -> U8:
    """``picture`` − ``less``, amplified around middle grey."""
    difference = picture.astype(np.int16) - less
    return np.clip(difference * gain + 128, 0, 255).astype(np.uint8)


def _fit(picture: U8) -> U8:
    """Shrunk to HEAD_HEIGHT and at most twice as wide; never enlarged."""
    scale = min(1.0, HEAD_HEIGHT / picture.shape[0], 2 * CROP[0] / picture.shape[1])
    if scale == 1.0:
        return np.ascontiguousarray(picture)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _boxed(picture: U8, x: int, y: int, width: int, height: int) -> U8:
    boxed = picture.copy()
    thickness = max(1, round(max(picture.shape) / 400))
    cv2.rectangle(boxed, (x, y), (x + width - 1, y + height - 1), _MARK, thickness)
    return boxed
