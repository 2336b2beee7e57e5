"""A recipe: every parameter that makes a candidate, as a value that can be named, stored and hashed."""

import hashlib
import json
import re
from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any, Literal, Self

from rainclean.candidates.estimators import (
    PERCENTILE,
    Estimator,
    FramesEstimator,
    NearEstimator,
    estimator_of,
    estimators,
    find_estimator,
    sweep_from_outside,
)
from rainclean.errors import RaincleanError, UsageError

RULES_VERSION = 1
"""Raised whenever the same recipe would give other pixels; part of every hash."""

_NAME = re.compile(
    r"(?P<window>n|first)(?P<frames>[0-9]{1,9})(s(?P<stride>[0-9]{1,9}))?-(?P<rule>.+?)(?P<steady>-steady)?"
)

_LATER = {"rule": PERCENTILE, "steady": False}
"""Fields that came later, with what they were before: left out of the hash where they are that."""

MAX_FRAMES = 65535
"""Most frames of a recipe: the kernels count values of a place in 16 bits."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which frames, and what is made of them.

    frames: how many, N, 2 to MAX_FRAMES. window: "centre", N frames around the reference frame (shifted where the clip
    ends), or "first", the first N. stride: take every stride-th frame. percentile: 0…100 in tenths, or None
    for the vote's η* plus ``offset``, clamped to 0…100.
    rule: of its estimator (`rainclean.candidates.estimators`), which says what is made of the frames. steady: of
    frames that were registered and relit first.
    """

    frames: int
    _: KW_ONLY
    window: Literal["centre", "first"] = "centre"
    stride: int = 1
    percentile: float | None = None
    offset: float = 0.0
    rule: str = PERCENTILE
    steady: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.frames, int) and isinstance(self.stride, int)):
            raise UsageError(f"a recipe of {self.frames} frames, 1 in {self.stride}: whole numbers are needed")
        if self.frames < 2:
            raise UsageError(f"a recipe of {self.frames} frame(s): at least 2 are needed")
        if self.frames > MAX_FRAMES:
            raise UsageError(f"a recipe of {self.frames} frames: it may have at most {MAX_FRAMES}")
        if not 1 <= self.stride < 10**9:
            raise UsageError(f"a recipe with stride {self.stride}: it must be at least 1")
        if self.window not in ("centre", "first"):
            raise UsageError(f"a recipe with window {self.window!r}: use centre or first")
        if self.percentile is not None and not 0 <= self.percentile <= 100:
            raise UsageError(f"a recipe with percentile {self.percentile}: it must lie between 0 and 100")
        if not -100 <= self.offset <= 100:
            raise UsageError(f"a recipe with offset {self.offset}: it must lie between -100 and 100")
        if self.percentile is not None and self.offset:
            raise UsageError("a recipe cannot have both a percentile and an offset: offsets apply to the vote")
        estimator = find_estimator(self.rule)
        if estimator is None:
            known = ", ".join(each.rule for each in estimators())
            raise UsageError(f"a recipe with rule {self.rule!r}: use one of {known}")
        estimator.check(self)
        # Equal recipes have equal names and hashes: 5 becomes 5.0, and what a name cannot say is refused.
        for name in ("percentile", "offset"):
            value = getattr(self, name)
            if value is not None:
                if abs(value * 10 - round(value * 10)) > 1e-9:
                    raise UsageError(f"a recipe with {name} {value}: use one decimal at most")
                object.__setattr__(self, name, round(value * 10) / 10)

    def resolve(self, eta: int) -> float:
        """The percentile to look up, given the window's η*."""
        if self.percentile is not None:
            return self.percentile
        return min(100.0, max(0.0, eta + self.offset))

    @property
    def estimator(self) -> Estimator:
        """What makes it of the frames."""
        return estimator_of(self.rule)

    @property
    def of_all_frames(self) -> bool:
        """Whether the frames are read once more to make it, as for the rain-free mean."""
        return isinstance(self.estimator, FramesEstimator)

    @property
    def of_near_frames(self) -> bool:
        """Whether it is made of a few frames next to the reference frame, and so shows one moment only."""
        return isinstance(self.estimator, NearEstimator)

    @property
    def name(self) -> str:
        """Short, unique, safe as a file name: ``n100-vote``, ``n40s2-vote-minus5``, ``first100-vote``, ``n20-p50``,
        ``n80-local``, ``n80-rainfree-steady``.
        """
        frames = f"{'n' if self.window == 'centre' else 'first'}{self.frames}"
        stride = f"s{self.stride}" if self.stride > 1 else ""
        return f"{frames}{stride}-{self.estimator.suffix(self)}{'-steady' if self.steady else ''}"

    @property
    def description(self) -> str:
        """Describe the recipe for a person: ``100 frames, η* − 5``."""
        which = "first " if self.window == "first" else ""
        every = f" (1 in {self.stride})" if self.stride > 1 else ""
        label = self.estimator.label(self)
        return f"{which}{self.frames} frames{every}, {label}{', stabilized' if self.steady else ''}"

    @property
    def hash(self) -> str:
        """16 hexadecimal digits over all parameters and the version of the rules."""
        told = {name: value for name, value in asdict(self).items() if name not in _LATER or value != _LATER[name]}
        version = self.estimator.version
        own = {"rule_version": version} if version > 1 else {}
        text = json.dumps({"version": RULES_VERSION, **own, **told}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """A dictionary for JSON, from which `from_json` makes an equal recipe; name, words and hash are for readers."""
        return {
            **asdict(self),
            "name": self.name,
            "words": self.description,
            "hash": self.hash,
            "version": RULES_VERSION,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The recipe that `to_json` wrote. Raises RaincleanError for another version of the rules, or no recipe."""
        if document.get("version") != RULES_VERSION:
            raise RaincleanError(
                f"recipe {document.get('name')} is of version {document.get('version')} of the rules, "
                f"but this rainclean has version {RULES_VERSION}"
            )
        try:
            return cls(**{field: {**_LATER, **document}[field] for field in cls.__dataclass_fields__})
        except (KeyError, TypeError) as error:
            raise RaincleanError(f"recipe {document.get('name')}: was not written by rainclean ({error})") from error

    @classmethod
    def parse(cls, name: str) -> Self:
        """The recipe of a name, as `name` writes it. Raises UsageError for anything else."""
        match = _NAME.fullmatch(name)
        recipe = cls._from_match(match) if match else None
        if recipe is None or recipe.name != name:
            raise UsageError(
                f"no recipe {name!r}: use released, median, or a name such as n100-vote, "
                "n40-vote-minus5, n40s2-p37_5, first100-vote, n80-local, n80-rainfree-steady, n7-near-steady"
            )
        return recipe

    @classmethod
    def _from_match(cls, match: re.Match[str]) -> Self | None:
        for estimator in estimators():
            own = re.fullmatch(estimator.pattern, match["rule"])
            if own is not None:
                return cls(
                    frames=int(match["frames"]),
                    window="centre" if match["window"] == "n" else "first",
                    stride=int(match["stride"] or 1),
                    rule=estimator.rule,
                    steady=match["steady"] is not None,
                    **estimator.numbers(own),
                )
        return None


def rule_versions(name: str | None) -> dict[str, int]:
    """Return the versions of rules, where they say that an analysis is out of date.

    Args:
        name: of a recipe, or "released" or "median"; None for a sweep.

    Returns:
        Version by rule: of a recipe its own from 2 on; of a sweep those of estimators from outside, for our own go
        by `SWEEP_VERSION`.
    """
    if name is None:
        return {each.rule: each.version for each in sweep_from_outside()}
    try:
        recipe = Recipe.parse(name)
    except UsageError:
        return {}
    return {recipe.rule: recipe.estimator.version} if recipe.estimator.version > 1 else {}
