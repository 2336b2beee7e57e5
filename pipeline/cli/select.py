"""``rainclean select``: decide which candidate is a sequence's clean image."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from pipeline.cli.console import fail_for_parts, print_json, print_note, print_text

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
    candidate: Annotated[str | None, arg(metavar="ID")] = None
    """Name of the candidate to accept, as `rainclean status PROJECT SEQUENCE` lists them."""
    auto: bool = False
    """Accept the best-scored candidate, marked as an automatic choice."""
    reject: bool = False
    """No candidate is fit for use."""
    undo: bool = False
    """Take back the decision that holds; the one before it holds again."""
    exclude: Annotated[Path | None, arg(metavar="MASK.png")] = None
    """With --candidate: what must not be trusted, a picture of the candidate's size, 255 there and 0 elsewhere."""
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
            raise UsageError("one of --candidate ID, --auto, --reject and --undo is needed")
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

        (sequence,) = sequences(project, [self.sequence])
        who = self.who or decisions.person()
        if self.undo:
            made = decisions.undo(project, sequence, who, self.note)
            said = f"taken back: {made.verdict} by {made.who}, {made.at}"
        elif self.reject:
            made = decisions.reject(project, sequence, who, self.note)
            said = "rejected"
        else:
            assert self.candidate is not None
            candidate = decisions.candidate_of(project, sequence, self.candidate)
            exclude = keep_mask(project, self.exclude, candidate) if self.exclude else ""
            made = decisions.accept(project, sequence, candidate, who, self.note, exclude)
            said = f"accepted {candidate.name}"
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
        failed = list(result.failed.values())
        fail_for_parts(failed, len(failed) + len(result.chosen) + len(result.kept), "sequences have no candidates")
