"""Comparisons of methods, and means by rain amount, from the scores of all pictures."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from pipeline.evaluation import statistics
from pipeline.evaluation.scores import MEASURES, ScoreTable, SummaryRow, mean_row, rounded
from pipeline.evaluation.statistics import compare, holm
from pipeline.text_format import counted

RAIN_EDGES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Shares of pixels with rain that separate the rows of by_rain.csv."""

_DECIMALS = {"psnr_db": 6, "ssim": 8}
"""Decimals of differences that are no float noise; between equal methods, 1e-7 dB can come of another order of sums."""

_FEWEST_UNITS = 6
"""Units below which a two-sided signed-rank test cannot reach p = 0.05: 2 / 2^5 is above."""

_WIDE_UNITS = 10
"""Units below which a bootstrap interval is known to be too narrow."""


@dataclass(frozen=True, kw_only=True)
class ComparisonRow:
    """Paired differences of two methods by one protocol and measure (psnr_db, ssim).

    As in `statistics.Comparison`; a method is the first one, other the second. p_holm: p, corrected over all pairs of
    methods of this protocol and measure.
    """

    protocol: str
    measure: str
    method: str
    other: str
    images: int
    units: int
    difference: float | None
    low: float | None
    high: float | None
    better: int
    worse: int
    statistic: float | None
    p: float | None
    p_holm: float | None
    effect: float | None


@dataclass(frozen=True, kw_only=True)
class RainRow(SummaryRow):
    """Means over the pictures whose share of pixels with rain is from rain_low to below rain_high."""

    rain_low: float
    rain_high: float

    @property
    def rain(self) -> str:
        """Return the range for a person."""
        return rain_range(self.rain_low, self.rain_high)


def rain_range(low: float, high: float) -> str:
    """Return a range of rain shares, 0…1, for a person: ``5–10 %``."""
    return f"{100 * low:g}–{100 * high:g} %"


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """How intervals and tests were made.

    unit: "scene" or "image": what is drawn in the bootstrap and compared in tests. units: their number. rain_from:
    "manifest" or "measured".
    """

    unit: str
    units: int
    rain_from: str
    level: float = statistics.LEVEL
    resamples: int = statistics.RESAMPLES
    seed: int = statistics.SEED

    @property
    def bootstrap(self) -> str:
        """Return the kind of bootstrap interval."""
        return "BCa" if self.units <= statistics.MOST_BCA else "percentile"

    @property
    def description(self) -> str:
        """Return this for a person."""
        of = counted(self.units, self.unit)
        why = (
            "Images of a scene are alike, so whole scenes are drawn and compared."
            if self.unit == "scene"
            else "Scenes are not named, or there is only one: images are taken as independent, which makes intervals "
            "too narrow and p too small if they are not."
        )
        few = []
        if self.units < _WIDE_UNITS:
            few.append(f"Intervals of fewer than {_WIDE_UNITS} {self.unit}s are too narrow.")
        if self.units < _FEWEST_UNITS:
            few.append(f"With fewer than {_FEWEST_UNITS} {self.unit}s no test can reach p = 0.05.")
        return " ".join(
            [
                f"Intervals: {100 * self.level:g} %, {self.bootstrap} bootstrap over {of}, {self.resamples} resamples.",
                "Tests: Wilcoxon's signed-rank test, two-sided, with Holm's correction over the pairs of methods of a "
                "protocol and measure; effect: rank-biserial correlation, 1 if the first method is better everywhere. "
                "Differences that round to 0 at 1e-6 dB or at 1e-8 of SSIM are ties.",
                why,
                *few,
            ]
        )

    def to_json(self) -> dict[str, Any]:
        """Return the values for report.json."""
        return {**asdict(self), "bootstrap": self.bootstrap, "description": self.description}


def statistics_of(table: ScoreTable, rain_from: str) -> Statistics:
    """Return how the statistics of a table are made."""
    units = table.units
    return Statistics(unit="scene" if units.are_scenes else "image", units=units.count, rain_from=rain_from)


def comparisons(table: ScoreTable) -> tuple[ComparisonRow, ...]:
    """Compare all pairs of methods by each protocol and measure."""
    units, rows = table.units, []
    for protocol in dict.fromkeys(protocol for _, protocol in table.keys):
        methods = [method for method, of in table.keys if of == protocol]
        values = {method: table.values(method, protocol) for method in methods}
        for place, measure in enumerate(MEASURES):
            pairs = [
                (first, other, found)
                for first, other in combinations(methods, 2)
                if (found := compare(values[first][place], values[other][place], units, _DECIMALS[measure])) is not None
            ]
            for (first, other, found), p_holm in zip(pairs, holm([f.p for _, _, f in pairs]), strict=True):
                rows.append(
                    ComparisonRow(
                        protocol=protocol,
                        measure=measure,
                        method=first,
                        other=other,
                        images=found.images,
                        units=found.units,
                        difference=rounded(found.difference),
                        low=rounded(found.interval.low),
                        high=rounded(found.interval.high),
                        better=found.better,
                        worse=found.worse,
                        statistic=rounded(found.statistic),
                        p=_significant(found.p),
                        p_holm=_significant(p_holm),
                        effect=rounded(found.effect),
                    )
                )
    return tuple(rows)


def by_rain(table: ScoreTable) -> tuple[RainRow, ...]:
    """Return means over the pictures of each range of rain shares that has any; light rain first."""
    shares, units, rows = table.rain_shares, table.units, []
    values = {key: table.values(*key) for key in table.keys}
    for low, high in zip((0.0, *RAIN_EDGES), (*RAIN_EDGES, 1.0), strict=True):
        own = (shares >= low) & ((shares < high) | (high == 1))
        if not own.any():
            continue
        part = replace(units, of=units.of[own])
        for (method, protocol), (psnr, ssim) in values.items():
            row = mean_row(method, protocol, psnr[own], ssim[own], part)
            if row.images:
                rows.append(RainRow(rain_low=low, rain_high=high, **asdict(row)))
    return tuple(rows)


COMPARISON_COLUMNS = tuple(field.name for field in fields(ComparisonRow))
RAIN_COLUMNS = ("rain_low", "rain_high", *(field.name for field in fields(SummaryRow)))


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[ComparisonRow] | Sequence[RainRow]) -> None:
    """Write a table as CSV; a number that is not known leaves its cell empty, an infinite PSNR is inf."""
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            values = asdict(row)
            if isinstance(row, SummaryRow) and row.psnr_db is None and row.images == row.infinite:
                values["psnr_db"] = "inf"
            writer.writerow("" if values[column] is None else values[column] for column in columns)


def _significant(p: float) -> float:
    """Round p to four digits that count: small ones stay above 0."""
    return float(f"{p:.4g}")
