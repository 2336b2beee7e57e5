"""Decide what is kept in memory and what in scratch space, before the work starts.

`SortedStack` asks for a `Layout` when it is made; commands ask for `least_memory` before they decode.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import psutil

from rainclean.errors import ResourceError
from rainclean.limits import MAX_GRID_CELLS, MAX_GRID_SAMPLES, MAX_SAMPLE_POINTS
from rainclean.temporal import storage
from rainclean.temporal.storage import Band, Planes, ScratchPlanes, format_bytes

MIN_DEFAULT_BYTES, MAX_DEFAULT_BYTES = 1 << 30, 4 << 30
"""Bounds of `default_memory`."""

MAX_RUN_FRAMES = 32
"""Frames sorted at once before they are merged."""

IN_FLIGHT_BYTES = 64
"""Bytes per pixel for frames being decoded: the decoder's reference pictures, a few RGB frames (measured: 40 to 73)."""

STEADYING = 46
"""Bytes per pixel for frames that are being stabilized, beside those, and for the bounds of what they show (6)."""

MEAN_BYTES = 80
"""Bytes per pixel of a rain-free mean: its initial estimate (12), sums (32), the result (4), frames that wait (27),
buffers (5 with a few threads)."""

POSTERIOR_BYTES = 20
"""Bytes per pixel of the posterior, while foreground is classified."""

GRID_SAMPLE_BYTES = 8
"""Bytes per cell and frame while foreground is classified (see `residual_grid`; measured: 4 to 9)."""

UNCOUNTED_BYTES = 64 << 20
"""Bytes of these two that are not counted, like the interpreter and its libraries, so that small clips need no more."""

SURVEY_PIXELS = 640 * 640
"""Largest number of px of the pictures by which frames are registered; a byte each."""

BANDS_FRACTION = 0.08
"""Largest fraction of the memory for the bands that workers process, two each: many workers get narrower bands."""

RESERVE_FRACTION = 0.04
"""Fraction of the rest that is left for small things."""


def default_memory() -> int:
    """Return the bytes that a stack, its candidates, frames and the decoder may take beside the interpreter.

    A quarter of the machine's memory, within MIN_DEFAULT_BYTES…MAX_DEFAULT_BYTES.
    """
    try:
        total = psutil.virtual_memory().total
    except (psutil.Error, NotImplementedError, OSError):  # in a jail without /proc
        return MIN_DEFAULT_BYTES
    return min(MAX_DEFAULT_BYTES, max(MIN_DEFAULT_BYTES, total // 4))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the stack and the pictures of one clip are kept.

    Attributes:
        stack_on_disk: the stack is in scratch space, not in memory.
        pictures_on_disk: the pictures are in scratch space, not in memory.
        run_length: frames in the longest run, a power of two.
        band_bytes: size of a band over all rows.
        scratch_bytes: the scratch space that all this takes.
    """

    stack_on_disk: bool
    pictures_on_disk: bool
    run_length: int
    band_bytes: int
    scratch_bytes: int


@dataclass(frozen=True)
class Budget:
    """Room for one clip: up to ``memory`` bytes in memory, beyond that a scratch file in ``folder``."""

    memory: int
    folder: Path

    def layout(self, pixels: int, frames: int, candidates: int, workers: int, *, refine: bool = False) -> Layout:
        """Decide where to keep a stack and its candidates.

        Args:
            pixels: of a frame.
            frames: in the stack.
            candidates: pictures that will be made.
            workers: threads.
            refine: whether a rain-free mean is made as well.

        Returns:
            The layout.

        Raises:
            ResourceError: not even two runs of one frame fit (one is filled while the other is sorted), or no
                rain-free mean beside the decoder.
        """
        share = int(BANDS_FRACTION * self.memory / (2 * workers))
        bands = 2 * workers * min(storage.SCRATCH_BAND_BYTES, share)
        usable = (1 - RESERVE_FRACTION) * (self.memory - IN_FLIGHT_BYTES * pixels - bands)
        held, pictures = 3 * pixels * frames, 3 * pixels * candidates
        survey, mean = _refining_bytes(pixels, frames) if refine else (0, 0)
        # When the mean is made, frames that are held need no decoder any more, which leaves its room to the mean. When
        # foreground is classified, the frames themselves are released.
        needed = 0
        if refine:
            needed = max(survey, (MEAN_BYTES - IN_FLIGHT_BYTES) * pixels, mean - IN_FLIGHT_BYTES * pixels - held)
        if held + needed <= usable:
            on_disk = held + needed + pictures > usable
            return Layout(
                stack_on_disk=False,
                pictures_on_disk=on_disk,
                run_length=MAX_RUN_FRAMES,
                band_bytes=min(storage.MEMORY_BAND_BYTES, share),
                scratch_bytes=pictures if on_disk else 0,
            )
        run = int((usable - survey) // (2 * 4 * pixels))
        if run < 1 or mean > usable:
            raise ResourceError(
                f"frames of {pixels / 1e6:.1f} megapixels need more memory than {format_bytes(self.memory)}; "
                f"allow at least --memory {ceil(least_memory(pixels, workers, frames if refine else 0) / 2**20)}MiB"
            )
        # Powers of two merge cheapest; and the runs are gone by the time there are pictures.
        run = min(1 << (run.bit_length() - 1), MAX_RUN_FRAMES)
        on_disk = pictures + mean > usable
        scratch = 4 * pixels * frames + (pictures if on_disk else 0)
        return Layout(
            stack_on_disk=True,
            pictures_on_disk=on_disk,
            run_length=run,
            band_bytes=min(storage.SCRATCH_BAND_BYTES, share),
            scratch_bytes=scratch,
        )

    def planes(self, rows: int, columns: int, bands: Sequence[Band], *, on_disk: bool) -> Planes:
        """Make room for samples.

        Args:
            rows: pictures.
            columns: samples of a picture.
            bands: column ranges to cut into.
            on_disk: in a scratch file instead of in memory.
        """
        return ScratchPlanes(rows, columns, self.folder, bands) if on_disk else Planes(rows, columns, bands)


def least_memory(pixels: int, workers: int, refined: int = 0) -> int:
    """Return the bytes of memory without which frames cannot be sorted at all.

    Args:
        pixels: of a frame.
        workers: threads.
        refined: number of frames of which a rain-free mean is made as well.
    """
    survey, mean = _refining_bytes(pixels, refined)
    needed = IN_FLIGHT_BYTES * pixels + max(2 * 4 * pixels + survey, mean) / (1 - RESERVE_FRACTION)
    with_narrow_bands = needed / (1 - BANDS_FRACTION)
    narrow = BANDS_FRACTION * with_narrow_bands / (2 * workers) <= storage.SCRATCH_BAND_BYTES
    return ceil(with_narrow_bands if narrow else needed + 2 * workers * storage.SCRATCH_BAND_BYTES)


def _refining_bytes(pixels: int, frames: int) -> tuple[int, int]:
    """Return the bytes to find out whether frames must be stabilized, and later to make their mean."""
    if not frames:
        return 0, 0
    survey = max(0, frames * (min(pixels, SURVEY_PIXELS) + 6 * min(pixels, MAX_SAMPLE_POINTS)) - UNCOUNTED_BYTES)
    moving = max(0, GRID_SAMPLE_BYTES * min(MAX_GRID_SAMPLES, frames * min(pixels, MAX_GRID_CELLS)) - UNCOUNTED_BYTES)
    return survey, max(MEAN_BYTES * pixels, POSTERIOR_BYTES * pixels + moving)
