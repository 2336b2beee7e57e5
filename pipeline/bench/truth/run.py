"""Measure clean images against the ground truth of simulated clips, for each benchmark case.

Clips are encoded and read again, so that the whole pipeline is measured; `clean` never sees what the simulator knows.
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

from pipeline.bench.truth.case_table import CaseClip, SimulatedClip, cut, make_clip, overlap
from pipeline.bench.truth.methods import METHODS, measured_estimators, recipe_of
from pipeline.bench.truth.scores import Figures, Reliability, Seconds, compare, psnr
from pipeline.bench.truth.upper_bound import upper_bound
from pipeline.bench.truth.verdict_table import TrueWorth, true_worth
from pipeline.clean import CleanResult, CleanSettings, clean, write_png
from pipeline.output_folder import OutputFolder
from pipeline.stages import Progress, part_of
from rainclean import __version__
from rainclean.candidates import Recipe
from rainclean.candidates.estimators import Estimator
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.simulate import to_text
from rainclean.video import Region, open_source

U8 = NDArray[np.uint8]
Pictures = dict[str, U8]

PICTURES = ("rainy", "released", "suggestion", "truth", "error-released", "error-suggestion")
"""Pictures that --save writes for each clip."""

_FORMS = rf"pictures\.json|[A-Za-z0-9-]+_[A-Za-z0-9-]+_\d+/({'|'.join(PICTURES)})\.png"

ERROR_GAIN = 8

MANIFEST = "pictures.json"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All measurements of one clip.

    Figures of films cover what is kept and comparable with the ground truth; other cases cover all of the region.

    Attributes:
        case, preset, background, seed: Identify the clip.
        frames, size: Number of frames, and (width, height) in px.
        reference: Index of the frame whose ground truth counts.
        region: (x, y, width, height) of that frame that the suggestion shows.
        kept: Share of the frame that the region covers; kept_of_shared: of what all used frames show.
        figures: By method, as in `METHODS`, and by rule of the estimators that are measured as well.
        recipes: Of the suggestion and of the best candidate.
        candidates: PSNR of each in dB, in the order in which they are suggested.
        reliability: Of the suggestion's expected error, None where there is none.
        warnings: Warnings of `clean`.
        excluded: Share of the region that `clean` excludes from training.
        filmed: Whether the case is a film.
        true: Worth of the suggestion by the ground truth.
        said, reasons: The verdict of `clean`.
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
    true: TrueWorth | None = None
    said: str | None = None
    reasons: list[str] = field(default_factory=list)

    @property
    def regret(self) -> float:
        """Return how far the suggestion is below the best candidate, dB."""
        return self.figures["best"].psnr - self.figures["suggestion"].psnr

    def to_json(self) -> dict[str, Any]:
        """Return the values for --json."""
        known = self.reliability
        return {
            **asdict(self),
            "region": list(self.region),
            "reliability": known.to_json() if known else None,
            "regret": self.regret,
        }


def bench_truth(
    case_clips: Sequence[CaseClip],
    frames: int,
    size: tuple[int, int],
    save: OutputFolder | None = None,
    *,
    methods: Sequence[str] = (),
) -> Generator[Progress, None, list[Measured]]:
    """Measure each clip.

    Args:
        case_clips: Clips to make and measure.
        frames: Frames of each clip; films have their own number.
        size: (width, height) in px.
        save: Folder for pictures, of `pictures_folder`; None for none.
        methods: Rules of estimators to measure as well; see `measured_estimators`.

    Yields:
        Progress, clip by clip.

    Raises:
        RaincleanError: A clip cannot be made or cleaned; the message names it.
        UsageError: A method is unknown.
    """
    results: list[Measured] = []
    added = measured_estimators(methods)
    with ExitStack() as stack:
        partial = stack.enter_context(save.filling()) if save else None
        for number, case_clip in enumerate(case_clips):
            with _naming_the_clip(case_clip), tempfile.TemporaryDirectory(prefix="rainclean-bench-") as folder:
                stage = _measure(case_clip, frames, size, Path(folder) / "clip", added)
                measured, pictures = yield from part_of(stage, case_clip.name, number, len(case_clips))
            results.append(measured)
            if partial:
                (partial / folder_name(case_clip)).mkdir()
                for name, picture in pictures.items():
                    write_png(partial / folder_name(case_clip) / f"{name}.png", picture)
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


def pictures_folder(path: Path, case_clips: Sequence[CaseClip]) -> OutputFolder:
    """Open the folder for the pictures of `bench_truth`. Raises RaincleanError where it cannot be used."""
    names = (MANIFEST, *map(folder_name, case_clips))
    return OutputFolder(path, MANIFEST, names, forms=_FORMS, keys=("files", "clips"))


def folder_name(case_clip: CaseClip) -> str:
    """Return the folder name for the pictures of a clip, such as ``codec-23_table_0``."""
    words = (case_clip.case.name, case_clip.background.name, str(case_clip.seed))
    return "_".join(re.sub(r"[^A-Za-z0-9]+", "-", word) for word in words)


@contextmanager
def _naming_the_clip(case_clip: CaseClip) -> Iterator[None]:
    """Put the name of the clip before an error; the clip's own path is temporary."""
    try:
        yield
    except UsageError:
        raise
    except RaincleanError as error:
        raise RaincleanError(f"{case_clip.name}: {error}") from error


def _measure(
    case_clip: CaseClip, frames: int, size: tuple[int, int], folder: Path, added: Sequence[Estimator]
) -> Generator[Progress, None, tuple[Measured, Pictures]]:
    case = case_clip.case
    clip = yield from make_clip(case_clip, frames, size, folder)
    result, seconds = yield from _clean(clip.path, None)
    with result:
        reference, region = result.selection.reference_frame, result.region
        known, aside = clip.truth(reference, region), clip.aside(reference, region)
        kept = np.ones(aside.shape, bool) if result.moving is None else ~result.moving.doubtful
        counts = kept & ~aside if case.filmed else np.ones(aside.shape, bool)
        worth = {c.recipe.name: psnr(result.picture(c)[counts], known[counts]) for c in result.candidates}
        first, best = result.candidates[0], max(result.candidates, key=lambda c: worth[c.recipe.name])
        pictures = {"truth": known, "suggestion": result.picture(first).copy()}
        pictures["rainy"] = clip.rainy(reference, region)
        figures = {
            "rainy": compare(pictures["rainy"], known, kept=counts),
            "suggestion": compare(pictures["suggestion"], known, seconds=seconds, kept=counts),
            "best": compare(result.picture(best), known, seconds=seconds, kept=counts),
        }
        recipes = {each.rule: recipe_of(each, result.candidates) for each in added}
        for rule, recipe in recipes.items():
            for candidate in result.candidates:
                if candidate.recipe == recipe:
                    figures[rule] = compare(result.picture(candidate), known, seconds=seconds, kept=counts)
        said, reasons = result.verdict.state, [reason.description for reason in result.verdict.reasons]
        posterior = result.posterior
        shown = pictures["suggestion"]
        # Calibrated on the other cases; films have places where no ground truth is the same in two frames.
        expected = (
            None if posterior is None or case.filmed else Reliability.measure(posterior.error(shown), shown, known)
        )
    shared = clip.shared(result.selection.indices, reference)
    for name in ("released",) if case.filmed else ("released", "median"):
        # Where things are at several depths, no other frame shows the same picture.
        other, seconds = yield from _clean(clip.path, name, reference if case.filmed else None)
        with other:
            frame = other.selection.reference_frame
            wanted = overlap(clip.seen_from(region, reference, frame), other.region)
            pictures[name] = cut(other.picture(other.candidates[0]), other.region, wanted)
        of_region = cut(counts, region, wanted) if frame == reference else None
        figures[name] = compare(pictures[name], clip.truth(frame, wanted), seconds=seconds, kept=of_region)
        pictures[f"error-{name}"] = _error(pictures[name], clip.truth(frame, wanted))
    for rule, recipe in recipes.items():
        if rule not in figures:
            one = yield from _measure_recipe(clip, recipe, reference, region, counts)
            figures |= {} if one is None else {rule: one}
    bound = yield from upper_bound(clip, reference)
    if bound is not None:
        bounded = counts & cut(bound.known, clip.whole, region) if case.filmed else counts
        figures["limit"] = compare(cut(bound.mean, clip.whole, region), known, kept=bounded)
    pictures["error-suggestion"] = _error(pictures["suggestion"], known)
    limit = figures["limit"].psnr if "limit" in figures else None
    measured = Measured(
        case=case.name,
        preset=case.preset,
        background=case_clip.background.name,
        seed=case_clip.seed,
        frames=clip.record.document["frames"],
        size=size,
        reference=reference,
        region=region,
        kept=_area(region) / _area(clip.whole),
        kept_of_shared=_area(overlap(region, shared)) / _area(shared),
        figures={name: figures[name] for name in (*METHODS, *recipes) if name in figures},
        recipes={"suggestion": first.recipe.name, "best": best.recipe.name},
        candidates=worth,
        reliability=expected,
        warnings=result.warnings,
        excluded=1 - float(kept.mean()),
        filmed=case.filmed,
        true=true_worth(
            pictures["suggestion"],
            pictures["rainy"],
            known,
            kept=kept,
            aside=aside,
            frame=_area(clip.whole),
            limit=limit,
        ),
        said=said,
        reasons=reasons,
    )
    return measured, {name: pictures[name] for name in PICTURES}


def _measure_recipe(
    clip: SimulatedClip, recipe: Recipe, reference: int, region: Region, counts: NDArray[np.bool_]
) -> Generator[Progress, None, Figures | None]:
    """Measure a recipe on a region of the reference frame, as far as it shows it.

    counts: the pixels that count, (h, w) bool. Returns None for near frames where the camera does not move.
    """
    try:
        result, seconds = yield from _clean(clip.path, recipe.name, reference)
    except InputError:
        if recipe.of_near_frames:
            return None
        raise
    with result:
        wanted = overlap(region, result.region)
        picture = cut(result.picture(result.candidates[0]), result.region, wanted)
    return compare(picture, clip.truth(reference, wanted), seconds=seconds, kept=cut(counts, region, wanted))


def _clean(
    path: Path, recipe: str | None, reference: int | None = None
) -> Generator[Progress, None, tuple[CleanResult, Seconds]]:
    """Clean a clip and time it, without loading the compiled kernels."""
    began = perf_counter()
    with open_source(path) as source:
        result = yield from clean(source, CleanSettings(recipe=recipe, reference=reference))
    whole = perf_counter() - began - result.timings.get("start_up", 0.0)
    return result, Seconds(whole, result.timings.get("decode", 0.0))


def _error(picture: U8, truth: U8) -> U8:
    """Return the absolute error of each channel, ERROR_GAIN times."""
    levels = ERROR_GAIN * np.abs(picture.astype(np.int16) - truth)
    return np.minimum(levels, 255).astype(np.uint8)


def _area(region: Region) -> int:
    return region.width * region.height
