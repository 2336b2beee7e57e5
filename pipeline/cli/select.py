"""``rainclean select``: decide which candidate is a sequence's clean image."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from pipeline.cli.console import fail_for_parts, print_json, print_note, print_text
from pipeline.words import few

if TYPE_CHECKING:
    from pipeline.project.store import Project


@dataclass(frozen=True)
class Select:
    """Choose a candidate, or say that none is fit for use; each decision is kept with who and when.

    --auto takes the best-scored candidate of each analysed sequence that no person has decided on; it never
    stands in for a person's decision and is exported as what it is.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequence: Annotated[Positional[str], arg(metavar="[SEQUENCE]")] = ""
    """Which sequence; may be left out with --auto (then: all)."""
    candidate: Annotated[str | None, arg(metavar="NAME")] = None
    """Name of the candidate to accept, as `rainclean status PROJECT SEQUENCE` lists them."""
    auto: bool = False
    """Accept the best-scored candidate, marked as an automatic choice."""
    reject: bool = False
    """No candidate is fit for use."""
    undo: bool = False
    """Take back the decision that holds; the one before it holds again."""
    exclude: Annotated[Path | None, arg(metavar="MASK.png")] = None
    """With --candidate: what must not be trusted, a PNG of the candidate's size, 255 there and 0 elsewhere."""
    note: str = ""
    """Why."""
    who: str = ""
    """Who decides. Default: the name you are logged in with."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Store the decision."""
        from pipeline.project.store import Project
        from rainclean.errors import UsageError

        ways = [self.candidate is not None, self.auto, self.reject, self.undo]
        if sum(ways) != 1:
            raise UsageError("exactly one of --candidate NAME, --auto, --reject and --undo is needed")
        if not self.sequence and not self.auto:
            raise UsageError("which sequence? rainclean select PROJECT SEQUENCE …")
        if self.exclude is not None and self.candidate is None:
            raise UsageError("--exclude goes with --candidate")
        if self.auto and self.who:
            raise UsageError("--who: an automatic choice is nobody's; leave it out with --auto")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            if self.auto:
                self._choose_best(project)
            else:
                self._decide(project)

    def _decide(self, project: "Project") -> None:
        from pipeline.project import decisions
        from pipeline.project.masks import keep_mask
        from pipeline.project.sequences import sequences
        from pipeline.words import one_line

        (sequence,) = sequences(project, [self.sequence])
        who = one_line(self.who, "--who") or decisions.person()
        note = one_line(self.note, "--note")
        before = decisions.current(project).get(sequence.id)
        if self.undo:
            taken, made = decisions.undo(project, sequence, who, note)
            now = decisions.current(project).get(sequence.id)
            holds = f"{now.verdict} by {now.who} holds again" if now else "undecided again"
            said = f"taken back: {taken.verdict} by {taken.who}, {taken.at}; {holds}"
        elif self.reject:
            made = decisions.reject(project, sequence, who, note)
            said = "rejected"
        else:
            assert self.candidate is not None
            candidate = decisions.candidate_of(project, sequence, self.candidate)
            exclude = keep_mask(project, self.exclude, candidate) if self.exclude else ""
            made, candidate = decisions.accept(project, sequence, self.candidate, who, note, exclude)
            same = "" if candidate.name == self.candidate else f", which is the same picture as {self.candidate}"
            said = f"accepted {candidate.name}{same}{', with an exclusion mask' if exclude else ''}"
            if before and before.exclude and not exclude:
                print_note("note: the exclusion mask of the decision before is not taken over; give --exclude again")
        if self.json:
            print_json(asdict(made))
        else:
            print_text(f"{sequence.name}: {said}")

    def _choose_best(self, project: "Project") -> None:
        from pipeline.project.decisions import choose_best

        result = choose_best(project, [self.sequence] if self.sequence else [], self.note)
        if self.json:
            document: dict[str, Any] = asdict(result)
            print_json(document)
        else:
            kept = f"; {len(result.kept)} stay as they were decided" if result.kept else ""
            print_text(f"chosen automatically: {len(result.chosen)}{kept}")
        if result.doubtful:
            print_note(f"note: scores are so bad that they may mislead, look yourself: {few(result.doubtful)}")
        failed = list(result.failed.values())
        fail_for_parts(failed, len(failed) + len(result.chosen) + len(result.kept), "sequences have no candidates")
