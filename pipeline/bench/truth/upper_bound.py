"""The upper bound of a simulated clip: the best clean image that its samples allow, rain and foreground being known."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.bench.truth.case_table import SimulatedClip
from pipeline.stages import Progress
from rainclean.simulate import MASKS, Renderer, Scenery
from rainclean.video import open_source

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]


class UpperBound(NamedTuple):
    """The upper bound of one clip.

    mean: (H, W, 3) float64, not rounded; the ground truth where no sample is free. known: (H, W) bool, where one is.
    """

    mean: F64
    known: Mask


class _AlignedSamples(NamedTuple):
    """A frame in the geometry of the reference frame: (H, W, 3) float64 levels, and (H, W) bool where they count."""

    levels: F64
    rainless: Mask


def upper_bound(clip: SimulatedClip, reference: int) -> Generator[Progress, None, UpperBound | None]:
    """Compute the mean of all samples without rain, foreground and water, aligned to the reference frame.

    Each sample is corrected to the exposure of the reference frame by the true gains. A sample is free of rain where
    the record holds 0, which is an opacity under 1/510. Where the camera moves past things at several depths, each is
    followed into every frame, and samples are interpolated.

    Args:
        clip: The clip with its ground truth.
        reference: Index of the reference frame.

    Yields:
        Progress of the stage "upper bound".

    Returns:
        The upper bound; None where a flat scene moves, or patches of sun change all of it.
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
                shown, rainless = _aligned(scenery, reference, index, shown, rainless)
            total += np.where(rainless[..., None], shown * (gains[reference] / gains[index]), 0)
            free += rainless[..., None]
            yield Progress("upper bound", index + 1, len(gains))
    known = clip.record.truth(reference)
    return UpperBound(np.where(free > 0, total / np.maximum(free, 1), known), free[..., 0] > 0)


def _scenery(clip: SimulatedClip) -> Scenery:
    width, height = clip.size
    document = clip.record.document
    return Renderer(clip.simulation, (height, width), document["frames"], document["seed"]).scenery


def _aligned(scenery: Scenery, reference: int, index: int, shown: F64, rainless: Mask) -> _AlignedSamples:
    """Warp a frame to the reference frame; count samples that show the same thing there, without rain."""
    import cv2

    x, y, known = scenery.follow(reference, index)
    if index == reference:
        return _AlignedSamples(shown, rainless)
    moved = cv2.remap(shown.astype(np.float32), x, y, cv2.INTER_CUBIC)
    # Interpolation reaches 2 px far: there must be no rain there, either.
    wet = cv2.dilate(1 - rainless.astype(np.float32), np.ones((3, 3), np.uint8))
    dry = cv2.remap(wet, x, y, cv2.INTER_LINEAR, borderValue=1) == 0
    return _AlignedSamples(np.clip(moved, 0, 255).astype(np.float64), known & dry)


class _Masks:
    """Reads the masks of a clip side by side, a context manager."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._sources = [open_source(path) for path in paths]
        self._frames = [source.read() for source in self._sources]

    def next(self) -> NDArray[np.bool_]:
        """Return where any mask of the next frame is not 0, (H, W) bool."""
        return np.any([next(frames).rgb[..., 0] > 0 for frames in self._frames], axis=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for source in self._sources:
            source.close()
