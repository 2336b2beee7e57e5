"""Details of one sequence, as ``rainclean status PROJECT SEQUENCE`` prints them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline.cli.console import print_table, print_text
from pipeline.text_format import counted

if TYPE_CHECKING:
    from pipeline.project.analysis import MotionSummary
    from pipeline.project.model import Analysis, Clip, Decision, Overview, StoredCandidate
    from pipeline.project.preference import Suggested, Suggestions
    from pipeline.project.storage import Project
    from rainclean.stabilization import Stabilization

Row = tuple[str, str]
"""A label, and what is printed beside it."""


def sequence_document(line: "Overview", learned: "Suggestions") -> dict[str, Any]:
    """Return a sequence for programs."""
    return {
        **line.sequence.to_json(),
        "frames": line.sequence.frame_count,
        "state": line.state,
        "error": line.error,
        "candidates": line.candidates,
        "candidate": line.chosen,
        "score": line.score,
        "decision": asdict(line.decision) if line.decision else None,
        "spread": line.spread,
        "star": line.star,
        "note": line.note,
        "conflict": line.conflict,
        "verdict": line.verdict.to_json() if line.verdict else None,
        "unsure": learned.unsure.get(line.sequence.id),
        "label": line.sequence.label,
        "outdated": line.outdated,
    }


@dataclass(frozen=True)
class _NamedDecision:
    """A decision with the name of its candidate, or ""."""

    decision: "Decision"
    candidate: str

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self.decision), "candidate": self.candidate}

    def row(self) -> Row:
        """Return what was decided; and when, by whom, and why."""
        made = self.decision
        note = f": {made.note}" if made.note else ""
        return self._action(), f"{made.at[:19]}Z by {made.who}{note}"

    def _action(self) -> str:
        from pipeline.project.model import REASONS

        made = self.decision
        if made.verdict == "undone":
            return f"{made.id} withdraws {made.undoes}"
        how = " automatically" if made.kind == "automatic" else ""
        chosen = f": {self.candidate}" if self.candidate else ""
        mask = ", with an exclusion mask" if made.exclude else ""
        why = f" ({', '.join(dict(REASONS).get(key, key) for key in made.reasons)})" if made.reasons else ""
        return f"{made.id} {made.verdict}{how}{chosen}{mask}{why}"


@dataclass(frozen=True, kw_only=True)
class _Suggestion:
    """A suggested candidate with its name, and what it was learned from."""

    suggested: "Suggested"
    candidate: str
    learned: "Suggestions"

    def to_json(self) -> dict[str, Any]:
        return {
            "candidate": self.candidate,
            "chance": self.suggested.chance,
            "reasons": self.suggested.reasons,
            **self.learned.to_json(),
        }

    def row(self) -> Row:
        """Return the candidate, how likely a person chooses it, and why."""
        why = f": {', '.join(self.suggested.reasons)}" if self.suggested.reasons else ""
        return "suggested", f"{self.candidate} (probability {100 * self.suggested.chance:.0f} %){why}"


@dataclass(frozen=True, kw_only=True)
class _Findings:
    """What the main analysis found of the clip beside its candidates."""

    stabilization: "Stabilization | None"
    motion: "MotionSummary | None"
    has_posterior: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "stabilization": _stabilization(self.stabilization) if self.stabilization else None,
            "moving": self.motion.to_json() if self.motion else None,
            "posterior": self.has_posterior,
        }

    def rows(self) -> list[Row]:
        """Return lines on it; none where an older rainclean analysed."""
        rows = _stabilization_rows(self.stabilization) if self.stabilization else []
        if self.motion:
            rows += _labelled("moves", self.motion.labels)
            if self.motion.doubtful:
                rows.append(("in doubt", f"{100 * self.motion.doubtful:.1f} % of the clean image"))
        return rows


@dataclass(frozen=True, kw_only=True)
class SequenceDetails:
    """Everything about one sequence."""

    project: "Project"
    line: "Overview"
    learned: "Suggestions"
    suggestion: _Suggestion | None
    clip: "Clip"
    analyses: "Sequence[Analysis]"
    findings: _Findings | None
    rain: Sequence[float | None]
    candidates: "Sequence[StoredCandidate]"
    decisions: Sequence[_NamedDecision]

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            **sequence_document(self.line, self.learned),
            "suggested": self.suggestion.to_json() if self.suggestion else None,
            "places": self._file(self.line.places),
            "clip": self.clip.to_json(),
            "analyses": [{**each.to_json(), "sheet": self._file(each.sheet)} for each in self.analyses],
            "found": self.findings.to_json() if self.findings else None,
            "rain": self.rain,
            "candidates": [
                {**c.to_json(), "words": c.label, "score": c.score, "file": self._file(c.picture) if c.kept else ""}
                for c in self.candidates
            ],
            "decisions": [each.to_json() for each in self.decisions],
        }

    def print(self) -> None:
        """Print it as tables."""
        print_table(("sequence", self.line.sequence.name), self._rows())
        if self.candidates:
            print_text("")
            _print_candidates(self.candidates)
        if self.decisions:
            print_text("")
            print_table(("decision", "when, by whom, why"), [each.row() for each in self.decisions])

    def _rows(self) -> list[Row]:
        sequence, clip = self.line.sequence, self.clip
        frames = f"frames {sequence.first} to {sequence.stop - 1}"
        scene_by = {"suggestion": " (suggested)", "name": " (its own)"}.get(sequence.scene_by, "")
        texts = {name: getattr(sequence, name) for name in ("source", "author", "licence", "consent", "notes")}
        rows = [
            ("state", self.line.state + (f": {self.line.error}" if self.line.error else "")),
            *([("display name", sequence.display_name)] if sequence.display_name else []),
            ("clip", f"{clip.path}, {frames}, {clip.width}×{clip.height} px"),
            *([("region", ", ".join(map(str, sequence.region)))] if sequence.region else []),
            *([("out of date", "frames or region were changed since the analysis")] if self.line.outdated else []),
            ("scene", sequence.scene + scene_by),
            *((name, text) for name, text in (*texts.items(), ("note", self.line.note)) if text),
        ]
        if self.suggestion:
            rows.append(self.suggestion.row())
        sound = [each for each in self.analyses if not each.error]
        if sound and self.findings:
            rows += self._verdict()
            rows.append(("reference frame", str(sound[0].reference_frame)))
            rows += self.findings.rows()
            labels = self.findings.motion.labels if self.findings.motion else ()
            rows += _labelled("note", [text for text in sound[0].warnings if text not in labels])
            rows += self._images(sum(each.kept for each in self.candidates))
            rows += _labelled("contact sheet", [self._file(each.sheet) for each in sound if each.sheet])
        return rows

    def _images(self, kept: int) -> list[Row]:
        """Return a line on the images that are not kept, if there are any."""
        total = len(self.candidates)
        return [("images", f"{kept} of {total} kept; the others are made again when needed")] if kept < total else []

    def _verdict(self) -> list[Row]:
        """Return lines on whether the candidates can be trusted."""
        from pipeline.project.model import NOT_JUDGED
        from rainclean.verdict import LABELS

        verdict = self.line.verdict
        if verdict is None:
            return [("verdict", f"{NOT_JUDGED}: analysed by an older rainclean; analyse it again")]
        reasons = [f"{LABELS[reason.severity]}: {reason.description}" for reason in verdict.reasons] or [verdict.state]
        places = self._file(self.line.places)
        return _labelled("verdict", reasons) + ([("places", places)] if places else [])

    def _file(self, name: str) -> str:
        """Return the path of an artefact, or ""."""
        return str(self.project.artefacts.path(name)) if name else ""


def details_of(project: "Project", line: "Overview", learned: "Suggestions") -> SequenceDetails:
    """Return what a project knows of one sequence."""
    from pipeline.project.analysis import all_candidates, analyses, candidate, rain_amounts
    from pipeline.project.clips import clip
    from pipeline.project.decisions import journal

    existing, candidates = analyses(project, line.sequence.id), all_candidates(project, line.sequence.id)
    suggested = learned.for_sequence(line.sequence.id)
    if suggested and suggested.candidate_id not in {c.id for c in candidates}:
        suggested = None  # analysed again since it was learned
    suggestion = None
    if suggested:
        name = candidate(project, suggested.candidate_id).name
        suggestion = _Suggestion(suggested=suggested, candidate=name, learned=learned)
    return SequenceDetails(
        project=project,
        line=line,
        learned=learned,
        suggestion=suggestion,
        clip=clip(project, line.sequence.clip_id),
        analyses=existing,
        findings=_findings(project, existing[0]) if existing else None,
        rain=rain_amounts(project, existing[0].id) if existing else [],
        candidates=candidates,
        decisions=[
            _NamedDecision(d, candidate(project, d.candidate_id).name if d.candidate_id else "")
            for d in journal(project, line.sequence.id)
        ],
    )


def _findings(project: "Project", analysis: "Analysis") -> _Findings:
    from pipeline.project.analysis import motion_summary, read_stabilization

    return _Findings(
        stabilization=read_stabilization(project, analysis.stabilization) if analysis.stabilization else None,
        motion=motion_summary(analysis),
        has_posterior=bool(analysis.posterior_sd),
    )


def _stabilization(stabilization: "Stabilization") -> dict[str, Any]:
    """Return how frames were stabilized, for programs."""
    residuals = [pose.residual for pose in stabilization.poses.values()]
    gains = [float(gain) for pose in stabilization.poses.values() for gain in pose.gain]
    return {
        "model": stabilization.model,
        "moves": stabilization.moves,
        "frames": len(stabilization.poses),
        "residual_px": {"most": max(residuals), "mean": sum(residuals) / len(residuals)},
        "relit": stabilization.relit,
        "gains": [min(gains), max(gains)],
        "dropped": {str(index): why for index, why in stabilization.dropped.items()},
    }


def _stabilization_rows(stabilization: "Stabilization") -> list[Row]:
    residuals = [pose.residual for pose in stabilization.poses.values()]
    mean, most = sum(residuals) / len(residuals), max(residuals)
    moves = f"registered: {stabilization.model}, {mean:.2f} px of motion remain on average, {most:.2f} at most"
    camera = moves if stabilization.moves else "still"
    rows = [("camera", f"{camera}; {counted(len(residuals), 'frame')} can be used")]
    if stabilization.relit:
        gains = [float(gain) for pose in stabilization.poses.values() for gain in pose.gain]
        rows.append(("exposure", f"changes, gains from {min(gains):.3f} to {max(gains):.3f}: undone"))
    reasons = Counter(stabilization.dropped.values())
    return rows + _labelled("dropped", [f"{counted(number, 'frame')}: {why}" for why, number in reasons.items()])


def _labelled(label: str, texts: Sequence[str]) -> list[Row]:
    """Return a row of each text; the first has the label."""
    return [(label if i == 0 else "", text) for i, text in enumerate(texts)]


def _print_candidates(candidates: "Sequence[StoredCandidate]") -> None:
    from rainclean.candidates import OUR_DEFECTS

    defects = [defect.name for defect in OUR_DEFECTS]
    more = list(dict.fromkeys(name for c in candidates for name in c.more_scores))
    print_table(
        ("candidate", "η*", "percentile", "score", *defects, *more, "merged or made of"),
        [
            (
                c.name, str(c.eta), f"{c.percentile:g}", f"{c.score:.3f}",
                *(f"{c.scores[name]:.3f}" if name in c.scores else "" for name in (*defects, *more)),
                c.label if c.recipe.is_composite else ", ".join(c.merged),
            )
            for c in candidates
        ],
    )  # fmt: skip
