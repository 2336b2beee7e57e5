"""How many pairs an export would hold, and about how large it would be, before anything is decoded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from pipeline.export.exclusions import read_exclusions
from pipeline.export.plan import ExportSettings, Item, plan_export
from pipeline.project.storage import Project
from rainclean.dataset import CropChoice, has_parquet, layout

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

RAINY_TO_CLEAN = 1.2
"""Bytes of a rainy frame's PNG to those of its clean image, where an older analysis kept no rainy frame."""

CONFIDENCE_TO_SD = 0.3
"""Bytes of a confidence picture to those of the standard deviation that it follows from, which has 16 bits."""

MASK_TO_SD = 0.05
"""The same of an exclusion mask of what is too unsure."""

ROW = 500
"""Bytes that manifest and list take for a pair; the check sums are most of it."""

PARQUET_ROW = 200
"""Bytes that the same row takes in the second manifest, where there is one."""

CONTAINER = 70
"""Bytes of a PNG file that are not the picture."""

MANY = 5000
"""Crops a frame above which they are not looked at one by one."""

FEW_FRAMES = 25
"""Frames of a sequence with something passing in them that are looked at one by one."""


@dataclass(frozen=True)
class Estimate:
    """What an export would hold, by split. bytes: of all its files, estimated.

    exact: the pairs are those that the export will hold, but for frames in which the camera stands elsewhere than in
    the clean image, which only decoding tells; else they are at most so many. notes: as the export would give them.
    """

    sequences: dict[str, int]
    scenes: dict[str, int]
    pairs: dict[str, int]
    bytes: int
    exact: bool
    notes: tuple[str, ...]


def estimate(project: Project, settings: ExportSettings) -> Estimate:
    """Plan an export and count what it would hold; decodes no clip and writes nothing.

    Bytes come from the sizes that clean images and rainy reference frames have in the project. Raises as
    `plan_export`.
    """
    plan = plan_export(project, settings)
    counter = _Counter(project, settings)
    sequences: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    size = 0
    for item in plan.items:
        frames = item.choose(settings.frames, item.amounts)
        crops, areas = counter.of(item, frames)
        sequences[item.split] += 1
        pairs[item.split] += crops
        files = 3 if settings.confidence and item.analysis.posterior_sd else 2
        size += ceil(areas * _bytes_of_frame(project, item, settings)) + crops * (files * CONTAINER + _row_bytes())
    splits = layout(settings.layout).splits
    return Estimate(
        {split: sequences[split] for split in splits},
        {split: sum(its == split for its in plan.splits.values()) for split in splits},
        {split: pairs[split] for split in splits},
        size,
        counter.exact,
        plan.notes,
    )


def size_in_words(size: float) -> str:
    """``873 kB``, ``3.4 MB``, ``21 GB``: units are powers of 1000, as disks have them."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.1f} {unit}" if unit in ("MB", "GB") and size < 9.95 else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def most_crops(crops: CropChoice, width: int, height: int) -> int:
    """Crops of a frame of this size in px, where neither rain nor exclusion rules any out. Raises UsageError."""
    crops.check(width, height)
    if crops.size is None:
        return 1
    across, down = width - crops.size[0] + 1, height - crops.size[1] + 1
    if crops.count is not None:
        return min(crops.count, across * down)
    stride = crops.stride or crops.size
    return _steps(across, crops.size[0], stride[0]) * _steps(down, crops.size[1], stride[1])


class _Counter:
    """Crops as they come out where rain rules none out. exact: so far everything that excludes was looked at."""

    def __init__(self, project: Project, settings: ExportSettings) -> None:
        self.exact = settings.crops.smallest_rain_share == 0
        self._project, self._rules = project, settings.exclusion
        self._crops = replace(settings.crops, smallest_rain_share=0.0)

    def of(self, item: Item, frames: Sequence[int]) -> tuple[int, float]:
        """Number of crops of these frames; sum of their areas, 1 for one whole frame."""
        region, size = item.analysis.region, self._crops.size
        if size is None:
            return len(frames), float(len(frames))
        number = self._count(item, frames)
        return number, number * size[0] * size[1] / (region.width * region.height)

    def _count(self, item: Item, frames: Sequence[int]) -> int:
        made, exclude = item.analysis, item.decision.exclude
        width, height = made.region.width, made.region.height
        most = most_crops(self._crops, width, height)
        rules = self._rules
        unsure = made.posterior_sd and rules.max_error is not None
        if not (exclude or unsure or (made.moving and not rules.keep_moving)):
            return most * len(frames)
        if most > MANY:
            self.exact = False
            return most * len(frames)
        exclusions = read_exclusions(self._project, made, item.candidate.picture, exclude, rules)
        dry: U8 = np.zeros((height, width, 3), np.uint8)

        def count(found: Mask | None) -> int:
            return len(self._crops.choose(dry, dry, exclusions.by_person, found=found, sequence="", frame=0))

        usual = count(replace(exclusions, passing=None).of(0).found)
        own = [frame for frame in frames if exclusions.passing is not None and frame in exclusions.passing.cells]
        if len(own) > FEW_FRAMES:
            self.exact = False  # of the others nothing of their own is left out: at most so many
        looked_at = own[:FEW_FRAMES]
        of_their_own = sum(count(exclusions.of(frame).found) for frame in looked_at)
        return of_their_own + usual * (len(frames) - len(looked_at))


def _steps(places: int, size: int, stride: int) -> int:
    steps = -(-places // stride)
    # As `CropChoice` lays its grid: one more at the border, unless the stride leaves gaps anyway.
    return steps + (stride <= size and (places - 1) % stride > 0)


def _bytes_of_frame(project: Project, item: Item, settings: ExportSettings) -> float:
    """Of a whole pair's pictures, exclusion mask and confidence included."""
    made = item.analysis
    clean = _size(project, item.candidate.picture)
    rainy = _size(project, made.reference) or RAINY_TO_CLEAN * clean
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


def _row_bytes() -> int:
    return ROW + (PARQUET_ROW if has_parquet() else 0)
