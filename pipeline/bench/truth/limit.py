"""What could be had of a simulated clip at best, since it is known where it rains and what passes.

Source of the limit: METHOD.md, section 6.
"""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.bench.truth.case_table import LadderClip
from pipeline.stages import Progress
from rainclean.simulate import MASKS, Renderer, Scenery
from rainclean.video import open_source

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Limit(NamedTuple):
    """mean: (H, W, 3) float64, not rounded; of the truth where there is none. had: (H, W) bool, where there is."""

    mean: F64
    had: Mask


def limit(clip: LadderClip, reference: int) -> Generator[Progress, None, Limit | None]:
    """The mean of all samples without rain, passers-by and water, in the geometry of the reference frame.

    Each sample is brought to the exposure of the reference frame by the true gains. Free of rain is what the record
    says 0 of: opacity under 1/510. Where the camera is carried past things at several depths, each is followed into
    every frame, and samples are interpolated. None where a flat scene moves or patches of sun change all of it.
    """
    simulation = clip.simulation
    if simulation.sun or (simulation.moves and not simulation.layered):
        return None
    width, height = clip.size
    gains = clip.record.document["gains"]
    total, free = np.zeros((height, width, 3)), np.zeros((height, width, 1))
    masks = [clip.record.folder / name for name in MASKS]
    scenery = _scenery(clip) if simulation.layered and (simulation.trip or simulation.sway) else None
    with open_source(clip.path) as source, _Masks([m for m in masks if m.exists()]) as covered:
        for index, frame in enumerate(source.read()):
            rainless, shown = ~covered.next(), frame.rgb.astype(np.float64)
            if scenery is not None:
                shown, rainless = _brought(scenery, reference, index, shown, rainless)
            total += np.where(rainless[..., None], shown * (gains[reference] / gains[index]), 0)
            free += rainless[..., None]
            yield Progress("limit", index + 1, len(gains))
    known = clip.record.truth(reference)
    return Limit(np.where(free > 0, total / np.maximum(free, 1), known), free[..., 0] > 0)


def _scenery(clip: LadderClip) -> Scenery:
    width, height = clip.size
    document = clip.record.document
    return Renderer(clip.simulation, (height, width), document["frames"], document["seed"]).scenery


def _brought(scenery: Scenery, reference: int, index: int, shown: F64, rainless: Mask) -> tuple[F64, Mask]:
    """A frame in the geometry of the reference frame, and where its value is one of the same thing, without rain."""
    import cv2

    x, y, known = scenery.follow(reference, index)
    if index == reference:
        return shown, rainless
    moved = cv2.remap(shown.astype(np.float32), x, y, cv2.INTER_CUBIC)
    # Interpolation reaches 2 px far: there must be no rain there, either.
    wet = cv2.dilate(1 - rainless.astype(np.float32), np.ones((3, 3), np.uint8))
    dry = cv2.remap(wet, x, y, cv2.INTER_LINEAR, borderValue=1) == 0
    return np.clip(moved, 0, 255).astype(np.float64), known & dry


class _Masks:
    """Reads the masks of a clip side by side, a context manager; `next` says where any of them is not 0."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._sources = [open_source(path) for path in paths]
        self._frames = [source.read() for source in self._sources]

    def next(self) -> NDArray[np.bool_]:
        """(H, W) bool, of the next frame."""
        return np.any([next(frames).rgb[..., 0] > 0 for frames in self._frames], axis=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for source in self._sources:
            source.close()
