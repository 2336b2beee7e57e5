"""``rainclean agreement``: how far people agree on a project's sequences."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import print_json, print_note, print_table, print_text


@dataclass(frozen=True)
class Agreement:
    """Say how far people agree with each other and with the automatic choice.

    Of each pair: the sequences that both judged, by a decision or a second opinion; the share with the same verdict
    and, of those that both accepted, with the same candidate; and Cohen's kappa of either, which is 1 for full
    agreement and 0 for what chance alone would give (–: cannot be told).
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Look it up and print it."""
        from pipeline.project.decisions import agreements, judgements
        from pipeline.project.storage import Project

        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            with project.snapshot():
                judged = judgements(project)
            found = agreements(judged)
        if self.json:
            print_json([asdict(each) for each in found])
        elif not found:
            print_text(f"{self.project}: nobody has judged anything that somebody else, or the scores, judged, too")
        else:
            columns = ("one", "other", "both", "same verdict", "κ", "both accepted", "same candidate", "κ of choice")
            print_table(
                columns,
                [
                    (
                        each.one, each.other, str(each.both), _percent(each.same_verdict), _kappa(each.kappa_verdict),
                        str(each.both_accepted), _percent(each.same_candidate), _kappa(each.kappa_choice),
                    )
                    for each in found
                ],
            )  # fmt: skip


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _kappa(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
