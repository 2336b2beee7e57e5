"""The verdict on what `clean` made of a clip: the facts that `rainclean.verdict.rules` judges by, gathered."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.clean.refine import Refined
from rainclean.candidates import Recipe
from rainclean.moving import Findings as MovingFindings
from rainclean.rainfree import Near, Posterior
from rainclean.stabilization import Stabilization
from rainclean.verdict import ASTRAY, Facts

if TYPE_CHECKING:
    from pipeline.clean.ingest import Gathered

Mask = NDArray[np.bool_]

ANOTHER_SHOT = "another shot"
"""Why frames are left out that nobody tried to lay over the others: no sign that others were laid wrong."""

_MOST = 90
"""Percentile of the frames that may not lie beside the others: one that was jolted does no harm."""

_RAINIEST = 75
"""Percentile of the picture at which it is told how much it rains."""


def facts_of(
    gathered: "Gathered",
    recipe: Recipe,
    frame: tuple[int, int],
    *,
    refined: Refined | None,
    posterior: Posterior | None,
    moving: MovingFindings | None,
    near: Near | None,
    evidence: Mapping[str, Mask],
) -> Facts:
    """What is known of a clip's best-scored candidate.

    recipe: its own; of frames near the reference frame it was made of ``near``. frame: width, height in px of what was
    asked for.
    posterior: of the truth. evidence: (h, w) bool by the code of a rule, of what the candidate itself does not tell.
    """
    stabilization = gathered.stabilization
    areas: dict[str, Mask] = {}
    if moving is not None:
        areas["moving"] = moving.doubtful
    if posterior is not None:
        areas["unsure"] = posterior.sd > ASTRAY
    areas.update(evidence)
    if moving is not None:  # nobody trains on what is excluded
        excluded = moving.doubtful | moving.per_frame(gathered.selection.reference)
        areas = {code: where if code == "moving" else where & ~excluded for code, where in areas.items()}
    if recipe.of_near_frames and near is not None:
        # Frames that do not fit the others were not asked to.
        return Facts(
            used=len(near.frames),
            kept=gathered.region.width * gathered.region.height / (frame[0] * frame[1]),
            areas=areas,
        )
    window = gathered.selection.windows[gathered.sizes.index(recipe.frames)]
    fitted = 0 if stabilization is None else len(stabilization.poses)
    left_out = () if stabilization is None else [why for why in stabilization.dropped.values() if why != ANOTHER_SHOT]
    return Facts(
        used=window[1] - window[0],
        asked=fitted + len(left_out),
        fitted=fitted,
        kept=gathered.region.width * gathered.region.height / (frame[0] * frame[1]),
        drift=_drift(gathered.selection.indices[window[0] : window[1]], stabilization, gathered.shifts),
        rain=None if refined is None else _rain(refined, moving),
        free=None if refined is None else refined.share,
        areas=areas,
    )


def _drift(
    frames: tuple[int, ...], stabilization: Stabilization | None, shifts: Mapping[int, float | None]
) -> float | None:
    """Px that these frames are off one another; inf where others can be told to be too far off to tell."""
    if stabilization is not None:
        return float(np.percentile([stabilization.poses[index].residual for index in frames], _MOST))
    seen = [shifts[index] for index in frames if index in shifts]
    told = [shift for shift in seen if shift is not None]
    if not told:
        return None
    return math.inf if len(told) < len(seen) else max(told)


def _rain(refined: Refined, moving: MovingFindings | None) -> float:
    """How much brighter than the clean image frames are, in levels, in the quarter of the picture where they are most.

    Rain falls everywhere and is seen before what is dark; what passes or flickers is seen in fewer places. 0 where
    everything moves.
    """
    brighter = refined.brighter
    if moving is not None:
        doubtful = cv2.resize(moving.doubtful.view(np.uint8), brighter.shape[::-1], interpolation=cv2.INTER_NEAREST)
        brighter = brighter[doubtful == 0]
    return float(np.percentile(brighter, _RAINIEST)) if brighter.size else 0.0
