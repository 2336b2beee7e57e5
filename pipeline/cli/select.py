"""``rainclean select``: decide which candidate is a sequence's clean image."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from pipeline.cli.console import fail_for_parts, follow, print_json, print_note, print_text
from pipeline.text_format import few

if TYPE_CHECKING:
    from pipeline.project.storage import Project


@dataclass(frozen=True, kw_only=True)
class Select:
    """Accept a candidate of a sequence, or reject the sequence. The person's name and the time are stored, too.

    With --auto: accept a candidate of each analysed sequence that no person has decided on. It is the suggested one,
    learned from people's choices in this project, or else the best-scored one. Only sequences whose verdict is fit are
    accepted; with --include look, also those whose verdict is "needs a look". Exports mark these choices as automatic.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    sequence: Annotated[Positional[str], arg(metavar="[SEQUENCE]")] = ""
    """Name of the sequence. Without it, --auto takes all sequences."""
    candidate: Annotated[str | None, arg(metavar="NAME")] = None
    """Name of the candidate to accept, as `rainclean status PROJECT SEQUENCE` lists them."""
    auto: bool = False
    """Accept the suggested candidate, else the best-scored one, marked as an automatic choice."""
    include: Literal["fit", "look"] = "fit"
    """With --auto: look also accepts sequences whose verdict is "needs a look"."""
    reject: bool = False
    """Reject the sequence: no candidate can be used."""
    undo: bool = False
    """Withdraw the latest decision; the one before it is valid again."""
    exclude: Annotated[Path | None, arg(metavar="MASK.png")] = None
    """With --candidate: exclusion mask, a PNG of the candidate's size. 255 excludes a pixel, 0 does not."""
    reason: Annotated[tuple[str, ...], arg(metavar="REASON …")] = ()
    """With --reject, one or more of: streaks, camera, light, passers-by, few-frames, not-rain, damaged, consent."""
    pair_frames: Annotated[str | None, arg(metavar="3,7,12")] = None
    """Rainy frames that become pairs, whatever --frames of export is. any: let export choose."""
    star: bool = False
    """Star the sequence."""
    unstar: bool = False
    """Remove the star."""
    note: str = ""
    """Reason for the decision, in your words."""
    who: str = ""
    """Who decides, or runs --auto and can undo it in one step. Default: the name you are logged in with."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Store the decision."""
        from pipeline.project.storage import Project
        from rainclean.errors import UsageError

        ways = [self.candidate is not None, self.auto, self.reject, self.undo]
        remarks = [self.pair_frames is not None, self.star, self.unstar]
        if sum(ways) != 1 and not (sum(ways) == 0 and any(remarks)):
            raise UsageError(
                "give exactly one of --candidate NAME, --auto, --reject and --undo, or use --pair-frames, --star or "
                "--unstar"
            )
        if self.auto and any(remarks):
            raise UsageError("--pair-frames, --star and --unstar cannot be used with --auto")
        if self.star and self.unstar:
            raise UsageError("--star and --unstar cannot be used together")
        if self.reason and not self.reject:
            raise UsageError("--reason needs --reject")
        if self.note and not any(ways):
            raise UsageError("--note needs --candidate, --auto, --reject or --undo")
        if not self.sequence and not self.auto:
            raise UsageError("no sequence given: rainclean select PROJECT SEQUENCE …")
        if self.exclude is not None and self.candidate is None:
            raise UsageError("--exclude needs --candidate")
        if self.include != "fit" and not self.auto:
            raise UsageError("--include needs --auto")
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            if self.auto:
                self._choose_best(project)
                return
            if any(remarks):
                self._store_remarks(project)
            if any(ways):
                self._decide(project)

    def _decide(self, project: "Project") -> None:
        from pipeline.project.analysis import read_pictures
        from pipeline.project.clips import sequences
        from pipeline.project.decisions import decisions
        from pipeline.project.editing import keep_mask
        from pipeline.text_format import one_line

        (sequence,) = sequences(project, [self.sequence])
        who = one_line(self.who, "--who") or decisions.person()
        note = one_line(self.note, "--note")
        before = decisions.current(project).get(sequence.id)
        if self.undo:
            undone, made = decisions.undo(project, sequence, who, note)
            now = decisions.current(project).get(sequence.id)
            current = f"{now.verdict} by {now.who} is valid again" if now else "undecided again"
            message = f"withdrawn: {undone.verdict} by {undone.who}, {undone.at}; {current}"
        elif self.reject:
            made = decisions.reject(project, sequence, who, note, self.reason)
            message = "rejected"
        else:
            assert self.candidate is not None
            candidate = decisions.candidate_of(project, sequence, self.candidate)
            follow(read_pictures(project, [candidate.picture]))  # on disk before it is chosen
            exclude = keep_mask(project, self.exclude, candidate) if self.exclude else ""
            made, candidate = decisions.accept(project, sequence, self.candidate, who, note=note, exclude=exclude)
            same = "" if candidate.name == self.candidate else f", which is the same image as {self.candidate}"
            message = f"accepted {candidate.name}{same}{', with an exclusion mask' if exclude else ''}"
            if before and before.exclude and not exclude:
                print_note("note: the exclusion mask of the earlier decision is not used; give it again with --exclude")
        if self.json:
            print_json(asdict(made))
        else:
            print_text(f"{sequence.name}: {message}")

    def _store_remarks(self, project: "Project") -> None:
        """Store star and chosen frames, as the window does."""
        from pipeline.project.clips import sequences
        from pipeline.project.decisions import person
        from pipeline.project.editing import Editor
        from pipeline.text_format import one_line

        (sequence,) = sequences(project, [self.sequence])
        editor = Editor(project, one_line(self.who, "--who") or person())
        if self.pair_frames is not None:
            editor.choose_frames(sequence, _frames(self.pair_frames))
        if self.star or self.unstar:
            editor.star(sequence, on=self.star)
        draft = editor.draft(sequence)
        if self.json and self._has_only_remarks():
            print_json({"sequence": sequence.name, "star": draft.star, "pair_frames": draft.frames})
        elif not self.json:
            frames = "chosen by the export" if draft.frames is None else few([str(f) for f in draft.frames])
            print_text(f"{sequence.name}: {'starred' if draft.star else 'not starred'}; rainy frames: {frames}")

    def _has_only_remarks(self) -> bool:
        return self.candidate is None and not self.reject and not self.undo

    def _choose_best(self, project: "Project") -> None:
        from pipeline.project.decisions import person
        from pipeline.project.preference import choose_suggested
        from pipeline.text_format import one_line

        note = one_line(self.note, "--note")
        trusted = ("fit", "look") if self.include == "look" else ("fit",)
        who = one_line(self.who, "--who") or person()
        result, learned = choose_suggested(project, [self.sequence] if self.sequence else [], note, trusted, who)
        if self.json:
            document: dict[str, Any] = {**asdict(result), "words": result.summary, "suggested": learned.to_json()}
            print_json(document)
        for line in (*result.summary, *result.reasons):
            (print_note if self.json else print_text)(line)
        if learned.learned and not self.json:
            print_text(f"suggested candidates: {learned.label}")
        if result.doubtful:
            print_note(f"note: some scores are so high that they may mislead; check these: {few(result.doubtful)}")
        failed = list(result.failed.values())
        asked = len(failed) + len(result.chosen) + len(result.kept) + len(result.left)
        fail_for_parts(failed, asked, "sequences have no candidates")


def _frames(text: str) -> list[int] | None:
    """Frame indices of ``3,7,12``; None for ``any``."""
    from rainclean.errors import UsageError

    if text == "any":
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--pair-frames {text!r}: use frame indices such as 3,7,12, or any") from None
