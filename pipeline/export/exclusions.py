"""What of a sequence's pairs is excluded: what a person marked, what is in doubt, what passes in a frame."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.project.findings import read_areas, read_passing
from pipeline.project.masks import read_mask
from pipeline.project.model import Analysis
from pipeline.project.store import Project
from rainclean.found import Passing

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Excluded:
    """What is excluded in one frame; each may be None: nothing.

    by_person: (H, W) uint8, 255 where a person excluded. doubtful: (H, W) bool, where the clean image is in doubt.
    passing: (H, W) bool, what passes in the frame.
    """

    by_person: U8 | None
    doubtful: Mask | None
    passing: Mask | None

    @cached_property
    def found(self) -> Mask | None:
        """What was found beside what a person marked, (H, W) bool; None where nothing was."""
        if self.passing is None or self.doubtful is None:
            return self.doubtful if self.passing is None else self.passing
        return self.doubtful | self.passing

    @cached_property
    def mask(self) -> U8 | None:
        """The exclusion mask, (H, W) uint8, 255 there; None where nothing is excluded."""
        if self.found is None:
            return self.by_person
        found = np.where(self.found, np.uint8(255), np.uint8(0))
        return found if self.by_person is None else found | self.by_person

    def why(self, box: tuple[slice, slice]) -> list[str]:
        """Which of ``person``, ``doubtful`` and ``passing`` exclude something in a part of the frame."""
        parts = (("person", self.by_person), ("doubtful", self.doubtful), ("passing", self.passing))
        return [name for name, mask in parts if mask is not None and mask[box].any()]


@dataclass(frozen=True)
class Exclusions:
    """What is excluded of a sequence: `Excluded.by_person` and `Excluded.doubtful`, and what passes in which frame."""

    by_person: U8 | None = None
    doubtful: Mask | None = None
    passing: Passing | None = None

    def of(self, frame: int) -> Excluded:
        """What is excluded in a frame, by its index in the clip."""
        return Excluded(self.by_person, self.doubtful, None if self.passing is None else self.passing.mask(frame))


def read_exclusions(project: Project, analysis: Analysis, exclude: str, keep_moving: bool) -> Exclusions:
    """What is excluded of an analysed sequence.

    exclude: artefact of what a person marked, or "". keep_moving: nothing but that. Who marked anything has looked at
    the places: those in doubt are then only what they marked; what passes in a frame is excluded all the same. Raises
    InputError for files that are missing or damaged.
    """
    by_person = read_mask(project, exclude) if exclude else None
    if keep_moving:
        return Exclusions(by_person)
    areas = None if exclude else read_areas(project, analysis)
    doubtful = areas.doubtful if areas is not None and areas.doubtful.any() else None
    return Exclusions(by_person, doubtful, read_passing(project, analysis))
