"""What is kept in memory and what in scratch space, decided before the work starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from rainclean.errors import ResourceError
from rainclean.storage import Band, Planes, ScratchPlanes

DEFAULT_MEMORY = 1 << 30
"""Bytes that a stack, its candidates and the decoder may take beside the interpreter, unless told otherwise."""

LONGEST_RUN = 32
"""Frames sorted at once while decoding goes on."""

IN_FLIGHT = 36
"""Bytes per pixel for frames on their way: a decoder's reference pictures and a few frames of RGB."""

RESERVE = 0.05
"""Share of the memory left for bands at work and small things."""


@dataclass(frozen=True)
class Layout:
    """Where stack and pictures of one clip go, the longest run of frames, and the scratch space all this takes."""

    stack_on_disk: bool
    pictures_on_disk: bool
    run_length: int
    scratch_bytes: int


@dataclass(frozen=True)
class Budget:
    """Up to ``memory`` bytes in memory, beyond that a scratch file in ``folder``."""

    memory: int
    folder: Path

    def layout(self, pixels: int, frames: int, candidates: int) -> Layout:
        """Decide for a stack of ``frames`` pictures of ``pixels`` and that many candidates.

        Raises ResourceError where not even two runs of one frame fit: one is filled while the other is sorted.
        """
        usable = (1 - RESERVE) * (self.memory - IN_FLIGHT * pixels)
        stack, pictures = 4 * pixels * frames, 3 * pixels * candidates
        if stack <= usable:
            on_disk = stack + pictures > usable
            return Layout(False, on_disk, LONGEST_RUN, pictures if on_disk else 0)
        run = int(usable // (2 * 4 * pixels))
        if run < 1:
            raise ResourceError(
                f"frames of {pixels / 1e6:.1f} megapixels need more memory than {self.memory >> 20} MiB; "
                f"allow at least --memory {ceil(least_memory(pixels) / 2**20)}MiB"
            )
        # The runs are gone by the time there are pictures.
        on_disk = pictures > usable
        return Layout(True, on_disk, min(run, LONGEST_RUN), stack + (pictures if on_disk else 0))

    def planes(self, rows: int, columns: int, on_disk: bool, bands: Sequence[Band] | None = None) -> Planes:
        """Room for rows × columns samples, cut into ``bands`` or as suits their number."""
        return ScratchPlanes(rows, columns, self.folder, bands) if on_disk else Planes(rows, columns, bands)


def least_memory(pixels: int) -> int:
    """Bytes of memory with which frames of that many pixels can be sorted at all."""
    return IN_FLIGHT * pixels + ceil(2 * 4 * pixels / (1 - RESERVE))
