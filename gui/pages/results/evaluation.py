"""An evaluation's folder as a window needs it: report.json and the pictures of the gallery. No window here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.evaluation import cell
from rainclean.errors import InputError
from rainclean.json_text import parse_json

REPORT = "report.json"
_AGAIN = "evaluate again"


@dataclass(frozen=True)
class Picture:
    """One picture of a case: its file, and the one to show where a smaller one will do."""

    file: Path
    small: Path


@dataclass(frozen=True)
class Case:
    """A pair of the gallery. scores: by method, then protocol, ``38.12 / 0.9712``; pictures: by method and what they
    show ("picture", "clean", "attention", "error")."""

    image: str
    scene: str
    scores: Mapping[str, tuple[str, ...]]
    psnr: float | None
    pictures: Mapping[tuple[str, str], Picture]


@dataclass(frozen=True)
class Evaluation:
    """What was measured. methods: the rainy pictures first, then weights. summary: a row a method, as in a case's
    scores. cases: worst first, ranked by ``ranked_by``, a method and a protocol."""

    folder: Path
    title: str
    methods: tuple[str, ...]
    protocols: tuple[str, ...]
    words: Mapping[str, str]
    summary: Mapping[str, tuple[str, ...]]
    cases: tuple[Case, ...]
    ranked_by: tuple[str, str]
    notes: tuple[str, ...]


def read_evaluation(folder: Path) -> Evaluation:
    """Read what ``rainclean evaluate`` wrote. Raises InputError where that is not there or damaged."""
    path = folder / REPORT
    try:
        report = parse_json(path.read_text(encoding="utf-8"))
        if "cases" not in report and "summary" in report:
            raise InputError(folder, "was written by an earlier rainclean, without what this needs", _AGAIN)
        return _evaluation(folder, report)
    except OSError as error:
        what = f"is no evaluation ({REPORT}: {error.strerror})"
        raise InputError(folder, what, "name the folder that rainclean evaluate wrote to") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        raise InputError(path, f"is damaged ({' '.join(str(error).split())})", _AGAIN) from error


def _evaluation(folder: Path, report: dict[str, Any]) -> Evaluation:
    data, protocols = report["dataset"], tuple(report["protocols"])
    means = {(row["method"], row["protocol"]): cell(row["psnr_db"], row["ssim"]) for row in report["summary"]}
    methods = tuple(method["name"] for method in report["methods"])
    worst = str(report["worst"]["method"]), str(report["worst"]["protocol"])
    return Evaluation(
        folder,
        f"{data['name']}, {data['split']}: {data['pairs']} pairs",
        methods,
        protocols,
        {name: str(protocol["words"]) for name, protocol in report["protocols"].items()},
        {method: tuple(means[method, protocol] for protocol in protocols) for method in methods},
        tuple(_case(folder, case, protocols, worst) for case in report["cases"]),
        worst,
        tuple(map(str, report["notes"])),
    )


def _case(folder: Path, case: dict[str, Any], protocols: tuple[str, ...], worst: tuple[str, str]) -> Case:
    scores = {
        method: tuple(cell(by[name]["psnr_db"], by[name]["ssim"]) for name in protocols)
        for method, by in case["scores"].items()
    }
    pictures = {
        (each["method"], each["shows"]): Picture(_below(folder, each["file"]), _below(folder, each["shown"]))
        for each in case["pictures"]
    }
    psnr = case["scores"][worst[0]][worst[1]]["psnr_db"]
    return Case(str(case["image"]), str(case["scene"]), scores, None if psnr is None else float(psnr), pictures)


def _below(folder: Path, name: str) -> Path:
    """A file below the folder; a report from elsewhere must not lead out of it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{name} leads out of the folder")
    return path
