"""What `clean` leaves in its folder: clean.png, candidates/, candidates.csv, candidates.png and report.json.

Everything is written into a hidden folder first and moved when it is whole, report.json last: a folder with
a report is complete. A second run replaces what the first one wrote and touches nothing else.
"""

import csv
import hashlib
import json
import shutil
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.clean import CleanResult, available_cores
from pipeline.contact_sheet import contact_sheet
from pipeline.memory import peak_rss_bytes
from pipeline.stages import Progress
from rainclean import __version__
from rainclean.candidates import Candidate
from rainclean.errors import RaincleanError
from rainclean.video import SourceInfo

U8 = NDArray[np.uint8]

PARTIAL = ".rainclean-partial"

COLUMNS = (
    "rank", "recipe", "file", "frames", "stride", "window", "eta", "percentile", "score",
    "streaks", "detail", "darkening", "disagreement", "merged", "hash",
)  # fmt: skip


def write_clean(result: CleanResult, source: SourceInfo, output: Path) -> Generator[Progress, None, dict[str, Any]]:
    """Write all files of a result into ``output``; returns the report as it stands in report.json.

    Raises RaincleanError where the folder holds files of other origin under the names needed.
    """
    began = perf_counter()
    _refuse_foreign(output)
    partial = output / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    try:
        (partial / "candidates").mkdir(parents=True)
        total = len(result.candidates)
        with ThreadPoolExecutor(available_cores()) as pool:
            writing = pool.map(lambda c: write_png(partial / _file(c), result.picture(c)), result.candidates)
            for done, _ in enumerate(writing, 1):
                yield Progress("write", done, total)
        shutil.copyfile(partial / _file(result.candidates[0]), partial / "clean.png")
        (partial / "candidates.csv").write_text(_csv(result), encoding="utf-8", newline="")
        write_png(partial / "candidates.png", contact_sheet(result))
        result.timings["write"] = perf_counter() - began
        report = _report(result, source, partial / "clean.png")
        (partial / "report.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        _move_into_place(partial, output)
    except OSError as error:
        raise RaincleanError(f"{error.filename or output}: {error.strerror}; choose another folder with -o") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return report


def write_png(path: Path, rgb: U8) -> None:
    """Write an (H, W, 3) uint8 RGB picture. Raises OSError where that fails."""
    # OpenCV's own choice of filters: within 12 % of the smallest size in a third of the time.
    done, data = cv2.imencode(".png", np.ascontiguousarray(rgb[..., ::-1]))
    if not done:
        raise OSError(0, "the picture could not be encoded", str(path))
    path.write_bytes(data.tobytes())


def _file(candidate: Candidate) -> str:
    return f"candidates/{candidate.recipe.name}.png"


def _rows(result: CleanResult) -> list[dict[str, Any]]:
    rows = []
    for rank, c in enumerate(result.candidates, 1):
        scores = c.scores
        assert scores is not None
        values = (
            rank, c.recipe.name, _file(c), c.recipe.frames, c.recipe.stride, c.recipe.window, c.eta, c.percentile,
            round(scores.total, 4), round(scores.streaks, 4), round(scores.detail, 4), round(scores.darkening, 4),
            round(scores.disagreement, 4), list(c.merged), c.recipe.hash,
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def _csv(result: CleanResult) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "merged": " ".join(row["merged"])} for row in _rows(result))
    return text.getvalue()


def _report(result: CleanResult, source: SourceInfo, picture: Path) -> dict[str, Any]:
    best = result.candidates[0]
    start, stop = next(w for w in result.selection.windows if w[1] - w[0] == best.recipe.frames)
    return {
        "rainclean": __version__,
        "input": source.path.name,
        "input_size": [source.width, source.height],
        "reference_frame": result.selection.reference_frame,
        "crop": list(result.region),
        "frames_used": best.recipe.frames,
        "frame_indices": list(result.selection.indices[start:stop]),
        "frame_times": [round(t, 6) for t in result.times[start:stop]],
        "eta": best.eta,
        "percentile": best.percentile,
        "silent_share": best.silent_share,
        "recipe": best.recipe.to_json(),
        "candidates": _rows(result),
        "camera_shift_px": {str(index): shift for index, shift in result.motion.items()},
        "warnings": result.warnings,
        "sha256": hashlib.sha256(picture.read_bytes()).hexdigest(),
        "timings": {name: round(seconds, 4) for name, seconds in result.timings.items()},
        "scratch_bytes": result.scratch_bytes,
        "peak_rss_bytes": peak_rss_bytes(),
    }


def _earlier_files(output: Path) -> set[str]:
    """Relative names of what an earlier run wrote into this folder, by its own report."""
    try:
        report = json.loads((output / "report.json").read_text(encoding="utf-8"))
        rows = report["candidates"] if "rainclean" in report else []
        return {
            "clean.png",
            "candidates.csv",
            "candidates.png",
            "report.json",
            *(row["file"] for row in rows),
        }
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _refuse_foreign(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise RaincleanError(f"{output}: is a file; name a folder with -o")
    # What a killed run left half moved is ours, too: its hidden folder is still there to tell.
    if (output / PARTIAL).exists() or _earlier_files(output):
        return
    for name in ("clean.png", "candidates.csv", "candidates.png", "report.json", "candidates"):
        if (output / name).exists():
            raise RaincleanError(f"{output / name}: not written by rainclean clean; choose another folder with -o")


def _move_into_place(partial: Path, output: Path) -> None:
    earlier = _earlier_files(output)
    new = {p.relative_to(partial).as_posix() for p in partial.rglob("*") if p.is_file()}
    (output / "report.json").unlink(missing_ok=True)
    (output / "candidates").mkdir(exist_ok=True)
    for name in sorted(new - {"report.json"}):
        (partial / name).replace(output / name)
    for name in earlier - new:
        (output / name).unlink(missing_ok=True)
    (partial / "report.json").replace(output / "report.json")
