"""Set the C library's allocator; importing this changes nothing."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # M_… of malloc.h


def keep_freed_memory() -> bool:
    """Let this process keep memory that it frees, and return whether that could be set (Linux with glibc only).

    glibc hands blocks of 32 MB and more back to the system as soon as they are freed, and each first touch of a
    page fetched again costs more than the arithmetic on it: the released graph at 512×512 takes 8.2 s with glibc's
    defaults and 2.4 s with this, at about 30 % more memory. For a process of its own that trains or measures;
    inference in bands (`SPANet.forward`) does not need it.
    """
    library = _glibc()
    if library is None:
        return False
    return bool(library.mallopt(_MMAP_MAX, 0)) and bool(library.mallopt(_TRIM_THRESHOLD, 2**31 - 1))


def share_heaps() -> None:
    """Let the threads of this process share four heaps, where glibc would give each its own (Linux).

    Each heap keeps tens of MB that were freed, and seven threads work on a clip from a moving camera. Fewer than four
    take longer than they save. For a process of its own that makes candidates.
    """
    library = _glibc()
    if library is not None:
        library.mallopt(_ARENA_MAX, 4)


def give_back_freed_memory() -> None:
    """Hand memory that was freed back to the system, where glibc keeps it (Linux): some milliseconds.

    Each thread has a heap of its own there, which keeps what was freed at its top up to tens of MB. Between two steps
    of a job, of which the second has other threads or other sizes, that is memory which nothing uses.
    """
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
        _ = library.mallopt, library.malloc_trim
    except (OSError, AttributeError):  # another C library
        return None
    return library
