"""Scores of an evaluation: one line per picture on the disk; means of scenes and of everything in memory."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isinf
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO, cast

from rainclean.metrics import Score

SCORE_COLUMNS = ("image", "scene", "method", "protocol", "psnr_db", "ssim")
SCENE_COLUMNS = ("scene", "method", "protocol", "images", "infinite", "psnr_db", "ssim")

_DECIMALS = 6


@dataclass
class Mean:
    """Mean over the pictures so far, by one protocol.

    infinite: number of pictures that equal their clean image by the protocol. Their PSNR has no mean, so `psnr` is
    the mean of the others.
    """

    images: int = 0
    infinite: int = 0
    _psnr: float = 0.0
    _ssim: float = 0.0

    def add(self, score: Score) -> None:
        """Add a picture."""
        self.images += 1
        self._ssim += score.ssim
        if isinf(score.psnr):
            self.infinite += 1
        else:
            self._psnr += score.psnr

    @property
    def psnr(self) -> float:
        """Return the mean in dB; infinite where every picture is."""
        return inf if self.infinite == self.images else self._psnr / (self.images - self.infinite)

    @property
    def ssim(self) -> float:
        """Return the mean over all pictures."""
        return self._ssim / self.images


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """Means of one method over all pictures. psnr_db: None where it is infinite, for which JSON has no number."""

    method: str
    protocol: str
    images: int
    infinite: int
    psnr_db: float | None
    ssim: float


class ScoreTable:
    """Collects scores picture by picture; a context manager that keeps a CSV file open."""

    def __init__(self, path: Path) -> None:
        self._file = _opened(path)
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(SCORE_COLUMNS)
        self._all: dict[tuple[str, str], Mean] = {}
        self._scenes: dict[tuple[str, str, str], Mean] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, image: str, scene: str, method: str, scores: Sequence[Score]) -> None:
        """Add the scores of one method for one picture, by each protocol."""
        for score in scores:
            self._writer.writerow((image, scene, method, score.protocol, _number(score.psnr), _number(score.ssim)))
            self._all.setdefault((method, score.protocol), Mean()).add(score)
            self._scenes.setdefault((scene, method, score.protocol), Mean()).add(score)

    def write_scenes(self, path: Path) -> None:
        """Write one line for each scene, method and protocol; scenes in the order in which they came."""
        order = {scene: place for place, scene in enumerate(dict.fromkeys(key[0] for key in self._scenes))}
        with _opened(path) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(SCENE_COLUMNS)
            for key, mean in sorted(self._scenes.items(), key=lambda item: order[item[0][0]]):
                writer.writerow((*key, mean.images, mean.infinite, _number(mean.psnr), _number(mean.ssim)))

    def summary(self) -> tuple[SummaryRow, ...]:
        """Return the means over all pictures."""
        return tuple(
            SummaryRow(
                method=method,
                protocol=protocol,
                images=mean.images,
                infinite=mean.infinite,
                psnr_db=rounded(mean.psnr),
                ssim=round(mean.ssim, _DECIMALS),
            )
            for (method, protocol), mean in self._all.items()
        )


def infinite_notes(summary: Sequence[SummaryRow]) -> list[str]:
    """Return a line for each method with pictures of infinite PSNR: how many, by which protocol."""
    notes = []
    for method in dict.fromkeys(row.method for row in summary):
        rows = [row for row in summary if row.method == method and row.infinite]
        if rows:
            counts = ", ".join(f"{row.infinite} by {row.protocol}" for row in rows)
            words = f"images that equal their clean image have infinite PSNR ({counts}; of {rows[0].images})"
            notes.append(f"{method}: {words}; means are over the others")
    return notes


def cell(psnr: float | None, ssim: float) -> str:
    """Return ``38.12 / 0.9712``; ``inf`` for None and for infinity."""
    return f"{'inf' if psnr is None else f'{psnr:.2f}'} / {ssim:.4f}"


def rounded(value: float) -> float | None:
    """Round a score for JSON; None for infinity, for which JSON has no number."""
    return None if isinf(value) else round(value, _DECIMALS)


def _number(value: float) -> str:
    return f"{value:.{_DECIMALS}f}"


def _opened(path: Path) -> TextIO:
    # File names may hold bytes that are not text: they are written as escapes.
    return cast(TextIO, path.open("w", encoding="utf-8", errors="backslashreplace", newline=""))
