"""Excluded parts of a sequence's pairs: marked by a person, doubtful, unsure, or covered by foreground."""

from dataclasses import dataclass
from functools import cached_property, reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.project.analysis import read_areas, read_foreground, read_picture, read_posterior
from pipeline.project.editing import read_mask
from pipeline.project.model import Analysis
from pipeline.project.storage import Project
from rainclean.moving import ForegroundMasks

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

REASONS = ("person", "doubtful", "unsure", "passing")
"""Reasons for an exclusion, as written in sequences.csv."""


class ExclusionRules(NamedTuple):
    """Exclusions of an export beside what a person marked.

    keep_moving: exclude nothing because of motion. max_error: exclude pixels of the clean image whose expected error,
    grey levels, is larger; None: no limit.
    """

    keep_moving: bool = False
    max_error: float | None = None


@dataclass(frozen=True)
class Excluded:
    """Excluded parts of one frame; None where nothing is.

    by_person: (H, W) uint8, 255 where a person excluded. doubtful: (H, W) bool, where the clean image is doubtful.
    unsure: (H, W) bool, where its expected error is too large. foreground: (H, W) bool, foreground in the frame.
    """

    by_person: U8 | None
    doubtful: Mask | None
    unsure: Mask | None
    foreground: Mask | None

    @cached_property
    def found(self) -> Mask | None:
        """Return what was found beside what a person marked, (H, W) bool; None where nothing was."""
        masks = [mask for mask in (self.doubtful, self.unsure, self.foreground) if mask is not None]
        return reduce(np.logical_or, masks) if masks else None

    @cached_property
    def mask(self) -> U8 | None:
        """Return the exclusion mask, (H, W) uint8, 255 where excluded; None where nothing is."""
        if self.found is None:
            return self.by_person
        found = np.where(self.found, np.uint8(255), np.uint8(0))
        return found if self.by_person is None else found | self.by_person

    def why(self, box: tuple[slice, slice]) -> list[str]:
        """Return which of `REASONS` exclude something in a part of the frame, given as slices of rows and columns."""
        masks = (self.by_person, self.doubtful, self.unsure, self.foreground)
        return [name for name, mask in zip(REASONS, masks, strict=True) if mask is not None and mask[box].any()]


@dataclass(frozen=True)
class Exclusions:
    """Excluded parts of a sequence: as in `Excluded`, with the foreground of every frame."""

    by_person: U8 | None = None
    doubtful: Mask | None = None
    unsure: Mask | None = None
    foreground: ForegroundMasks | None = None

    def for_frame(self, frame: int) -> Excluded:
        """Return the excluded parts of a frame, given its index in the clip."""
        foreground = None if self.foreground is None else self.foreground.mask(frame)
        return Excluded(self.by_person, self.doubtful, self.unsure, foreground)


def read_exclusions(
    project: Project, analysis: Analysis, picture: str, exclude: str, rules: ExclusionRules
) -> Exclusions:
    """Read the excluded parts of an analysed sequence.

    A person who marked anything has looked at the doubtful places, so their marks replace these. Foreground and unsure
    pixels are excluded in any case.

    Args:
        project: Open project.
        analysis: Analysis of the sequence.
        picture: Artefact of its clean image.
        exclude: Artefact of what a person marked, or "".
        rules: What to exclude beside that.

    Raises:
        InputError: A file is missing or damaged.
    """
    by_person = read_mask(project, exclude) if exclude else None
    unsure = None if rules.max_error is None else _unsure(project, analysis, picture, rules.max_error)
    if rules.keep_moving:
        return Exclusions(by_person, unsure=unsure)
    areas = None if exclude else read_areas(project, analysis)
    doubtful = areas.doubtful if areas is not None and areas.doubtful.any() else None
    return Exclusions(by_person, doubtful, unsure, read_foreground(project, analysis))


def _unsure(project: Project, analysis: Analysis, picture: str, max_error: float) -> Mask | None:
    posterior = read_posterior(project, analysis)
    if posterior is None:
        return None
    unsure = posterior.error(read_picture(project, picture)) > max_error
    return unsure if unsure.any() else None
