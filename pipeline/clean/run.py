"""The main job without a project: one clip in, scored candidates out.

Frames are decoded, sorted, voted on, looked up, sums, compared and scored; see docs/architecture.md for the road.
The stage yields Progress, can be closed at each yield, and then leaves nothing behind.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.distinct import gather_distinct
from pipeline.clean.ingest import refines
from pipeline.clean.judging import facts_of
from pipeline.clean.near_frames import doubts_of_near, expected_errors, near_frames, near_recipe, passing_now
from pipeline.clean.refine import Refined, refine
from pipeline.clean.settings import CleanSettings
from pipeline.stages import Progress, shares_done
from rainclean import _kernels
from rainclean.allocator import give_back_freed_memory
from rainclean.candidates import (
    DOUBTFUL,
    SWEEP_FRAMES,
    Candidate,
    Judge,
    PictureStore,
    Recipe,
    Rows,
    Selection,
    merge_near_identical,
    select_frames,
    sweep,
)
from rainclean.errors import InputError, UsageError
from rainclean.moving import Findings as MovingFindings
from rainclean.rainfree import BATCH_FRAMES, HELD_BATCH_FRAMES, Posterior, near_clean, near_posterior
from rainclean.stabilization import Stabilization
from rainclean.temporal import SILENT_LIMIT, InitialEstimate, Votes, eta_map, luma
from rainclean.verdict import Evidence, Verdict, judge
from rainclean.video import FrameSource, Region, distinct, since_start

U8 = NDArray[np.uint8]

RELEASED_FRAMES = 100
"""N of ``--recipe released`` unless told otherwise; the published notebook has it as a constant."""


@dataclass
class CleanResult:
    """Candidates of one clip, best first, and what is to be known of them. Close it to free the pictures.

    requested: "sweep", "released", "median" or a recipe's name. reference_rgb: the rainy reference frame (h, w, 3), cut
    to the region. scoring_target: (h, w) float32 in levels, what scores compare with. motion: frame index → shift
    against the reference frame in px (None: cannot be told), of some frames; where frames were stabilized, of all of
    them, and what is left of it. sizes: N of each window as recipes name it. verdict: whether the candidates can be
    trusted. stabilization: how frames were registered and relit, if they were. posterior: of the truth, where a
    rain-free mean was made; moving: what moves besides rain, by position in ``selection``. repeats: of all frames
    between in and out point, those that show a picture again → the frame that stands for it. None of them is used, but
    where all show one picture. Empty where used ones have none. timings: seconds by stage; stages overlap, so that
    their sum can exceed ``wall``.
    """

    requested: str
    selection: Selection
    candidates: list[Candidate]
    pictures: PictureStore
    reference_rgb: U8
    scoring_target: NDArray[np.float32]
    region: Region
    times: list[float]
    motion: dict[int, float | None]
    warnings: list[str]
    timings: dict[str, float]
    scratch_bytes: int
    sizes: list[int]
    verdict: Verdict
    stabilization: Stabilization | None = None
    posterior: Posterior | None = None
    moving: MovingFindings | None = None
    repeats: dict[int, int] = field(default_factory=dict)
    near_times: dict[int, float] = field(default_factory=dict)

    def picture(self, candidate: Candidate) -> U8:
        """A candidate's clean image, (h, w, 3) uint8 RGB."""
        return self.pictures.picture(candidate.row)

    def frames_of(self, recipe: Recipe) -> dict[int, float]:
        """The frames that a recipe used, by index in the clip, with their times in seconds."""
        if recipe.rule == "near":
            return self.near_times
        start, stop = self.selection.windows[self.sizes.index(recipe.frames)]
        return dict(zip(self.selection.indices[start:stop], self.times[start:stop], strict=True))

    def close(self) -> None:
        """Give memory or disk space back."""
        self.pictures.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def clean(source: FrameSource, settings: CleanSettings) -> Generator[Progress, None, CleanResult]:
    """Make the candidates of one clip. Raises RaincleanError for what the settings or the clip cannot give."""
    began = perf_counter()
    chosen = plan(source, settings)
    yield Progress("start up", 0, None)
    start_up = perf_counter()
    _kernels.load()
    start_up = perf_counter() - start_up
    gathered, warnings, repeats = yield from gather_distinct(
        source, settings, chosen, lambda repeats: plan(source, settings, repeats)
    )
    with gathered.stack as stack:
        still = gathered.still
        # Where values lie densest is what candidates are judged by unless something better will be there.
        votes, scoring_target = yield from shares_done(
            "votes", stack.votes(None if refines(gathered.recipes) else still)
        )
        rows = Rows(gathered.recipes, gathered.sizes, votes)
        warnings += gathered.warnings + _vote_warnings(votes, gathered.recipes, gathered.sizes)
        near = None
        if settings.recipe is None or gathered.recipes[0].rule == "near":
            near = yield from near_frames(gathered, settings.workers)
        if settings.recipe is None:
            rows.add_refined(still, stack.local_votes[still])
            if near is not None:
                rows.near = near_recipe(gathered.recipes[0], near)
        elif gathered.recipes[0].rule == "near":
            if near is None:
                why = "its camera stands still, or nothing ties frames to the reference frame"
                raise InputError(source.info.path, f"recipe {settings.recipe}: {why}", "use n20-vote")
            rows.near = near_recipe(gathered.recipes[0], near)
        elif gathered.recipes[0].rule == "local":
            rows.add_local(gathered.recipes[0], rows.refined, stack.local_votes[rows.refined])
        elif gathered.recipes[0].rule == "rainfree":
            rows.rainfree = gathered.recipes[0]
        start = None
        if rows.rainfree is not None:
            eta, window = votes[rows.refined].eta, gathered.selection.windows[rows.refined]
            # The vote of each neighbourhood: where a shadow lay for some frames the whole picture's is in it.
            begin = eta_map(stack.local_votes[rows.refined], eta)
            start = InitialEstimate(rows.refined, begin, gathered.noise.curve(eta, *window))
        store = PictureStore(
            stack.picture_planes(len(rows.candidates)), (stack.height, stack.width, 3), gathered.bounds
        )
        with _closing_on_error(store):
            started = yield from shares_done("look up", stack.percentiles(rows.wanted, store.put, start))
    give_back_freed_memory()
    with _closing_on_error(store), ExitStack() as until_scored:
        refined = moving = None
        made: list[U8] = []
        if start is not None and started is not None:
            refined = yield from refine(
                gathered.frames, gathered.selection.indices, gathered.region,
                gathered.selection.windows[rows.refined], started, start.sigma, settings.workers,
                gathered.stabilization is not None and gathered.stabilization.moves, gathered.drawn,
                BATCH_FRAMES if stack.layout.stack_on_disk else HELD_BATCH_FRAMES,
            )  # fmt: skip
            until_scored.enter_context(refined)
            gathered.forget_frames()
            if gathered.bounds is not None:
                gathered.bounds.clip(refined.posterior.mean)
            mean = np.rint(np.clip(refined.posterior.mean, 0, 255)).astype(np.uint8)
            made.append(mean)
            # Nearer to the truth than where values lie densest: what candidates are judged by unless another one is
            # better.
            scoring_target = luma(mean).astype(np.float32)
        believed = None if refined is None else refined.posterior
        own = None
        if rows.near is not None and near is not None:
            picture, own = near_clean(near)
            made.append(picture)
        store.put_last(made)
        scoring = perf_counter()
        kept = merge_near_identical(rows.candidates, store)
        evidence = told = None
        if near is not None:
            moving = None if refined is None else refined.moving()
            evidence = Evidence(near, believed, passing_now(moving, gathered.selection.reference))
            told = expected_errors(kept, store, evidence, near, own)
        if told is not None:
            best_told = min(range(len(told)), key=told.__getitem__)
            scoring_target = luma(store.picture(kept[best_told].row)).astype(np.float32)
        candidates = yield from _score(
            kept, store, luma(gathered.reference_rgb), scoring_target, told, settings.workers
        )
        scoring = perf_counter() - scoring
        asked = settings.region or Region(0, 0, source.info.width, source.info.height)
        best = candidates[0]
        moving = None if refined is None else refined.moving()
        if near is not None and best.recipe.rule == "near":
            believed = near_posterior(near, store.picture(best.row))
            moving = None if moving is None else doubts_of_near(moving, believed)
        warnings += [] if moving is None else moving.words
        areas = {} if evidence is None else evidence.places(store.picture(best.row))
        verdict = judge(
            facts_of(gathered, best.recipe, (asked.width, asked.height), refined, believed, moving, near, areas)
        )
    warnings += _doubts(candidates, refined)
    clock, seconds = stack.clock, gathered.seconds
    timings = {
        "start_up": start_up,
        "decode": seconds["decode"],
        "store": clock.seconds("store"),
        "register": seconds["register"],
        "sort": clock.seconds("sort"),
        "scratch": clock.seconds("scratch"),
        "votes": clock.seconds("votes"),
        "percentiles": clock.seconds("percentiles"),
        "candidates": clock.seconds("votes") + clock.seconds("percentiles"),
        "weigh": 0.0 if refined is None else refined.seconds,
        "score": scoring + clock.seconds("score"),
        "wall": perf_counter() - began,
    }
    return CleanResult(
        settings.recipe or "sweep",
        gathered.selection,
        candidates,
        store,
        gathered.reference_rgb,
        scoring_target,
        gathered.region,
        since_start(source.times)[list(gathered.selection.indices)].tolist(),
        gathered.shifts,
        warnings,
        timings,
        stack.layout.scratch_bytes,
        gathered.sizes,
        verdict,
        gathered.stabilization,
        believed,
        moving,
        repeats,
        {} if near is None else {i: float(since_start(source.times)[i]) for i in near.indices},
    )


def plan(
    source: FrameSource, settings: CleanSettings, repeats: Mapping[int, int] | None = None
) -> tuple[list[Recipe], Selection, list[str]]:
    """The recipes that the settings ask for, the frames they need, and what must be said about it.

    repeats: frames that are not to be used, because they repeat another one.
    """
    info = source.info
    stop = info.frame_count if settings.stop is None else settings.stop
    if not (0 <= settings.first < info.frame_count and 0 < stop <= info.frame_count):
        asked = f"in point {settings.first}, out point {stop}"
        raise InputError(info.path, f"{asked} asked for; it has frames 0 to {info.frame_count - 1}")
    if stop <= settings.first:
        raise InputError(info.path, f"the out point, frame {stop}, must lie after the in point, frame {settings.first}")
    count = stop - settings.first
    if count < 2:
        raise InputError(info.path, "1 frame: a temporal prior needs at least 2", "film longer or widen the range")
    x, y, width, height = settings.region or (0, 0, info.width, info.height)
    if x < 0 or y < 0 or min(width, height) < 1 or x + width > info.width or y + height > info.height:
        asked = f"region {x},{y},{width},{height} asked for"
        raise InputError(info.path, f"{asked}, the upright frame has {info.width}×{info.height} px")
    if settings.reference is not None and not settings.first <= settings.reference < stop:
        raise InputError(
            info.path,
            f"reference frame {settings.reference} is not among frames {settings.first} to {stop - 1}",
        )
    usable = distinct(range(settings.first, stop), repeats or {})
    count = len(usable)
    reference = None if settings.reference is None else usable.index(settings.reference)
    recipes, warnings = _recipes(settings, count)
    span = recipes[-1].frames * recipes[-1].stride
    if recipes[-1].frames > -(-count // recipes[-1].stride):
        needed = f"recipe {recipes[-1].name} needs {recipes[-1].frames} of {span} frames"
        there = f"{count} that differ" if repeats else str(count)
        raise InputError(info.path, f"{needed}, there are {there} between in and out point")
    if recipes[-1].window == "first" and reference is not None and reference not in range(0, span, recipes[-1].stride):
        used = f"recipe {recipes[-1].name} uses"
        raise InputError(info.path, f"reference frame {settings.reference} is not among the frames that {used}")
    try:
        selection = select_frames(count, [*recipes, *_around(recipes[0], count)], reference)
    except ValueError as error:
        raise InputError(info.path, f"recipe {recipes[-1].name}: {error}") from None
    indices = tuple(usable[i] for i in selection.indices)
    return recipes, replace(selection, indices=indices), [*info.notes, *warnings]


def _around(recipe: Recipe, count: int) -> list[Recipe]:
    """What a recipe of stabilized frames was made beside: frames are registered together with all that a sweep uses."""
    if not recipe.steady or recipe.window == "first":
        return []
    usable = min(SWEEP_FRAMES[-1], -(-count // recipe.stride))
    return [replace(recipe, frames=usable)] if usable > recipe.frames else []


def _recipes(settings: CleanSettings, count: int) -> tuple[list[Recipe], list[str]]:
    if settings.frames is not None and settings.frames < 2:
        raise UsageError(f"--frames {settings.frames}: a temporal prior needs at least 2")
    if settings.recipe is None:
        return sweep(count, settings.frames), _too_few(settings.frames, count)
    if settings.recipe == "released":
        n = RELEASED_FRAMES if settings.frames is None else settings.frames
        return [Recipe(min(n, count), window="first")], _too_few(n, count)
    if settings.recipe == "median":
        return [sweep(count, settings.frames)[-1]], _too_few(settings.frames, count)
    if settings.frames is not None:
        raise UsageError(f"--frames {settings.frames}: recipe {settings.recipe} has its own number of frames")
    return [Recipe.parse(settings.recipe)], []


def _too_few(asked: int | None, count: int) -> list[str]:
    return [f"{asked} frames asked for, {count} there: those were used"] if asked and asked > count else []


def _doubts(candidates: Sequence[Candidate], refined: Refined | None) -> list[str]:
    """What a person should know of the candidates as a whole."""
    said = []
    best = candidates[0]
    if refined is None and best.scores and best.scores.total > DOUBTFUL:
        said.append(
            f"even the best candidate scores {best.scores.total:.1f}, 0.4 to 1.6 is usual: where rain is dense or "
            "much moves, scores mislead; look at the pictures yourself, also at lower percentiles"
        )
    return said


@contextmanager
def _closing_on_error(store: PictureStore) -> Iterator[None]:
    """Close a store where the block raises or the stage is closed; on success it is the caller's."""
    try:
        yield
    except BaseException:
        store.close()
        raise


def _score(
    candidates: Sequence[Candidate],
    store: PictureStore,
    reference: U8,
    scoring_target: NDArray[np.float32],
    told: Sequence[float] | None,
    workers: int,
) -> Generator[Progress, None, list[Candidate]]:
    """Score the candidates; best first. told: expected errors, which replace distances from the target."""
    scored = []
    with ThreadPoolExecutor(workers) as pool:
        judge = Judge(reference, scoring_target, pool)
        for done, candidate in enumerate(candidates, 1):
            scores = judge.score(store.picture(candidate.row))
            scored.append(replace(candidate, scores=scores if told is None else scores.judged(told[done - 1])))
            yield Progress("score", done, len(candidates))
    return sorted(scored, key=lambda c: (c.scores.total if c.scores else 0.0, c.recipe.frames))


def _vote_warnings(votes: Sequence[Votes], recipes: Sequence[Recipe], sizes: Sequence[int]) -> list[str]:
    voting = {r.frames for r in recipes if r.percentile is None}
    return [
        f"{vote.silent_share:.1%} of the pixels cast no vote for N = {size} (their most frequent value is "
        "too rare, as noise or motion make it): judge η* by eye"
        for vote, size in zip(votes, sizes, strict=True)
        if size in voting and vote.silent_share > SILENT_LIMIT
    ]
