"""``rainclean status``: the state of a project, or of one sequence of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from pipeline.cli.console import print_json, print_note, print_table, print_text
from pipeline.cli.status_details import details_of, sequence_document
from pipeline.text_format import counted, few, quoted

if TYPE_CHECKING:
    from pipeline.project.activities import Activity
    from pipeline.project.model import Overview
    from pipeline.project.preference import Suggestions
    from pipeline.project.progress import NextStep, Progress
    from pipeline.project.storage import Project


@dataclass(frozen=True)
class Status:
    """Show the state of a project: each sequence with its state, scene and choice.

    With SEQUENCE: show the details of that sequence, the scores of its candidates and all decisions.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequence: Annotated[Positional[str], arg(metavar="[SEQUENCE]")] = ""
    """Show the details of this sequence."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Read and print it."""
        from pipeline.project.exchange import advice, faults
        from pipeline.project.overview import overview
        from pipeline.project.preference import suggestions
        from pipeline.project.storage import Project

        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            learned = suggestions(project)
            with project.snapshot():
                unusable = faults(project)
                lines = overview(project, [self.sequence] if self.sequence else [])
                details = details_of(project, lines[0], learned) if self.sequence else None
                home = None if details else _Home.read(project, lines)
                document = _document(project, lines, learned, home) if home else details.to_json() if details else {}
        for line in lines:
            if why := unusable.get(line.sequence.id):
                name = line.sequence.name
                text = f"note: {name}: what was decided cannot be used, {why}"
                print_note(f"{text}; {advice(quoted(self.project), name)}")
        if self.json:
            print_json(document)
        elif details is not None:
            details.print()
        else:
            assert home is not None
            self._print(lines, learned)
            home.print(str(self.project))

    def _print(self, lines: "list[Overview]", learned: "Suggestions") -> None:
        from pipeline.project.model import NOT_JUDGED, TRUST
        from rainclean.verdict import LABELS

        if not lines:
            return
        print_table(
            ("sequence", "scene", "frames", "state", "verdict", "candidate", "score", "by"),
            [
                (
                    _named(line),
                    line.sequence.scene + ("?" if line.sequence.scene_by == "suggestion" else ""),
                    str(line.sequence.frame_count),
                    line.state,
                    LABELS.get(line.trust, line.trust) + (", out of date" if line.outdated else ""),
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
            print_text(
                "verdicts: " + ", ".join(f"{LABELS.get(name, name)} {judged[name]}" for name in TRUST if judged[name])
            )
        if judged[NOT_JUDGED]:
            print_text(f"{NOT_JUDGED}: analysed by an older rainclean; next: rainclean analyze {quoted(self.project)}")
        if any(line.sequence.scene_by == "suggestion" for line in lines):
            print_text("? scene suggested, because backgrounds look alike; rainclean describe --scene sets it")
        if any(line.chosen and not line.decision for line in lines):
            print_text("(candidate) comes first; nobody has decided yet")
        if any(line.star for line in lines):
            print_text("* starred")
        if learned.judgements:
            print_text(f"suggested candidates: {learned.label}")
        if conflicts := [line.sequence.name for line in lines if line.conflict]:
            print_note(f"note: people decided differently on {counted(len(conflicts), 'sequence')}: {few(conflicts)}")
        for line in lines:
            if line.state == "failed":
                print_note(f"failed: {line.sequence.name}: {line.error}")


def _named(line: "Overview") -> str:
    sequence = line.sequence
    called = f" ({sequence.display_name})" if sequence.display_name else ""
    return sequence.name + ("*" if line.star else "") + called


@dataclass(frozen=True, kw_only=True)
class _Home:
    """What the home of a project shows: removed sequences, activities, progress, the next step."""

    removed: Sequence[str]
    activities: "Sequence[Activity]"
    progress: "Progress"
    step: "NextStep"
    command: str

    @classmethod
    def read(cls, project: "Project", lines: "Sequence[Overview]") -> "_Home":
        from pipeline.project.activities import activities
        from pipeline.project.clips import sequences
        from pipeline.project.progress import next_step, progress

        done = activities(project)
        step = next_step(project, lines, done)
        return cls(
            removed=[s.name for s in sequences(project, which="removed")],
            activities=done,
            progress=progress(lines),
            step=step,
            command=_step_command(project, step),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        step = {"kind": self.step.kind, "words": self.step.text, "command": self.command}
        return {
            "removed": list(self.removed),
            "progress": self.progress.to_json(),
            "activities": [each.to_json() for each in self.activities],
            "next": step,
        }

    def print(self, project: str) -> None:
        """Print it below the table; the next step comes last."""
        if self.removed:
            number = counted(len(self.removed), "sequence")
            print_text(f"{number} removed: {few(self.removed)} (rainclean remove --undo brings them back)")
        if self.activities:
            print_table(
                ("export, run, evaluation", "state", "begun", "result"),
                [(f"{a.kind} {a.folder}", a.state, f"{a.started[:19]}Z", _result(a)) for a in self.activities],
            )
        for one in self.activities:
            if one.state == "interrupted":
                print_text(f"resume with: {one.command}")
        if not self.progress.total:
            print_text(f"{project}: no sequences yet; next: {self.command}")
            return
        print_text(self.progress.text)
        print_text(f"next: {self.command or self.step.text}")


def _result(activity: "Activity") -> str:
    """Return what came out of an activity, in a few words."""
    summary = activity.summary
    if activity.state == "failed":
        return activity.error
    if isinstance(pairs := summary.get("pairs"), dict):
        return ", ".join(f"{split} {counted(number, 'pair')}" for split, number in pairs.items())
    if isinstance(best := summary.get("best_psnr"), float):
        return f"{best:.2f} dB"
    return counted(pairs, "pair") if isinstance(pairs, int) else ""


def _step_command(project: "Project", step: "NextStep") -> str:
    """Return the command that takes a step; "" where there is none."""
    here = quoted(project.folder)
    folder = quoted(step.activity.folder) if step.activity else ""
    return {
        "add": f"rainclean add {here} CLIP…",
        "analyze": f"rainclean analyze {here}",
        "judge": f"rainclean gui {here}",
        "export": f"rainclean export {here} -o FOLDER",
        "train": f"rainclean train {folder} -o RUN",
        "evaluate": f"rainclean evaluate DATASET -o FOLDER -w {folder}/best.safetensors",
        "resume": step.activity.command if step.activity else "",
    }.get(step.kind, "")


def _document(project: "Project", lines: "list[Overview]", learned: "Suggestions", home: _Home) -> dict[str, Any]:
    """Return a project for programs."""
    return {
        "project": str(project.folder),
        "uuid": project.uuid,
        "states": dict(Counter(line.state for line in lines)),
        "verdicts": dict(Counter(line.verdict.state for line in lines if line.verdict)),
        "suggested": learned.to_json(),
        "sequences": [sequence_document(line, learned) for line in lines],
        **home.to_json(),
    }
