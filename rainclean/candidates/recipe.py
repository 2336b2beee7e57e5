"""A recipe: every parameter that makes a candidate, as a value that can be named, stored and hashed."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

from rainclean.errors import RaincleanError, UsageError

RULES_VERSION = 1
"""Raised whenever the same recipe would give other pixels; part of every hash."""

RULE_VERSIONS = {"rainfree": 2}
"""The same of single rules, where only theirs changed: part of the hashes of their recipes."""

_NAME = re.compile(
    r"(?P<window>n|first)(?P<frames>[0-9]{1,9})(s(?P<stride>[0-9]{1,9}))?-"
    r"((?P<rule>vote|local)(-(?P<sign>minus|plus)(?P<offset>[0-9]{1,3}(_[0-9])?))?|p(?P<percentile>[0-9]{1,3}(_[0-9])?)"
    r"|(?P<mean>rainfree|near))(?P<steady>-steady)?"
)

_LATER = {"rule": "percentile", "steady": False}
"""Fields that came later, with what they were before: left out of the hash where they are that."""


Rule = Literal["percentile", "local", "rainfree", "near"]

_WHOLE: tuple[Rule, ...] = ("rainfree", "near")
"""Rules that find all by themselves."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which frames, and what is made of them.

    frames: how many (N ≥ 2). window: "centre", N frames around the reference frame (shifted where the clip
    ends), or "first", the first N. stride: take every stride-th frame. percentile: 0…100 in tenths, or None
    for the vote's η* plus ``offset``, clamped to 0…100.
    rule: "percentile", one of the whole picture; "local", the η of each neighbourhood plus ``offset``;
    "rainfree", the rain-free mean; "near", few frames laid over the reference frame px by px. steady: of
    frames that were registered and relit first.
    """

    frames: int
    window: Literal["centre", "first"] = "centre"
    stride: int = 1
    percentile: float | None = None
    offset: float = 0.0
    rule: Rule = "percentile"
    steady: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.frames, int) and isinstance(self.stride, int)):
            raise UsageError(f"a recipe of {self.frames} frames, 1 in {self.stride}: whole numbers are needed")
        if not 2 <= self.frames < 10**9:
            raise UsageError(f"a recipe of {self.frames} frame(s): a temporal prior needs at least 2")
        if not 1 <= self.stride < 10**9:
            raise UsageError(f"a recipe with stride {self.stride}: it must be at least 1")
        if self.window not in ("centre", "first"):
            raise UsageError(f"a recipe with window {self.window!r}: it is centre or first")
        if self.percentile is not None and not 0 <= self.percentile <= 100:
            raise UsageError(f"a recipe with percentile {self.percentile}: it must lie between 0 and 100")
        if not -100 <= self.offset <= 100:
            raise UsageError(f"a recipe with offset {self.offset}: it must lie between -100 and 100")
        if self.percentile is not None and self.offset:
            raise UsageError("a recipe with a percentile and an offset: an offset is for the vote")
        if self.rule not in get_args(Rule):
            raise UsageError(f"a recipe with rule {self.rule!r}: it is {', '.join(get_args(Rule))}")
        if self.rule != "percentile" and self.percentile is not None:
            raise UsageError(f"a recipe with rule {self.rule} and a percentile: it finds its own")
        if self.rule in _WHOLE and self.offset:
            raise UsageError(f"a recipe with rule {self.rule} and an offset: an offset is for the vote")
        # Equal recipes have equal names and hashes: 5 becomes 5.0, and what a name cannot say is refused.
        for name in ("percentile", "offset"):
            value = getattr(self, name)
            if value is not None:
                if abs(value * 10 - round(value * 10)) > 1e-9:
                    raise UsageError(f"a recipe with {name} {value}: tenths are the finest")
                object.__setattr__(self, name, round(value * 10) / 10)

    def resolve(self, eta: int) -> float:
        """The percentile to look up, given the window's η*."""
        if self.percentile is not None:
            return self.percentile
        return min(100.0, max(0.0, eta + self.offset))

    @property
    def name(self) -> str:
        """Short, unique, safe as a file name: ``n100-vote``, ``n40s2-vote-minus5``, ``first100-vote``, ``n20-p50``,
        ``n80-local``, ``n80-rainfree-steady``.
        """
        frames = f"{'n' if self.window == 'centre' else 'first'}{self.frames}"
        stride = f"s{self.stride}" if self.stride > 1 else ""
        if self.percentile is not None:
            rule = f"p{_number(self.percentile)}"
        else:
            rule = {"percentile": "vote"}.get(self.rule, self.rule)
        if self.offset:
            rule += f"-{'plus' if self.offset > 0 else 'minus'}{_number(abs(self.offset))}"
        return f"{frames}{stride}-{rule}{'-steady' if self.steady else ''}"

    @property
    def words(self) -> str:
        """For a person: ``100 frames, η* − 5``."""
        which = "first " if self.window == "first" else ""
        every = f" (1 in {self.stride})" if self.stride > 1 else ""
        if self.percentile == 50:
            rule = "median"
        elif self.percentile is not None:
            rule = f"percentile {self.percentile:g}"
        elif self.rule in _WHOLE:
            rule = "rain-free mean" if self.rule == "rainfree" else "next to the reference frame"
        else:
            sign = " + " if self.offset > 0 else " − "
            rule = "local η" if self.rule == "local" else "η*"
            rule += f"{sign}{abs(self.offset):g}" if self.offset else ""
        return f"{which}{self.frames} frames{every}, {rule}{', stabilized' if self.steady else ''}"

    @property
    def hash(self) -> str:
        """16 hexadecimal digits over all parameters and the version of the rules."""
        told = {name: value for name, value in asdict(self).items() if name not in _LATER or value != _LATER[name]}
        own = {"rule_version": RULE_VERSIONS[self.rule]} if self.rule in RULE_VERSIONS else {}
        text = json.dumps({"version": RULES_VERSION, **own, **told}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """A dictionary for JSON, from which `from_json` makes an equal recipe; name, words and hash are for readers."""
        return {**asdict(self), "name": self.name, "words": self.words, "hash": self.hash, "version": RULES_VERSION}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The recipe that `to_json` wrote. Raises RaincleanError for another version of the rules, or no recipe."""
        if document.get("version") != RULES_VERSION:
            raise RaincleanError(
                f"recipe {document.get('name')} is of version {document.get('version')} of the rules, "
                f"this rainclean has version {RULES_VERSION}"
            )
        try:
            return cls(**{field: {**_LATER, **document}[field] for field in cls.__dataclass_fields__})
        except (KeyError, TypeError) as error:
            raise RaincleanError(f"recipe {document.get('name')}: not as rainclean writes it ({error})") from error

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
    def _from_match(cls, match: re.Match[str]) -> Self:
        percentile, offset = match["percentile"], match["offset"]
        shift = 0.0 if offset is None else float(offset.replace("_", "."))
        rule: Rule = "percentile"
        if match["mean"] or match["rule"] == "local":
            rule = "local" if match["mean"] is None else "near" if match["mean"] == "near" else "rainfree"
        return cls(
            frames=int(match["frames"]),
            window="centre" if match["window"] == "n" else "first",
            stride=int(match["stride"] or 1),
            percentile=None if percentile is None else float(percentile.replace("_", ".")),
            offset=-shift if match["sign"] == "minus" else shift,
            rule=rule,
            steady=match["steady"] is not None,
        )


def _number(value: float) -> str:
    return f"{round(value, 1):g}".replace(".", "_")
