"""What is added from outside: estimators, a defect, a rule of verdicts, a kind of moving thing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rainclean.candidates import Defect, register_defect, unregister_defect
from rainclean.candidates.estimators import (
    Accumulation,
    Estimator,
    FramesEstimate,
    FramesEstimator,
    NearEstimator,
    SortedEstimator,
    register_estimator,
    unregister_estimator,
)
from rainclean.moving import Detector, Scene, register_detector, unregister_detector
from rainclean.verdict import Rule, register_rule, unregister_rule

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


def trimmed_mean(tile: U8) -> U8:
    """The mean of the darker half of the values, (N, T) uint8 sorted → (T,) uint8."""
    kept = tile[: len(tile) // 2].mean(axis=0, dtype=np.float64)
    return np.rint(kept).astype(np.uint8)


class Trimmed(SortedEstimator):
    """``n20-trimmed``."""

    rule = "trimmed"
    version = 3

    def label(self, recipe: Any) -> str:
        return "trimmed mean"

    def query(self, recipe: Any, votes: Any, local: Any) -> Any:
        return trimmed_mean


class TrimmedInSweep(Trimmed):
    """The same, made by every sweep."""

    in_sweep = True


class Plain(FramesEstimator):
    """``n20-plain``: the mean of all values, rain and all."""

    rule = "plain"
    in_sweep = True

    def accumulator(self, begin: Accumulation) -> "Sums":
        return Sums(begin)


class Sums:
    def __init__(self, begin: Accumulation) -> None:
        self.sums, self.frames = np.zeros(begin.initial.shape), begin.frames

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, position: int, rgb: U8) -> None:
        assert 0 <= position < self.frames
        self.sums += rgb

    def finish(self) -> FramesEstimate:
        return FramesEstimate((self.sums / self.frames).astype(np.float32))


class Darkest(NearEstimator):
    """``n7-darkest``: the darkest of the near frames."""

    rule = "darkest"
    in_sweep = True

    def make(self, near: Any, without: int | None = None) -> tuple[U8, F32]:
        used = near.frames if without is None else np.delete(near.frames, without, axis=0)
        return used.min(axis=0), np.full(near.frames.shape[1:3], 1 / len(used), np.float32)


@contextmanager
def registered(*toys: Estimator) -> Iterator[None]:
    """Known inside the block only."""
    for toy in toys:
        register_estimator(toy)
    try:
        yield
    finally:
        for toy in toys:
            unregister_estimator(toy.rule)


BLUE_CAST = Defect(
    "blue_cast", "blue cast", "less blue", weight=0.5,
    measure=lambda picture, reference, target: np.full(target.shape, picture.mean() / 100, np.float32),
)  # fmt: skip
"""A defect of every candidate: the brighter, the worse."""


@contextmanager
def scored_by(defect: Defect) -> Iterator[None]:
    """Known inside the block only."""
    register_defect(defect)
    try:
        yield
    finally:
        unregister_defect(defect.name)


TOO_GREEN = Rule(
    "too-green", value=lambda facts: facts.share("too-green"), look=0.2, unfit=0.9,
    description=lambda facts, share: f"{share:.0%} of the frame is green",
    find=lambda sight: sight.picture[..., 1] > sight.reference.min(),
)  # fmt: skip
"""A rule of nearly every picture."""


class Corner(Detector):
    """Something always moves in the upper left corner."""

    kinds: Mapping[str, str] = {"corner": "something moves in the corner"}

    def find(self, scene: Scene) -> Mapping[str, Any]:
        rows, columns = scene.grid.cells
        mask = np.zeros((rows, columns), bool)
        mask[: rows // 2, : columns // 2] = True
        assert scene.passing.shape == (len(scene.residuals), rows, columns) and not scene.areas["corner"].any()
        return {"corner": mask}


@contextmanager
def judged_by(rule: Rule) -> Iterator[None]:
    """Known inside the block only."""
    register_rule(rule)
    try:
        yield
    finally:
        unregister_rule(rule.code)


@contextmanager
def looking_for(detector: Detector) -> Iterator[None]:
    """Known inside the block only."""
    register_detector(detector)
    try:
        yield
    finally:
        unregister_detector(detector)
