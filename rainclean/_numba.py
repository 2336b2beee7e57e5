"""Compile kernels: without the interpreter's lock, once for all sizes, kept in numba's cache.

Divisions by zero give what numpy gives: a check in each turn of a loop would keep the compiler from making vector
instructions of it.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile a kernel."""
    try:
        return cast(Kernel, njit(nogil=True, cache=True, error_model="numpy")(function))
    except RuntimeError:  # no folder to cache in can be written: compile anew in each process
        return cast(Kernel, njit(nogil=True, error_model="numpy")(function))


def inlined(function: Kernel) -> Kernel:
    """Compile a piece of kernels, written out in its place: a call for each position takes three times as long."""
    return cast(Kernel, njit(nogil=True, inline="always")(function))
