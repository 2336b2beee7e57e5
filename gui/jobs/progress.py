"""Progress of a job: the finished fraction, and the time left, as numbers and in words. No Qt."""

from pipeline.stages import Progress

_STAGES: dict[str, dict[str, float]] = {
    "add": {"read": 1.0},
    "analyze": {"decode": 0.5, "votes": 0.12, "look up": 0.08, "score": 0.05, "write": 0.05, "rain": 0.2},
    "export": {"look": 0.3, "write": 0.7},
    "check": {"check": 1.0},
    "train": {"train": 1.0},
    "evaluate": {"read": 0.03, "score": 0.92, "compare": 0.05},
    "derain": {"derain": 1.0},
}
"""Stages of the work on one part (a clip, a sequence) in order, and about which fraction of the time each takes."""

_AFTER = {"export": {"preview": 0.05, "name": 0.05}}
"""Stages after all parts are finished, and their fraction of the whole."""

_STAGE_TEXTS = {
    "identify": "identifying the clip",
    "copy": "copying",
    "read": "reading",
    "start up": "starting",
    "look for repeats": "looking for repeated frames",
    "light": "measuring the exposure",
    "decode": "decoding frames",
    "votes": "counting votes",
    "look up": "computing candidates",
    "weigh": "computing the rain-free mean",
    "near frames": "aligning near frames",
    "score": "scoring",
    "compare": "comparing methods",
    "rain": "measuring the rain",
    "look": "checking frames",
    "write": "writing files",
    "make again": "making images again",
    "preview": "drawing animations and contact sheets",
    "name": "naming files",
    "check": "checking files",
    "train": "step",
}
"""Stage as a command reports it → text in the window. Others are shown unchanged."""

_PARTS = {"add": "clips", "analyze": "sequences", "export": "sequences"}

_MIN_SECONDS = 3.0
"""Seconds before the time left is estimated."""

_MIN_FRACTION = 0.01
"""Fraction of the work that must be finished before the time left is estimated."""


class JobProgress:
    """Collects the steps of a job. All times are seconds of any monotonic clock.

    Attributes:
        kind: Name of the command, which decides the weights of its stages.
        step: The latest step.
        fraction: Finished fraction of the work, 0…1; None while it is not known.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.step: Progress | None = None
        self.fraction: float | None = None
        self._first: tuple[float, float] | None = None
        self._shown: tuple[float, float] | None = None

    def add_step(self, step: Progress, now: float) -> None:
        """Take the latest step. The finished fraction never falls."""
        self.step = step
        fraction = self._fraction_of(step)
        if fraction is not None:
            self.fraction = max(fraction, self.fraction or 0.0)
            self._first = self._first or (now, self.fraction)

    def seconds_left(self, now: float) -> float | None:
        """Return the estimated seconds left, smoothed; None until enough is known."""
        if self.fraction is None or self._first is None:
            return None
        # The rate since the beginning counts: the weights of the stages are only estimates.
        (since, before), fraction = self._first, self.fraction
        if now - since < _MIN_SECONDS or fraction - before < _MIN_FRACTION:
            return None
        left = (1 - fraction) * (now - since) / (fraction - before)
        if self._shown is not None:
            at, shown = self._shown
            weight = min(1.0, (now - at) / 10)
            left = weight * left + (1 - weight) * max(0.0, shown - (now - at))
        self._shown = (now, left)
        return left

    def description(self, now: float) -> str:
        """Return what the job is doing: ``cat: decoding frames, 3 of 12 sequences, about 2 min left``."""
        if self.step is None:
            return "starting"
        left = self.seconds_left(now)
        return ", ".join(filter(None, (_doing(self.kind, self.step), "" if left is None else left_in_words(left))))

    def _fraction_of(self, step: Progress) -> float | None:
        within = _within(_STAGES.get(self.kind, {}), step)
        after = _AFTER.get(self.kind, {})
        if step.parts_total:
            return (step.parts_done + (within or 0.0)) / step.parts_total * (1 - sum(after.values()))
        if step.stage in after:
            return 1 - sum(after.values()) + (_within(after, step) or 0.0)
        return within


def _within(stages: dict[str, float], step: Progress) -> float | None:
    """Return the finished fraction of the work on one part; None if the stage is not known."""
    behind = 0.0
    for stage, fraction in stages.items():
        if stage == step.stage:
            return behind + fraction * (min(1.0, step.done / step.total) if step.total else 0.0)
        behind += fraction
    return None


def _doing(kind: str, step: Progress) -> str:
    stage = stage_text(step.stage)
    if step.parts_total:
        number = min(step.parts_done + 1, step.parts_total)
        named = f"{step.part}: {stage}" if step.part else stage
        if step.parts_total == 1:
            return named
        return f"{named}, {number} of {step.parts_total} {_PARTS.get(kind, '')}".rstrip()
    if step.total:
        return f"{stage} {step.done} of {step.total}"
    return stage


def stage_text(stage: str) -> str:
    """Return what a command does in a stage, in words: ``aligning near frames``."""
    return _STAGE_TEXTS.get(stage, stage)


def left_in_words(seconds: float) -> str:
    """Return a time in words, rounded as roughly as it is known: ``about 40 s left``."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 55:
        return f"about {round(seconds / 10) * 10} s left"
    if seconds < 90 * 60:
        return f"about {max(1, round(seconds / 60))} min left"
    if seconds < 36 * 3600:
        return f"about {round(seconds / 3600)} h left"
    return f"about {round(seconds / 86400)} days left"
