"""Each picture of a clip once: frames gathered, and where some of them repeat, others chosen and gathered."""

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

from pipeline.clean.ingest import Gathered, gather
from pipeline.clean.plan import Plan
from pipeline.clean.settings import CleanSettings
from pipeline.stages import Progress
from rainclean.video import FrameSource, Region, Repeats, describe, even, joined, stand_for


class Distinct(NamedTuple):
    """Frames in a stack, each picture once; what must be said of them; the repeats, see `CleanResult`."""

    gathered: Gathered
    notes: list[str]
    repeats: dict[int, int]


def gather_distinct(
    source: FrameSource, settings: CleanSettings, chosen: Plan, choose: Callable[[dict[int, int]], Plan]
) -> Generator[Progress, None, Distinct]:
    """Gather frames in a stack, each picture once.

    chosen: among all frames. choose: anew, among those that are no repeats. Whether there are any is seen while frames
    are gathered, so that it costs hardly anything where there are none.
    """
    gathered = yield from gather(source, settings, chosen)
    if isinstance(gathered, Gathered):
        return Distinct(gathered, chosen.notes, {})
    cache, repeats = gathered.cache, gathered.repeats
    whole = range(settings.first, source.info.frame_count if settings.stop is None else settings.stop)
    if len(chosen.selection.indices) < len(whole):
        repeats = joined(repeats, (yield from _look_for_repeats(source, whole, settings.region)))
    wanted = chosen.selection.reference_frame if settings.reference is None else settings.reference
    if len(repeats) == len(whole) - 1 or even(repeats, whole):
        # One picture is too little; of an even cadence each picture counts as much as the others already.
        repeats = stand_for(repeats, wanted)
    else:
        repeats = repeats if settings.reference is None else stand_for(repeats, wanted)
        chosen = choose(repeats)
    if cache is not None:
        cache.keep(chosen.selection.indices)
    gathered = yield from gather(source, settings, chosen, cache=cache, distinct=True)
    assert isinstance(gathered, Gathered)
    return Distinct(gathered, [*chosen.notes, *describe(repeats, whole)], repeats)


def _look_for_repeats(
    source: FrameSource, frames: Sequence[int], region: Region | None
) -> Generator[Progress, None, dict[int, int]]:
    looking = Repeats()
    for done, frame in enumerate(source.read(frames, region), 1):
        looking.add_frame(frame.rgb)
        yield Progress("look for repeats", done, len(frames))
    return {frames[again]: frames[first] for again, first in looking.result().items()}
