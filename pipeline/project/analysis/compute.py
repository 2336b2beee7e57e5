"""Compute what an analysis stores: candidates, findings and rain amounts of one sequence, into a folder of artefacts.

Nothing here knows the store. So the same work is done for `analyze`, for a worker process, and on another machine.
"""

import json
from collections.abc import Collection, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.clean import CleanResult, CleanSettings, clean
from pipeline.project.analysis import findings
from pipeline.project.analysis.records import AnalysisRow, CandidateRow
from pipeline.project.analysis.scoring_target import encode_scoring_target
from pipeline.project.analysis.twins import Distinct
from pipeline.project.documents import AnalysisSettings
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Artefacts, name_of
from pipeline.stages import Progress
from rainclean.candidates import RULES_VERSION, SWEEP_VERSION, Candidate, Recipe, rule_versions
from rainclean.dataset import rain_amount
from rainclean.png import encode_png
from rainclean.stabilization import StabilizedSource
from rainclean.temporal import luma
from rainclean.video import FrameSource, distinct

U8 = NDArray[np.uint8]

MAX_WRITERS = 2
"""Pictures coded at a time: each takes three times its size meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Computed:
    """An analysis that is to be stored: its row, and those of its candidates, best first."""

    row: AnalysisRow
    candidates: tuple[CandidateRow, ...]


def lasting(settings: CleanSettings) -> AnalysisSettings:
    """Return what of the settings decides on the candidates: memory and workers do not."""
    which = {"sweep": SWEEP_VERSION} if settings.recipe is None else {}
    versions = rule_versions(settings.recipe)
    return AnalysisSettings.of_recipe(settings.recipe, frames=settings.frames, rules=RULES_VERSION, **which, **versions)


def compute(
    source: FrameSource,
    sequence: ClipSequence,
    settings: CleanSettings,
    artefacts: Artefacts,
    *,
    keep: int | None = None,
) -> Generator[Progress, None, Computed]:
    """Make the candidates of a sequence, and all that is stored with them.

    Args:
        source: The frames of its clip.
        sequence: The sequence. Its frames and region are used, not those of the settings.
        settings: What is asked for.
        artefacts: Takes the files.
        keep: Store the pictures of this many candidates, the best ones that a person can tell apart; None for all. The
            others are made again by `make_again`.

    Yields:
        How far it has come.

    Returns:
        The rows to store.

    Raises:
        RaincleanError: The settings ask for what the clip cannot give.
    """
    of_sequence = replace(settings, first=sequence.first, stop=sequence.stop, region=sequence.region)
    cleaned = yield from clean(source, of_sequence)
    with cleaned:
        rows, spread = yield from _candidate_rows(artefacts, cleaned, keep, min(MAX_WRITERS, settings.workers))
        scoring_target = artefacts.put(encode_scoring_target(cleaned.scoring_target), ".png")
        reference = artefacts.put(encode_png(cleaned.reference_rgb), ".png")
        columns = findings.keep(artefacts, cleaned)
        if cleaned.repeats:
            columns = replace(columns, repeats=json.dumps(cleaned.repeats))
        best = cleaned.picture(cleaned.candidates[0])
        rain = yield from _rain(source, sequence, cleaned, best)
    row = AnalysisRow(
        settings=lasting(settings),
        reference_frame=cleaned.selection.reference_frame,
        region=cleaned.region,
        warnings=tuple(cleaned.warnings),
        rain=rain,
        scoring_target=scoring_target,
        reference=reference,
        spread=spread,
        findings=columns,
        chosen=sequence.chosen,
    )
    return Computed(row=row, candidates=tuple(rows))


def make_again(
    source: FrameSource, sequence: ClipSequence, settings: CleanSettings, names: Collection[str]
) -> Generator[Progress, None, dict[str, bytes]]:
    """Make the pictures of candidates again, as `compute` encoded them.

    Args:
        source: The frames of the clip.
        sequence: The sequence, with the frames and the region that it had when it was analysed.
        settings: What was asked for then.
        names: Names of the recipes.

    Yields:
        How far it has come.

    Returns:
        PNG files by the name of the recipe. A recipe that the clip does not give is missing.
    """
    of_sequence = replace(settings, first=sequence.first, stop=sequence.stop, region=sequence.region)
    cleaned = yield from clean(source, of_sequence)
    with cleaned:
        return {c.recipe.name: encode_png(cleaned.picture(c)) for c in cleaned.candidates if c.recipe.name in names}


def _candidate_rows(
    artefacts: Artefacts, cleaned: CleanResult, keep: int | None, writers: int
) -> Generator[Progress, None, tuple[list[CandidateRow], float]]:
    """Store the pictures; return the rows of the candidates, and the mean distance of the others from the best."""
    total = len(cleaned.candidates)
    best = luma(cleaned.picture(cleaned.candidates[0]))

    wanted = _distinct(cleaned, keep)

    def put(candidate: Candidate) -> tuple[str, float]:
        picture = cleaned.picture(candidate)
        distance = float(cv2.absdiff(luma(picture), best).mean(dtype=np.float64))
        data = encode_png(picture)
        return artefacts.put(data, ".png") if candidate.recipe in wanted else name_of(data, ".png"), distance

    rows, distances = [], []
    with ThreadPoolExecutor(writers, thread_name_prefix="rainclean-write") as pool:
        stored = zip(cleaned.candidates, pool.map(put, cleaned.candidates), strict=True)
        for rank, (c, (name, distance)) in enumerate(stored, 1):
            assert c.scores is not None
            row = CandidateRow.from_recipe(c.recipe, c.eta, c.silent_share, c.scores, name)
            kept = c.recipe in wanted
            rows.append(replace(row, rank=rank, percentile=float(c.percentile), merged=tuple(c.merged), kept=kept))
            distances.append(distance)
            yield Progress("write", rank, total)
    return rows, round(sum(distances[1:]) / max(1, total - 1), 4)


def _distinct(cleaned: CleanResult, keep: int | None) -> list[Recipe]:
    """Return the recipes whose pictures are kept: the best ones that a person can tell apart."""
    if keep is None:
        return [candidate.recipe for candidate in cleaned.candidates]
    recipes: list[Recipe] = []
    distinct = Distinct()
    for candidate in cleaned.candidates:
        if len(recipes) < keep and distinct.add(candidate.recipe.name, cleaned.picture(candidate)) is None:
            recipes.append(candidate.recipe)
    return recipes


def _rain(
    source: FrameSource, sequence: ClipSequence, cleaned: CleanResult, best: U8
) -> Generator[Progress, None, list[float | None]]:
    """Rain amount of each frame of the sequence, against the best-scored candidate. Decodes it once more.

    None for a frame that cannot be stabilized where the others were, and for one that repeats another.
    """
    whole = range(sequence.first, sequence.stop)
    amounts: dict[int, float] = {}
    frames: FrameSource = source
    indices: Sequence[int] = distinct(whole, cleaned.repeats)
    if cleaned.stabilization is not None:
        frames = StabilizedSource(source, cleaned.stabilization)
        indices = [index for index in sorted(cleaned.stabilization.poses) if index in indices]
    for frame in frames.read(indices, cleaned.region):
        amounts[frame.index] = rain_amount(frame.rgb, best)
        yield Progress("rain", len(amounts), len(indices))
    return [amounts.get(index) for index in whole]
