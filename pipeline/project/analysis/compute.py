"""Compute what an analysis stores: candidates, findings and rain amounts of one sequence, into a folder of artefacts.

Nothing here knows the store. So the same work is done for `analyze`, for a worker process, and on another machine.
"""

import json
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.clean import CleanResult, CleanSettings, clean, contact_sheet
from pipeline.project.analysis import findings
from pipeline.project.analysis.records import AnalysisRow, CandidateRow
from pipeline.project.analysis.scoring_target import encode_scoring_target
from pipeline.project.documents import AnalysisSettings
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Artefacts
from pipeline.stages import Progress
from rainclean.candidates import RULES_VERSION, SWEEP_VERSION, Candidate, rule_versions
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
    source: FrameSource, sequence: ClipSequence, settings: CleanSettings, artefacts: Artefacts
) -> Generator[Progress, None, Computed]:
    """Make the candidates of a sequence, and all that is stored with them.

    Args:
        source: The frames of its clip.
        sequence: The sequence. Its frames and region are used, not those of the settings.
        settings: What is asked for.
        artefacts: Takes the files.

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
        rows, spread = yield from _candidate_rows(artefacts, cleaned, min(MAX_WRITERS, settings.workers))
        sheet = artefacts.put(encode_png(contact_sheet(cleaned)), ".png")
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
        sheet=sheet,
        scoring_target=scoring_target,
        reference=reference,
        spread=spread,
        findings=columns,
        chosen=sequence.chosen,
    )
    return Computed(row=row, candidates=tuple(rows))


def _candidate_rows(
    artefacts: Artefacts, cleaned: CleanResult, writers: int
) -> Generator[Progress, None, tuple[list[CandidateRow], float]]:
    """Store the pictures; return the rows of the candidates, and the mean distance of the others from the best."""
    total = len(cleaned.candidates)
    best = luma(cleaned.picture(cleaned.candidates[0]))

    def put(candidate: Candidate) -> tuple[str, float]:
        picture = cleaned.picture(candidate)
        distance = float(cv2.absdiff(luma(picture), best).mean(dtype=np.float64))
        return artefacts.put(encode_png(picture), ".png"), distance

    rows, distances = [], []
    with ThreadPoolExecutor(writers, thread_name_prefix="rainclean-write") as pool:
        stored = zip(cleaned.candidates, pool.map(put, cleaned.candidates), strict=True)
        for rank, (c, (name, distance)) in enumerate(stored, 1):
            assert c.scores is not None
            row = CandidateRow.from_recipe(c.recipe, c.eta, c.silent_share, c.scores, name)
            rows.append(replace(row, rank=rank, percentile=float(c.percentile), merged=tuple(c.merged)))
            distances.append(distance)
            yield Progress("write", rank, total)
    return rows, round(sum(distances[1:]) / max(1, total - 1), 4)


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
