"""What finds each kind of moving thing: a table of detectors behind one protocol.

Residuals of all frames are judged in three rounds. What can be found in a thread beside the rest is begun (`prepare`);
each kind is found (`find`); what depends on all of these is settled (`settle`). A further kind is a `Detector` and a
call of `register_detector`.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rainclean.moving.changes import find_changing
from rainclean.moving.dynamic_texture import MIN_FRAMES, find_restless, find_splashes, splash_rates
from rainclean.moving.foreground import find_foreground
from rainclean.moving.overlays import find_overlays
from rainclean.moving.place_marks import Drawn
from rainclean.moving.residual_grid import Grid, Residuals, whole
from rainclean.moving.short_clips import MIN_FRAMES as MIN_FRAMES_AT_ALL
from rainclean.moving.short_clips import find_held

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

KINDS = ("passing", "swaying", "water", "splashes", "overlay", "changing")
"""Kinds of things that are found by ours: keys of `Findings.areas`, bits of the kept areas."""

OTHER = "other"
"""Kind under which a project keeps all areas of detectors from outside."""

TEXTS = {
    "swaying": "something sways, such as foliage",
    "water": "a surface moves, such as water",
    "splashes": "drops splash",
    "overlay": "an overlay, such as a logo or a clock, hides part of the frame",
    "changing": "the scene keeps changing, as in wind, changing sunlight or dense traffic",
}
"""What a person is told of a kind of area."""

OTHER_TEXT = "something else moves"
"""The same of `OTHER`."""

STAYED_FRACTION = 0.25
"""Share of the frames from which on a passing thing hides a place for so long that the clean image is in doubt."""


@dataclass(kw_only=True)
class Scene:
    """The residuals of a clip, and what is found in them.

    Attributes:
        residuals: of the N frames that were seen.
        grid: their cells, (gh, gw).
        positions: of the N frames among those used.
        pool: one thread, for what can be found beside the rest.
        overlays: whether to look for what was drawn over the frames.
        marks: what was found to be drawn over them before they were registered.
        clean: gives the luma of the clean image that is to explain the frames, (gh, gw) float32; waits for it.
        areas: (gh, gw) bool by kind, filled by the detectors.
        passing: (N, gh, gw) bool, what passes in each frame.
        drawn: the same of marks that move over the scene; None where there are none.
        stayed: (gh, gw) bool, where a passing thing stayed for `STAYED_FRACTION` of the frames or more.
    """

    residuals: Residuals
    grid: Grid
    positions: list[int]
    pool: ThreadPoolExecutor
    overlays: bool
    marks: Drawn | None
    clean: Callable[[], F32] | None
    areas: dict[str, Mask]
    passing: Mask = field(init=False)
    drawn: Mask | None = None
    stayed: Mask = field(init=False)
    _jobs: dict[str, Future[Any]] = field(default_factory=dict)

    def begin(self, name: str, find: Callable[..., Any], *args: object) -> None:
        """Start a search in a thread.

        Args:
            name: to ask for the result by, with `found`.
            find: the search.
            args: of the search.
        """
        self._jobs[name] = self.pool.submit(find, *args)

    def found(self, name: str) -> Any:
        """Return what was begun under a name, once it is found."""
        return self._jobs[name].result()

    def moves_always(self) -> Mask:
        """Where foliage and water move, (gh, gw) bool; waits until that is found."""
        return np.asarray(np.logical_or(*self.found("restless")))


class Detector:
    """Finds one kind of moving thing, or several.

    Attributes:
        kinds: text for a person by kind, in the order in which they are told; "" for a kind that has other words.
    """

    kinds: Mapping[str, str] = {}

    def prepare(self, scene: Scene) -> None:
        """Begin what can be found beside the rest: `Scene.begin`."""

    def find(self, scene: Scene) -> Mapping[str, Mask]:
        """Return where each kind is, (gh, gw) bool."""
        return {}

    def settle(self, scene: Scene) -> Mapping[str, Mask]:
        """Return what changes now that all else is found."""
        return {}


class _Foreground(Detector):
    """Passing things: in each frame those that are wider than streaks, coloured, or darker."""

    kinds: Mapping[str, str] = {"passing": ""}

    def find(self, scene: Scene) -> Mapping[str, Mask]:
        scene.passing = find_foreground(scene.residuals, scene.moves_always)
        return {}


class _DynamicTexture(Detector):
    """Foliage and water."""

    kinds: Mapping[str, str] = {kind: TEXTS[kind] for kind in ("swaying", "water")}

    def prepare(self, scene: Scene) -> None:
        scene.begin("restless", find_restless, scene.residuals)

    def find(self, scene: Scene) -> Mapping[str, Mask]:
        return dict(zip(self.kinds, scene.found("restless"), strict=True))

    def settle(self, scene: Scene) -> Mapping[str, Mask]:
        gaps = 2 * (scene.grid.cells[1] // 60) + 1
        return {kind: whole(scene.areas[kind], gaps) for kind in self.kinds}


class _Overlays(Detector):
    """Marks and clocks that stay at their place: over frames as they are, or told before those were registered."""

    kinds: Mapping[str, str] = {"overlay": TEXTS["overlay"]}

    def prepare(self, scene: Scene) -> None:
        if scene.overlays:
            scene.begin("overlay", lambda: find_overlays(scene.residuals, scene.moves_always()))

    def find(self, scene: Scene) -> Mapping[str, Mask]:
        found = {"overlay": scene.found("overlay")} if scene.overlays else {}
        if scene.marks is None:
            return found
        drawn = scene.drawn = np.zeros_like(scene.passing)
        for mask, position in zip(drawn, scene.positions, strict=True):
            mask[:] = scene.marks.on(scene.grid, position)
        scene.passing &= ~drawn
        own = scene.marks.on(scene.grid, scene.marks.reference)
        return {"overlay": own | (drawn.mean(axis=0) >= STAYED_FRACTION)}


class _Splashes(Detector):
    """Drops that splash: rates are found beside the rest, places once all others are known."""

    kinds: Mapping[str, str] = {"splashes": TEXTS["splashes"]}

    def prepare(self, scene: Scene) -> None:
        scene.begin("splashes", splash_rates, scene.residuals)

    def find(self, scene: Scene) -> Mapping[str, Mask]:
        scene.found("splashes")  # not beside what comes next: both take much memory
        return {}

    def settle(self, scene: Scene) -> Mapping[str, Mask]:
        elsewhere = np.logical_or.reduce([scene.areas[kind] for kind in KINDS if kind != "splashes"])
        return {"splashes": find_splashes(scene.found("splashes"), elsewhere)}


class _Changes(Detector):
    """What the clean image does not explain: things that were missed, and scenes that change."""

    kinds: Mapping[str, str] = {"changing": TEXTS["changing"]}

    def find(self, scene: Scene) -> Mapping[str, Mask]:
        if scene.clean is None or len(scene.residuals) < MIN_FRAMES_AT_ALL:
            return {}
        aside = np.logical_or.reduce([scene.areas[kind] for kind in ("swaying", "water", "overlay")])
        known = scene.passing if scene.drawn is None else scene.passing | scene.drawn
        things, changing = find_changing(scene.residuals, scene.clean(), known, aside)
        scene.passing |= things
        return {"changing": changing}


class _Stayed(Detector):
    """Places that passing things hide: of any frame, and for long. In short clips, what holds more than one level."""

    def find(self, scene: Scene) -> Mapping[str, Mask]:
        passing = np.asarray(scene.passing.any(axis=0))
        scene.stayed = np.asarray(scene.passing.mean(axis=0) >= STAYED_FRACTION)
        if len(scene.residuals) < MIN_FRAMES:
            passing = scene.stayed = passing | find_held(scene.residuals)
        return {"passing": passing}


_OURS: tuple[Detector, ...] = (
    _Foreground(),
    _DynamicTexture(),
    _Overlays(),
    _Splashes(),
    _Changes(),
    _Stayed(),
)
"""In the order in which they are asked: each may rest on what those before it found."""

_MORE: list[Detector] = []


def register_detector(detector: Detector) -> None:
    """Look for further kinds of moving things from now on; their areas are in doubt, as all but passing things are.

    Args:
        detector: is asked after ours, so that `Scene.areas` and `Scene.passing` hold what those found.

    Raises:
        ValueError: it names no kind, or one that is taken.
    """
    taken = {OTHER, *KINDS, *texts()}
    if not detector.kinds or taken & detector.kinds.keys():
        raise ValueError(f"kinds {list(detector.kinds)}: name kinds that are none of {sorted(taken)}")
    _MORE.append(detector)


def unregister_detector(detector: Detector) -> None:
    """Forget a detector that was registered from outside. Raises ValueError for any other."""
    _MORE.remove(detector)


def detectors() -> tuple[Detector, ...]:
    """Return all detectors, ours first."""
    return (*_OURS, *_MORE)


def texts() -> dict[str, str]:
    """Return what a person is told, by kind of area: of ours, then of those from outside."""
    return TEXTS | {kind: text for detector in _MORE for kind, text in detector.kinds.items()}


def all_kinds() -> tuple[str, ...]:
    """Return all kinds, ours first."""
    return (*KINDS, *(kind for detector in _MORE for kind in detector.kinds))


def find_all(scene: Scene) -> None:
    """Let all detectors fill a scene."""
    table = detectors()
    for detector in table:
        detector.prepare(scene)
    for detector in table:
        scene.areas.update(detector.find(scene))
    for detector in table:
        scene.areas.update(detector.settle(scene))
