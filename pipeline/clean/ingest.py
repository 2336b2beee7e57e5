"""From a clip to a sorted stack: frames as they are, or stabilized where the camera moves or the light changes.

A still camera in steady light costs one pass, and its frames go in as they are. Whether that is so is known at the
end of it: what the stack took until then is given back, the frames are registered and read again.
"""

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import pairwise
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.held_frames import HeldFrames
from pipeline.clean.settings import CleanSettings
from pipeline.clean.survey import STILL_PX, Watch
from pipeline.stages import Progress, shares_done
from rainclean.candidates import Recipe, Selection
from rainclean.errors import InputError
from rainclean.moving import Drawn
from rainclean.rainfree import NoiseSamples, frames_around
from rainclean.stabilization import (
    Bounds,
    Gatherer,
    Light,
    LightSamples,
    Pose,
    Registration,
    Stabilization,
    StabilizedSource,
)
from rainclean.temporal import STEADYING, Budget, SortedStack, format_bytes, least_memory
from rainclean.video import FrameSource, Region, Repeats

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

FEWEST_STEADY = 10
"""Frames that have to fit, for a clip to be stabilized at all."""


_LOOKING = 2
"""Frames that may wait to be looked at (counted in `memory_budget.IN_FLIGHT_BYTES`)."""


@dataclass
class Gathered:
    """Frames in a stack, and what was learned on the way. The stack is the receiver's to close.

    recipes: those asked for, of stabilized frames where ``stabilization`` is there. frames: where to read the used
    frames anew, as they went into the stack. sizes: N of each window of the selection as recipes name it. still: index
    of the largest window that shows one picture. seconds: by step. bounds: of what frames show before their light is
    undone; None where none was. beside: frames near the reference frame as they are, by index, where the camera moves.
    drawn: what is drawn over the frames of such a camera, None for nothing.
    """

    stack: SortedStack
    frames: FrameSource
    recipes: list[Recipe]
    selection: Selection
    sizes: list[int]
    region: Region
    reference_rgb: U8
    noise: NoiseSamples
    still: int
    shifts: dict[int, float | None]
    warnings: list[str]
    stabilization: Stabilization | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    bounds: Bounds | None = None
    beside: dict[int, U8] = field(default_factory=dict)
    drawn: Drawn | None = None

    def forget_frames(self) -> None:
        """Let go of frames in memory, once nobody will read them again."""
        if isinstance(self.frames, HeldFrames):
            self.frames.forget()


@dataclass
class Repeated:
    """What came of gathering where frames repeat: others are to be chosen.

    frames: to read them from. repeats: frame index → that of the frame that showed its picture first.
    """

    frames: FrameSource
    repeats: dict[int, int]


def gather(
    source: FrameSource,
    settings: CleanSettings,
    recipes: list[Recipe],
    selection: Selection,
    asked: bool | None,
    distinct: bool = False,
) -> Generator[Progress, None, Gathered | Repeated]:
    """Fill a stack with the frames of a selection.

    asked: True to steady them, False to take them as they are, None to find out what is better. distinct: whether
    they are known to show different pictures; if not, it is found out, and where they do not, nothing is gathered.
    """
    region = settings.region or Region(0, 0, source.info.width, source.info.height)
    seconds = {"decode": 0.0, "register": 0.0}
    survey = None if asked is False else _Survey(region, settings.workers)
    notes: list[str] = []
    with ExitStack() as until_done:
        stack = _stack(settings, settings.memory, region, selection, recipes)
        until_done.callback(stack.close)
        if stack.layout.scratch_bytes:
            space = f"{format_bytes(stack.layout.scratch_bytes)} of scratch space are used in {settings.scratch}"
            yield Progress("start up", 0, None, f"{space}; it is free again when this ends")
        watch, noise = Watch(selection), NoiseSamples(region.height, region.width)
        twice = asked is not False or refines(recipes)
        held = source if isinstance(source, HeldFrames) else None
        if held is None and twice and not stack.layout.stack_on_disk:
            held = HeldFrames(source)
        seen = None if distinct else Repeats()
        yield from _fill(held or source, selection, region, stack, watch, noise, seconds, survey, seen)
        if seen is not None and (repeats := seen.finish()):
            at = selection.indices
            return Repeated(held or source, {at[again]: at[first] for again, first in repeats.items()})
        steady, cuts = None, watch.cuts()
        if survey is not None:
            steady = yield from survey.finish(held or source, settings, selection, cuts, seconds)
            notes += survey.notes
        if steady is None:
            began = perf_counter()
            found = watch.finish() if survey is None else watch.finish(survey.shifts, survey.still)
            seconds["register"] += perf_counter() - began
            until_done.pop_all()
            return Gathered(
                stack, held or source, recipes, selection, list(selection.sizes), region, watch.reference, noise,
                found.still_window, found.shifts, notes + found.warnings(), None, seconds,
            )  # fmt: skip
    if cuts:
        where = ", ".join(map(str, cuts[:5])) + (", …" if len(cuts) > 5 else "")
        which = "longest shot" if settings.reference is None else "shot of the reference frame"
        notes += [f"scene cut at frame {where}: the {which} is used; choose with --in-point and --out-point"]
    drawn = None if survey is None else survey.drawn
    return (yield from _again(held or source, settings, recipes, selection, *steady, drawn, notes, seconds))


def _again(
    source: FrameSource,
    settings: CleanSettings,
    recipes: list[Recipe],
    selection: Selection,
    stabilization: Stabilization,
    reference: int,
    drawn: Mask | None,
    notes: list[str],
    seconds: dict[str, float],
) -> Generator[Progress, None, Gathered]:
    """The same with the frames that can be stabilized."""
    region = stabilization.region
    fitting, sizes = _fitting(selection, stabilization, reference)
    steady = [replace(recipe, steady=True) for recipe in recipes]
    frames: FrameSource = StabilizedSource(source, stabilization, settings.workers)
    with ExitStack() as until_done:
        pixels = region.width * region.height
        least = least_memory(pixels, settings.workers, len(fitting.indices) if refines(recipes) else 0)
        memory = max(settings.memory - STEADYING * pixels, min(settings.memory, least))
        stack = _stack(settings, memory, region, fitting, recipes)
        until_done.callback(stack.close)
        watch, noise = Watch(fitting), NoiseSamples(region.height, region.width)
        held = None if stack.layout.stack_on_disk else HeldFrames(frames)
        beside = {}
        if stabilization.moves and (refines(recipes) or recipes[0].rule == "near"):
            # While they are in memory: as they are, for laying them over the reference frame px by px.
            wanted = frames_around(selection.indices, fitting.reference_frame)
            beside = {frame.index: frame.rgb for frame in source.read(wanted, stabilization.cut)}
        if held is not None and isinstance(source, HeldFrames):
            source.read_once_more(fitting.indices)
        relit = _Relit(stabilization, Bounds((region.height, region.width))) if stabilization.relit else None
        yield from _fill(held or frames, fitting, region, stack, watch, noise, seconds, relit=relit)
        frames = held or frames
        until_done.pop_all()
    shifts: dict[int, float | None] = {i: round(p.residual, 3) for i, p in stabilization.poses.items()}
    last = len(fitting.windows) - 1
    said = notes + describe(stabilization, len(selection.indices))
    return Gathered(
        stack, frames, steady, fitting, sizes, region, watch.reference, noise, last, shifts, said, stabilization,
        seconds, None if relit is None else relit.bounds, beside, _drawn_over(drawn, stabilization, fitting),
    )  # fmt: skip


def _drawn_over(mask: Mask | None, stabilization: Stabilization, selection: Selection) -> Drawn | None:
    """Where a mask over whole frames lies over the registered ones."""
    if mask is None or not mask.any():
        return None
    region, cut = stabilization.region, stabilization.cut
    corner = np.array([[1, 0, region.x - cut.x], [0, 1, region.y - cut.y], [0, 0, 1]], np.float64)
    matrices = [stabilization.poses[index].matrix @ corner for index in selection.indices]
    return Drawn(mask, (cut.height, cut.width), matrices, selection.reference)


def describe(stabilization: Stabilization, frames: int) -> list[str]:
    """One line on what was done to the frames, and one on those that were left out."""
    said = []
    if stabilization.moves:
        corners = [pose.matrix[:2, 2] for pose in stabilization.poses.values()]
        far = max(float(np.hypot(*corner)) for corner in corners)
        left = max(pose.residual for pose in stabilization.poses.values())
        share = (
            stabilization.region.width
            * stabilization.region.height
            / (stabilization.cut.width * stabilization.cut.height)
        )
        said.append(
            f"the camera moves, up to {far:.1f} px: frames were registered ({stabilization.model}, up to {left:.2f} px "
            f"left); {share:.0%} of the frame is common to them"
        )
    if stabilization.relit:
        gains = np.array([pose.gain for pose in stabilization.poses.values()])
        low, high = 100 * (gains.min() - 1), 100 * (gains.max() - 1)
        said.append(f"the light changes, {low:+.1f} to {high:+.1f} % against the reference frame: that was undone")
    if stabilization.dropped:
        reasons = sorted(set(stabilization.dropped.values()))
        said.append(f"{len(stabilization.dropped)} of {frames} frames were left out: {'; '.join(reasons)}")
    return said


class _Relit(NamedTuple):
    """How frames were relit, and what they showed before."""

    stabilization: Stabilization
    bounds: Bounds


class _Survey:
    """Collects what tells whether frames have to be stabilized, and how.

    shifts: in the end px that each frame of a still clip is off, by index; None where the camera moves. still: px up
    to which that is no motion. notes: what could not be told. drawn: see `registration.Registration`.
    """

    def __init__(self, region: Region, workers: int) -> None:
        self._region, self._workers = region, workers
        self.shifts: dict[int, float] | None = None
        self.still = STILL_PX
        self.notes: list[str] = []
        self.drawn: Mask | None = None
        self._gatherer = Gatherer(workers)
        self._light = LightSamples(region.width, region.height)

    def see(self, rgb: U8) -> None:
        self._gatherer.see(rgb)
        self._light.see(rgb)

    def finish(
        self,
        source: FrameSource,
        settings: CleanSettings,
        selection: Selection,
        cuts: Sequence[int],
        seconds: dict[str, float],
    ) -> Generator[Progress, None, tuple[Stabilization, int] | None]:
        """How the frames are to be stabilized, and the position of the reference frame.

        cuts: indices of the first frames of new shots; one shot is used, that of a reference frame that was asked for,
        or the longest. None where frames are well as they are, or too few fit.
        """
        began = perf_counter()
        reference = None if settings.reference is None else selection.reference
        start, stop = _shot(selection, cuts, reference)
        if stop - start < len(selection.indices):
            reference = (start + stop) // 2 if reference is None else reference
            self._gatherer.keep(start, stop)
        asked = None if reference is None else reference - start
        registration = yield from shares_done("register", self._gatherer.finish(asked))
        self.drawn = registration.drawn
        indices = selection.indices[start:stop]
        seconds["register"] += perf_counter() - began
        if not registration.moves and len(indices) == len(selection.indices):
            self.shifts = {i: p.residual for i, p in zip(indices, registration.placements, strict=True)}
            self.still = registration.still_threshold_px
        if len(registration.fitting) < FEWEST_STEADY:
            return None
        began = perf_counter()
        if registration.moves or len(registration.fitting) < len(selection.indices):
            light = yield from self._light_of_fitting(source, indices, registration)
        else:
            light = self._light.finish(registration.reference, self._workers)
        seconds["register"] += perf_counter() - began
        if light.parts:
            self.notes.append(
                "the light changes in parts of the picture, each in its own way, as lamps and patches of sun make it: "
                "none of it was undone"
            )
        if not registration.moves and not light.changes and len(registration.fitting) == len(selection.indices):
            return None
        stabilization = self._stabilization(selection, indices, registration, light)
        return (stabilization, start + registration.reference) if len(stabilization.poses) >= FEWEST_STEADY else None

    def _light_of_fitting(
        self, source: FrameSource, indices: Sequence[int], registration: Registration
    ) -> Generator[Progress, None, Light]:
        """Light of the frames that fit, sampled where the registered picture lies in each."""
        fitting = registration.fitting
        samples = LightSamples(self._region.width, self._region.height)
        for done, frame in enumerate(source.read([indices[p] for p in fitting], self._region), 1):
            matrix = registration.placements[fitting[done - 1]].matrix
            samples.see(frame.rgb, matrix if registration.moves else None)
            yield Progress("light", done, len(fitting))
        return samples.finish(fitting.index(registration.reference))

    def _stabilization(
        self, selection: Selection, indices: Sequence[int], registration: Registration, light: Light
    ) -> Stabilization:
        cut, inner = self._region, registration.region
        region = Region(cut.x + inner.x, cut.y + inner.y, inner.width, inner.height)
        poses: dict[int, Pose] = {}
        dropped = {index: "another shot" for index in selection.indices if index not in indices}
        for p, (index, placement) in enumerate(zip(indices, registration.placements, strict=True)):
            if not placement.fits:
                dropped[index] = placement.reason
                continue
            n = registration.fitting.index(p)
            # Of a dark scene nothing may be told: then no light is undone, and no frame has another one.
            if light.changes and not light.fits[n] and p != registration.reference:
                dropped[index] = "its light has nothing in common with the others'"
                continue
            poses[index] = Pose(
                placement.matrix,
                light.gains[n],
                light.offsets[n],
                mesh=placement.mesh,
                residual=float(placement.residual),
            )
        return Stabilization(registration.model, cut, region, poses, dropped=dict(sorted(dropped.items())))


def _shot(selection: Selection, cuts: Sequence[int], reference: int | None) -> tuple[int, int]:
    """Positions (start, stop) of the shot of a reference frame, or of the longest."""
    edges = [0, *(selection.indices.index(cut) for cut in cuts), len(selection.indices)]
    shots = list(pairwise(edges))
    if reference is not None:
        return next((start, stop) for start, stop in shots if start <= reference < stop)
    return max(shots, key=lambda shot: shot[1] - shot[0])


def _fitting(selection: Selection, stabilization: Stabilization, reference: int) -> tuple[Selection, list[int]]:
    """The selection without the frames that were dropped, and N of its windows as recipes name them."""
    left = [p for p, index in enumerate(selection.indices) if index in stabilization.poses]
    around = selection.around(reference)
    windows, sizes = [], []
    for (start, stop), size in zip(around.windows, around.sizes, strict=True):
        inside = [n for n, p in enumerate(left) if start <= p < stop]
        if len(inside) >= 2:
            windows.append((inside[0], inside[-1] + 1))
            sizes.append(size)
    indices = tuple(selection.indices[p] for p in left)
    return Selection(indices, left.index(reference), tuple(windows)), sizes


def refines(recipes: Sequence[Recipe]) -> bool:
    """Whether a rain-free mean is made: alone, or beside a sweep."""
    return len(recipes) > 1 or recipes[0].rule == "rainfree"


def _stack(
    settings: CleanSettings, memory: int, region: Region, selection: Selection, recipes: Sequence[Recipe]
) -> SortedStack:
    budget = Budget(memory, settings.scratch)
    return SortedStack(
        region.height,
        region.width,
        selection.windows,
        budget,
        candidates=len(recipes) + 2,
        workers=settings.workers,
        refine=refines(recipes),
    )


def _fill(
    source: FrameSource,
    selection: Selection,
    region: Region,
    stack: SortedStack,
    watch: Watch,
    noise: NoiseSamples,
    seconds: dict[str, float],
    survey: _Survey | None = None,
    repeats: Repeats | None = None,
    relit: _Relit | None = None,
) -> Generator[Progress, None, None]:
    total = len(selection.indices)
    frames = source.read(selection.indices, region)

    def look_at(position: int, rgb: U8) -> None:
        watch.see(position, rgb)
        noise.see(rgb)
        if survey is not None:
            survey.see(rgb)
        if repeats is not None:
            repeats.see(rgb)
        if relit is not None:
            pose = relit.stabilization.poses[selection.indices[position]]
            relit.bounds.see(rgb, pose.gain, pose.offset)

    # Beside the decoder, which works ahead only while it is asked for frames.
    with ThreadPoolExecutor(1, thread_name_prefix="rainclean-watch") as beside:
        looking: deque[Future[None]] = deque()
        for done in range(total):
            began = perf_counter()
            frame = next(frames, None)
            if frame is None:
                raise InputError(
                    source.info.path, f"ends after {done} of the {total} frames asked for", "try --salvage"
                )
            seconds["decode"] += perf_counter() - began
            stack.add(frame.rgb)
            looking.append(beside.submit(look_at, done, frame.rgb))
            if len(looking) > _LOOKING:
                looking.popleft().result()
            yield Progress("decode", done + 1, total)
        while looking:
            looking.popleft().result()
    stack.finish()
