"""Signs of life of whatever reads: by them its process tells slow from stuck (`reading_process`)."""

from collections.abc import Iterator
from contextlib import contextmanager

beats = 0
"""How much was done so far: bytes asked for, packets, pictures."""

waiting = False
"""Whether bytes of a file were asked for and have not come: a slow disk is nobody's fault."""


def beat() -> None:
    """Say that something was done."""
    global beats
    beats += 1


@contextmanager
def waits_for_bytes() -> Iterator[None]:
    """Within this a file is read, which may take as long as it takes."""
    global beats, waiting
    beats, waiting = beats + 1, True
    try:
        yield
    finally:
        waiting = False
