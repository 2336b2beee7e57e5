"""From a sorted stack to candidates: votes, what each recipe asks of the stack, and where a mean begins."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.ingest import Gathered
from pipeline.clean.near_frames import near_frames, near_recipe
from pipeline.clean.plan import refines
from pipeline.clean.settings import CleanSettings
from pipeline.stages import Progress, shares_done
from rainclean.candidates import PictureStore, Recipe, Rows
from rainclean.candidates.estimators import PERCENTILE, NearEstimator, sweep_estimators
from rainclean.errors import InputError
from rainclean.rainfree import Near
from rainclean.temporal import SILENT_LIMIT, InitialEstimate, Votes, eta_map

F32 = NDArray[np.float32]


@dataclass(kw_only=True)
class LookedUp:
    """What came out of the stack.

    Attributes:
        rows: all candidates, those that are still to be made last. store: their pictures. The receiver's to close.
        votes: of each window. scoring_target: (h, w) float32, where the values of each pixel scoring_target; undefined
        where a mean will be made. near: frames near the reference frame, aligned with it, where the camera moves.
        initial: (h, w, 3) float32, where a mean of all frames begins; None where none is made. noise: (256,) float32,
        standard deviation by level, along with it.
    """

    rows: Rows
    store: PictureStore
    votes: list[Votes]
    scoring_target: F32
    near: Near | None
    initial: F32 | None
    noise: F32 | None

    @property
    def of_all_frames(self) -> list[Recipe]:
        """Recipes whose pictures are made of all frames, read once more."""
        return [recipe for recipe in self.rows.made if recipe.of_all_frames]

    @property
    def of_near_frames(self) -> list[Recipe]:
        """Recipes whose pictures are made of near frames."""
        return [recipe for recipe in self.rows.made if recipe.of_near_frames]


def look_up(gathered: Gathered, settings: CleanSettings) -> Generator[Progress, None, LookedUp]:
    """Ask the stack for what the recipes want.

    Raises:
        InputError: a recipe of near frames, and the camera stands still, or nothing ties them together.
    """
    stack, still = gathered.stack, gathered.still
    # Where values lie densest is what candidates are judged by unless something better will be there.
    votes, scoring_target = yield from shares_done("votes", stack.votes(None if refines(gathered.recipes) else still))
    rows = Rows(gathered.recipes, gathered.sizes, votes)
    near = yield from _add_other_rules(rows, gathered, settings)
    start = _start(rows, gathered) if any(recipe.of_all_frames for recipe in rows.made) else None
    store = PictureStore(stack.picture_planes(len(rows.candidates)), (stack.height, stack.width, 3), gathered.bounds)
    with closing_on_error(store):
        initial = yield from shares_done("look up", stack.percentiles(rows.wanted, store.put, start))
    noise = None if start is None else start.sigma
    return LookedUp(
        rows=rows, store=store, votes=votes, scoring_target=scoring_target, near=near, initial=initial, noise=noise
    )


def _add_other_rules(rows: Rows, gathered: Gathered, settings: CleanSettings) -> Generator[Progress, None, Near | None]:
    """Add the recipes that are no percentile of the whole picture; returns the near frames, if they were looked at."""
    stack, recipe = gathered.stack, gathered.recipes[0]
    near = None
    if settings.recipe is None or recipe.of_near_frames:
        near = yield from near_frames(gathered, settings.workers)
    if settings.recipe is None:
        rows.add_sweep(gathered.still, stack.local_votes[gathered.still])
        if near is not None:
            for estimator in sweep_estimators():
                if isinstance(estimator, NearEstimator):
                    rows.add(near_recipe(recipe, estimator.rule, near), stack.local_votes[rows.refined])
        return near
    if recipe.of_near_frames:
        if near is None:
            why = "the camera does not move, or no other frame could be aligned to the reference frame"
            raise InputError(gathered.frames.info.path, f"recipe {settings.recipe}: {why}", "use n20-vote")
        recipe = near_recipe(recipe, recipe.rule, near)
    if recipe.rule != PERCENTILE:
        rows.add(recipe, stack.local_votes[rows.refined])
    return near


def _start(rows: Rows, gathered: Gathered) -> InitialEstimate:
    """Where a mean begins: the vote of each neighbourhood. Where a shadow lay for some frames the whole picture's is
    in it.
    """
    window = rows.refined
    eta = rows.votes[window].eta
    begin = eta_map(gathered.stack.local_votes[window], eta)
    return InitialEstimate(window, begin, gathered.noise.curve(eta, *gathered.selection.windows[window]))


def vote_warnings(votes: Sequence[Votes], recipes: Sequence[Recipe], sizes: Sequence[int]) -> list[str]:
    """Return one line for each window that many pixels cast no vote for, where a recipe goes by the vote."""
    voting = {r.frames for r in recipes if r.percentile is None}
    return [
        f"{100 * vote.silent_share:.1f} % of the pixels cast no vote for N = {size} (noise or motion makes their "
        "most frequent value too rare): judge η* by eye"
        for vote, size in zip(votes, sizes, strict=True)
        if size in voting and vote.silent_share > SILENT_LIMIT
    ]


@contextmanager
def closing_on_error(store: PictureStore) -> Iterator[None]:
    """Close a store where the block raises or the stage is closed; on success it is the caller's."""
    try:
        yield
    except BaseException:
        store.close()
        raise
