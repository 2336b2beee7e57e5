"""Clean images against the known truth of simulated clips: the ladder of cases, `clean` as anybody runs it.

Clips are encoded and read again, so that the whole road is measured; `clean` never sees what the simulator knows.
"""

import re
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.bench.truth.case_table import Rung, cut, make_clip, overlap
from pipeline.bench.truth.limit import limit
from pipeline.bench.truth.scores import Figures, Reliability, Seconds, compare, psnr
from pipeline.bench.truth.verdict_table import Truth, truth_of
from pipeline.clean import CleanResult, CleanSettings, clean, write_png
from pipeline.output_folder import OutputFolder
from pipeline.stages import Progress, part_of
from rainclean import __version__
from rainclean.errors import RaincleanError, UsageError
from rainclean.simulate import to_text
from rainclean.video import Region, open_source

U8 = NDArray[np.uint8]
Pictures = dict[str, U8]

METHODS = ("rainy", "released", "median", "suggestion", "best", "limit")
"""What is measured on each clip; the median not on films, and the limit only where it is known."""

PICTURES = ("rainy", "released", "suggestion", "truth", "error-released", "error-suggestion")
"""What --save writes of each clip."""

_FORMS = rf"pictures\.json|[A-Za-z0-9-]+_[A-Za-z0-9-]+_\d+/({'|'.join(PICTURES)})\.png"

ERROR_GAIN = 8

MANIFEST = "pictures.json"


@dataclass(frozen=True)
class Measured:
    """Everything known of one clip.

    case, preset, background, seed: which clip. frames, size: of it. reference: frame whose truth counts; region:
    (x, y, width, height) of that frame that the suggestion shows. kept: its share of the frame; kept_of_shared: of
    what all used frames show. figures: by method. recipes: of suggestion and best candidate. candidates: PSNR of
    each, in the order of the suggestion. reliability: of the suggestion's expected error, None where there is none.
    warnings: what `clean` said. excluded: share of the region that it says not to train on. filmed: whether the case is
    a film. true: what the suggestion is worth; said, reasons: the verdict of `clean`.

    Figures of films are of what is kept and has a truth that pictures can be held against, those of the ladder of all
    of the region.
    """

    case: str
    preset: str
    background: str
    seed: int
    frames: int
    size: tuple[int, int]
    reference: int
    region: Region
    kept: float
    kept_of_shared: float
    figures: dict[str, Figures]
    recipes: dict[str, str]
    candidates: dict[str, float]
    reliability: Reliability | None = None
    warnings: list[str] = field(default_factory=list)
    excluded: float = 0.0
    filmed: bool = False
    true: Truth | None = None
    said: str | None = None
    reasons: list[str] = field(default_factory=list)

    @property
    def regret(self) -> float:
        """What a person who takes the suggestion loses against the best candidate, dB."""
        return self.figures["best"].psnr - self.figures["suggestion"].psnr

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        known = self.reliability
        return {
            **asdict(self),
            "region": list(self.region),
            "reliability": known.to_json() if known else None,
            "regret": self.regret,
        }


def bench_truth(
    rungs: Sequence[Rung], frames: int, size: tuple[int, int], save: OutputFolder | None = None
) -> Generator[Progress, None, list[Measured]]:
    """Measure each clip; ``save``, from `pictures_folder`, takes pictures to look at. Raises RaincleanError."""
    results: list[Measured] = []
    with ExitStack() as stack:
        partial = stack.enter_context(save.filling()) if save else None
        for number, rung in enumerate(rungs):
            with _told_of(rung), tempfile.TemporaryDirectory(prefix="rainclean-bench-") as folder:
                stage = _measure(rung, frames, size, Path(folder) / "clip")
                measured, pictures = yield from part_of(stage, rung.name, number, len(rungs))
            results.append(measured)
            if partial:
                (partial / folder_name(rung)).mkdir()
                for name, picture in pictures.items():
                    write_png(partial / folder_name(rung) / f"{name}.png", picture)
        if partial:
            files = sorted([*(p.relative_to(partial).as_posix() for p in partial.rglob("*.png")), MANIFEST])
            document = {
                "rainclean": __version__,
                "files": files,
                "sums": save.sums() if save else {},
                "clips": [m.to_json() for m in results],
            }
            (partial / MANIFEST).write_text(to_text(document), encoding="utf-8")
    return results


def pictures_folder(path: Path, rungs: Sequence[Rung]) -> OutputFolder:
    """The folder for `bench_truth` to save into, checked before the work. Raises RaincleanError."""
    names = (MANIFEST, *map(folder_name, rungs))
    return OutputFolder(path, MANIFEST, names, _FORMS, ("files", "clips"))


def folder_name(rung: Rung) -> str:
    """Where --save puts the pictures of a clip: ``codec-23_table_0``."""
    words = (rung.case.name, rung.background.name, str(rung.seed))
    return "_".join(re.sub(r"[^A-Za-z0-9]+", "-", word) for word in words)


@contextmanager
def _told_of(rung: Rung) -> Iterator[None]:
    """Errors say which clip they are about; the clip's own path is a temporary one."""
    try:
        yield
    except UsageError:
        raise
    except RaincleanError as error:
        raise RaincleanError(f"{rung.name}: {error}") from error


def _measure(
    rung: Rung, frames: int, size: tuple[int, int], folder: Path
) -> Generator[Progress, None, tuple[Measured, Pictures]]:
    clip = yield from make_clip(rung, frames, size, folder)
    result, seconds = yield from _clean(clip.path, None)
    with result:
        reference, region = result.selection.reference_frame, result.region
        known, aside = clip.truth(reference, region), clip.aside(reference, region)
        kept = np.ones(aside.shape, bool) if result.moving is None else ~result.moving.doubtful
        counts = kept & ~aside if rung.case.filmed else np.ones(aside.shape, bool)
        worth = {c.recipe.name: psnr(result.picture(c)[counts], known[counts]) for c in result.candidates}
        first, best = result.candidates[0], max(result.candidates, key=lambda c: worth[c.recipe.name])
        pictures = {"truth": known, "suggestion": result.picture(first).copy()}
        pictures["rainy"] = clip.rainy(reference, region)
        figures = {
            "rainy": compare(pictures["rainy"], known, kept=counts),
            "suggestion": compare(pictures["suggestion"], known, seconds, counts),
            "best": compare(result.picture(best), known, seconds, counts),
        }
        said, reasons = result.verdict.state, [reason.words for reason in result.verdict.reasons]
        posterior = result.posterior
        shown = pictures["suggestion"]
        # Calibrated on the ladder; films have places where no truth is the same in two frames.
        expected = (
            None if posterior is None or rung.case.filmed else Reliability.of(posterior.error(shown), shown, known)
        )
    shared = clip.shared(result.selection.indices, reference)
    for name in ("released",) if rung.case.filmed else ("released", "median"):
        # Where things are at several depths, no other frame shows the same picture.
        other, seconds = yield from _clean(clip.path, name, reference if rung.case.filmed else None)
        with other:
            frame = other.selection.reference_frame
            wanted = overlap(clip.seen_from(region, reference, frame), other.region)
            pictures[name] = cut(other.picture(other.candidates[0]), other.region, wanted)
        of_region = cut(counts, region, wanted) if frame == reference else None
        figures[name] = compare(pictures[name], clip.truth(frame, wanted), seconds, of_region)
        pictures[f"error-{name}"] = _error(pictures[name], clip.truth(frame, wanted))
    had = yield from limit(clip, reference)
    if had is not None:
        there = counts & cut(had.had, clip.whole, region) if rung.case.filmed else counts
        figures["limit"] = compare(cut(had.mean, clip.whole, region), known, kept=there)
    pictures["error-suggestion"] = _error(pictures["suggestion"], known)
    best_had = figures["limit"].psnr if "limit" in figures else None
    measured = Measured(
        case=rung.case.name,
        preset=rung.case.preset,
        background=rung.background.name,
        seed=rung.seed,
        frames=clip.record.document["frames"],
        size=size,
        reference=reference,
        region=region,
        kept=_area(region) / _area(clip.whole),
        kept_of_shared=_area(overlap(region, shared)) / _area(shared),
        figures={name: figures[name] for name in METHODS if name in figures},
        recipes={"suggestion": first.recipe.name, "best": best.recipe.name},
        candidates=worth,
        reliability=expected,
        warnings=result.warnings,
        excluded=1 - float(kept.mean()),
        filmed=rung.case.filmed,
        true=truth_of(pictures["suggestion"], pictures["rainy"], known, kept, aside, _area(clip.whole), best_had),
        said=said,
        reasons=reasons,
    )
    return measured, {name: pictures[name] for name in PICTURES}


def _clean(
    path: Path, recipe: str | None, reference: int | None = None
) -> Generator[Progress, None, tuple[CleanResult, Seconds]]:
    """What `clean` makes of a clip, and how long it takes, loading the compiled kernels apart."""
    began = perf_counter()
    with open_source(path) as source:
        result = yield from clean(source, CleanSettings(recipe=recipe, reference=reference))
    whole = perf_counter() - began - result.timings.get("start_up", 0.0)
    return result, (whole, result.timings.get("decode", 0.0))


def _error(picture: U8, truth: U8) -> U8:
    """How far a picture is off, ERROR_GAIN times, in each channel."""
    levels = ERROR_GAIN * np.abs(picture.astype(np.int16) - truth)
    return np.minimum(levels, 255).astype(np.uint8)


def _area(region: Region) -> int:
    return region.width * region.height
