"""Each picture of a clip once: frames gathered, and where some of them repeat, others chosen and gathered."""

from collections.abc import Callable, Generator, Sequence

from pipeline.clean.held_frames import HeldFrames
from pipeline.clean.ingest import Gathered, gather
from pipeline.clean.settings import CleanSettings
from pipeline.stages import Progress
from rainclean.candidates import Recipe, Selection
from rainclean.video import FrameSource, Region, Repeats, describe, even, joined, stand_for

Chosen = tuple[list[Recipe], Selection, list[str]]
"""Recipes, the frames that they need, and what must be said of them; see `pipeline.clean.run.plan`."""


def gather_distinct(
    source: FrameSource, settings: CleanSettings, chosen: Chosen, choose: Callable[[dict[int, int]], Chosen]
) -> Generator[Progress, None, tuple[Gathered, list[str], dict[int, int]]]:
    """Frames in a stack, each picture once; what must be said of them; the repeats, see `CleanResult`.

    chosen: among all frames. choose: anew, among those that are no repeats. Whether there are any is seen while frames
    are gathered, so that it costs hardly anything where there are none.
    """
    recipes, selection, notes = chosen
    asked = None if settings.recipe is None else recipes[0].steady
    gathered = yield from gather(source, settings, recipes, selection, asked)
    if isinstance(gathered, Gathered):
        return gathered, notes, {}
    frames, repeats = gathered.frames, gathered.repeats
    whole = range(settings.first, source.info.frame_count if settings.stop is None else settings.stop)
    if len(selection.indices) < len(whole):
        repeats = joined(repeats, (yield from _look_for_repeats(source, whole, settings.region)))
    wanted = selection.reference_frame if settings.reference is None else settings.reference
    if len(repeats) == len(whole) - 1 or even(repeats, whole):
        # One picture is too little; of an even cadence each picture counts as much as the others already.
        repeats = stand_for(repeats, wanted)
    else:
        repeats = repeats if settings.reference is None else stand_for(repeats, wanted)
        recipes, selection, notes = choose(repeats)
    if isinstance(frames, HeldFrames):
        frames.keep(selection.indices)
    gathered = yield from gather(frames, settings, recipes, selection, asked, distinct=True)
    assert isinstance(gathered, Gathered)
    return gathered, [*notes, *describe(repeats, whole)], repeats


def _look_for_repeats(
    source: FrameSource, frames: Sequence[int], region: Region | None
) -> Generator[Progress, None, dict[int, int]]:
    looking = Repeats()
    for done, frame in enumerate(source.read(frames, region), 1):
        looking.see(frame.rgb)
        yield Progress("look for repeats", done, len(frames))
    return {frames[again]: frames[first] for again, first in looking.finish().items()}
