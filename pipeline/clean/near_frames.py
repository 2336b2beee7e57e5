"""Reads the frames next to the reference frame and lays them over it: what candidates are judged by."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.clean.ingest import Gathered
from pipeline.clean.survey import STILL_PX
from pipeline.stages import Progress, shares_done
from rainclean.candidates import Candidate, PictureStore, Recipe
from rainclean.candidates.estimators import NearEstimator
from rainclean.moving import TEXTS, Findings, whole
from rainclean.rainfree import MIN_NEAR_FRAMES, Near, Posterior, align_near_frames, frames_around
from rainclean.stabilization import relit
from rainclean.verdict import Evidence, Told, errors, overrule

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

NEAR_ASTRAY = 8.0
"""Grey levels that near frames may contradict each other by; of simulated clips the rest has hardly a stain."""

_AROUND = 3  # cells that are told together

MOST_PASSES = 0.5
"""Share of a frame from which on what seems to pass is taken for a clean image that is wrong."""


def near_frames(gathered: Gathered, workers: int) -> Generator[Progress, None, Near | None]:
    """Frames next to the reference frame, laid over it.

    None where the camera stands still, for then many frames know better, and where too few can be tied to it.
    """
    if not _moves(gathered):
        return None
    selection, stabilization = gathered.selection, gathered.stabilization
    cut = gathered.region if stabilization is None else stabilization.cut
    frames = gathered.beside
    if stabilization is None:
        wanted = frames_around(selection.indices, selection.reference_frame)
        frames = {frame.index: frame.rgb for frame in gathered.frames.read(wanted, cut)}
    poses = {} if stabilization is None else stabilization.poses
    # Frames so near are nearly in one light; where it is known of some only, these would stand out.
    known = all(i in poses for i in frames)
    lit = [relit(rgb, poses[i]) if known else rgb for i, rgb in frames.items()]
    matrices = [poses[i].matrix if i in poses else None for i in frames]
    x, y, width, height = gathered.region
    inside = (x - cut.x, y - cut.y, width, height)
    indices = list(frames)
    at = indices.index(selection.reference_frame)
    near = yield from shares_done("near frames", align_near_frames(lit, at, matrices, inside, workers))
    near = replace(near, indices=tuple(indices[k] for k in near.indices))
    return near if len(near.frames) >= MIN_NEAR_FRAMES else None


def _moves(gathered: Gathered) -> bool:
    if gathered.stabilization is not None:
        return gathered.stabilization.moves
    return any(shift is None or shift > STILL_PX for shift in gathered.shifts.values())


def near_recipe(like: Recipe, rule: str, near: Near) -> Recipe:
    """The recipe of a clean image of those frames. like: one of the same frames otherwise."""
    return replace(like, frames=len(near.frames), percentile=None, offset=0.0, rule=rule)


def make_near(recipe: Recipe, near: Near, without: int | None = None) -> tuple[U8, F32]:
    """Make the clean image of a recipe of near frames; see `NearEstimator.make`."""
    estimator = recipe.estimator
    assert isinstance(estimator, NearEstimator)
    return estimator.make(near, without)


def doubts_of_near(moving: Findings, posterior: Posterior) -> Findings:
    """What is in doubt of the clean image of near frames, in place of what is of that of many.

    Many frames of a camera that travels contradict their mean nearly everywhere; that says nothing of a few. posterior:
    of the clean image of near frames, which tells where these contradict each other. What is drawn over the frames is
    over near ones, too, at hardly another place.
    """
    sd = cv2.blur(posterior.sd, (moving.grid.step * _AROUND, moving.grid.step * _AROUND))
    contradicted = whole(sd > NEAR_ASTRAY, 1, 1)
    nothing = np.zeros_like(contradicted)
    drawn = nothing if moving.drawn is None else moving.areas["overlay"]
    labels = [
        "the neighbouring frames of the reference frame contradict each other in "
        f"{100 * contradicted.mean():.1f} % of the frame"
    ]
    of_drawn = [label for label in moving.labels if drawn.any() and label.startswith(TEXTS["overlay"])]
    return replace(
        moving,
        areas=dict.fromkeys(moving.areas, nothing) | {"changing": contradicted, "overlay": drawn},
        doubtful=contradicted | drawn,
        share=np.zeros_like(moving.share),
        labels=labels * bool(contradicted.any()) + of_drawn,
        packed=np.zeros_like(moving.packed) if moving.drawn is None else moving.drawn,
    )


def passing_now(moving: Findings | None, position: int) -> NDArray[np.bool_] | None:
    """What passes in the frame at a position, (h, w) bool; None where nobody looked, or it would be most of it."""
    found = None if moving is None else moving.per_frame(position)
    return None if found is None or found.mean() > MOST_PASSES else found


def expected_errors(
    candidates: Sequence[Candidate],
    store: PictureStore,
    evidence: Evidence,
    near: Near,
    own: Mapping[Recipe, F32],
) -> list[float] | None:
    """The expected error of each candidate by frames near the reference frame; None where many frames know better.

    own: weight of the reference frame in each clean image of those frames, (h, w) float32.
    """
    found: list[Told] = []
    for candidate in candidates:
        recipe, picture = candidate.recipe, store.picture(candidate.row)
        if recipe in own:
            others = {k: make_near(recipe, near, k)[0] for k in evidence.asked}
            found.append(evidence.tell(picture, evidence.own(own[recipe]), others))
        else:
            found.append(evidence.tell(picture, 1 / recipe.frames, frames=recipe.frames))
    mean = next((told for c, told in zip(candidates, found, strict=True) if c.recipe.of_all_frames), None)
    return errors(found) if mean is None or overrule(found, mean) else None
