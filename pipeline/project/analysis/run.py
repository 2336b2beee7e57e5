"""The stage behind ``rainclean analyze``: candidates for every sequence that has none by these settings."""

import json
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.border import border
from pipeline.clean import CleanResult, CleanSettings, clean, contact_sheet
from pipeline.project.analysis import findings
from pipeline.project.analysis.frames import whole_sequence
from pipeline.project.analysis.records import AnalysisRow, CandidateRow, analyses, store_analysis, wanted_artefacts
from pipeline.project.analysis.scoring_target import encode_scoring_target
from pipeline.project.clips import sequences
from pipeline.project.documents import AnalysisSettings
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.stages import Progress, part_of
from rainclean.candidates import RULES_VERSION, SWEEP_VERSION, Candidate, rule_versions
from rainclean.dataset import rain_amount
from rainclean.png import encode_png
from rainclean.stabilization import StabilizedSource
from rainclean.temporal import luma
from rainclean.video import FrameSource, distinct

U8 = NDArray[np.uint8]

WRITERS = 2
"""Pictures coded at a time: each takes three times its size meanwhile."""


@dataclass(kw_only=True)
class Analyzed:
    """Names of sequences: analysed now, done before; errors of those that failed; warnings, verdict of the others."""

    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)


def analyze(
    project: Project, names: Sequence[str], settings: CleanSettings, *, again: bool = False
) -> Generator[Progress, None, Analyzed]:
    """Make candidates sequence by sequence; each is on disk before the next is begun.

    Frames and region are those of the sequence; a region in the settings is not used. A sequence whose frames or region
    were changed since is analysed anew. Candidates of other settings stay. A sequence that fails is noted with the
    reason, and the others go on; the next call tries it again. Closing the stage loses the sequence under way, nothing
    else.

    Args:
        project: The project.
        names: Sequences to analyse, all if empty.
        settings: What is asked for.
        again: Also analyse sequences that were analysed by these settings.

    Returns:
        What became of each sequence.

    Raises:
        RaincleanError: Another process is analysing this project.
    """
    result = Analyzed()
    with project.job("analyze"):
        chosen = sequences(project, names)
        wanted = lasting(settings)
        todo = [s for s in chosen if again or not _is_done(project, s, wanted)]
        result.skipped = [s.name for s in chosen if s not in todo]
        for done, sequence in enumerate(todo):
            with border(sequence.name, partial(result.failed.__setitem__, sequence.name)), project.explaining():
                yield from part_of(_analyze(project, sequence, settings, result), sequence.name, done, len(todo))
                result.done.append(sequence.name)
            if sequence.name in result.failed:
                _note_failure(project, sequence, wanted, result.failed[sequence.name])
        _sweep(project)
    return result


def _sweep(project: Project) -> None:
    """Move pictures that nothing refers to into the trash. A damaged store is no proof that nothing does."""
    if not project.problems():
        project.artefacts.sweep(wanted_artefacts(project))


def lasting(settings: CleanSettings) -> AnalysisSettings:
    """Return what of the settings decides on the candidates: memory and workers do not."""
    which = {"sweep": SWEEP_VERSION} if settings.recipe is None else {}
    versions = rule_versions(settings.recipe)
    return AnalysisSettings.of_recipe(settings.recipe, frames=settings.frames, rules=RULES_VERSION, **which, **versions)


def _is_done(project: Project, sequence: ClipSequence, wanted: AnalysisSettings) -> bool:
    existing = analyses(project, sequence.id)
    # What an older rainclean left without a verdict is analysed again: it takes the frames to judge.
    return any(
        not a.error and a.verdict and a.settings_hash == wanted.hash and a.chosen == sequence.chosen for a in existing
    )


def _note_failure(project: Project, sequence: ClipSequence, wanted: AnalysisSettings, error: str) -> None:
    """Keep the reason, unless there are candidates: a disk that is not at hand does not take those away."""
    if all(a.error for a in analyses(project, sequence.id)):
        store_analysis(project, sequence.id, AnalysisRow(settings=wanted, error=error, chosen=sequence.chosen), ())


def _analyze(
    project: Project, sequence: ClipSequence, settings: CleanSettings, result: Analyzed
) -> Generator[Progress, None, None]:
    yield Progress("open", 0, None)
    with whole_sequence(project, sequence) as source:
        of_sequence = replace(settings, first=sequence.first, stop=sequence.stop, region=sequence.region)
        cleaned = yield from clean(source, of_sequence)
        with cleaned:
            rows, spread = yield from _candidate_rows(project, cleaned)
            sheet = project.artefacts.put(encode_png(contact_sheet(cleaned)), ".png")
            scoring_target = project.artefacts.put(encode_scoring_target(cleaned.scoring_target), ".png")
            reference = project.artefacts.put(encode_png(cleaned.reference_rgb), ".png")
            columns = findings.keep(project, cleaned)
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
    store_analysis(project, sequence.id, row, rows)
    result.warnings[sequence.name] = tuple(cleaned.warnings)
    result.verdicts[sequence.name] = cleaned.verdict.description


def _candidate_rows(
    project: Project, cleaned: CleanResult
) -> Generator[Progress, None, tuple[list[CandidateRow], float]]:
    """Store the pictures; return the rows of the candidates, and the mean distance of the others from the best."""
    total = len(cleaned.candidates)
    best = luma(cleaned.picture(cleaned.candidates[0]))

    def put(candidate: Candidate) -> tuple[str, float]:
        picture = cleaned.picture(candidate)
        distance = float(cv2.absdiff(luma(picture), best).mean(dtype=np.float64))
        return project.artefacts.put(encode_png(picture), ".png"), distance

    rows, distances = [], []
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="rainclean-write") as pool:
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
