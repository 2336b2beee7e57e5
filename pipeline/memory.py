"""Memory use of this process."""

import re
import sys
from pathlib import Path

import psutil


def rss_bytes() -> int:
    """Return the resident memory of this process in bytes, mapped files of libraries included."""
    return int(psutil.Process().memory_info().rss)


def peak_rss_bytes() -> int | None:
    """Return the largest resident memory of this process so far in bytes; None where the system does not report it."""
    # psutil reports a peak on Windows only.
    # On Linux, ru_maxrss starts at what the parent had when it forked; VmHWM is this program's own.
    status = Path("/proc/self/status")
    if status.exists():
        match = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if match:
            return int(match[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
