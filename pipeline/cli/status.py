"""``rainclean status``: where a project, or one sequence of it, stands."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from pipeline.cli.console import counted, print_json, print_note, print_table, print_text

if TYPE_CHECKING:
    from pipeline.project.model import Overview
    from pipeline.project.store import Project


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
        from pipeline.project.overview import overview
        from pipeline.project.store import Project

        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            with project.snapshot():
                lines = overview(project, [self.sequence] if self.sequence else [])
                document = _details(project, lines[0]) if self.sequence else _document(project, lines)
        if self.json:
            print_json(document)
        elif self.sequence:
            _print_details(document)
        else:
            self._print(lines)

    def _print(self, lines: "list[Overview]") -> None:
        if not lines:
            print_text(f"{self.project}: no sequences yet; next: rainclean add {self.project} CLIP…")
            return
        print_table(
            ("sequence", "scene", "frames", "state", "candidate", "score", "by"),
            [
                (
                    line.sequence.name,
                    line.sequence.scene + ("?" if line.sequence.scene_by == "suggestion" else ""),
                    str(line.sequence.frame_count),
                    line.state,
                    line.chosen,
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
        if any(line.sequence.scene_by == "suggestion" for line in lines):
            print_text("? scene suggested, because backgrounds look alike; rainclean describe --scene says it for sure")
        for line in lines:
            if line.state == "failed":
                print_note(f"failed: {line.sequence.name}: {line.error}")


def _line(line: "Overview") -> dict[str, Any]:
    return {
        **asdict(line.sequence),
        "frames": line.sequence.frame_count,
        "state": line.state,
        "error": line.error,
        "candidates": line.candidates,
        "candidate": line.chosen,
        "score": line.score,
        "decision": asdict(line.decision) if line.decision else None,
    }


def _document(project: "Project", lines: "list[Overview]") -> dict[str, Any]:
    return {
        "project": str(project.folder),
        "uuid": project.uuid,
        "states": dict(Counter(line.state for line in lines)),
        "sequences": [_line(line) for line in lines],
    }


def _details(project: "Project", line: "Overview") -> dict[str, Any]:
    from pipeline.project.analyses import candidates, latest, rain_amounts
    from pipeline.project.clips import clip
    from pipeline.project.decisions import journal

    of_clip = clip(project, line.sequence.clip_id)
    analysis = latest(project, line.sequence.id)
    return {
        **_line(line),
        "clip": {**asdict(of_clip), "path": str(of_clip.path)},
        "analysis": asdict(analysis) if analysis else None,
        "rain": rain_amounts(project, analysis.id) if analysis else [],
        "candidates": [
            {**asdict(c), "score": c.score, "file": str(project.artefacts.path(c.picture))}
            for c in (candidates(project, analysis.id) if analysis else [])
        ],
        "decisions": [asdict(d) for d in journal(project, line.sequence.id)],
    }


def _print_details(found: dict[str, Any]) -> None:
    clip, analysis = found["clip"], found["analysis"]
    rows = [
        ("state", found["state"] + (f": {found['error']}" if found["error"] else "")),
        (
            "clip",
            f"{clip['path']}, frames {found['first']} to {found['last'] - 1}, {clip['width']}×{clip['height']} px",
        ),
        ("scene", found["scene"] + {"suggestion": " (suggested)", "name": " (its own)"}.get(found["scene_by"], "")),
        *((name, found[name]) for name in ("source", "author", "licence", "consent", "notes") if found[name]),
    ]
    if analysis and not found["error"]:
        rows.append(("reference frame", str(analysis["reference_frame"])))
        rows += [("note" if i == 0 else "", text) for i, text in enumerate(analysis["warnings"])]
    print_table(("sequence", found["name"]), rows)
    defects = ("streaks", "detail", "darkening", "disagreement")
    if found["candidates"]:
        print_text("")
        print_table(
            ("candidate", "η*", "at", "score", *defects),
            [
                (
                    c["name"],
                    str(c["eta"]),
                    f"{c['percentile']:g}",
                    f"{c['score']:.3f}",
                    *(f"{c[d]:.3f}" for d in defects),
                )
                for c in found["candidates"]
            ],
        )
    if found["decisions"]:
        print_text("")
        print_table(
            ("decision", "at"),
            [
                (_said(d, found), f"{d['at']} by {d['who']}" + (f": {d['note']}" if d["note"] else ""))
                for d in found["decisions"]
            ],
        )


def _said(decision: dict[str, Any], found: dict[str, Any]) -> str:
    if decision["verdict"] == "undone":
        return f"{decision['id']} takes back {decision['undoes']}"
    names = {c["id"]: c["name"] for c in found["candidates"]}
    chosen = (
        names.get(decision["candidate_id"], "a candidate of an earlier analysis") if decision["candidate_id"] else ""
    )
    how = " automatically" if decision["kind"] == "automatic" else ""
    return f"{decision['id']} {decision['verdict']}{how}{': ' if chosen else ''}{chosen}"
