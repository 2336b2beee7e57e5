"""How many pairs an export would hold, and about how large it would be, before anything is decoded."""

from collections import Counter
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from pipeline.export.plan import ExportSettings, Item, plan_export
from pipeline.project.masks import read_mask
from pipeline.project.store import Project
from rainclean.formats import layout
from rainclean.formats.manifest import has_parquet
from rainclean.pairs import CropChoice, FrameChoice

U8 = NDArray[np.uint8]

RAINY_TO_CLEAN = 1.2
"""Bytes of a rainy frame's PNG to those of its clean image, where an older analysis kept no rainy frame."""

ROW = 500
"""Bytes that manifest and list take for a pair; the check sums are most of it."""

PARQUET_ROW = 200
"""Bytes that the same row takes in the second manifest, where there is one."""

CONTAINER = 70
"""Bytes of a PNG file that are not the picture."""


MANY = 5000
"""Crops a frame above which they are not looked at one by one."""


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
    counter = _Counter(project, settings.crops)
    sequences: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    size = 0
    for item in plan.items:
        frames = len(item.frames or _frames(item, settings.frames))
        crops, share = counter.of(item)
        sequences[item.split] += 1
        pairs[item.split] += frames * crops
        size += frames * (ceil(share * _bytes_of_frame(project, item)) + crops * (2 * CONTAINER + _row_bytes()))
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
    """Crops a frame as they come out where rain rules none out. exact: so far exclusion masks were looked at."""

    def __init__(self, project: Project, crops: CropChoice) -> None:
        self.exact = crops.smallest_rain_share == 0
        self._project = project
        self._crops = replace(crops, smallest_rain_share=0.0)
        self._found: dict[tuple[int, int, str], int] = {}

    def of(self, item: Item) -> tuple[int, float]:
        """Number of crops of each frame; sum of their areas, 1 for one whole frame."""
        region, exclude, size = item.analysis.region, item.decision.exclude, self._crops.size
        if size is None:
            return 1, 1.0
        key = (region.width, region.height, exclude)
        if key not in self._found:
            self._found[key] = self._count(*key)
        return self._found[key], self._found[key] * size[0] * size[1] / (region.width * region.height)

    def _count(self, width: int, height: int, exclude: str) -> int:
        most = most_crops(self._crops, width, height)
        if not exclude:
            return most
        if most > MANY:
            self.exact = False
            return most
        dry: U8 = np.zeros((height, width, 3), np.uint8)
        return len(self._crops.choose(dry, dry, read_mask(self._project, exclude), sequence="", frame=0))


def _steps(places: int, size: int, stride: int) -> int:
    steps = -(-places // stride)
    # As `CropChoice` lays its grid: one more at the border, unless the stride leaves gaps anyway.
    return steps + (stride <= size and (places - 1) % stride > 0)


def _frames(item: Item, choice: FrameChoice) -> list[int]:
    return choice.choose(range(item.sequence.first, item.sequence.last), item.rain)


def _bytes_of_frame(project: Project, item: Item) -> float:
    """Of a whole pair's pictures, exclusion mask included."""
    clean = _size(project, item.candidate.picture)
    rainy = _size(project, item.analysis.reference) or RAINY_TO_CLEAN * clean
    return clean + rainy + _size(project, item.decision.exclude)


def _size(project: Project, name: str) -> int:
    path = project.artefacts.path(name) if name else None
    return path.stat().st_size if path is not None and path.is_file() else 0


def _row_bytes() -> int:
    return ROW + (PARQUET_ROW if has_parquet() else 0)
