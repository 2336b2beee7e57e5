"""One switch of the C library's allocator, for programs that train; nothing here is set by importing anything."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # M_TRIM_THRESHOLD, M_MMAP_MAX of malloc.h


def keep_freed_memory() -> bool:
    """Let this process keep memory that it frees, and return whether that could be set (Linux with glibc only).

    glibc hands blocks of 32 MB and more back to the system as soon as they are freed, and each first touch of a
    page fetched again costs more than the arithmetic on it: the released graph at 512×512 takes 8.2 s with glibc's
    defaults and 2.4 s with this, at about 30 % more memory. For a process of its own that trains or measures;
    inference in bands (`SPANet.forward`) does not need it.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL("libc.so.6")
        set_option = library.mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(set_option(_MMAP_MAX, 0)) and bool(set_option(_TRIM_THRESHOLD, 2**31 - 1))
