"""A sequence opened for a person to try percentiles and numbers of frames on: its live stack, filled and sorted."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.clean import Watch, available_cores
from pipeline.project.analysis.findings import frames_at_hand, repeats_of
from pipeline.project.analysis.frames import whole_sequence
from pipeline.project.analysis.scoring_target import read_scoring_target
from pipeline.project.model import Analysis, Sequence
from pipeline.project.storage import Project
from pipeline.stages import Progress
from rainclean import _kernels
from rainclean.candidates import PERCENTILE, SWEEP_FRAMES, Recipe, Scores, Selection, score, select_frames
from rainclean.errors import InputError
from rainclean.live import SCRATCH_LIMIT, LiveStack
from rainclean.temporal import format_bytes, luma
from rainclean.video import FrameSource

U8 = NDArray[np.uint8]

MOST_WORKERS = 4
"""Threads that look up and sort at most: the window and its decoder go on beside them."""


class LiveCandidate(NamedTuple):
    """What a person keeps of a live stack: picture (H, W, 3) uint8 RGB, η* and silent share of the window, scores."""

    picture: U8
    eta: int
    silent_share: float
    scores: Scores


def open_live(
    project: Project,
    sequence: Sequence,
    analysis: Analysis,
    most_frames: int,
    scratch: Path,
    *,
    frames: int | None = None,
    limit: int = SCRATCH_LIMIT,
) -> Generator[Progress, None, LiveStack]:
    """Decode the frames of a sequence around an analysis' reference frame and sort a window of them.

    Where the analysis stabilized its frames, those that can be stabilized are used. Closing the stage at any yield, or
    an error, frees everything.

    Args:
        project: The project.
        sequence: The sequence.
        analysis: An analysis of it.
        most_frames: Frames to use at most.
        scratch: Folder for scratch space.
        frames: Frames of the window to sort; fewer where there are fewer. By default all that are used.
        limit: Bytes of scratch space to use at most.

    Returns:
        The stack, which the caller closes.

    Raises:
        RaincleanError: The clip cannot be read, or there is no scratch space.
    """
    yield Progress("open", 0, None)
    _kernels.load()
    with ExitStack() as until_done:
        with whole_sequence(project, sequence, analysis.stabilization) as source:
            usable = frames_at_hand(project, sequence, analysis)
            if analysis.reference_frame not in usable:
                reason = "has other frames than when it was analysed"
                raise InputError(sequence.name, reason, "analyse it again")
            live = LiveStack(
                analysis.region.height,
                analysis.region.width,
                usable,
                analysis.reference_frame,
                folder=scratch,
                most=most_frames,
                limit=limit,
                workers=min(MOST_WORKERS, available_cores()),
            )
            until_done.callback(live.close)
            live.repeats = repeats_of(analysis)
            wanted = min(most_frames, len(usable))
            if live.frames < wanted:
                note = f"{live.frames} of {wanted} frames are used: more do not fit into the scratch space"
                yield Progress("decode", 0, live.frames, note=f"{note} ({format_bytes(live.scratch_bytes)})")
            still = yield from _fill(live, source, analysis)
        scoring_target = read_scoring_target(project, analysis)
        midpoint_of: int | None = still
        if scoring_target is not None and scoring_target.shape == (live.height, live.width):
            live.judge_by(scoring_target)
            midpoint_of = None
        with closing(live.sort(min(frames or live.frames, live.frames), midpoint_of)) as shares:
            for share in shares:
                yield Progress("sort", round(100 * share), 100)
        until_done.pop_all()
    return live


def live_recipe(
    live: LiveStack, analysis: Analysis, frames: int, percentile: float | None, rule: str = PERCENTILE
) -> Recipe:
    """Return the recipe of a live picture, as the analysis that the stack was opened for would name it.

    Args:
        live: The stack.
        analysis: The analysis.
        frames: Frames of the window.
        percentile: 0…100 in tenths; ignored for another rule than `PERCENTILE`.
        rule: Of the estimator.
    """
    return Recipe(
        frames,
        stride=_stride(live),
        percentile=percentile if rule == PERCENTILE else None,
        rule=rule,
        steady=bool(analysis.stabilization),
    )


def _stride(live: LiveStack) -> int:
    """Pictures from one used frame to the next. Of a long clip only every second, third, … was registered."""
    used = set(live.selection.indices)
    places = [index - sum(again < index for again in live.repeats if again not in used) for index in sorted(used)]
    return min((b - a for a, b in pairwise(places)), default=1)


def kept_candidate(live: LiveStack, recipe: Recipe, picture: U8 | None = None) -> LiveCandidate:
    """Return the candidate of a recipe whose window is sorted, with scores that compare with those of the analysis.

    Args:
        live: The stack.
        recipe: The recipe.
        picture: Its clean image, (H, W, 3) uint8, where it was made already.

    Raises:
        ValueError: Another window is sorted than that of the recipe, or its estimator has no live picture.
    """
    window, sorted_now = (recipe.window, recipe.stride, recipe.frames), ("centre", _stride(live), live.sorted_frames)
    if window != sorted_now:
        raise ValueError(f"{recipe.name} is not of the {live.sorted_frames} frames that are sorted")
    votes = live.votes
    if picture is None:
        picture = live.estimate(recipe)
    with ThreadPoolExecutor(min(MOST_WORKERS, available_cores()), thread_name_prefix="rainclean-score") as pool:
        scores = score(picture, luma(live.reference_rgb), live.target, pool)
    return LiveCandidate(picture, votes.eta, votes.silent_share, scores)


def _fill(live: LiveStack, source: FrameSource, analysis: Analysis) -> Generator[Progress, None, int]:
    """Decode; return N of the window that pictures are scored against: the largest over which nothing moved."""
    indices = live.selection.indices
    sizes = [*(n for n in SWEEP_FRAMES if n < live.frames), live.frames]
    windows = select_frames(live.frames, [Recipe(n) for n in sizes], live.selection.reference).windows
    watch = Watch(Selection(indices, live.selection.reference, windows))
    frames = source.read(indices, analysis.region)
    for done in range(len(indices)):
        frame = next(frames, None)
        if frame is None:
            raise InputError(source.info.path, f"ends after {done} of the {len(indices)} frames that are needed")
        live.add(frame.rgb)
        watch.add_frame(frame.rgb)
        yield Progress("decode", done + 1, len(indices))
    return sizes[watch.result().still_window]
