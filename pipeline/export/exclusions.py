"""What of a sequence's pairs is excluded: what a person marked, what is in doubt or unsure, what passes in a frame."""

from dataclasses import dataclass
from functools import cached_property, reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.project.analysis import read_areas, read_passing, read_posterior
from pipeline.project.editing import read_mask
from pipeline.project.model import Analysis
from pipeline.project.storage import Project
from rainclean.moving import Passing

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

REASONS = ("person", "doubtful", "unsure", "passing")
"""Why something is excluded, as sequences.csv has it."""


class ExclusionRules(NamedTuple):
    """What an export excludes beside what a person marked.

    keep_moving: nothing because it moves. max_error: also pixels of the clean image whose expected error, grey levels,
    is above that; None: none.
    """

    keep_moving: bool = False
    max_error: float | None = None


@dataclass(frozen=True)
class Excluded:
    """What is excluded in one frame; each may be None: nothing.

    by_person: (H, W) uint8, 255 where a person excluded. doubtful: (H, W) bool, where the clean image is in doubt.
    unsure: (H, W) bool, where its expected error is too large. passing: (H, W) bool, what passes in the frame.
    """

    by_person: U8 | None
    doubtful: Mask | None
    unsure: Mask | None
    passing: Mask | None

    @cached_property
    def found(self) -> Mask | None:
        """What was found beside what a person marked, (H, W) bool; None where nothing was."""
        masks = [mask for mask in (self.doubtful, self.unsure, self.passing) if mask is not None]
        return reduce(np.logical_or, masks) if masks else None

    @cached_property
    def mask(self) -> U8 | None:
        """The exclusion mask, (H, W) uint8, 255 there; None where nothing is excluded."""
        if self.found is None:
            return self.by_person
        found = np.where(self.found, np.uint8(255), np.uint8(0))
        return found if self.by_person is None else found | self.by_person

    def why(self, box: tuple[slice, slice]) -> list[str]:
        """Which of `REASONS` exclude something in a part of the frame."""
        masks = (self.by_person, self.doubtful, self.unsure, self.passing)
        return [name for name, mask in zip(REASONS, masks, strict=True) if mask is not None and mask[box].any()]


@dataclass(frozen=True)
class Exclusions:
    """What is excluded of a sequence: as `Excluded` has it, and what passes in which frame."""

    by_person: U8 | None = None
    doubtful: Mask | None = None
    unsure: Mask | None = None
    passing: Passing | None = None

    def of(self, frame: int) -> Excluded:
        """What is excluded in a frame, by its index in the clip."""
        passing = None if self.passing is None else self.passing.mask(frame)
        return Excluded(self.by_person, self.doubtful, self.unsure, passing)


def read_exclusions(
    project: Project, analysis: Analysis, picture: str, exclude: str, rules: ExclusionRules
) -> Exclusions:
    """What is excluded of an analysed sequence.

    picture: artefact of its clean image. exclude: artefact of what a person marked, or "". Who marked anything has
    looked at the places: those in doubt are then only what they marked; what passes in a frame, and what is unsure, is
    excluded all the same. Raises InputError for files that are missing or damaged.
    """
    by_person = read_mask(project, exclude) if exclude else None
    unsure = None if rules.max_error is None else _unsure(project, analysis, picture, rules.max_error)
    if rules.keep_moving:
        return Exclusions(by_person, unsure=unsure)
    areas = None if exclude else read_areas(project, analysis)
    doubtful = areas.doubtful if areas is not None and areas.doubtful.any() else None
    return Exclusions(by_person, doubtful, unsure, read_passing(project, analysis))


def _unsure(project: Project, analysis: Analysis, picture: str, max_error: float) -> Mask | None:
    posterior = read_posterior(project, analysis)
    if posterior is None:
        return None
    unsure = posterior.error(project.artefacts.picture(picture)) > max_error
    return unsure if unsure.any() else None
