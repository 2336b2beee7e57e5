"""The methods that `bench truth` measures: its own, and estimators of the registry."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rainclean.candidates.estimators import (
    PERCENTILE,
    Estimator,
    NearEstimator,
    estimators,
    estimators_from_outside,
)
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from pipeline.bench.truth.scores import Figures
    from rainclean.candidates import Candidate, Recipe

METHODS = ("rainy", "released", "median", "suggestion", "best", "limit")
"""Methods measured on each clip. The median is left out on films, and the upper bound where it is not known."""

NEAR_FRAMES = 7
"""Frames in the name of a recipe of near frames; those that can be aligned are used."""

_LABELS = {"suggestion": "first", "best": "closest", "limit": "upper bound"}
"""Text for a method where its key is not its name."""


def method_label(name: str) -> str:
    """Return a method for a person."""
    return _LABELS.get(name, name)


def method_names(figures: "Iterable[dict[str, Figures]]") -> tuple[str, ...]:
    """Return `METHODS`, then the rules of the estimators that were measured on any clip."""
    return tuple(dict.fromkeys([*METHODS, *(name for each in figures for name in each)]))


def measured_estimators(rules: Sequence[str] = ()) -> tuple[Estimator, ...]:
    """Return the estimators to measure beside `METHODS`.

    Args:
        rules: Of registered estimators. Empty: those that did not come with rainclean.

    Raises:
        UsageError: A rule is not registered, or has the name of a method.
    """
    known = {each.rule: each for each in estimators() if each.rule != PERCENTILE}
    for rule in rules:
        if rule not in known:
            raise UsageError(f"--methods {rule}: use {', '.join(known)}")
    chosen = tuple(known[rule] for rule in dict.fromkeys(rules)) or estimators_from_outside()
    for each in chosen:
        if each.rule in METHODS:
            raise UsageError(f"estimator {each.rule}: a method of bench truth has this name; rename its rule")
    return chosen


def recipe_of(estimator: Estimator, candidates: "Sequence[Candidate]") -> "Recipe":
    """Return the recipe by which an estimator is measured.

    Args:
        estimator: The estimator.
        candidates: Of a sweep.

    Returns:
        The recipe of the sweep. Where the sweep did not make it, one of the frames that its estimators used.
    """
    from dataclasses import replace

    from rainclean.candidates import Recipe

    swept = [Recipe.parse(name) for one in candidates for name in (one.recipe.name, *one.merged)]
    own = [recipe for recipe in swept if recipe.rule == estimator.rule]
    if own:
        return own[0]
    many = [recipe for recipe in swept if not recipe.of_near_frames]
    like = max(many, key=lambda recipe: (recipe.rule != PERCENTILE, recipe.frames))
    frames = NEAR_FRAMES if isinstance(estimator, NearEstimator) else like.frames
    return replace(like, frames=frames, percentile=None, offset=0.0, rule=estimator.rule)
