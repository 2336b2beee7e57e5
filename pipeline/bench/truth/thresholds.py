"""What `bench truth` is judged by: means of the cases, and the bars that the suggestion is held against."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from pipeline.bench.truth.run import Measured
from pipeline.bench.truth.scores import Reliability
from pipeline.bench.truth.verdict_table import confusion, right

Verdict = Literal["met", "on average", "missed"]

WORSE_DB = 0.2
"""So much may the suggestion stay behind the released rule, in any case."""

REGRET_DB = 0.1
"""On average over the ladder."""

REGRET_OF_FILM_DB = 1.0
"""In each film."""

RIGHT_SHARE = 0.95
"""Of the films, how many verdicts must be right."""

LOOK_ALLOWED = ("torrent", "everything")
"""Cases of the ladder that need not be called fit, although their pictures are."""

CALIBRATION = 1.4
"""So many times may the realised error of a bin be the expected one, or the other way round."""


@dataclass(frozen=True)
class Bar:
    """One bar. case: what it is about; what: in words; needed: smallest value, or largest where ``most`` is set.

    mean, worst: of the case's clips. of_mean: only the mean is held against it. verdict: "met" by every clip, "on
    average" where only the mean meets it.
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
        """Whether the bar is met."""
        sign = -1 if self.most else 1
        # Figures are compared as far as the table shows them.
        mean, worst, needed = (round(sign * value, 2) for value in (self.mean, self.worst, self.needed))
        if (mean if self.of_mean else worst) >= needed:
            return "met"
        return "on average" if mean >= needed else "missed"

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "verdict": self.verdict}


Measure = Callable[[Measured], float | None]


def over(method: str) -> Measure:
    """By how much the suggestion's PSNR exceeds that of a method, dB; None where the method was not measured."""

    def measure(clip: Measured) -> float | None:
        figures = clip.figures
        return figures["suggestion"].psnr - figures[method].psnr if method in figures else None

    return measure


def _psnr(clip: Measured) -> float:
    return clip.figures["suggestion"].psnr


def _kept(clip: Measured) -> float:
    return clip.kept_of_shared


_LIMIT, _RELEASED = ("dB against the limit", over("limit")), ("dB against the released rule", over("released"))
_MOVING = (("PSNR, dB", _psnr, 41.0), ("share kept of what all frames show", _kept, 0.8))

BARS: dict[str, tuple[tuple[str, Measure, float], ...]] = {
    **dict.fromkeys(("light", "medium", "night", "walker"), ((*_LIMIT, -1.5),)),
    "heavy": ((*_RELEASED, 3.0),),
    "torrent": ((*_RELEASED, 1.5),),
    "noisy": ((*_RELEASED, 2.0),),
    "gradient": ((*_RELEASED, 3.0),),
    "drift": ((*_LIMIT, -3.0),),
    "flicker": ((*_LIMIT, -3.0),),
    "jitter": _MOVING,
    "pan": _MOVING,
    "codec": ((*_LIMIT, -0.3),),
}
"""By preset: what is measured, and its smallest value."""


def bars(clips: Sequence[Measured]) -> list[Bar]:
    """Every bar that these clips can be held against, in the order of the cases; then those over all clips."""
    found = []
    for case, of_case in by_case(clips).items():
        asked = BARS.get(of_case[0].preset, ())
        # Where more than the released rule is asked for, the general bar says nothing new.
        general = () if _RELEASED in [(what, measure) for what, measure, _ in asked] else ((*_RELEASED, -WORSE_DB),)
        for what, measure, needed in (*asked, *general):
            values = [value for value in map(measure, of_case) if value is not None]
            if values:
                found.append(Bar(case, what, needed, float(np.mean(values)), min(values)))
    ladder, films = ([clip for clip in clips if clip.filmed == filmed] for filmed in (False, True))
    if ladder:
        regrets = [clip.regret for clip in ladder]
        mean = float(np.mean(regrets))
        found.append(Bar("ladder", "mean regret, dB", REGRET_DB, mean, max(regrets), most=True, of_mean=True))
    if films:
        regrets = [clip.regret for clip in films]
        mean = float(np.mean(regrets))
        found.append(Bar("films", "regret, dB", REGRET_OF_FILM_DB, mean, max(regrets), most=True))
    found += _verdict_bars(ladder, films)
    known = reliability(clips)
    if known is not None:
        found.append(Bar("all", "calibration, times", CALIBRATION, known.factor, known.factor, most=True))
    return found


def _verdict_bars(ladder: list[Measured], films: list[Measured]) -> list[Bar]:
    """Of clips of which a verdict was given."""
    ladder, films = ([c for c in clips if c.said and c.true] for clips in (ladder, films))
    found = []
    if ladder:
        fit = [c.said == "fit" or (c.said == "look" and c.preset in LOOK_ALLOWED) for c in ladder]
        share = float(np.mean(fit))
        found.append(Bar("ladder", "share called fit, or where allowed look", 1.0, share, share))
    if films:
        share = float(np.mean([c.true is not None and right(c.said or "", c.true.worth) for c in films]))
        found.append(Bar("films", "share of verdicts that are right", RIGHT_SHARE, share, share))
    if both := [*ladder, *films]:
        ruins = float(sum(c.true is not None and (c.said, c.true.worth) == ("fit", "ruin") for c in both))
        found.append(Bar("all", "ruins called fit", 0.0, ruins, ruins, most=True))
    return found


def verdicts(clips: Sequence[Measured]) -> dict[str, Any] | None:
    """How often each verdict was given of pictures of each worth, as plain values; None where none was given.

    fit, fit_right: how often fit was said, and of pictures that are good.
    """
    pairs = [(c.said, c.true.worth) for c in clips if c.said is not None and c.true is not None]
    if not pairs:
        return None
    table = confusion(pairs)
    return {"confusion": table, "fit": sum(table["fit"].values()), "fit_right": table["fit"]["good"]}


def by_case(clips: Sequence[Measured]) -> dict[str, list[Measured]]:
    """The clips of each case, in the order in which they come."""
    return {name: [c for c in clips if c.case == name] for name in dict.fromkeys(c.case for c in clips)}


def reliability(clips: Sequence[Measured]) -> Reliability | None:
    """Of all clips whose suggestion has an expected error, together; None where none has."""
    known = [c.reliability for c in clips if c.reliability is not None]
    return Reliability.pooled(known) if known else None


def means(clips: Sequence[Measured]) -> dict[str, Any]:
    """Means over the clips of one case, as plain values: of each method, and of the rest.

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
