"""Scores of an evaluation as tables, for scripts and notebooks."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rainclean.errors import InputError
from rainclean.json_text import parse_json

if TYPE_CHECKING:
    from pandas import DataFrame

_ADVICE = "name the folder that rainclean evaluate has written"


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """What ``rainclean evaluate`` has written.

    Attributes:
        scores: a row for each picture, method and protocol. Columns image, scene, method, protocol, psnr_db
            (infinite for equal pictures), ssim, rain_share (0…1).
        scenes: means over each scene. Columns scene, method, protocol, images, infinite (pictures left out of the
            mean PSNR), psnr_db, ssim.
        summary: means over all pictures. Columns as scenes, without scene; bounds of the means in psnr_low, psnr_high,
            ssim_low, ssim_high, NaN where there are none.
        comparisons: a row for each pair of methods, protocol and measure: difference with its bounds low and high, p
            and p_holm of Wilcoxon's test, effect. Empty for evaluations of older versions.
        by_rain: as summary, for ranges of the share of pixels with rain, rain_low and rain_high.
        report: what report.json says: versions, data set, methods, protocols, notes.
    """

    scores: "DataFrame"
    scenes: "DataFrame"
    summary: "DataFrame"
    comparisons: "DataFrame"
    by_rain: "DataFrame"
    report: dict[str, Any]


def read_scores(folder: Path | str) -> Evaluation:
    """Read what ``rainclean evaluate`` has written.

    Args:
        folder: that it was written to.

    Returns:
        Scores of each picture, and means, as tables.

    Raises:
        InputError: the folder holds no evaluation, or a file of it is damaged.
    """
    from pandas import DataFrame

    from pipeline.evaluation import COMPARISON_COLUMNS, RAIN_COLUMNS, SCENE_COLUMNS, SCORE_COLUMNS

    folder = Path(folder)
    path = folder / "report.json"
    try:
        report = parse_json(path.read_bytes())
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be read", _ADVICE) from error
    except ValueError as error:
        raise InputError(path, "is damaged", "evaluate again") from error
    if not isinstance(report, dict) or not isinstance(report.get("summary"), list):
        raise InputError(path, "is not the report of an evaluation", _ADVICE)
    scores, scenes = _read(folder / "scores.csv", SCORE_COLUMNS), _read(folder / "scenes.csv", SCENE_COLUMNS)
    summary = _means(DataFrame(report["summary"], columns=list(RAIN_COLUMNS[2:])))
    comparisons = DataFrame(report.get("comparisons", []), columns=list(COMPARISON_COLUMNS))
    by_rain = _means(DataFrame(report.get("by_rain", []), columns=list(RAIN_COLUMNS)))
    return Evaluation(
        scores=scores, scenes=scenes, summary=summary, comparisons=comparisons, by_rain=by_rain, report=report
    )


def _means(table: "DataFrame") -> "DataFrame":
    numbers = [name for name in table.columns if name not in ("method", "protocol", "images", "infinite")]
    table = table.astype(dict.fromkeys(numbers, float))
    # JSON has no number for infinity.
    table.loc[table["psnr_db"].isna() & table["ssim"].notna(), "psnr_db"] = float("inf")
    return table


def _read(path: Path, columns: tuple[str, ...]) -> "DataFrame":
    from pandas import read_csv

    text = {name: str for name in ("image", "scene", "method", "protocol") if name in columns}
    try:
        table = read_csv(path, dtype=text, keep_default_na=False)
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be read", _ADVICE) from error
    except ValueError as error:  # UnicodeDecodeError, ParserError and EmptyDataError are
        raise InputError(path, "is damaged", "evaluate again") from error
    if tuple(table.columns) not in (columns, tuple(name for name in columns if name != "rain_share")):
        raise InputError(path, f"has columns {', '.join(table.columns)}, not {', '.join(columns)}", "evaluate again")
    try:
        return table.astype({"psnr_db": float, "ssim": float})
    except ValueError as error:
        raise InputError(path, "is damaged", "evaluate again") from error
