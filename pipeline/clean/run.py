"""The main job without a project: one clip in, scored candidates out.

Frames are decoded, sorted, voted on, queried, refined, compared and scored; see docs/architecture.md for the path.
The stage yields Progress, can be closed at each yield, and then leaves nothing behind.
"""

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter

from pipeline.clean.distinct import gather_distinct
from pipeline.clean.ingest import Gathered
from pipeline.clean.judging import facts_of
from pipeline.clean.look_up import LookedUp, closing_on_error, look_up, vote_warnings
from pipeline.clean.near_frames import doubts_of_near
from pipeline.clean.plan import plan
from pipeline.clean.refine import Refined
from pipeline.clean.result import CleanResult
from pipeline.clean.scoring import Scored, make_others, score_all
from pipeline.clean.settings import CleanSettings
from pipeline.stages import Progress
from rainclean import _kernels
from rainclean.allocator import give_back_freed_memory
from rainclean.candidates import DOUBTFUL, Candidate, Recipe
from rainclean.moving import Findings as MovingFindings
from rainclean.rainfree import Posterior, near_posterior
from rainclean.verdict import Sight, Verdict, areas_from_outside, judge
from rainclean.video import FrameSource, Region, since_start


def clean(source: FrameSource, settings: CleanSettings) -> Generator[Progress, None, CleanResult]:
    """Make the candidates of one clip.

    Args:
        source: the clip.
        settings: what is asked for.

    Yields:
        How far it has come.

    Returns:
        The candidates, best first; the caller's to close.

    Raises:
        RaincleanError: the settings ask for what the clip cannot give.
    """
    began = perf_counter()
    chosen = plan(source, settings)
    yield Progress("start up", 0, None)
    start_up = perf_counter()
    _kernels.load()
    timings = {"start_up": perf_counter() - start_up}
    gathered, notes, repeats = yield from gather_distinct(
        source, settings, chosen, lambda repeats: plan(source, settings, repeats)
    )
    with gathered.stack:
        looked_up = yield from look_up(gathered, settings)
    give_back_freed_memory()
    with closing_on_error(looked_up.store), ExitStack() as until_scored:
        made = yield from make_others(gathered, looked_up, settings.workers, until_scored)
        scored = yield from score_all(gathered, looked_up, made, settings.workers)
        asked = settings.region or Region(0, 0, source.info.width, source.info.height)
        known = _known(gathered, looked_up, made.refined, scored, asked)
    notes = notes + gathered.warnings + vote_warnings(looked_up.votes, gathered.recipes, gathered.sizes)
    notes += [] if known.moving is None else known.moving.labels
    notes += _doubts(scored.candidates[0], made.refined)
    times, near = since_start(source.times), looked_up.near
    return CleanResult(
        requested=settings.recipe or "sweep",
        selection=gathered.selection,
        candidates=scored.candidates,
        pictures=looked_up.store,
        reference_rgb=gathered.reference_rgb,
        scoring_target=scored.scoring_target,
        region=gathered.region,
        times=times[list(gathered.selection.indices)].tolist(),
        motion=gathered.shifts,
        warnings=notes,
        timings={**timings, **_timings(gathered, made.refined, scored), "wall": perf_counter() - began},
        scratch_bytes=gathered.stack.layout.scratch_bytes,
        sizes=gathered.sizes,
        verdict=known.verdict,
        stabilization=gathered.stabilization,
        posterior=known.posterior,
        posterior_of=known.posterior_of,
        moving=known.moving,
        repeats=repeats,
        near_times={} if near is None else {i: float(times[i]) for i in near.indices},
    )


@dataclass(frozen=True)
class _Known:
    """What is known of the best candidate. posterior_of: see `CleanResult`."""

    verdict: Verdict
    posterior: Posterior | None
    posterior_of: Recipe | None
    moving: MovingFindings | None


def _known(gathered: Gathered, looked_up: LookedUp, refined: Refined | None, scored: Scored, asked: Region) -> _Known:
    """Judge the best candidate; waits until it is told what moves. asked: the region that was wanted."""
    best, near = scored.candidates[0], looked_up.near
    picture = looked_up.store.picture(best.row)
    posterior, moving = (None, None) if refined is None else (refined.posterior, refined.moving())
    posterior_of = None if posterior is None else looked_up.of_all_frames[0]
    if near is not None and best.recipe.of_near_frames:
        posterior, posterior_of = near_posterior(near, picture), None
        moving = None if moving is None else doubts_of_near(moving, posterior)
    evidence = {} if scored.evidence is None else scored.evidence.places(picture)
    evidence |= areas_from_outside(Sight(picture, gathered.reference_rgb, scored.scoring_target))
    facts = facts_of(
        gathered,
        best.recipe,
        (asked.width, asked.height),
        refined=refined,
        posterior=posterior,
        moving=moving,
        near=near,
        evidence=evidence,
    )
    return _Known(judge(facts), posterior, posterior_of, moving)


def _doubts(best: Candidate, refined: Refined | None) -> list[str]:
    """What a person should know of the candidates as a whole."""
    if refined is not None or best.scores is None or best.scores.total <= DOUBTFUL:
        return []
    return [
        f"even the best candidate scores {best.scores.total:.1f} grey levels (0.4 to 1.6 is usual). Scores mislead "
        "where rain is dense or much moves: look at the images yourself, also at lower percentiles"
    ]


def _timings(gathered: Gathered, refined: Refined | None, scored: Scored) -> dict[str, float]:
    """Seconds by stage."""
    clock, seconds = gathered.stack.clock, gathered.seconds
    return {
        "decode": seconds["decode"],
        "store": clock.seconds("store"),
        "register": seconds["register"],
        "sort": clock.seconds("sort"),
        "scratch": clock.seconds("scratch"),
        "votes": clock.seconds("votes"),
        "percentiles": clock.seconds("percentiles"),
        "candidates": clock.seconds("votes") + clock.seconds("percentiles"),
        "weigh": 0.0 if refined is None else refined.seconds,
        "score": scored.seconds + clock.seconds("score"),
    }
