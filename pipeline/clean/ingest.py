"""From a clip to a sorted stack: frames as they are, or stabilized where the camera moves or the light changes.

A still camera in steady light costs one pass, and its frames go in as they are. Whether that is so is known at the
end of it: what the stack took until then is given back, the frames are registered and read again.
"""

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.fill import fill
from pipeline.clean.held_frames import CachedSource
from pipeline.clean.plan import Plan, refines
from pipeline.clean.registration_survey import RegistrationSurvey, Surveyed
from pipeline.clean.settings import CleanSettings
from pipeline.clean.survey import Watch
from pipeline.stages import Progress
from rainclean.candidates import Recipe, Selection
from rainclean.candidates.estimators import sweep_from_outside
from rainclean.moving import Drawn
from rainclean.rainfree import NoiseSamples, frames_around
from rainclean.stabilization import Bounds, Stabilization, StabilizedSource
from rainclean.temporal import STEADYING, Budget, SortedStack, format_bytes, least_memory
from rainclean.video import FrameSource, Region, Repeats

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SPARE_PICTURES = 2
"""Pictures that a sweep makes beside its percentiles: the adaptive percentile and a mean."""


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Frames in a stack, and what was learned on the way. The stack is the receiver's to close.

    Attributes:
        stack: finished.
        frames: where to read the used frames anew, as they went into the stack.
        cache: what of these may be in memory, if anything.
        recipes: those asked for, of stabilized frames where ``stabilization`` is there.
        selection: the used frames and their windows.
        sizes: N of each window of the selection as recipes name it.
        region: of the upright frame, what the pictures show.
        reference_rgb: (h, w, 3) uint8, the reference frame.
        noise: samples of each frame.
        still: index of the largest window that shows one picture.
        shifts: px of each frame that was looked at; None where it cannot be told.
        warnings: for a person.
        stabilization: how frames were registered and relit; None where they are as they were.
        seconds: by step.
        bounds: of what frames show before their light is undone; None where none was.
        beside: frames near the reference frame as they are, by index, where the camera moves.
        drawn: what is drawn over the frames of such a camera, None for nothing.
    """

    stack: SortedStack
    frames: FrameSource
    cache: CachedSource | None
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

    @property
    def registered(self) -> bool:
        """Whether frames were aligned with one another."""
        return self.stabilization is not None and self.stabilization.moves

    def forget_frames(self) -> None:
        """Release frames in memory, once nobody will read them again."""
        if self.cache is not None:
            self.cache.forget()


@dataclass(frozen=True)
class Repeated:
    """What came of gathering where frames repeat: others are to be chosen.

    cache: frames that are in memory. repeats: frame index → that of the frame that showed its picture first.
    """

    cache: CachedSource | None
    repeats: dict[int, int]


def gather(
    source: FrameSource,
    settings: CleanSettings,
    chosen: Plan,
    *,
    cache: CachedSource | None = None,
    distinct: bool = False,
) -> Generator[Progress, None, Gathered | Repeated]:
    """Fill a stack with the frames of a plan.

    Frames are stabilized where a recipe asks for it; of a sweep, where that is better.

    Args:
        source: the clip.
        settings: memory, threads, and what was asked for.
        chosen: recipes and frames.
        cache: frames that are in memory already.
        distinct: whether the frames are known to show different pictures. If not, it is found out, and where they do
            not, nothing is gathered.
    """
    work = _Ingest(source, settings, chosen, cache)
    stabilized = yield from work.as_they_are(distinct=distinct)
    return stabilized if isinstance(stabilized, Gathered | Repeated) else (yield from work.stabilized(stabilized))


class _Ingest:
    """The one or two passes over a clip."""

    def __init__(self, source: FrameSource, settings: CleanSettings, chosen: Plan, cache: CachedSource | None) -> None:
        self._source, self._settings, self._chosen, self._cache = source, settings, chosen, cache
        self._notes: list[str] = []
        self._seconds = {"decode": 0.0, "register": 0.0}

    def as_they_are(self, *, distinct: bool) -> Generator[Progress, None, Gathered | Repeated | Surveyed]:
        """Gather frames as they are; what is known of them, where they have to be stabilized."""
        settings, selection = self._settings, self._chosen.selection
        info = self._source.info
        region = settings.region or Region(0, 0, info.width, info.height)
        may_steady = settings.recipe is None or self._chosen.recipes[0].steady
        survey = RegistrationSurvey(region, settings.workers) if may_steady else None
        with ExitStack() as until_done:
            stack = self._stack(settings.memory, region, selection)
            until_done.callback(stack.close)
            if stack.layout.scratch_bytes:
                space = f"{format_bytes(stack.layout.scratch_bytes)} of scratch space is used in {settings.scratch}"
                yield Progress("start up", 0, None, note=f"{space}; it is freed afterwards")
            reads_again = survey is not None or self._chosen.refines
            if self._cache is None and reads_again and not stack.layout.stack_on_disk:
                self._cache = CachedSource(self._source)
            frames = self._cache or self._source
            watch, noise = Watch(selection), NoiseSamples(region.height, region.width)
            repeats = None if distinct else Repeats()
            observers = [each for each in (watch, noise, survey, repeats) if each is not None]
            self._seconds["decode"] += yield from fill(stack, frames, selection.indices, region, observers)
            if repeats is not None and (again := repeats.result()):
                at = selection.indices
                return Repeated(self._cache, {at[one]: at[first] for one, first in again.items()})
            surveyed = None if survey is None else (yield from self._survey(survey, frames, watch))
            if surveyed is not None and surveyed.stabilization is not None:
                return surveyed
            gathered = self._unstabilized(stack, region, watch, noise, surveyed)
            until_done.pop_all()
        return gathered

    def _survey(
        self, survey: RegistrationSurvey, frames: FrameSource, watch: Watch
    ) -> Generator[Progress, None, Surveyed]:
        selection, cuts = self._chosen.selection, watch.cuts()
        asked = None if self._settings.reference is None else selection.reference
        surveyed = yield from survey.result(frames, selection, cuts, asked)
        self._seconds["register"] += surveyed.seconds
        self._notes += surveyed.notes
        if cuts and surveyed.stabilization is not None:
            where = ", ".join(map(str, cuts[:5])) + (", …" if len(cuts) > 5 else "")
            which = "longest shot" if asked is None else "shot of the reference frame"
            self._notes.append(
                f"scene cut at frame {where}: the {which} is used; choose with --in-point and --out-point"
            )
        return surveyed

    def _unstabilized(
        self, stack: SortedStack, region: Region, watch: Watch, noise: NoiseSamples, surveyed: Surveyed | None
    ) -> Gathered:
        began = perf_counter()
        found = watch.result() if surveyed is None else watch.result(surveyed.shifts, surveyed.still_px)
        self._seconds["register"] += perf_counter() - began
        return Gathered(
            stack=stack,
            frames=self._cache or self._source,
            cache=self._cache,
            recipes=self._chosen.recipes,
            selection=self._chosen.selection,
            sizes=list(self._chosen.selection.sizes),
            region=region,
            reference_rgb=watch.reference,
            noise=noise,
            still=found.still_window,
            shifts=found.shifts,
            warnings=self._notes + found.warnings(),
            seconds=self._seconds,
        )

    def stabilized(self, surveyed: Surveyed) -> Generator[Progress, None, Gathered]:
        """Gather the frames that can be stabilized."""
        stabilization = surveyed.stabilization
        assert stabilization is not None
        region, settings = stabilization.region, self._settings
        fitting, sizes = _fitting(self._chosen.selection, stabilization, surveyed.reference)
        with ExitStack() as until_done:
            stack = self._stack(self._memory_beside_stabilization(region, len(fitting.indices)), region, fitting)
            until_done.callback(stack.close)
            beside = self._frames_beside(fitting.reference_frame, stabilization)
            frames: FrameSource = self._cache or self._source
            if self._cache is not None and not stack.layout.stack_on_disk:
                frames = self._cache.consuming(fitting.indices)
            frames = StabilizedSource(frames, stabilization, settings.workers)
            cache = None if stack.layout.stack_on_disk else CachedSource(frames)
            watch, noise = Watch(fitting), NoiseSamples(region.height, region.width)
            relit = _RelitBounds(stabilization, fitting.indices) if stabilization.relit else None
            observers = [each for each in (watch, noise, relit) if each is not None]
            self._seconds["decode"] += yield from fill(stack, cache or frames, fitting.indices, region, observers)
            until_done.pop_all()
        return Gathered(
            stack=stack,
            frames=cache or frames,
            cache=cache,
            recipes=[replace(recipe, steady=True) for recipe in self._chosen.recipes],
            selection=fitting,
            sizes=sizes,
            region=region,
            reference_rgb=watch.reference,
            noise=noise,
            still=len(fitting.windows) - 1,
            shifts={i: round(p.residual, 3) for i, p in stabilization.poses.items()},
            warnings=self._notes + describe(stabilization, len(self._chosen.selection.indices)),
            stabilization=stabilization,
            seconds=self._seconds,
            bounds=None if relit is None else relit.result(),
            beside=beside,
            drawn=_drawn_over(surveyed.drawn, stabilization, fitting),
        )

    def _memory_beside_stabilization(self, region: Region, frames: int) -> int:
        pixels, settings = region.width * region.height, self._settings
        least = least_memory(pixels, settings.workers, frames if self._chosen.refines else 0)
        return max(settings.memory - STEADYING * pixels, min(settings.memory, least))

    def _frames_beside(self, reference: int, stabilization: Stabilization) -> dict[int, U8]:
        """Frames next to the reference frame as they are, for aligning them px by px, while they are in memory."""
        if not (stabilization.moves and (self._chosen.refines or self._chosen.recipes[0].of_near_frames)):
            return {}
        wanted = frames_around(self._chosen.selection.indices, reference)
        frames = (self._cache or self._source).read(wanted, stabilization.cut)
        return {frame.index: frame.rgb for frame in frames}

    def _stack(self, memory: int, region: Region, selection: Selection) -> SortedStack:
        recipes, settings = self._chosen.recipes, self._settings
        added = len(sweep_from_outside()) if settings.recipe is None else 0
        return SortedStack(
            region.height,
            region.width,
            selection.windows,
            Budget(memory, settings.scratch),
            candidates=len(recipes) + SPARE_PICTURES + added,
            workers=settings.workers,
            refine=refines(recipes),
        )


class _RelitBounds:
    """What frames showed before they were relit: a `FrameObserver`. indices: of the frames, in their order."""

    def __init__(self, stabilization: Stabilization, indices: Sequence[int]) -> None:
        self._poses = [stabilization.poses[index] for index in indices]
        self._bounds = Bounds((stabilization.region.height, stabilization.region.width))
        self._seen = 0

    def add_frame(self, rgb: U8) -> None:
        """See `FrameObserver.add_frame`."""
        pose = self._poses[self._seen]
        self._bounds.add_frame(rgb, pose.gain, pose.offset)
        self._seen += 1

    def result(self) -> Bounds:
        """Return the bounds of all frames seen."""
        return self._bounds


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
            f"the camera moves by up to {far:.1f} px: frames were aligned ({stabilization.model}, up to {left:.2f} px "
            f"remain); {100 * share:.0f} % of the frame is visible in all of them"
        )
    if stabilization.relit:
        gains = np.array([pose.gain for pose in stabilization.poses.values()])
        low, high = 100 * (gains.min() - 1), 100 * (gains.max() - 1)
        said.append(f"the exposure changes, {low:+.1f} to {high:+.1f} % against the reference frame: corrected")
    if stabilization.dropped:
        reasons = sorted(set(stabilization.dropped.values()))
        said.append(f"{len(stabilization.dropped)} of {frames} frames were left out: {'; '.join(reasons)}")
    return said


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
