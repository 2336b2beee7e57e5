"""The main job without a project: one clip in, scored candidates out.

Frames are decoded once, sorted beside the decoding, voted on, looked up, compared and scored; see
docs/architecture.md for the road. The stage yields Progress, can be closed at each yield, and then leaves
nothing behind.
"""

import os
import tempfile
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.stages import Progress
from pipeline.watch import Watch
from rainclean import _kernels
from rainclean.budget import DEFAULT_MEMORY, Budget
from rainclean.candidates import (
    Candidate,
    PictureStore,
    Selection,
    distinct,
    merge_near_identical,
    select_frames,
    sweep,
)
from rainclean.errors import InputError, UsageError
from rainclean.quality import DOUBTFUL, score
from rainclean.recipe import Recipe
from rainclean.stack import SortedStack
from rainclean.storage import format_bytes
from rainclean.temporal import SILENT_LIMIT, Votes, luma
from rainclean.video import FrameSource, Region

U8 = NDArray[np.uint8]
_T = TypeVar("_T")

RELEASED_FRAMES = 100
"""N of ``--recipe released`` unless told otherwise; the published notebook has it as a constant."""

FEW_FRAMES = 10
"""Below this, scores mean little: the crowd of a pixel is 2 or 3 of its values."""


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class CleanSettings:
    """What `clean` is asked for.

    recipe: None for the default sweep, "released", "median", or a recipe's name. frames: at most so many.
    reference, first, last: frame indices in the clip; last is the first one not used. region: cut to that.
    """

    recipe: str | None = None
    frames: int | None = None
    reference: int | None = None
    first: int = 0
    last: int | None = None
    region: Region | None = None
    memory: int = DEFAULT_MEMORY
    scratch: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    workers: int = field(default_factory=available_cores)


@dataclass
class CleanResult:
    """Candidates of one clip, best first, and what is to be known of them. Close it to free the pictures.

    requested: "sweep", "released", "median" or a recipe's name. reference_rgb: the rainy reference frame
    (h, w, 3), cut to the region. crowd: (h, w) float32 in levels, what scores compare with. motion: frame index →
    shift against the reference frame in px (None: cannot be told), of some frames. timings: seconds by stage;
    stages overlap, so that their sum can exceed ``wall``.
    """

    requested: str
    selection: Selection
    candidates: list[Candidate]
    pictures: PictureStore
    reference_rgb: U8
    crowd: NDArray[np.float32]
    region: Region
    times: list[float]
    motion: dict[int, float | None]
    warnings: list[str]
    timings: dict[str, float]
    scratch_bytes: int

    def picture(self, candidate: Candidate) -> U8:
        """A candidate's clean image, (h, w, 3) uint8 RGB."""
        return self.pictures.picture(candidate.row)

    def close(self) -> None:
        """Give memory or disk space back."""
        self.pictures.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def clean(source: FrameSource, settings: CleanSettings) -> Generator[Progress, None, CleanResult]:
    """Make the candidates of one clip. Raises RaincleanError for what the settings or the clip cannot give."""
    began = perf_counter()
    recipes, selection, warnings = plan(source, settings)
    region = settings.region or Region(0, 0, source.info.width, source.info.height)
    yield Progress("start up", 0, None)
    start_up = perf_counter()
    _kernels.load()
    start_up = perf_counter() - start_up
    stack = SortedStack(
        region.height,
        region.width,
        selection.windows,
        Budget(settings.memory, settings.scratch),
        len(recipes),
        settings.workers,
    )
    with stack:
        if stack.layout.scratch_bytes:
            space = f"{format_bytes(stack.layout.scratch_bytes)} of scratch space are used in {settings.scratch}"
            yield Progress("start up", 0, None, f"{space}; it is free again when this ends")
        watch = Watch(selection)
        decoding = yield from _decode(source, selection, settings.region, stack, watch)
        registering = perf_counter()
        found = watch.finish()
        warnings += found.warnings()
        registering = perf_counter() - registering
        votes, crowd = yield from _steps("votes", stack.votes(found.still_window))
        warnings += _vote_warnings(votes, recipes)
        candidates = _resolve(recipes, votes)
        by_window = [[c.percentile for c in candidates if c.recipe.frames == v.frames] for v in votes]
        store = PictureStore(stack.picture_planes(len(candidates)), (region.height, region.width, 3))
        with _closing_on_error(store):
            yield from _steps("look up", stack.percentiles(by_window, store.put))
    with _closing_on_error(store):
        # The stack is gone by now: pictures and their scores are all that takes memory.
        scoring = perf_counter()
        kept = merge_near_identical(candidates, store)
        candidates = yield from _score(kept, store, watch.reference, crowd, settings.workers)
        scoring = perf_counter() - scoring
    warnings += _doubts(candidates, settings.recipe)
    timings = {
        "start_up": start_up,
        "decode": decoding,
        "store": stack.clock.seconds("store"),
        "register": registering,
        "sort": stack.clock.seconds("sort"),
        "scratch": stack.clock.seconds("scratch"),
        "votes": stack.clock.seconds("votes"),
        "percentiles": stack.clock.seconds("percentiles"),
        "candidates": stack.clock.seconds("votes") + stack.clock.seconds("percentiles"),
        "score": scoring + stack.clock.seconds("score"),
        "wall": perf_counter() - began,
    }
    times = [float(source.times[i]) for i in selection.indices]
    return CleanResult(
        settings.recipe or "sweep",
        selection,
        candidates,
        store,
        watch.reference,
        crowd,
        region,
        times,
        found.shifts,
        warnings,
        timings,
        stack.layout.scratch_bytes,
    )


def plan(source: FrameSource, settings: CleanSettings) -> tuple[list[Recipe], Selection, list[str]]:
    """The recipes that the settings ask for, the frames they need, and what must be said about it."""
    info = source.info
    last = info.frame_count if settings.last is None else settings.last
    if not (0 <= settings.first < info.frame_count and 0 < last <= info.frame_count):
        asked = f"in point {settings.first}, out point {last}"
        raise InputError(info.path, f"{asked} asked for; it has frames 0 to {info.frame_count - 1}")
    if last <= settings.first:
        raise InputError(info.path, f"the out point, frame {last}, must lie after the in point, frame {settings.first}")
    count = last - settings.first
    if count < 2:
        raise InputError(info.path, "1 frame: a temporal prior needs at least 2", "film longer or widen the range")
    x, y, width, height = settings.region or (0, 0, info.width, info.height)
    if x < 0 or y < 0 or min(width, height) < 1 or x + width > info.width or y + height > info.height:
        asked = f"region {x},{y},{width},{height} asked for"
        raise InputError(info.path, f"{asked}, the upright frame has {info.width}×{info.height} px")
    reference = None if settings.reference is None else settings.reference - settings.first
    if reference is not None and not 0 <= reference < count:
        raise InputError(
            info.path,
            f"reference frame {settings.reference} is not among frames {settings.first} to {last - 1}",
        )
    recipes, warnings = _recipes(settings, count)
    span = recipes[-1].frames * recipes[-1].stride
    if recipes[-1].frames > -(-count // recipes[-1].stride):
        needed = f"recipe {recipes[-1].name} needs {recipes[-1].frames} of {span} frames"
        raise InputError(info.path, f"{needed}, there are {count} between in and out point")
    if recipes[-1].window == "first" and reference is not None and reference not in range(0, span, recipes[-1].stride):
        used = f"recipe {recipes[-1].name} uses"
        raise InputError(info.path, f"reference frame {settings.reference} is not among the frames that {used}")
    try:
        selection = select_frames(count, recipes, reference)
    except ValueError as error:
        raise InputError(info.path, f"recipe {recipes[-1].name}: {error}") from None
    shifted = tuple(i + settings.first for i in selection.indices)
    return recipes, replace(selection, indices=shifted), [*info.notes, *warnings]


def _recipes(settings: CleanSettings, count: int) -> tuple[list[Recipe], list[str]]:
    if settings.frames is not None and settings.frames < 2:
        raise UsageError(f"--frames {settings.frames}: a temporal prior needs at least 2")
    if settings.recipe is None:
        return sweep(count, settings.frames), _too_few(settings.frames, count)
    if settings.recipe == "released":
        n = RELEASED_FRAMES if settings.frames is None else settings.frames
        return [Recipe(min(n, count), window="first")], _too_few(n, count)
    if settings.recipe == "median":
        return [sweep(count, settings.frames)[-1]], _too_few(settings.frames, count)
    if settings.frames is not None:
        raise UsageError(f"--frames {settings.frames}: recipe {settings.recipe} has its own number of frames")
    return [Recipe.parse(settings.recipe)], []


def _too_few(asked: int | None, count: int) -> list[str]:
    return [f"{asked} frames asked for, {count} there: those were used"] if asked and asked > count else []


def _doubts(candidates: Sequence[Candidate], requested: str | None) -> list[str]:
    """What a person should know of the candidates as a whole."""
    said = []
    best = candidates[0]
    if best.recipe.frames < FEW_FRAMES:
        said.append(
            f"{best.recipe.frames} frames are too few to tell rain from background: look at the pictures yourself"
        )
    if best.scores and best.scores.total > DOUBTFUL:
        said.append(
            f"even the best candidate scores {best.scores.total:.1f}, 0.4 to 1.6 is usual: where rain is dense or "
            "much moves, scores mislead; look at the pictures yourself, also at lower percentiles"
        )
    if requested is None and len(candidates) == 1 and best.merged:
        said.append("all recipes give the same picture: nothing in this clip changes like rain does")
    return said


def _decode(
    source: FrameSource, selection: Selection, region: Region | None, stack: SortedStack, watch: Watch
) -> Generator[Progress, None, float]:
    """Feed the stack; returns the seconds spent waiting for the decoder."""
    decoding, total = 0.0, len(selection.indices)
    frames = source.read(selection.indices, region)
    for done in range(total):
        began = perf_counter()
        frame = next(frames, None)
        if frame is None:
            raise InputError(source.info.path, f"ends after {done} of the {total} frames asked for", "try --salvage")
        decoding += perf_counter() - began
        stack.add(frame.rgb)
        watch.see(done, frame.rgb)
        yield Progress("decode", done + 1, total)
    stack.finish()
    return decoding


def _steps(stage: str, shares: Generator[float, None, _T]) -> Generator[Progress, None, _T]:
    """Turn shares done into Progress in percent."""
    while True:
        try:
            share = next(shares)
        except StopIteration as end:
            return end.value
        yield Progress(stage, round(100 * share), 100)


@contextmanager
def _closing_on_error(store: PictureStore) -> Iterator[None]:
    """Close a store where the block raises or the stage is closed; on success it is the caller's."""
    try:
        yield
    except BaseException:
        store.close()
        raise


def _resolve(recipes: Sequence[Recipe], votes: Sequence[Votes]) -> list[Candidate]:
    candidates: list[Candidate] = []
    for vote in votes:
        same_window = [r for r in recipes if r.frames == vote.frames]
        for recipe, percentile, others in distinct(same_window, vote.eta):
            row = len(candidates)
            candidates.append(Candidate(recipe, percentile, vote.eta, vote.silent_share, row, others))
    return candidates


def _score(
    candidates: Sequence[Candidate],
    store: PictureStore,
    reference: U8,
    crowd: NDArray[np.float32],
    workers: int,
) -> Generator[Progress, None, list[Candidate]]:
    rain = luma(reference)
    scored = []
    with ThreadPoolExecutor(workers) as pool:
        for done, candidate in enumerate(candidates, 1):
            scores = score(store.picture(candidate.row), rain, crowd, pool)
            scored.append(replace(candidate, scores=scores))
            yield Progress("score", done, len(candidates))
    return sorted(scored, key=lambda c: (c.scores.total if c.scores else 0.0, c.recipe.frames))


def _vote_warnings(votes: Sequence[Votes], recipes: Sequence[Recipe]) -> list[str]:
    voting = {r.frames for r in recipes if r.percentile is None}
    return [
        f"{vote.silent_share:.1%} of the pixels cast no vote for N = {vote.frames} (their most frequent value is "
        "too rare, as noise or motion make it): judge η* by eye"
        for vote in votes
        if vote.frames in voting and vote.silent_share > SILENT_LIMIT
    ]
