"""All estimators by their rule. A further one of ours is one module and one line here."""

import re

from rainclean.candidates.estimators.base import Estimator, FramesEstimator, NearEstimator, SortedEstimator
from rainclean.candidates.estimators.local import LocalEstimator
from rainclean.candidates.estimators.near import NearFramesEstimator
from rainclean.candidates.estimators.percentile import PercentileEstimator
from rainclean.candidates.estimators.rainfree import RainfreeEstimator

_KINDS = (SortedEstimator, FramesEstimator, NearEstimator)
"""In the order in which their candidates are made."""

_BUILT_IN: tuple[Estimator, ...] = (
    PercentileEstimator(),
    LocalEstimator(),
    RainfreeEstimator(),
    NearFramesEstimator(),
)

_ESTIMATORS: dict[str, Estimator] = {each.rule: each for each in _BUILT_IN}


def register_estimator(estimator: Estimator) -> None:
    """Make an estimator known: its recipes can be named, made, stored and exported.

    Args:
        estimator: an instance of a subclass of `SortedEstimator`, `FramesEstimator` or `NearEstimator`. Its rule must
            be new, and its names must not end like another one's.

    Raises:
        ValueError: the rule is taken, or is no name for a file, or the estimator is of no kind.
    """
    if not isinstance(estimator, _KINDS):
        raise ValueError(f"{estimator!r} is no SortedEstimator, FramesEstimator or NearEstimator")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", estimator.rule) or estimator.rule.endswith("-steady"):
        raise ValueError(f"rule {estimator.rule!r}: use lower-case letters, digits, _ and -")
    if estimator.rule in _ESTIMATORS:
        raise ValueError(f"an estimator with rule {estimator.rule!r} is registered already")
    _ESTIMATORS[estimator.rule] = estimator


def unregister_estimator(rule: str) -> None:
    """Forget an estimator that was registered from outside. Raises ValueError for one of ours, or none."""
    if rule not in _ESTIMATORS or _ESTIMATORS[rule] in _BUILT_IN:
        raise ValueError(f"no estimator with rule {rule!r} was registered")
    del _ESTIMATORS[rule]


def estimators() -> tuple[Estimator, ...]:
    """Return all estimators, ours first."""
    return tuple(_ESTIMATORS.values())


def find_estimator(rule: object) -> Estimator | None:
    """Return the estimator of a rule; None where none is registered, as of a project made elsewhere."""
    return _ESTIMATORS.get(rule) if isinstance(rule, str) else None


def estimator_of(rule: str) -> Estimator:
    """Return the estimator of a rule. Raises KeyError."""
    return _ESTIMATORS[rule]


def estimators_from_outside() -> tuple[Estimator, ...]:
    """Return those of `estimators` that did not come with rainclean."""
    return tuple(each for each in estimators() if each not in _BUILT_IN)


def sweep_estimators() -> list[Estimator]:
    """Return what a sweep makes beside its percentiles, in the order in which it is made."""
    wanted = [each for each in estimators() if each.in_sweep]
    return [each for kind in _KINDS for each in wanted if isinstance(each, kind)]


def sweep_from_outside() -> list[Estimator]:
    """Return those of `sweep_estimators` that did not come with rainclean."""
    return [each for each in sweep_estimators() if each not in _BUILT_IN]
