"""Memory use of this process."""

import re
import sys
from pathlib import Path


def rss_bytes() -> int:
    """Return the resident memory of this process in bytes, mapped libraries included. Linux only, 0 elsewhere."""
    status = Path("/proc/self/status")
    match = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(match[1]) * 1024 if match else 0


def peak_rss_bytes() -> int | None:
    """Return the largest resident memory of this process so far in bytes; None where the system does not report it."""
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
