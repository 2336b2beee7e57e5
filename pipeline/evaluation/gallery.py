"""The pictures of an evaluation with the lowest scores, on the disk."""

import heapq
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.clean import write_png
from pipeline.evaluation.scores import rounded
from rainclean.metrics import Score
from rainclean.png import encode_png

U8 = NDArray[np.uint8]

FOLDER = "gallery"

GAIN = 8
"""Errors are shown amplified by this factor, around middle grey."""

DISPLAY = 760
"""Longest side in px of a picture on the page; larger ones get a smaller copy. Two screen pixels each in a column."""


@dataclass(frozen=True)
class Output:
    """The result of one method: (H, W, 3) uint8 RGB; attention (H, W) in 0…1, where it has one."""

    method: str
    scores: tuple[Score, ...]
    picture: U8
    attention: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture of the page.

    shows: "picture", "clean", "attention" or "error". shown: the smaller file to show, or the same. width, height: of
    that, px.
    """

    shows: str
    file: str
    shown: str
    width: int
    height: int
    caption: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """A pair on the page.

    number: in the split. psnr: that ranks it, dB. scores, rows: scores and figures of each method.
    """

    number: int
    image: str
    scene: str
    psnr: float
    scores: dict[str, tuple[Score, ...]]
    rows: tuple[tuple[Figure, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the values for report.json; PSNR is None where it is infinite."""
        return {
            "number": self.number,
            "image": self.image,
            "scene": self.scene,
            "scores": {
                method: {s.protocol: {"psnr_db": rounded(s.psnr), "ssim": rounded(s.ssim)} for s in scores}
                for method, scores in self.scores.items()
            },
            "pictures": [
                {"method": method, "shows": figure.shows, "file": figure.file, "shown": figure.shown}
                for method, row in zip(self.scores, self.rows, strict=True)
                for figure in row
            ],
        }


class RankedPair(NamedTuple):
    """A pair by its number in the split, image name and scene, with the PSNR in dB that ranks it."""

    number: int
    image: str
    scene: str
    psnr: float


class Gallery:
    """The ``size`` cases of lowest PSNR so far, with their pictures in a folder below ``root``."""

    def __init__(self, root: Path, size: int) -> None:
        self._root, self._size = root, size
        self._cases: dict[int, Case] = {}
        self._best_first: list[tuple[float, int]] = []
        if size:
            (root / FOLDER).mkdir()

    def wants(self, psnr: float) -> bool:
        """Return whether a picture of this PSNR (dB) is among the worst so far. Of equals, the first ones stay."""
        return len(self._best_first) < self._size or (self._size > 0 and psnr < -self._best_first[0][0])

    def keep(self, pair: RankedPair, clean: U8, outputs: tuple[Output, ...]) -> None:
        """Write a pair's pictures; the first output is its rainy side."""
        number = pair.number
        rows = tuple(self._row(number, place, output, clean) for place, output in enumerate(outputs))
        scores = {output.method: output.scores for output in outputs}
        self._cases[number] = Case(
            number=number, image=pair.image, scene=pair.scene, psnr=pair.psnr, scores=scores, rows=rows
        )
        heapq.heappush(self._best_first, (-pair.psnr, -number))
        if len(self._best_first) > self._size:
            dropped = self._cases.pop(-heapq.heappop(self._best_first)[1])
            for figure in (figure for row in dropped.rows for figure in row):
                for name in {figure.file, figure.shown}:
                    (self._root / name).unlink()

    def worst_first(self) -> list[Case]:
        """Return the cases, lowest PSNR first."""
        return sorted(self._cases.values(), key=lambda case: (case.psnr, case.number))

    def _row(self, number: int, place: int, output: Output, clean: U8) -> tuple[Figure, ...]:
        # Numbers as names: names of data sets and weights may hold anything.
        stem = f"{FOLDER}/{number:05d}-{place}"
        if output.attention is None:
            middle = self._figure(stem, "clean", clean, "clean image")
        else:
            grey = np.rint(np.clip(output.attention, 0, 1) * 255).astype(np.uint8)
            middle = self._figure(stem, "attention", grey, f"{output.method}: attention map, white: 1")
        error = np.clip((output.picture.astype(np.int16) - clean) * GAIN + 128, 0, 255).astype(np.uint8)
        return (
            self._figure(stem, "picture", output.picture, output.method),
            middle,
            self._figure(stem, "error", error, f"{output.method} − clean image, ×{GAIN}; grey: equal"),
        )

    def _figure(self, stem: str, shows: str, picture: U8, caption: str) -> Figure:
        file = shown = f"{stem}-{shows}.png"
        write_png(self._root / file, picture)
        height, width = picture.shape[:2]
        if max(height, width) > DISPLAY:
            scale = DISPLAY / max(height, width)
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
            shown = f"{stem}-{shows}-small.png"
            small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            (self._root / shown).write_bytes(encode_png(np.asarray(small, np.uint8)))
        return Figure(shows=shows, file=file, shown=shown, width=width, height=height, caption=caption)
