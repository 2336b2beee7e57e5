"""Read the folder of an evaluation for the window: report.json and the pictures of the gallery."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NotRequired, TypedDict

from pipeline.evaluation import cell, comparison_texts, rain_range, with_interval
from rainclean.errors import InputError
from rainclean.json_text import parse_json

REPORT = "report.json"
_AGAIN = "evaluate again"


class _Dataset(TypedDict):
    name: str
    split: str
    pairs: int


class _Named(TypedDict):
    name: str


class _Protocol(TypedDict):
    words: str


class _Scores(TypedDict):
    psnr_db: float | None
    ssim: float


class _Mean(_Scores):
    method: str
    protocol: str
    psnr_low: NotRequired[float | None]
    psnr_high: NotRequired[float | None]
    ssim_low: NotRequired[float | None]
    ssim_high: NotRequired[float | None]


class _RainMean(_Mean):
    rain_low: float
    rain_high: float


class _Statistics(TypedDict):
    description: str


class _Worst(TypedDict):
    method: str
    protocol: str


class _Shown(TypedDict):
    method: str
    shows: str
    file: str
    shown: str


class _Case(TypedDict):
    image: str
    scene: str
    scores: dict[str, dict[str, _Scores]]
    pictures: list[_Shown]


class _Report(TypedDict):
    """The parts of report.json that the window reads."""

    dataset: _Dataset
    methods: list[_Named]
    protocols: dict[str, _Protocol]
    summary: list[_Mean]
    worst: _Worst
    cases: list[_Case]
    notes: list[str]
    statistics: NotRequired[_Statistics]
    comparisons: NotRequired[list[dict[str, Any]]]
    by_rain: NotRequired[list[_RainMean]]


class Ranking(NamedTuple):
    """The method and the protocol whose PSNR ranks the cases."""

    method: str
    protocol: str


@dataclass(frozen=True)
class Picture:
    """One picture of a case: its file, and a smaller one for where that is enough."""

    file: Path
    small: Path


@dataclass(frozen=True, kw_only=True)
class Case:
    """A pair of the gallery.

    Attributes:
        image: name of the pair's rainy image.
        scene: of the pair, "" if unknown.
        scores: by method, one for each protocol: PSNR in dB and SSIM, ``38.12 / 0.9712``.
        psnr: dB, of the method and protocol that rank the cases; None for infinite.
        pictures: by method and by what they show ("picture", "clean", "attention", "error").
    """

    image: str
    scene: str
    scores: Mapping[str, tuple[str, ...]]
    psnr: float | None
    pictures: Mapping[tuple[str, str], Picture]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The scores of an evaluation and its gallery.

    Attributes:
        folder: of the evaluation.
        title: data set, split and number of pairs.
        methods: the rainy pictures first, then weights and others.
        protocols: names.
        protocol_labels: what a protocol measures, by its name.
        summary: mean scores by method, as in a case's scores.
        detailed: the same with intervals, PSNR and SSIM in a line each; without them as in summary.
        comparisons: rows of texts by the protocol that ranks the cases: the two methods; of PSNR, then of SSIM, the
            difference with its interval, p, effect size. Empty for evaluations of older versions.
        ranges: of rain amounts, light rain first.
        by_rain: rows of texts by that protocol: the method, its mean scores in each range.
        statistics: how intervals and tests were made.
        cases: worst first.
        ranked_by: what ranks the cases.
        notes: for a person.
    """

    folder: Path
    title: str
    methods: tuple[str, ...]
    protocols: tuple[str, ...]
    protocol_labels: Mapping[str, str]
    summary: Mapping[str, tuple[str, ...]]
    detailed: Mapping[str, tuple[str, ...]]
    comparisons: tuple[tuple[str, ...], ...]
    ranges: tuple[str, ...]
    by_rain: tuple[tuple[str, ...], ...]
    statistics: str
    cases: tuple[Case, ...]
    ranked_by: Ranking
    notes: tuple[str, ...]


def read_evaluation(folder: Path) -> Evaluation:
    """Read the folder of an evaluation.

    Raises:
        InputError: if it is not an evaluation, or damaged.
    """
    path = folder / REPORT
    try:
        report = parse_json(path.read_text(encoding="utf-8"))
        if "cases" not in report and "summary" in report:
            raise InputError(folder, "was written by an older version, without a gallery", _AGAIN)
        return _evaluation(folder, report)
    except OSError as error:
        problem = f"is not an evaluation ({REPORT}: {error.strerror})"
        raise InputError(folder, problem, "choose the output folder of an evaluation") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        raise InputError(path, f"is damaged ({' '.join(str(error).split())})", _AGAIN) from error


def _evaluation(folder: Path, report: _Report) -> Evaluation:
    data, protocols = report["dataset"], tuple(report["protocols"])
    means = {(row["method"], row["protocol"]): cell(row["psnr_db"], row["ssim"]) for row in report["summary"]}
    detailed = {(row["method"], row["protocol"]): _detailed(row) for row in report["summary"]}
    methods = tuple(method["name"] for method in report["methods"])
    ranked_by = Ranking(str(report["worst"]["method"]), str(report["worst"]["protocol"]))
    ranges: dict[str, dict[str, str]] = {}
    for row in report.get("by_rain", []):
        if row["protocol"] == ranked_by.protocol:
            name = rain_range(row["rain_low"], row["rain_high"])
            ranges.setdefault(name, {})[row["method"]] = cell(row["psnr_db"], row["ssim"])
    return Evaluation(
        folder=folder,
        title=f"{data['name']}, {data['split']}: {data['pairs']} pairs",
        methods=methods,
        protocols=protocols,
        protocol_labels={name: str(protocol["words"]) for name, protocol in report["protocols"].items()},
        summary={method: tuple(means.get((method, p), "–") for p in protocols) for method in methods},
        detailed={method: tuple(detailed.get((method, p), "–") for p in protocols) for method in methods},
        comparisons=_comparisons(report.get("comparisons", []), ranked_by.protocol),
        ranges=tuple(ranges),
        by_rain=tuple((m, *(ranges[r].get(m, "–") for r in ranges)) for m in methods) if ranges else (),
        statistics=str(report["statistics"]["description"]) if "statistics" in report else "",
        cases=tuple(_case(folder, case, protocols, ranked_by) for case in report["cases"]),
        ranked_by=ranked_by,
        notes=tuple(map(str, report["notes"])),
    )


def _case(folder: Path, case: _Case, protocols: tuple[str, ...], ranked_by: Ranking) -> Case:
    scores = {
        method: tuple(cell(by[name]["psnr_db"], by[name]["ssim"]) if name in by else "–" for name in protocols)
        for method, by in case["scores"].items()
    }
    pictures = {
        (each["method"], each["shows"]): Picture(_below(folder, each["file"]), _below(folder, each["shown"]))
        for each in case["pictures"]
    }
    psnr = case["scores"][ranked_by.method][ranked_by.protocol]["psnr_db"]
    return Case(
        image=str(case["image"]),
        scene=str(case["scene"]),
        scores=scores,
        psnr=None if psnr is None else float(psnr),
        pictures=pictures,
    )


def _detailed(row: _Mean) -> str:
    """Return means with intervals, ``38.12 [37.90, 38.41]`` and SSIM below it; without intervals as `cell` does."""
    psnr, ssim = ((row.get(f"{name}_low"), row.get(f"{name}_high")) for name in ("psnr", "ssim"))
    if None in (*psnr, *ssim):
        return cell(row["psnr_db"], row["ssim"])
    return f"{with_interval(row['psnr_db'], *psnr, 2)}\n{with_interval(row['ssim'], *ssim, 4)}"  # type: ignore[arg-type]


def _comparisons(rows: list[dict[str, Any]], protocol: str) -> tuple[tuple[str, ...], ...]:
    """Return a row for each two methods: PSNR first, then SSIM."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in rows:
        if row["protocol"] == protocol:
            texts = comparison_texts(row)
            found.setdefault(f"{row['method']} − {row['other']}", {})[row["measure"]] = texts
    none = ("–",) * 3
    return tuple((name, *by.get("psnr_db", none), *by.get("ssim", none)) for name, by in found.items())


def _below(folder: Path, name: str) -> Path:
    """Return a file below the folder; a report from elsewhere must not lead out of it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{name} leads out of the folder")
    return path
