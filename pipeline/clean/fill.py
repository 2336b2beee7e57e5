"""One pass over the frames: into the stack, and past all that look at them on the way."""

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from pipeline.stages import Progress
from rainclean.errors import InputError
from rainclean.temporal import SortedStack
from rainclean.video import FrameObserver, FrameSource, Region

U8 = NDArray[np.uint8]

_WAITING_FRAMES = 2
"""Frames that may wait to be looked at (counted in `memory_budget.IN_FLIGHT`)."""


def fill(
    stack: SortedStack,
    source: FrameSource,
    indices: Sequence[int],
    region: Region,
    observers: Sequence[FrameObserver],
) -> Generator[Progress, None, float]:
    """Read frames into a stack; returns the seconds that decoding took.

    Args:
        stack: is finished when this ends.
        source: the clip.
        indices: of the frames, rising.
        region: of each frame.
        observers: see each frame too, in this order, in a thread of their own beside the decoder, which works ahead
            only while it is asked for frames.

    Raises:
        InputError: the clip ends too early.
    """
    total, seconds = len(indices), 0.0
    frames = source.read(indices, region)

    def look_at(rgb: U8) -> None:
        for observer in observers:
            observer.add_frame(rgb)

    with ThreadPoolExecutor(1, thread_name_prefix="rainclean-watch") as beside:
        looking: deque[Future[None]] = deque()
        for done in range(total):
            began = perf_counter()
            frame = next(frames, None)
            if frame is None:
                raise InputError(source.info.path, f"ends after {done} of {total} frames", "try --salvage")
            seconds += perf_counter() - began
            stack.add(frame.rgb)
            looking.append(beside.submit(look_at, frame.rgb))
            if len(looking) > _WAITING_FRAMES:
                looking.popleft().result()
            yield Progress("decode", done + 1, total)
        while looking:
            looking.popleft().result()
    stack.finish()
    return seconds
