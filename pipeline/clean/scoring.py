"""From what was looked up to candidates in their order: what is made beside it, expected errors, scores."""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.ingest import Gathered
from pipeline.clean.look_up import LookedUp
from pipeline.clean.near_frames import expected_errors, make_near, passing_now
from pipeline.clean.refine import FramesToRefine, Refined, one_pass, refine
from pipeline.stages import Progress
from rainclean.candidates import Candidate, Judge, PictureStore, Recipe, merge_near_identical
from rainclean.candidates.estimators import FramesEstimator
from rainclean.rainfree import BATCH_FRAMES, HELD_BATCH_FRAMES
from rainclean.temporal import luma
from rainclean.verdict import Evidence

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

_ROWS = 16


@dataclass
class Made:
    """Pictures that were not looked up, in the order of `Rows.made`, and what is known of them.

    refined: of the first one of all frames. own: weight of the reference frame in each one of near frames, (h, w).
    """

    pictures: list[U8] = field(default_factory=list)
    refined: Refined | None = None
    own: dict[Recipe, F32] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """Candidates with their scores, best first. scoring_target: (h, w) float32, what they were compared with.

    evidence: what near frames say, where there are any. seconds: that all this took.
    """

    candidates: list[Candidate]
    scoring_target: F32
    evidence: Evidence | None
    seconds: float


def make_others(
    gathered: Gathered, looked_up: LookedUp, workers: int, until_scored: ExitStack
) -> Generator[Progress, None, Made]:
    """Make the pictures that were not looked up, and put them into the store.

    until_scored: is given what still works beside what comes next.
    """
    made = Made()
    for recipe in looked_up.of_all_frames:
        estimator = recipe.estimator
        assert isinstance(estimator, FramesEstimator) and looked_up.initial is not None
        work = _frames_to_refine(gathered, looked_up, workers)
        if made.refined is None:
            made.refined = yield from refine(estimator, looked_up.initial, work)
            looked_up.initial = made.refined.mean
            until_scored.enter_context(made.refined)
            if gathered.bounds is not None:
                gathered.bounds.clip(made.refined.mean)
            made.pictures.append(_rounded(made.refined.mean))
        else:
            estimate = yield from one_pass(estimator, looked_up.initial.copy(), work)
            made.pictures.append(_rounded(estimate.mean))
    gathered.forget_frames()
    for recipe in looked_up.of_near_frames:
        assert looked_up.near is not None
        picture, made.own[recipe] = make_near(recipe, looked_up.near)
        made.pictures.append(picture)
    looked_up.store.put_last(made.pictures)
    return made


def _rounded(mean: F32) -> U8:
    out = np.empty(mean.shape, np.uint8)
    for top in range(0, len(mean), _ROWS):  # in strips, which stay in the cache
        rows = np.clip(mean[top : top + _ROWS], 0, 255)
        out[top : top + _ROWS] = np.rint(rows, out=rows)
    return out


def _frames_to_refine(gathered: Gathered, looked_up: LookedUp, workers: int) -> FramesToRefine:
    assert looked_up.noise is not None
    return FramesToRefine(
        frames=gathered.frames,
        indices=gathered.selection.indices,
        region=gathered.region,
        window=gathered.selection.windows[looked_up.rows.refined],
        noise=looked_up.noise,
        workers=workers,
        registered=gathered.registered,
        drawn=gathered.drawn,
        batch=BATCH_FRAMES if gathered.stack.layout.stack_on_disk else HELD_BATCH_FRAMES,
    )


def score_all(gathered: Gathered, looked_up: LookedUp, made: Made, workers: int) -> Generator[Progress, None, Scored]:
    """Merge near-identical candidates and score the others."""
    began = perf_counter()
    store, near, refined = looked_up.store, looked_up.near, made.refined
    kept = merge_near_identical(looked_up.rows.candidates, store)
    # Nearer to the truth than where values lie densest: what candidates are judged by unless another one is better.
    scoring_target = looked_up.scoring_target if refined is None else luma(made.pictures[0]).astype(np.float32)
    evidence = errors = None
    if near is not None:
        moving, posterior = (None, None) if refined is None else (refined.moving(), refined.posterior)
        evidence = Evidence(near, posterior, passing_now(moving, gathered.selection.reference))
        errors = expected_errors(kept, store, evidence, near, made.own)
    if errors is not None:
        best = min(range(len(errors)), key=errors.__getitem__)
        scoring_target = luma(store.picture(kept[best].row)).astype(np.float32)
    candidates = yield from _score(kept, store, (luma(gathered.reference_rgb), scoring_target), errors, workers)
    return Scored(candidates, scoring_target, evidence, perf_counter() - began)


def _score(
    candidates: Sequence[Candidate],
    store: PictureStore,
    compared_with: tuple[U8, F32],
    errors: Sequence[float] | None,
    workers: int,
) -> Generator[Progress, None, list[Candidate]]:
    """Candidates with their scores, best first.

    compared_with: luma of the reference frame, and the scoring target. errors: expected ones, which replace distances
    from the scoring target.
    """
    scored = []
    with ThreadPoolExecutor(workers) as pool:
        judge = Judge(*compared_with, pool)
        for done, candidate in enumerate(candidates, 1):
            scores = judge.score(store.picture(candidate.row))
            scored.append(replace(candidate, scores=scores if errors is None else scores.judged(errors[done - 1])))
            yield Progress("score", done, len(candidates))
    return sorted(scored, key=lambda c: (c.scores.total if c.scores else 0.0, c.recipe.frames))
