"""What is kept in memory and what in scratch space, decided before the work starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import psutil

from rainclean.errors import ResourceError
from rainclean.limits import MOST_CELLS, MOST_POINTS, MOST_SAMPLES
from rainclean.temporal import storage
from rainclean.temporal.storage import Band, Planes, ScratchPlanes, format_bytes

LEAST_DEFAULT, MOST_DEFAULT = 1 << 30, 4 << 30
"""Bounds of what is used unless told otherwise, in bytes."""

LONGEST_RUN = 32
"""Frames sorted at once before they are merged."""

IN_FLIGHT = 64
"""Bytes per pixel for frames on their way: a decoder's reference pictures, a few frames of RGB (measured: 40 to 73)."""

STEADYING = 46
"""Bytes per pixel for frames that are being stabilized, beside those, and for the bounds of what they show (6)."""

REFINED = 80
"""Bytes per pixel of a rain-free mean: its start (12), sums (32), what comes out (4), frames that wait (27), room to
work in (5 with a few threads)."""

BELIEVED = 20
"""Bytes per pixel of what is believed, while it is told what moves."""

MOVING = 8
"""Bytes per cell and frame of telling what moves (see `residual_grid`; measured: 4 to 9)."""

ASIDE = 64 << 20
"""Bytes of these two that are not counted, like the interpreter and its libraries, so that small clips need no more."""

SURVEYED = 640 * 640
"""Largest number of px of the pictures by which frames are registered; a byte each."""

BANDS_SHARE = 0.08
"""Largest share of the memory for the bands that workers are at, two each: many workers get narrower bands."""

RESERVE = 0.04
"""Share of the rest that is left for small things."""


def default_memory() -> int:
    """Bytes that a stack, its candidates, frames and the decoder may take beside the interpreter: a quarter of what
    the machine has, within LEAST_DEFAULT…MOST_DEFAULT.
    """
    try:
        total = psutil.virtual_memory().total
    except (psutil.Error, NotImplementedError, OSError):  # in a jail without /proc
        return LEAST_DEFAULT
    return min(MOST_DEFAULT, max(LEAST_DEFAULT, total // 4))


@dataclass(frozen=True)
class Layout:
    """Where stack and pictures of one clip go.

    run_length: frames in the longest run, a power of two. band_bytes: size of a band over all rows.
    scratch_bytes: the scratch space that all this takes.
    """

    stack_on_disk: bool
    pictures_on_disk: bool
    run_length: int
    band_bytes: int
    scratch_bytes: int


@dataclass(frozen=True)
class Budget:
    """Up to ``memory`` bytes in memory, beyond that a scratch file in ``folder``."""

    memory: int
    folder: Path

    def layout(self, pixels: int, frames: int, candidates: int, workers: int, refine: bool = False) -> Layout:
        """Decide for a stack of ``frames`` pictures of ``pixels`` and that many candidates.

        refine: a rain-free mean is made as well. Raises ResourceError where not even two runs of one frame fit (one
        is filled while the other is sorted), or no rain-free mean beside the decoder.
        """
        share = int(BANDS_SHARE * self.memory / (2 * workers))
        at_work = 2 * workers * min(storage.SCRATCH_BAND_BYTES, share)
        usable = (1 - RESERVE) * (self.memory - IN_FLIGHT * pixels - at_work)
        held, pictures = 3 * pixels * frames, 3 * pixels * candidates
        surveyed, mean = _refining(pixels, frames) if refine else (0, 0)
        # By the time of the mean frames that are held need no decoder any more, which leaves its room to that; and by
        # the time it is told what moves they are gone themselves.
        beside = max(surveyed, (REFINED - IN_FLIGHT) * pixels, mean - IN_FLIGHT * pixels - held) if refine else 0
        if held + beside <= usable:
            on_disk = held + beside + pictures > usable
            return Layout(
                False, on_disk, LONGEST_RUN, min(storage.MEMORY_BAND_BYTES, share), pictures if on_disk else 0
            )
        run = int((usable - surveyed) // (2 * 4 * pixels))
        if run < 1 or mean > usable:
            raise ResourceError(
                f"frames of {pixels / 1e6:.1f} megapixels need more memory than {format_bytes(self.memory)}; "
                f"allow at least --memory {ceil(least_memory(pixels, workers, frames if refine else 0) / 2**20)}MiB"
            )
        # Powers of two merge cheapest; and the runs are gone by the time there are pictures.
        run = min(1 << (run.bit_length() - 1), LONGEST_RUN)
        on_disk = pictures + mean > usable
        scratch = 4 * pixels * frames + (pictures if on_disk else 0)
        return Layout(True, on_disk, run, min(storage.SCRATCH_BAND_BYTES, share), scratch)

    def planes(self, rows: int, columns: int, on_disk: bool, bands: Sequence[Band]) -> Planes:
        """Room for rows × columns samples, cut into ``bands``."""
        return ScratchPlanes(rows, columns, self.folder, bands) if on_disk else Planes(rows, columns, bands)


def least_memory(pixels: int, workers: int, refined: int = 0) -> int:
    """Bytes of memory with which frames of that many pixels can be sorted at all.

    refined: number of frames of which a rain-free mean is made as well.
    """
    surveyed, mean = _refining(pixels, refined)
    needed = IN_FLIGHT * pixels + max(2 * 4 * pixels + surveyed, mean) / (1 - RESERVE)
    with_narrow_bands = needed / (1 - BANDS_SHARE)
    narrow = BANDS_SHARE * with_narrow_bands / (2 * workers) <= storage.SCRATCH_BAND_BYTES
    return ceil(with_narrow_bands if narrow else needed + 2 * workers * storage.SCRATCH_BAND_BYTES)


def _refining(pixels: int, frames: int) -> tuple[int, int]:
    """Bytes that it takes to find out whether so many frames must be stabilized, and later to make their mean."""
    if not frames:
        return 0, 0
    surveyed = max(0, frames * (min(pixels, SURVEYED) + 6 * min(pixels, MOST_POINTS)) - ASIDE)
    moving = max(0, MOVING * min(MOST_SAMPLES, frames * min(pixels, MOST_CELLS)) - ASIDE)
    return surveyed, max(REFINED * pixels, BELIEVED * pixels + moving)
