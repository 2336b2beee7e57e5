"""Scores of an evaluation: a line a picture on the disk, means of scenes and of everything in memory."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isinf
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rainclean.metrics import Score

SCORE_COLUMNS = ("image", "scene", "method", "protocol", "psnr_db", "ssim")
SCENE_COLUMNS = ("scene", "method", "protocol", "images", "infinite", "psnr_db", "ssim")

_DECIMALS = 6


@dataclass
class Mean:
    """Mean over the pictures so far, by one protocol.

    infinite: pictures that equal their clean image, as far as the protocol sees; their PSNR has no mean, so that
    `psnr` is that of the others.
    """

    images: int = 0
    infinite: int = 0
    _psnr: float = 0.0
    _ssim: float = 0.0

    def add(self, score: Score) -> None:
        """Count a picture in."""
        self.images += 1
        self._ssim += score.ssim
        if isinf(score.psnr):
            self.infinite += 1
        else:
            self._psnr += score.psnr

    @property
    def psnr(self) -> float:
        """In dB, infinite where it is so for every picture."""
        return inf if self.infinite == self.images else self._psnr / (self.images - self.infinite)

    @property
    def ssim(self) -> float:
        """Over all pictures."""
        return self._ssim / self.images


class ScoreTable:
    """Takes the scores of one picture after the other; a context manager that keeps a CSV file open."""

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
        """What one method made of one picture, by each protocol."""
        for score in scores:
            self._writer.writerow((image, scene, method, score.protocol, _number(score.psnr), _number(score.ssim)))
            self._all.setdefault((method, score.protocol), Mean()).add(score)
            self._scenes.setdefault((scene, method, score.protocol), Mean()).add(score)

    def write_scenes(self, path: Path) -> None:
        """One line a scene, method and protocol, scenes in the order in which they came."""
        order = {scene: place for place, scene in enumerate(dict.fromkeys(key[0] for key in self._scenes))}
        with _opened(path) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(SCENE_COLUMNS)
            for key, mean in sorted(self._scenes.items(), key=lambda item: order[item[0][0]]):
                writer.writerow((*key, mean.images, mean.infinite, _number(mean.psnr), _number(mean.ssim)))

    def summary(self) -> list[dict[str, Any]]:
        """Means over all pictures; psnr_db is None where it is infinite, for which JSON has no number."""
        return [
            {
                "method": method,
                "protocol": protocol,
                "images": mean.images,
                "infinite": mean.infinite,
                "psnr_db": rounded(mean.psnr),
                "ssim": rounded(mean.ssim),
            }
            for (method, protocol), mean in self._all.items()
        ]


def infinite_notes(summary: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each method with pictures of infinite PSNR: how many, by which protocol."""
    notes = []
    for method in dict.fromkeys(row["method"] for row in summary):
        counts = [row for row in summary if row["method"] == method and row["infinite"]]
        if counts:
            named = ", ".join(f"{row['infinite']} by {row['protocol']}" for row in counts)
            told = f"pictures that equal their clean image have infinite PSNR ({named}; of {counts[0]['images']})"
            notes.append(f"{method}: {told}; means are over the others")
    return notes


def cell(psnr: float | None, ssim: float) -> str:
    """``38.12 / 0.9712``; None as well as infinity: ``inf``."""
    return f"{'inf' if psnr is None else f'{psnr:.2f}'} / {ssim:.4f}"


def rounded(value: float) -> float | None:
    """A score for JSON, which has no number for infinity."""
    return None if isinf(value) else round(value, _DECIMALS)


def _number(value: float) -> str:
    return f"{value:.{_DECIMALS}f}"


def _opened(path: Path) -> Any:
    # A file's name may be bytes that are no text: they are written as escapes instead of not at all.
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
