"""What `clean` will do: the recipes that the settings ask for, and the frames they need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.clean.settings import CleanSettings
from rainclean.candidates import SWEEP_FRAMES, Recipe, Selection, select_frames, sweep
from rainclean.errors import InputError, UsageError
from rainclean.video import FrameSource, SourceInfo, distinct

RELEASED_FRAMES = 100
"""N of ``--recipe released`` by default; the published notebook has it as a constant."""


@dataclass(frozen=True)
class Plan:
    """What a clean will make, and of which frames. notes: what a person must know of it, a line each."""

    recipes: list[Recipe]
    selection: Selection
    notes: list[str]

    @property
    def refines(self) -> bool:
        """Whether all frames are read once more, for a rain-free mean: alone, or beside a sweep."""
        return refines(self.recipes)


def refines(recipes: Sequence[Recipe]) -> bool:
    """Return whether all frames are read once more: for a mean that is made alone, or beside a sweep."""
    return len(recipes) > 1 or recipes[0].of_all_frames


def plan(source: FrameSource, settings: CleanSettings, repeats: Mapping[int, int] | None = None) -> Plan:
    """Plan a clean.

    Args:
        source: the clip.
        settings: what is asked for.
        repeats: frames that are not to be used, because they repeat another one, and that one.

    Returns:
        The recipes, smallest window first, the frames, and what must be said about them.

    Raises:
        InputError: the clip cannot give what is asked for.
        UsageError: the settings contradict each other.
    """
    info = source.info
    first, stop = _range(info, settings)
    _check_region(info, settings)
    if settings.reference is not None and not first <= settings.reference < stop:
        raise InputError(info.path, f"reference frame {settings.reference} lies outside frames {first} to {stop - 1}")
    usable = distinct(range(first, stop), repeats or {})
    count = len(usable)
    reference = None if settings.reference is None else usable.index(settings.reference)
    recipes, warnings = _recipes(settings, count)
    largest = recipes[-1]
    span = largest.frames * largest.stride
    if largest.frames > -(-count // largest.stride):
        each = f" of {span}" if largest.stride > 1 else ""
        needed = f"recipe {largest.name} needs {largest.frames}{each} frames"
        there = f"{count} that differ" if repeats else str(count)
        raise InputError(info.path, f"{needed}, but there are only {there} between in and out point")
    if largest.window == "first" and reference is not None and reference not in range(0, span, largest.stride):
        used = f"recipe {largest.name} uses"
        raise InputError(info.path, f"reference frame {settings.reference} is not among the frames that {used}")
    try:
        selection = select_frames(count, [*recipes, *_around(recipes[0], count)], reference)
    except ValueError as error:
        raise InputError(info.path, f"recipe {largest.name}: {error}") from None
    indices = tuple(usable[i] for i in selection.indices)
    return Plan(recipes, replace(selection, indices=indices), [*info.notes, *warnings])


def _range(info: SourceInfo, settings: CleanSettings) -> tuple[int, int]:
    """First frame to use and the first one no longer to use. Raises InputError."""
    first, stop = settings.first, info.frame_count if settings.stop is None else settings.stop
    if not (0 <= first < info.frame_count and 0 < stop <= info.frame_count):
        asked = f"in point {first}, out point {stop}"
        raise InputError(info.path, f"{asked}: the clip has frames 0 to {info.frame_count - 1}")
    if stop <= first:
        raise InputError(info.path, f"the out point, frame {stop}, must lie after the in point, frame {first}")
    if stop - first < 2:
        raise InputError(info.path, "1 frame: at least 2 are needed", "film longer or widen the range")
    return first, stop


def _check_region(info: SourceInfo, settings: CleanSettings) -> None:
    x, y, width, height = settings.region or (0, 0, info.width, info.height)
    if x < 0 or y < 0 or min(width, height) < 1 or x + width > info.width or y + height > info.height:
        asked = f"region {x},{y},{width},{height} does not fit"
        raise InputError(info.path, f"{asked}: the upright frame has {info.width}×{info.height} px")


def check_settings(settings: CleanSettings) -> None:
    """Raise UsageError for a recipe that there is not, or a number of frames that no clip could give."""
    _recipes(settings, RELEASED_FRAMES)


def _around(recipe: Recipe, count: int) -> list[Recipe]:
    """What a recipe of stabilized frames was made beside: frames are registered together with all that a sweep uses."""
    if not recipe.steady or recipe.window == "first":
        return []
    usable = min(SWEEP_FRAMES[-1], -(-count // recipe.stride))
    return [replace(recipe, frames=usable)] if usable > recipe.frames else []


def _recipes(settings: CleanSettings, count: int) -> tuple[list[Recipe], list[str]]:
    if settings.frames is not None and settings.frames < 2:
        raise UsageError(f"--frames {settings.frames}: at least 2 are needed")
    if settings.recipe is None:
        return sweep(count, settings.frames), _too_few(settings.frames, count)
    if settings.recipe == "released":
        n = RELEASED_FRAMES if settings.frames is None else settings.frames
        return [Recipe(min(n, count), window="first")], _too_few(n, count)
    if settings.recipe == "median":
        return [sweep(count, settings.frames)[-1]], _too_few(settings.frames, count)
    if settings.frames is not None:
        raise UsageError(f"--frames {settings.frames}: recipe {settings.recipe} already states its number of frames")
    return [Recipe.parse(settings.recipe)], []


def _too_few(asked: int | None, count: int) -> list[str]:
    return (
        [f"{asked} frames requested, but only {count} are available: these were used"]
        if asked and asked > count
        else []
    )
