"""Progress of a project, and the one next step that a person would take."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipeline.project.activities import Activity, activities
from pipeline.project.journals import moment
from pipeline.project.model import Overview
from pipeline.project.overview import overview
from pipeline.project.storage import Project
from pipeline.text_format import counted

StepKind = Literal["add", "analyze", "judge", "export", "train", "evaluate", "resume", "done"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a project is: numbers of sequences.

    Attributes:
        total: All that are in the project.
        decided: Accepted, accepted automatically, or rejected.
        accepted: Accepted by a person.
        automatic: Accepted automatically.
        rejected: Rejected.
        to_go: Not decided.
        new: Not analysed yet.
        failed: Their analysis failed, and nothing is decided.
        ready: Analysed, not decided.
        outdated: Frames or region were changed since the analysis.
        look: Not decided, and a person should look first.
        unfit: Not decided, and unfit by their verdict.
    """

    total: int
    decided: int
    accepted: int
    automatic: int
    rejected: int
    to_go: int
    new: int
    failed: int
    ready: int
    outdated: int
    look: int
    unfit: int

    @property
    def text(self) -> str:
        """A line for a person: ``30 of 36 decided · 2 rejected · 4 to go``."""
        parts = [f"{self.decided} of {self.total} decided"]
        parts += [f"{number} {what}" for number, what in (
            (self.automatic, "accepted automatically"), (self.rejected, "rejected"), (self.to_go, "to go"),
            (self.failed, "failed"), (self.outdated, "out of date"),
        ) if number]  # fmt: skip
        return " · ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for programs."""
        return {**asdict(self), "words": self.text}


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """The one next step that a person would take.

    Attributes:
        kind: What it is.
        text: The same in words, as on a button or a line.
        activity: What is resumed; of "train" and "evaluate" the export or training that it goes on from; of
            "done" what is running, or the evaluation to look at.
    """

    kind: StepKind
    text: str
    activity: Activity | None = None


def progress(lines: Project | Sequence[Overview]) -> Progress:
    """Return how far a project is, given the project or its overview."""
    if isinstance(lines, Project):
        lines = overview(lines)
    states = Counter(line.state for line in lines)
    open_ones = [line for line in lines if line.decision is None]
    decided = states["accepted"] + states["accepted automatically"] + states["rejected"]
    return Progress(
        total=len(lines),
        decided=decided,
        accepted=states["accepted"],
        automatic=states["accepted automatically"],
        rejected=states["rejected"],
        to_go=len(lines) - decided,
        new=states["new"],
        failed=states["failed"],
        ready=states["ready"],
        outdated=sum(line.outdated for line in lines),
        look=sum(line.trust == "look" for line in open_ones),
        unfit=sum(line.trust == "unfit" for line in open_ones),
    )


def next_step(
    project: Project, lines: Sequence[Overview] | None = None, done: Sequence[Activity] | None = None
) -> NextStep:
    """Return the one next step that a person would take.

    Args:
        project: The project.
        lines: Its overview; None to read it.
        done: Its activities; None to read them.
    """
    lines = overview(project) if lines is None else lines
    done = activities(project) if done is None else done
    if not lines:
        return NextStep(kind="add", text="Add clips")
    state = progress(lines)
    for one in done:
        if one.state == "interrupted":
            return NextStep(kind="resume", text=f"Resume the {one.kind} {one.title}", activity=one)
    if state.new or state.outdated:
        return NextStep(kind="analyze", text=f"Analyse {counted(state.new + state.outdated, 'sequence')}")
    if state.ready:
        return NextStep(kind="judge", text=f"Judge {counted(state.ready, 'sequence')}")
    if not state.accepted + state.automatic:
        return NextStep(kind="add", text="Add more clips: no sequence is accepted")
    return _after_judging(project, done)


def _after_judging(project: Project, done: Sequence[Activity]) -> NextStep:
    for one in done:
        if one.state == "running":
            return NextStep(kind="done", text=f"Wait: the {one.kind} {one.title} is running", activity=one)
    newest = {one.kind: one for one in reversed(done) if one.state == "finished"}
    export, training, evaluation = (newest.get(kind) for kind in ("export", "training", "evaluation"))
    if export is None or moment(export.started) < _changed(project):
        return NextStep(kind="export", text="Export the data set" if export is None else "Export the changes")
    if training is None or moment(training.started) < moment(export.started):
        return NextStep(kind="train", text=f"Train on {export.title}", activity=export)
    if evaluation is None or moment(evaluation.started) < moment(training.started):
        return NextStep(kind="evaluate", text=f"Evaluate {training.title}", activity=training)
    return NextStep(kind="done", text="All done: add more clips, or look at the results", activity=evaluation)


def _changed(project: Project) -> str:
    """Return when something that is exported was last changed; "" where nothing was."""
    times = project.rows(
        "SELECT max(at) FROM decision UNION SELECT max(at) FROM edit WHERE kind IN ('frames', 'properties', 'remove') "
        "OR (kind IN ('undo', 'redo') AND json_extract(value, '$.decisions') IS NULL)"
    )
    return max((moment(row[0]) for row in times if row[0]), default="")
