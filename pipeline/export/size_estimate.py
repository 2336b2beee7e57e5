"""Estimate the pairs and the size of an export, without decoding a clip."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.export.exclusions import read_exclusions
from pipeline.export.plan import ExportSettings, Item, empty_splits, plan_export
from pipeline.project.storage import Project
from rainclean.dataset import CropChoice

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

RAINY_TO_CLEAN = 1.2
"""Ratio of the PNG sizes of a rainy frame and its clean image, for older analyses that stored no rainy frame."""

CONFIDENCE_TO_SD = 0.3
"""Ratio of the sizes of a confidence picture and of the 16-bit standard deviation that it follows from."""

MASK_TO_SD = 0.05
"""The same ratio for an exclusion mask of unsure pixels."""

ROW = 900
"""Bytes of a pair in both manifests, list and metadata; most of them are checksums."""

CONTAINER = 70
"""Bytes of a PNG file beside the picture."""

PREVIEW_BYTES = 4_000_000
"""Bytes of the previews of a scene, about."""

MANY = 5000
"""Number of crops per frame above which they are not checked one by one."""

FEW_FRAMES = 25
"""Number of frames with foreground in a sequence that are checked one by one."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The estimated content of an export, by split. bytes: of all its files.

    exact: whether the number of pairs is exact, apart from misaligned frames, which only decoding can find; else it is
    an upper bound. notes: those of the export. empty: of these, those on splits without a pair. by_sequence: pairs of
    each sequence by its name.
    """

    sequences: dict[str, int]
    scenes: dict[str, int]
    pairs: dict[str, int]
    bytes: int
    exact: bool
    notes: tuple[str, ...]
    empty: tuple[str, ...]
    by_sequence: dict[str, int]


def estimate(project: Project, settings: ExportSettings) -> Estimate:
    """Plan an export and count its pairs and bytes; decode no clip and write nothing.

    Bytes follow from the sizes of clean images and rainy reference frames in the project.

    Raises:
        RaincleanError: Nothing is decided.
        UsageError: Settings do not fit the layout or the clips.
    """
    plan = plan_export(project, settings)
    counter = _Counter(project, settings)
    sequences: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    by_sequence: dict[str, int] = {}
    size = 0
    for item in plan.items:
        frames = item.choose(settings.frames, item.amounts)
        count = counter.count_crops(item, frames)
        sequences[item.split] += 1
        pairs[item.split] += count.crops
        by_sequence[item.sequence.name] = count.crops
        files = 3 if settings.confidence and item.analysis.posterior_sd else 2
        size += ceil(count.frames * _bytes_of_frame(project, item, settings)) + count.crops * (files * CONTAINER + ROW)
    if settings.preview:
        size += PREVIEW_BYTES * len(plan.splits)
    splits = settings.arrangement.splits
    with_pairs = {(item.split, item.sequence.scene) for item in plan.items if by_sequence[item.sequence.name]}
    scenes = Counter(split for split, _ in with_pairs)
    empty = tuple(empty_splits(settings, scenes, len(plan.splits)))
    return Estimate(
        sequences={split: sequences[split] for split in splits},
        scenes={split: sum(its == split for its in plan.splits.values()) for split in splits},
        pairs={split: pairs[split] for split in splits},
        bytes=size,
        exact=counter.exact,
        notes=(*plan.notes, *empty),
        empty=empty,
        by_sequence=by_sequence,
    )


def most_crops(crops: CropChoice, width: int, height: int) -> int:
    """Return the number of crops of a frame of this size in px, if none is ruled out. Raises UsageError."""
    crops.check(width, height)
    if crops.size is None:
        return 1
    across, down = width - crops.size[0] + 1, height - crops.size[1] + 1
    if crops.count is not None:
        return min(crops.count, across * down)
    stride = crops.stride or crops.size
    return _steps(across, crops.size[0], stride[0]) * _steps(down, crops.size[1], stride[1])


class _CropCount(NamedTuple):
    """A number of crops, and the sum of their areas in whole frames."""

    crops: int
    frames: float


class _Counter:
    """Counts crops, if rain rules none out. exact: whether all exclusions so far were checked."""

    def __init__(self, project: Project, settings: ExportSettings) -> None:
        self.exact = settings.crops.smallest_rain_share == 0
        self._project, self._rules = project, settings.exclusion
        self._crops = replace(settings.crops, smallest_rain_share=0.0)

    def count_crops(self, item: Item, frames: Sequence[int]) -> _CropCount:
        """Count the crops of some frames."""
        region, size = item.analysis.region, self._crops.size
        if size is None:
            return _CropCount(len(frames), float(len(frames)))
        number = self._count(item, frames)
        return _CropCount(number, number * size[0] * size[1] / (region.width * region.height))

    def _count(self, item: Item, frames: Sequence[int]) -> int:
        made, exclude = item.analysis, item.decision.exclude
        width, height = made.region.width, made.region.height
        most = most_crops(self._crops, width, height)
        rules = self._rules
        unsure = made.posterior_sd and rules.max_error is not None
        if not (exclude or unsure or (made.moving and not rules.keep_moving)):
            return most * len(frames)
        if most > MANY or (unsure and not self._project.artefacts.has(item.candidate.picture)):
            self.exact = False
            return most * len(frames)
        exclusions = read_exclusions(self._project, made, item.candidate.picture, exclude, rules)
        dry: U8 = np.zeros((height, width, 3), np.uint8)

        def count(found: Mask | None) -> int:
            return len(self._crops.choose(dry, dry, exclusions.by_person, found=found, sequence="", frame=0))

        usual = count(replace(exclusions, foreground=None).for_frame(0).found)
        own = [frame for frame in frames if exclusions.foreground is not None and frame in exclusions.foreground.cells]
        if len(own) > FEW_FRAMES:
            self.exact = False  # an upper bound: the foreground of the others is not counted
        checked = own[:FEW_FRAMES]
        with_foreground = sum(count(exclusions.for_frame(frame).found) for frame in checked)
        return with_foreground + usual * (len(frames) - len(checked))


def _steps(places: int, size: int, stride: int) -> int:
    steps = -(-places // stride)
    # Like the grid of `CropChoice`: one more at the border, unless the stride leaves gaps anyway.
    return steps + (stride <= size and (places - 1) % stride > 0)


def _bytes_of_frame(project: Project, item: Item, settings: ExportSettings) -> float:
    """Return the bytes of the pictures of a whole pair, with exclusion mask and confidence."""
    made = item.analysis
    clean: float = _size(project, item.candidate.picture)
    rainy = _size(project, made.reference) or RAINY_TO_CLEAN * clean
    clean = clean or rainy / RAINY_TO_CLEAN  # its picture is not kept
    masks: float = _size(project, item.decision.exclude)
    if not settings.keep_moving and not item.decision.exclude:
        masks += _size(project, made.areas)
    if settings.max_error is not None:
        masks += MASK_TO_SD * _size(project, made.posterior_sd)
    if settings.confidence:
        masks += CONFIDENCE_TO_SD * _size(project, made.posterior_sd)
    return clean + rainy + masks


def _size(project: Project, name: str) -> int:
    path = project.artefacts.path(name) if name else None
    return path.stat().st_size if path is not None and path.is_file() else 0
