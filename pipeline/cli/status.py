"""``rainclean status``: where a project, or one sequence of it, stands."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from pipeline.cli.console import print_json, print_note, print_table, print_text
from pipeline.words import counted, few, quoted

if TYPE_CHECKING:
    from pipeline.project.model import Analysis, Overview
    from pipeline.project.preference import Suggestions
    from pipeline.project.storage import Project


@dataclass(frozen=True)
class Status:
    """Say where a project stands: each sequence with its state, scene and choice.

    With SEQUENCE: everything about that one: its candidates with their scores, and all decisions on it.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequence: Annotated[Positional[str], arg(metavar="[SEQUENCE]")] = ""
    """Say more of this one."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Look it up and print it."""
        from pipeline.project.exchange import advice, faults
        from pipeline.project.overview import overview
        from pipeline.project.preference import suggestions
        from pipeline.project.storage import Project

        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            learned = suggestions(project)
            with project.snapshot():
                unsound = faults(project)
                lines = overview(project, [self.sequence] if self.sequence else [])
                document = _details(project, lines[0], learned) if self.sequence else _document(project, lines, learned)
        for line in lines:
            if why := unsound.get(line.sequence.id):
                name = line.sequence.name
                said = f"note: {name}: what was decided cannot be used, {why}"
                print_note(f"{said}; {advice(quoted(self.project), name)}")
        if self.json:
            print_json(document)
        elif self.sequence:
            _print_details(document)
        else:
            self._print(lines, learned)

    def _print(self, lines: "list[Overview]", learned: "Suggestions") -> None:
        from pipeline.project.model import NOT_JUDGED, TRUST

        if not lines:
            print_text(f"{self.project}: no sequences yet; next: rainclean add {quoted(self.project)} CLIP…")
            return
        print_table(
            ("sequence", "scene", "frames", "state", "verdict", "candidate", "score", "by"),
            [
                (
                    line.sequence.name + ("*" if line.star else ""),
                    line.sequence.scene + ("?" if line.sequence.scene_by == "suggestion" else ""),
                    str(line.sequence.frame_count),
                    line.state,
                    line.trust,
                    line.chosen if line.decision else f"({line.chosen})" if line.chosen else "",
                    "" if line.score is None else f"{line.score:.3f}",
                    line.decision.who if line.decision else "",
                )
                for line in lines
            ],
        )
        states = Counter(line.state for line in lines)
        scenes = len({line.sequence.scene for line in lines})
        print_text(
            f"{counted(len(lines), 'sequence')} of {counted(scenes, 'scene')}: "
            + ", ".join(f"{n} {state}" for state, n in states.items())
        )
        judged = Counter(line.trust for line in lines)
        if any(judged[name] for name in TRUST):
            print_text("verdicts: " + ", ".join(f"{judged[name]} {name}" for name in TRUST if judged[name]))
        if judged[NOT_JUDGED]:
            print_text(f"{NOT_JUDGED}: an older rainclean analysed; next: rainclean analyze {quoted(self.project)}")
        if any(line.sequence.scene_by == "suggestion" for line in lines):
            print_text("? scene suggested, because backgrounds look alike; rainclean describe --scene says it for sure")
        if any(line.star for line in lines):
            print_text("* starred")
        if learned.judgements:
            print_text(f"suggested candidates: {learned.words}")
        if conflicts := [line.sequence.name for line in lines if line.conflict]:
            print_note(f"note: people decided differently on {counted(len(conflicts), 'sequence')}: {few(conflicts)}")
        for line in lines:
            if line.state == "failed":
                print_note(f"failed: {line.sequence.name}: {line.error}")


def _line(line: "Overview", learned: "Suggestions") -> dict[str, Any]:
    return {
        **asdict(line.sequence),
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
    }


def _document(project: "Project", lines: "list[Overview]", learned: "Suggestions") -> dict[str, Any]:
    return {
        "project": str(project.folder),
        "uuid": project.uuid,
        "states": dict(Counter(line.state for line in lines)),
        "verdicts": dict(Counter(line.verdict.state for line in lines if line.verdict)),
        "suggested": learned.to_json(),
        "sequences": [_line(line, learned) for line in lines],
    }


def _details(project: "Project", line: "Overview", learned: "Suggestions") -> dict[str, Any]:
    from pipeline.project.analysis import all_candidates, analyses, candidate, rain_amounts
    from pipeline.project.clips import clip
    from pipeline.project.decisions import journal

    of_clip = clip(project, line.sequence.clip_id)
    made, suggested = analyses(project, line.sequence.id), learned.of(line.sequence.id)
    there = all_candidates(project, line.sequence.id)
    if suggested and suggested.candidate_id not in {c.id for c in there}:
        suggested = None  # analysed again since it was learned
    return {
        **_line(line, learned),
        "suggested": {
            "candidate": candidate(project, suggested.candidate_id).name,
            "chance": suggested.chance,
            "reasons": suggested.reasons,
            **learned.to_json(),
        }
        if suggested
        else None,
        "places": str(project.artefacts.path(line.places)) if line.places else "",
        "clip": {**asdict(of_clip), "path": str(of_clip.path)},
        "analyses": [{**asdict(a), "sheet": str(project.artefacts.path(a.sheet)) if a.sheet else ""} for a in made],
        "found": _found(project, made[0]) if made else None,
        "rain": rain_amounts(project, made[0].id) if made else [],
        "candidates": [
            {**asdict(c), "words": c.words, "score": c.score, "file": str(project.artefacts.path(c.picture))}
            for c in there
        ],
        "decisions": [
            {**asdict(d), "candidate": candidate(project, d.candidate_id).name if d.candidate_id else ""}
            for d in journal(project, line.sequence.id)
        ],
    }


def _found(project: "Project", made: "Analysis") -> dict[str, Any]:
    """What the analysis found of the clip: how frames were stabilized (None: they were not), what moves in it."""
    from pipeline.project.analysis import told

    found: dict[str, Any] = {"steadying": None, "moving": told(made) or None, "belief": bool(made.posterior_sd)}
    if made.stabilization:
        from pipeline.project.analysis import read_stabilization

        stabilization = read_stabilization(project, made.stabilization)
        residuals = [pose.residual for pose in stabilization.poses.values()]
        gains = [float(gain) for pose in stabilization.poses.values() for gain in pose.gain]
        found["steadying"] = {
            "model": stabilization.model,
            "moves": stabilization.moves,
            "frames": len(stabilization.poses),
            "residual_px": {"most": max(residuals), "mean": sum(residuals) / len(residuals)},
            "relit": stabilization.relit,
            "gains": [min(gains), max(gains)],
            "dropped": {str(index): why for index, why in stabilization.dropped.items()},
        }
    return found


def _print_found(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Lines on it; none where an older rainclean analysed."""
    rows: list[tuple[str, str]] = []
    stabilization, moving = found["steadying"], found["moving"]
    if stabilization:
        px = stabilization["residual_px"]
        left = f"{px['mean']:.2f} px left on average, {px['most']:.2f} at most"
        camera = f"registered: {stabilization['model']}, {left}" if stabilization["moves"] else "stands still"
        rows.append(("camera", f"{camera}; {counted(stabilization['frames'], 'frame')} can be used"))
        low, high = stabilization["gains"]
        if stabilization["relit"]:
            rows.append(("light", f"changes, gains from {low:.3f} to {high:.3f}: undone"))
        reasons = Counter(stabilization["dropped"].values())
        rows += [
            ("dropped" if i == 0 else "", f"{counted(number, 'frame')}: {why}")
            for i, (why, number) in enumerate(reasons.items())
        ]
    if moving:
        rows += [("moves" if i == 0 else "", words) for i, words in enumerate(moving["words"])]
        if moving["doubtful"]:
            rows.append(("in doubt", f"{moving['doubtful']:.1%} of the clean image"))
    return rows


def _print_details(found: dict[str, Any]) -> None:
    clip, analyses = found["clip"], [a for a in found["analyses"] if not a["error"]]
    place = f"{clip['path']}, frames {found['first']} to {found['last'] - 1}, {clip['width']}×{clip['height']} px"
    rows = [
        ("state", found["state"] + (f": {found['error']}" if found["error"] else "")),
        ("clip", place),
        ("scene", found["scene"] + {"suggestion": " (suggested)", "name": " (its own)"}.get(found["scene_by"], "")),
        *((name, found[name]) for name in ("source", "author", "licence", "consent", "notes", "note") if found[name]),
    ]
    if suggested := found["suggested"]:
        why = f": {', '.join(suggested['reasons'])}" if suggested["reasons"] else ""
        rows.append(("suggested", f"{suggested['candidate']} ({suggested['chance']:.0%} sure){why}"))
    if analyses:
        rows += _verdict(found)
        rows.append(("reference frame", str(analyses[0]["reference_frame"])))
        rows += _print_found(found["found"])
        said = (found["found"]["moving"] or {}).get("words", ())
        notes = [text for text in analyses[0]["warnings"] if text not in said]
        rows += [("note" if i == 0 else "", text) for i, text in enumerate(notes)]
        rows += [("contact sheet" if i == 0 else "", a["sheet"]) for i, a in enumerate(analyses)]
    print_table(("sequence", found["name"]), rows)
    if found["candidates"]:
        print_text("")
        _print_candidates(found["candidates"])
    if found["decisions"]:
        print_text("")
        print_table(("decision", "when, by whom, why"), [(_said(d), _when(d)) for d in found["decisions"]])


def _verdict(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Lines on whether the candidates can be trusted."""
    from pipeline.project.model import NOT_JUDGED

    verdict = found["verdict"]
    if verdict is None:
        return [("verdict", f"{NOT_JUDGED}: an older rainclean analysed; analyse it again")]
    reasons = [f"{reason['severity']}: {reason['words']}" for reason in verdict["reasons"]] or [verdict["state"]]
    rows = [("verdict" if i == 0 else "", text) for i, text in enumerate(reasons)]
    return rows + ([("places", found["places"])] if found["places"] else [])


def _print_candidates(candidates: list[dict[str, Any]]) -> None:
    from rainclean.candidates import OUR_DEFECTS

    defects = [defect.name for defect in OUR_DEFECTS]
    more = list(dict.fromkeys(name for c in candidates for name in c["more_scores"]))
    print_table(
        ("candidate", "η*", "percentile", "score", *defects, *more, "stands for"),
        [
            (
                c["name"], str(c["eta"]), f"{c['percentile']:g}", f"{c['score']:.3f}",
                *(f"{c[d]:.3f}" for d in defects),
                *(f"{c['more_scores'][d]:.3f}" if d in c["more_scores"] else "" for d in more), _stands_for(c),
            )
            for c in candidates
        ],
    )  # fmt: skip


def _stands_for(candidate: dict[str, Any]) -> str:
    return candidate["words"] if "composite" in candidate["recipe"] else ", ".join(candidate["merged"])


def _said(decision: dict[str, Any]) -> str:
    from pipeline.project.model import REASONS

    if decision["verdict"] == "undone":
        return f"{decision['id']} takes back {decision['undoes']}"
    how = " automatically" if decision["kind"] == "automatic" else ""
    chosen = f": {decision['candidate']}" if decision["candidate"] else ""
    mask = ", with an exclusion mask" if decision["exclude"] else ""
    why = f" ({', '.join(dict(REASONS).get(key, key) for key in decision['reasons'])})" if decision["reasons"] else ""
    return f"{decision['id']} {decision['verdict']}{how}{chosen}{mask}{why}"


def _when(decision: dict[str, Any]) -> str:
    return f"{decision['at'][:19]}Z by {decision['who']}" + (f": {decision['note']}" if decision["note"] else "")
