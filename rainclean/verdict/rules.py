"""Whether a sequence's clean images can be trusted: fit, to be looked at, or unfit; why, and where.

A verdict is a pure function of `Facts`. What makes a sequence bad is an entry of `RULES` each; a further one needs no
more than its entry, and a further fact its field. What rests on what, and where the bars come from: docs/adr/0017.
Loads no numpy: `status` shows verdicts and shall answer at once.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from rainclean.number_text import percent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

Severity = Literal["look", "unfit"]
State = Literal["fit", "look", "unfit"]

STATES: tuple[State, ...] = get_args(State)
"""Best first."""

MEANINGS: Mapping[State, str] = {
    "fit": "no defects found in the candidates",
    "look": "check the candidates before use",
    "unfit": "do not use the candidates",
}

LABELS: Mapping[str, str] = {"fit": "fit", "look": "needs a look", "unfit": "unfit"}
"""State → how a person reads it."""

FEW_FRAMES = 10
"""Below this rain and background cannot be told apart by time: of a pixel's values 2 or 3 are usual."""

ASTRAY = 16.0
"""Grey levels that the rain-free mean may be off from which on a pixel counts as unsure; a coarse codec alone (H.264 of
CRF 28, fine texture) makes 12."""

NO_RAIN = 0.1
"""Grey levels up to which frames are no brighter than the clean image: nothing falls."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a sequence and its clean images; None where nobody could look.

    used: frames that the best-scored candidate was made of. asked, fitted: frames of the shot that were to be laid over
    one another, and those that could be. kept: share of the frame that the clean image shows. drift: px that the used
    frames are off one another, at most. rain: how much brighter frames are than the clean image, mean over all of them
    in grey levels. free: share of values over time that are free of rain. areas: (h, w) bool by the code of a rule, all
    of one shape: where what the rule is about was found; a code that is not there was not looked for.
    """

    used: int
    asked: int = 0
    fitted: int = 0
    kept: float = 1.0
    drift: float | None = None
    rain: float | None = None
    free: float | None = None
    areas: Mapping[str, "Mask"] = field(default_factory=dict)

    def share(self, code: str) -> float | None:
        """Share of the picture that an area covers."""
        return float(self.areas[code].mean()) if code in self.areas else None


@dataclass(frozen=True)
class Sight:
    """What a rule from outside looks at to find its area.

    Attributes:
        picture: (h, w, 3) uint8 RGB, the best-scored candidate.
        reference: (h, w, 3) uint8 RGB, the rainy reference frame.
        target: (h, w) float32 levels of luma, what candidates were compared with.
    """

    picture: "NDArray[np.uint8]"
    reference: "NDArray[np.uint8]"
    target: "NDArray[np.float32]"


@dataclass(frozen=True)
class Rule:
    """A way in which a sequence can be bad.

    code: what programs read, also the key of `Facts.areas`. value: how bad it is, more is worse; None: unknown.
    look, unfit: values from which on it is one (inf: never). description: for a person. a_share: whether the value is a
    share of a whole, which is told beside it. find: of a rule from outside where its area is, (h, w) bool; a piece of
    evidence of its own, which comes to `Facts.areas` under its code.
    """

    code: str
    _: KW_ONLY
    value: Callable[[Facts], float | None]
    look: float
    unfit: float
    description: Callable[[Facts, float], str]
    a_share: bool = True
    find: "Callable[[Sight], Mask] | None" = None


def _area(code: str, look: float, unfit: float, description: str) -> Rule:
    """A rule about a share of the picture; words: with ``{}`` where the share stands."""
    return Rule(
        code,
        value=lambda facts: facts.share(code),
        look=look,
        unfit=unfit,
        description=lambda _, share: description.format(percent(share, None)),
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "few-fitted",
        value=lambda facts: 1 - facts.fitted / facts.asked if facts.asked else None,
        look=0.5, unfit=0.85,
        description=lambda facts, _: f"only {facts.fitted} of {facts.asked} frames could be aligned",
    ),
    Rule(
        "unsteady",
        value=lambda facts: facts.drift,
        look=1.0, unfit=3.0,
        description=lambda _, px: (
            f"frames are misaligned {f'by up to {px:.1f} px' if px < math.inf else 'too far to measure'}"
        ),
        a_share=False,
    ),
    Rule(
        "little-kept",
        value=lambda facts: 1 - facts.kept,
        look=0.5, unfit=0.85,
        description=lambda facts, _: f"only {percent(facts.kept, None)} of the frame is visible in all used frames",
    ),
    Rule(
        "few-frames",
        value=lambda facts: FEW_FRAMES - facts.used,
        look=1, unfit=math.inf,
        description=lambda facts, _: f"{facts.used} frames are too few to tell rain from background",
        a_share=False,
    ),
    Rule(
        "no-rain",
        value=lambda facts: None if facts.rain is None else NO_RAIN - facts.rain,
        look=0.0, unfit=math.inf,
        description=lambda *_: "no rain found: pairs from this clip would teach nothing",
        a_share=False,
    ),
    Rule(
        "dense-rain",
        value=lambda facts: None if facts.free is None else 1 - facts.free,
        look=0.95, unfit=math.inf,
        description=lambda facts, _: (
            f"only {percent(facts.free or 0, None)} of the pixel values over time are free of rain"
        ),
    ),
    _area("moving", 0.5, 0.9, "something moves or hides the background in {} of the frame"),
    _area("unsure", 0.1, 0.3, "the background is ambiguous in {} of the frame (moving shadows, people who stay)"),
    _area("darker", 0.01, 0.1, "{} of the clean image is darker than the background that other frames show"),
    _area("brighter", 0.01, 0.1, "{} of the clean image is brighter than the rainy frame"),
    _area("blurred", 0.1, 0.3, "{} of the clean image is blurrier than the rainy frame"),
)  # fmt: skip
"""Ours, in the order in which reasons are told; of two, the worse one first."""

_MORE: dict[str, Rule] = {}


def register_rule(rule: Rule) -> None:
    """Judge sequences by a further rule from now on.

    Args:
        rule: its code is new. It rests on the facts there are, or on an area that it finds itself (`Rule.find`); the
            share of that is ``facts.share(code)``.

    Raises:
        ValueError: the code is taken or empty.
    """
    if not rule.code or rule.code in {each.code for each in rules()}:
        raise ValueError(f"a rule with code {rule.code!r} is registered already, or that is none")
    _MORE[rule.code] = rule


def unregister_rule(code: str) -> None:
    """Forget a rule that was registered from outside. Raises ValueError for one of ours, or none."""
    if code not in _MORE:
        raise ValueError(f"no rule with code {code!r} was registered")
    del _MORE[code]


def rules() -> tuple[Rule, ...]:
    """Return all rules, ours first."""
    return (*RULES, *_MORE.values())


def areas_from_outside(sight: Sight) -> dict[str, "Mask"]:
    """Return the areas that rules from outside find, (h, w) bool by code."""
    return {code: rule.find(sight) for code, rule in _MORE.items() if rule.find is not None}


@dataclass(frozen=True)
class Reason:
    """Why a sequence is not fit. share: of what it describes, 0…1; None where it is no share."""

    code: str
    description: str
    severity: Severity
    share: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in report.json and in a project."""
        share = None if self.share is None else round(self.share, 5)
        return {"code": self.code, "words": self.description, "severity": self.severity, "share": share}

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """The inverse of `to_json`. Raises ValueError for anything else."""
        try:
            stored = {**document}
            made = cls(description=stored.pop("words"), **stored)
        except (KeyError, TypeError) as error:
            raise ValueError(f"a reason of a verdict {str(document)[:40]!r}") from error
        share = made.share is None or (type(made.share) in (int, float) and 0 <= made.share <= 1)
        text = isinstance(made.code, str) and isinstance(made.description, str) and made.code
        if not (share and text and made.severity in ("look", "unfit")):
            raise ValueError(f"a reason of a verdict {str(document)[:40]!r}")
        return made


@dataclass(frozen=True)
class Verdict:
    """reasons: worst first; none where it is fit. places: (h, w) bool of the clean image, where; None: nowhere."""

    state: State
    reasons: tuple[Reason, ...] = ()
    places: "Mask | None" = field(default=None, repr=False, compare=False)

    @property
    def description(self) -> str:
        """``unfit: only 12 of 167 frames could be aligned; 8.0 % of the clean image is darker than …``."""
        return (
            LABELS[self.state]
            + (": " if self.reasons else "")
            + "; ".join(reason.description for reason in self.reasons)
        )

    def to_json(self) -> dict[str, Any]:
        """Without the places, which are a picture."""
        return {"state": self.state, "reasons": [reason.to_json() for reason in self.reasons]}

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """The inverse of `to_json`. Raises ValueError for what no `judge` has said."""
        if not isinstance(document, dict) or not isinstance(document.get("reasons"), list):
            raise ValueError(f"a verdict {str(document)[:40]!r}")
        reasons = tuple(map(Reason.from_json, document["reasons"]))
        if document.get("state") != _state(reasons):
            raise ValueError(f"a verdict {str(document)[:40]!r}")
        return cls(_state(reasons), reasons)


def judge(facts: Facts) -> Verdict:
    """The verdict that follows from the facts by all `rules`."""
    reasons = []
    for rule in rules():
        value = rule.value(facts)
        if value is not None and value >= min(rule.look, rule.unfit):
            severity: Severity = "unfit" if value >= rule.unfit else "look"
            share = value if rule.a_share else None
            reasons.append(Reason(rule.code, rule.description(facts, value), severity, share))
    reasons.sort(key=lambda reason: -STATES.index(reason.severity))
    where = [facts.areas[reason.code] for reason in reasons if reason.code in facts.areas]
    places = reduce(lambda one, other: one | other, where) if where else None
    return Verdict(_state(reasons), tuple(reasons), places if places is not None and places.any() else None)


def _state(reasons: "tuple[Reason, ...] | list[Reason]") -> State:
    return max((reason.severity for reason in reasons), key=STATES.index, default="fit")
