"""Means over the benchmark cases, and the thresholds that the suggestion must meet."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, TypedDict

import numpy as np

from pipeline.bench.truth.run import Measured
from pipeline.bench.truth.scores import Reliability
from pipeline.bench.truth.verdict_table import Worth, confusion, right

Verdict = Literal["met", "on average", "missed"]

WORSE_DB = 0.2
"""The suggestion may be this far below the released rule, in any case."""

REGRET_DB = 0.1
"""Largest regret on average over all cases but the films."""

REGRET_OF_FILM_DB = 1.0
"""Largest regret in each film."""

RIGHT_SHARE = 0.95
"""Share of the films whose verdict must be right."""

LOOK_ALLOWED = ("torrent", "everything")
"""Cases that need not be called fit, although their pictures are."""

CALIBRATION = 1.4
"""Largest ratio of actual and expected error in a bin, the larger over the smaller."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """One threshold, with the values that were measured.

    case: what it is about. what: description. needed: smallest value, or largest where ``most`` is set. mean, worst: of
    the case's clips. of_mean: compare the mean only.
    """

    case: str
    what: str
    needed: float
    mean: float
    worst: float
    most: bool = False
    of_mean: bool = False

    @property
    def verdict(self) -> Verdict:
        """Return "met" where every clip meets the threshold, "on average" where only the mean does, else "missed"."""
        sign = -1 if self.most else 1
        # Figures are compared as far as the table shows them.
        mean, worst, needed = (round(sign * value, 2) for value in (self.mean, self.worst, self.needed))
        if (mean if self.of_mean else worst) >= needed:
            return "met"
        return "on average" if mean >= needed else "missed"

    def to_json(self) -> dict[str, Any]:
        """Return the values for --json."""
        return {**asdict(self), "verdict": self.verdict}


Measure = Callable[[Measured], float | None]


class Rule(NamedTuple):
    """A rule behind thresholds: its description, the measure of a clip, and the smallest value."""

    what: str
    measure: Measure
    needed: float


def over(method: str) -> Measure:
    """Return a measure: the suggestion's PSNR minus a method's, dB; None where the method was not measured."""

    def measure(clip: Measured) -> float | None:
        figures = clip.figures
        return figures["suggestion"].psnr - figures[method].psnr if method in figures else None

    return measure


def _psnr(clip: Measured) -> float:
    return clip.figures["suggestion"].psnr


def _kept(clip: Measured) -> float:
    return clip.kept_of_shared


_RELEASED = "dB against the released rule"
_MOVING = (Rule("PSNR, dB", _psnr, 41.0), Rule("share kept of what all frames show", _kept, 0.8))


def _over_bound(needed: float) -> Rule:
    return Rule("dB against the upper bound", over("limit"), needed)


def _over_released(needed: float) -> Rule:
    return Rule(_RELEASED, over("released"), needed)


THRESHOLDS: dict[str, tuple[Rule, ...]] = {
    **dict.fromkeys(("light", "medium", "night", "walker"), (_over_bound(-1.5),)),
    "heavy": (_over_released(3.0),),
    "torrent": (_over_released(1.5),),
    "noisy": (_over_released(2.0),),
    "gradient": (_over_released(3.0),),
    "drift": (_over_bound(-3.0),),
    "flicker": (_over_bound(-3.0),),
    "jitter": _MOVING,
    "pan": _MOVING,
    "codec": (_over_bound(-0.3),),
}
"""Rules of each case, by preset."""


def check_thresholds(clips: Sequence[Measured]) -> list[Threshold]:
    """Check every threshold that applies to these clips: in the order of the cases, then those over all clips."""
    checked = []
    for case, of_case in by_case(clips).items():
        asked = THRESHOLDS.get(of_case[0].preset, ())
        # Where a rule asks for more than the released rule, the general one adds nothing.
        general = () if _RELEASED in [rule.what for rule in asked] else (_over_released(-WORSE_DB),)
        for rule in (*asked, *general):
            values = [value for value in map(rule.measure, of_case) if value is not None]
            if values:
                checked.append(
                    Threshold(
                        case=case, what=rule.what, needed=rule.needed, mean=float(np.mean(values)), worst=min(values)
                    )
                )
    ladder, films = ([clip for clip in clips if clip.filmed == filmed] for filmed in (False, True))
    if ladder:
        regrets = [clip.regret for clip in ladder]
        mean = float(np.mean(regrets))
        checked.append(
            Threshold(
                case="ladder",
                what="mean regret, dB",
                needed=REGRET_DB,
                mean=mean,
                worst=max(regrets),
                most=True,
                of_mean=True,
            )
        )
    if films:
        regrets = [clip.regret for clip in films]
        mean = float(np.mean(regrets))
        checked.append(
            Threshold(
                case="films", what="regret, dB", needed=REGRET_OF_FILM_DB, mean=mean, worst=max(regrets), most=True
            )
        )
    checked += _verdict_thresholds(ladder, films)
    known = reliability(clips)
    if known is not None:
        checked.append(
            Threshold(
                case="all",
                what="calibration, times",
                needed=CALIBRATION,
                mean=known.factor,
                worst=known.factor,
                most=True,
            )
        )
    return checked


def _verdict_thresholds(ladder: list[Measured], films: list[Measured]) -> list[Threshold]:
    """Check the thresholds on verdicts, over the clips that have one."""
    ladder, films = ([c for c in clips if c.said and c.true] for clips in (ladder, films))
    checked = []
    if ladder:
        fit = [c.said == "fit" or (c.said == "look" and c.preset in LOOK_ALLOWED) for c in ladder]
        share = float(np.mean(fit))
        checked.append(
            Threshold(
                case="ladder",
                what="share called fit, or needs a look where allowed",
                needed=1.0,
                mean=share,
                worst=share,
            )
        )
    if films:
        share = float(np.mean([c.true is not None and right(c.said or "", c.true.worth) for c in films]))
        checked.append(
            Threshold(
                case="films", what="share of verdicts that are right", needed=RIGHT_SHARE, mean=share, worst=share
            )
        )
    if both := [*ladder, *films]:
        ruins = float(sum(c.true is not None and (c.said, c.true.worth) == ("fit", "ruin") for c in both))
        checked.append(Threshold(case="all", what="ruins called fit", needed=0.0, mean=ruins, worst=ruins, most=True))
    return checked


class VerdictCounts(TypedDict):
    """Verdicts by the worth of their pictures, as values for JSON.

    Attributes:
        confusion: Number of pictures by verdict and worth.
        fit: Number of verdicts "fit".
        fit_right: Number of those whose picture is good.
    """

    confusion: dict[str, dict[str, int]]
    fit: int
    fit_right: int


def verdicts(clips: Sequence[Measured]) -> VerdictCounts | None:
    """Count verdicts by the worth of their pictures; None where no verdict was given."""
    pairs = [(c.said, c.true.worth) for c in clips if c.said is not None and c.true is not None]
    if not pairs:
        return None
    table = confusion(pairs)
    return {"confusion": table, "fit": sum(table["fit"].values()), "fit_right": table["fit"]["good"]}


def by_case(clips: Sequence[Measured]) -> dict[str, list[Measured]]:
    """Group clips by case, in the order in which they come."""
    return {name: [c for c in clips if c.case == name] for name in dict.fromkeys(c.case for c in clips)}


def reliability(clips: Sequence[Measured]) -> Reliability | None:
    """Pool the reliability of all clips whose suggestion has an expected error; None where none has."""
    known = [c.reliability for c in clips if c.reliability is not None]
    return Reliability.pooled(known) if known else None


class CaseMeans(TypedDict):
    """Means over the clips of one case, as values for JSON; the fields of `Measured` and `TrueWorth`.

    Attributes:
        clips: Number of clips.
        figures: Fields of `Figures` by method; a field that some clips do not have is left out.
        calibration_factor: Of the pooled `Reliability`.
        worths: Worth of each suggestion by the ground truth.
        said: Verdict on each.
    """

    clips: int
    figures: dict[str, dict[str, float]]
    kept: float
    kept_of_shared: float
    regret: float
    calibration_factor: float | None
    excluded: float
    gain: float
    stained: float
    worths: list[Worth]
    said: list[str]


def means(clips: Sequence[Measured]) -> CaseMeans:
    """Return means over the clips of one case: of each method, and of the other measurements.

    PSNR is averaged in dB. A method that was not measured on them is left out.
    """
    figures: dict[str, dict[str, float]] = {}
    for name in clips[0].figures:
        each = [c.figures[name] for c in clips if name in c.figures]
        if len(each) < len(clips):
            continue
        figures[name] = {}
        for key in ("psnr", "ssim", "worst", "seconds", "decoding"):
            values = [getattr(one, key) for one in each]
            if None not in values:
                figures[name][key] = float(np.mean(values))
    known = reliability(clips)
    return {
        "clips": len(clips),
        "figures": figures,
        "kept": float(np.mean([c.kept for c in clips])),
        "kept_of_shared": float(np.mean([c.kept_of_shared for c in clips])),
        "regret": float(np.mean([c.regret for c in clips])),
        "calibration_factor": known.factor if known else None,
        "excluded": float(np.mean([c.excluded for c in clips])),
        "gain": float(np.mean([c.true.gain for c in clips if c.true] or [0.0])),
        "stained": float(np.mean([c.true.stained for c in clips if c.true] or [0.0])),
        "worths": [c.true.worth for c in clips if c.true],
        "said": [c.said for c in clips if c.said],
    }
