"""Scores of an evaluation: one line per picture on the disk, and all numbers in memory for means and statistics."""

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isinf, isnan, nan
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.statistics import Units, mean_interval, units_of
from rainclean.metrics import Score

F64 = NDArray[np.float64]

SCORE_COLUMNS = ("image", "scene", "method", "protocol", "psnr_db", "ssim", "rain_share")
SCENE_COLUMNS = ("scene", "method", "protocol", "images", "infinite", "psnr_db", "ssim")

MEASURES = ("psnr_db", "ssim")

_DECIMALS = 6


@dataclass(frozen=True)
class Mean:
    """Mean over pictures, by one protocol.

    infinite: number of pictures that equal their clean image by the protocol. Their PSNR has no mean, so `psnr` is
    the mean of the others, and infinite where there are none.
    """

    images: int
    infinite: int
    psnr: float
    ssim: float

    @classmethod
    def over(cls, psnr: F64, ssim: F64) -> Self:
        """Return the mean over pictures; NaN stands for one without a score."""
        scored, finite = ~np.isnan(ssim), np.isfinite(psnr)
        images, infinite = int(scored.sum()), int(np.isinf(psnr).sum())
        return cls(
            images,
            infinite,
            float(psnr[finite].mean()) if finite.any() else (inf if images else nan),
            float(ssim[scored].mean()) if images else nan,
        )


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """Means of one method over all pictures, and their intervals.

    psnr_db: None where it is infinite, for which JSON has no number. …_low, …_high: bounds of the mean, None where
    there is no interval.
    """

    method: str
    protocol: str
    images: int
    infinite: int
    psnr_db: float | None
    ssim: float | None
    psnr_low: float | None = None
    psnr_high: float | None = None
    ssim_low: float | None = None
    ssim_high: float | None = None


class ScoreTable:
    """Collects scores picture by picture; a context manager that keeps a CSV file open.

    Three numbers stay in memory for each picture, method and protocol.
    """

    def __init__(self, path: Path) -> None:
        self._file = _opened(path)
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(SCORE_COLUMNS)
        self._image = ""
        self._scenes: list[str] = []
        self._rain: list[float] = []
        self._scores: dict[tuple[str, str], array[float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def begin(self, image: str, scene: str, rain_share: float) -> None:
        """Begin a picture. rain_share: share of its pixels with rain, 0…1."""
        self._image = image
        self._scenes.append(scene)
        self._rain.append(rain_share)

    def add(self, method: str, scores: Sequence[Score]) -> None:
        """Add the scores of one method for the current picture, by each protocol that has one."""
        number, scene, rain = len(self._scenes) - 1, self._scenes[-1], f"{self._rain[-1]:.6f}"
        for score in scores:
            values = (_number(score.psnr), _number(score.ssim), rain)
            self._writer.writerow((self._image, scene, method, score.protocol, *values))
            own = self._scores.setdefault((method, score.protocol), array("d"))
            own.extend((number, score.psnr, score.ssim))

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Return methods and protocols, in the order in which they came."""
        return tuple(self._scores)

    @property
    def units(self) -> Units:
        """Return the units of intervals and tests."""
        return units_of(self._scenes)

    @property
    def rain_shares(self) -> F64:
        """Return the share of pixels with rain of each picture: (N,) float64, 0…1."""
        return np.array(self._rain, np.float64)

    def values(self, method: str, protocol: str) -> tuple[F64, F64]:
        """Return PSNR in dB and SSIM of each picture: (N,) float64; NaN where it has no score."""
        own = np.array(self._scores[method, protocol]).reshape(-1, 3)
        psnr, ssim = np.full((2, len(self._scenes)), nan)
        numbers = own[:, 0].astype(np.int64)
        psnr[numbers], ssim[numbers] = own[:, 1], own[:, 2]
        return psnr, ssim

    def write_scenes(self, path: Path) -> None:
        """Write one line for each scene, method and protocol; scenes in the order in which they came."""
        with _opened(path) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(SCENE_COLUMNS)
            writer.writerows(self._by_scene())

    def summary(self) -> tuple[SummaryRow, ...]:
        """Return the means over all pictures."""
        units = self.units
        return tuple(
            mean_row(method, protocol, *self.values(method, protocol), units) for method, protocol in self.keys
        )

    def _by_scene(self) -> Iterator[tuple[object, ...]]:
        places: dict[str, list[int]] = {}
        for place, scene in enumerate(self._scenes):
            places.setdefault(scene, []).append(place)
        values = {key: self.values(*key) for key in self.keys}
        for scene, own in places.items():
            for (method, protocol), (psnr, ssim) in values.items():
                mean = Mean.over(psnr[own], ssim[own])
                if mean.images:
                    numbers = (mean.images, mean.infinite, _number(mean.psnr), _number(mean.ssim))
                    yield (scene, method, protocol, *numbers)


def mean_row(method: str, protocol: str, psnr: F64, ssim: F64, units: Units) -> SummaryRow:
    """Return mean and intervals over pictures.

    Args:
        method: its name.
        protocol: its name.
        psnr: (N,) float64, dB; infinite and missing ones are left out of the mean.
        ssim: (N,) float64.
        units: of the pictures.
    """
    mean = Mean.over(psnr, ssim)
    of_psnr, of_ssim = mean_interval(psnr, units), mean_interval(ssim, units)
    return SummaryRow(
        method=method,
        protocol=protocol,
        images=mean.images,
        infinite=mean.infinite,
        psnr_db=rounded(mean.psnr),
        ssim=rounded(mean.ssim),
        psnr_low=rounded(of_psnr.low),
        psnr_high=rounded(of_psnr.high),
        ssim_low=rounded(of_ssim.low),
        ssim_high=rounded(of_ssim.high),
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


def cell(psnr: float | None, ssim: float | None) -> str:
    """Return ``38.12 / 0.9712``; ``inf`` for a PSNR of None or infinity, and ``–`` without any score."""
    if ssim is None:
        return "–"
    return f"{'inf' if psnr is None else f'{psnr:.2f}'} / {ssim:.4f}"


def rounded(value: float) -> float | None:
    """Round a score for JSON; None for infinity and NaN, for which JSON has no number."""
    return None if isinf(value) or isnan(value) else round(value, _DECIMALS)


def _number(value: float) -> str:
    return f"{value:.{_DECIMALS}f}"


def _opened(path: Path) -> TextIO:
    # File names may hold bytes that are not text: they are written as escapes.
    return cast(TextIO, path.open("w", encoding="utf-8", errors="backslashreplace", newline=""))
