"""What `clean` leaves in its folder: clean.png, candidates/, candidates.csv, candidates.png and report.json."""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.result import CleanResult
from pipeline.clean.sheet import contact_sheet
from pipeline.memory import peak_rss_bytes
from pipeline.output_folder import OutputFolder
from pipeline.ownership import sha256
from pipeline.stages import Progress
from rainclean import __version__, confidence
from rainclean.candidates import Candidate
from rainclean.errors import RaincleanError
from rainclean.png import encode_png
from rainclean.stabilization import Stabilization
from rainclean.video import SourceInfo

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]

NAMES = (
    "clean.png", "candidates.csv", "candidates.png", "report.json", "candidates", "confidence.png", "exclude.png",
    "verdict.png",
)  # fmt: skip

_FORMS = (
    r"(clean|candidates|confidence|exclude|verdict)\.png|candidates\.csv|report\.json|"
    r"candidates/(n|first)\d+(s\d+)?-[\w-]+\.png"
)

WRITERS = 2
"""Pictures coded at a time: each takes three times its size meanwhile."""


@dataclass(frozen=True, kw_only=True)
class CandidateRow:
    """A candidate as a row of candidates.csv, and in report.json.

    Attributes:
        rank: 1 for the best-scored one.
        recipe: Name of the recipe.
        file: Its picture, below the folder.
        score: Sum of its defects in grey levels, rounded.
        defects: Each defect by name in grey levels, rounded.
        merged: Names of recipes that gave nearly the same picture.
        hash: Of the recipe.
    """

    rank: int
    recipe: str
    file: str
    frames: int
    stride: int
    window: str
    eta: int
    percentile: float
    score: float
    defects: dict[str, float]
    merged: list[str]
    hash: str

    def to_json(self) -> dict[str, Any]:
        """Return it as in report.json: defects are columns of their own."""
        return {
            "rank": self.rank,
            "recipe": self.recipe,
            "file": self.file,
            "frames": self.frames,
            "stride": self.stride,
            "window": self.window,
            "eta": self.eta,
            "percentile": self.percentile,
            "score": self.score,
            **self.defects,
            "merged": self.merged,
            "hash": self.hash,
        }


class CleanReport(TypedDict):
    """The content of report.json."""

    rainclean: str
    files: list[str]
    input: str
    input_size: list[int]
    colours: str
    reference_frame: int
    crop: list[int]
    frames_used: int
    frame_indices: list[int]
    frame_times: list[float]
    eta: int
    percentile: float
    silent_share: float
    requested: str
    recipe: dict[str, Any]
    candidates: list[dict[str, Any]]
    camera_shift_px: dict[str, float | None]
    stabilization: dict[str, Any] | None
    moving: list[str] | None
    verdict: dict[str, Any]
    confidence_form: str | None
    warnings: list[str]
    sha256: str
    timings: dict[str, float]
    scratch_bytes: int
    peak_rss_bytes: int | None
    sums: dict[str, str]


class Written(NamedTuple):
    """What `write_clean` wrote: the content of report.json, and its candidates."""

    report: CleanReport
    rows: list[CandidateRow]


def clean_folder(output: Path, source: Path) -> OutputFolder:
    """The folder to write into, checked before the work. Raises RaincleanError where it cannot be used."""
    if source.is_dir() and output.exists() and output.samefile(source):
        raise RaincleanError(f"{output}: is the input folder; choose another one with -o")
    picture = output / "clean.png"
    keys = ("input", "recipe", "candidates", "crop", "sha256")
    return OutputFolder(
        output,
        "report.json",
        NAMES,
        forms=_FORMS,
        keys=keys,
        is_ours=lambda report: sha256(picture) == report["sha256"],
    )


def write_clean(
    result: CleanResult, source: SourceInfo, folder: OutputFolder, bits: int = 8
) -> Generator[Progress, None, Written]:
    """Write all files of a result.

    bits: of clean.png. A rain-free mean has 16 of its own; a percentile is one of 8 bits, spread over 16.
    """
    began = perf_counter()
    with folder.filling() as partial:
        (partial / "candidates").mkdir()
        total = len(result.candidates)
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="rainclean-write") as pool:
            writing = pool.map(lambda c: write_png(partial / _file(c), result.picture(c)), result.candidates)
            for done, _ in enumerate(writing, 1):
                yield Progress("write", done, total)
        if bits == 16:
            write_png(partial / "clean.png", _sixteen_bits(result))
        else:
            shutil.copyfile(partial / _file(result.candidates[0]), partial / "clean.png")
        extra = _write_masks(result, partial)
        rows = _rows(result)
        (partial / "candidates.csv").write_text(_csv(rows), encoding="utf-8", newline="")
        write_png(partial / "candidates.png", contact_sheet(result))
        result.timings["write"] = perf_counter() - began
        report = _report(result, rows, source, partial / "clean.png", extra, folder=folder)
        (partial / "report.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return Written(report, rows)


def write_png(path: Path, picture: U8 | U16) -> None:
    """Write an (H, W, 3) RGB or (H, W) grey picture, uint8 or uint16. Raises OSError where that fails."""
    path.write_bytes(encode_png(picture))


def _sixteen_bits(result: CleanResult) -> U16:
    best = result.candidates[0]
    if best.recipe == result.posterior_of and result.posterior is not None:
        return result.posterior.fine
    return result.picture(best).astype(np.uint16) * np.uint16(257)


def _write_masks(result: CleanResult, folder: Path) -> list[str]:
    """Confidence in clean.png, where it must not be trusted, what its verdict rests on; returns what was written."""
    written = []
    if result.posterior is not None:
        error = result.posterior.error(result.picture(result.candidates[0]))
        write_png(folder / "confidence.png", confidence.to_picture(error))
        written.append("confidence.png")
    if result.moving is not None and result.moving.doubtful.any():
        write_png(folder / "exclude.png", np.where(result.moving.doubtful, 255, 0).astype(np.uint8))
        written.append("exclude.png")
    if result.verdict.places is not None:
        write_png(folder / "verdict.png", np.where(result.verdict.places, 255, 0).astype(np.uint8))
        written.append("verdict.png")
    return written


def _file(candidate: Candidate) -> str:
    return f"candidates/{candidate.recipe.name}.png"


def _rows(result: CleanResult) -> list[CandidateRow]:
    rows = []
    for rank, c in enumerate(result.candidates, 1):
        scores = c.scores
        assert scores is not None
        row = CandidateRow(
            rank=rank,
            recipe=c.recipe.name,
            file=_file(c),
            frames=c.recipe.frames,
            stride=c.recipe.stride,
            window=c.recipe.window,
            eta=c.eta,
            percentile=c.percentile,
            score=round(scores.total, 4),
            defects={name: round(score, 4) for name, score in scores.by_name.items()},
            merged=list(c.merged),
            hash=c.recipe.hash,
        )
        rows.append(row)
    return rows


def _csv(rows: Sequence[CandidateRow]) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0].to_json()), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row.to_json(), "merged": " ".join(row.merged)} for row in rows)
    return text.getvalue()


def _report(
    result: CleanResult,
    rows: Sequence[CandidateRow],
    source: SourceInfo,
    picture: Path,
    extra: list[str],
    *,
    folder: OutputFolder,
) -> CleanReport:
    best = result.candidates[0]
    frames = result.frames_of(best.recipe)
    return {
        "rainclean": __version__,
        "files": [*NAMES[:4], *extra, *(row.file for row in rows)],
        # A name that is no text (bytes of another encoding) must not keep the report from being written.
        "input": os.fsencode(source.path.name).decode("utf-8", "replace"),
        "input_size": [source.width, source.height],
        "colours": source.colours,
        "reference_frame": result.selection.reference_frame,
        "crop": list(result.region),
        "frames_used": len(frames),
        "frame_indices": list(frames),
        "frame_times": [round(t, 6) for t in frames.values()],
        "eta": best.eta,
        "percentile": best.percentile,
        "silent_share": best.silent_share,
        "requested": result.requested,
        "recipe": best.recipe.to_json(),
        "candidates": [row.to_json() for row in rows],
        "camera_shift_px": {str(index): shift for index, shift in result.motion.items()},
        "stabilization": None if result.stabilization is None else _stabilization(result.stabilization),
        "moving": None if result.moving is None else result.moving.labels,
        "verdict": result.verdict.to_json(),
        confidence.KEY: confidence.ERROR if "confidence.png" in extra else None,
        "warnings": result.warnings,
        "sha256": hashlib.sha256(picture.read_bytes()).hexdigest(),
        "timings": {name: round(seconds, 4) for name, seconds in result.timings.items()},
        "scratch_bytes": result.scratch_bytes,
        "peak_rss_bytes": peak_rss_bytes(),
        "sums": folder.sums(),
    }


def _stabilization(stabilization: Stabilization) -> dict[str, Any]:
    """How frames were stabilized, without the meshes, which are long."""
    document = stabilization.to_json()
    for pose in document["poses"].values():
        pose["mesh"] = pose["mesh"] is not None
    return document
