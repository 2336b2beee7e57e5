"""Bound the memory and time that reading a clip may take in its process, beyond which the clip is refused."""

import mmap
import sys
from pathlib import Path

OPENING = 512 << 20
"""Bytes for the tables of a container and the index made of them: 24 hours of frames take some 400 MB."""

DECODING, PER_PIXEL = 256 << 20, 64
"""Bytes beside those for decoding, and for each pixel of a picture: references, threads, RGB (see `memory_budget`)."""

STUCK_AFTER = 6.0
"""Seconds without any sign of life after which reading counts as stuck."""

_own: int | None = None


def bound_this_process() -> None:
    """Allow this process OPENING bytes more from now on, where the system can refuse memory (Linux)."""
    global _own
    _own = _data_bytes() if _own is None else _own
    _allow(0)


def expect_pictures(pixels: int) -> None:
    """Allow what decoding pictures of so many pixels takes; do nothing in a process that is not bounded."""
    _allow(DECODING + PER_PIXEL * pixels)


def _allow(size: int) -> None:
    if _own is None or not sys.platform.startswith("linux"):
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = _own + OPENING + size
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _data_bytes() -> int:
    """Return the bytes of private memory of this process; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * mmap.PAGESIZE
    except (OSError, IndexError):
        return 0
