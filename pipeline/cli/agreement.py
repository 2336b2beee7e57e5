"""``rainclean agreement``: agreement of people on a project's sequences."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import print_json, print_note, print_table, print_text
from rainclean.number_text import percent


@dataclass(frozen=True)
class Agreement:
    """Show how far people agree with each other and with the automatic choice.

    Each line compares two people, or a person and the automatic choice. It counts the sequences that both judged, by a
    decision or a second opinion. It gives the share with the same verdict and, of those that both accepted, the share
    with the same candidate, each with Cohen's kappa. Kappa is 1 for full agreement, 0 for chance, – if undefined.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Compute and print it."""
        from pipeline.project.decisions import agreements, judgements
        from pipeline.project.storage import Project

        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            with project.snapshot():
                judged = judgements(project)
            result = agreements(judged)
        if self.json:
            print_json({"agreements": [asdict(each) for each in result]})
        elif not result:
            print_text(f"{self.project}: no sequence was judged by two people, or by a person and the automatic choice")
        else:
            columns = ("one", "other", "both", "same verdict", "κ", "both accepted", "same candidate", "κ of choice")
            print_table(
                columns,
                [
                    (
                        each.one, each.other, str(each.both), percent(each.same_verdict), _kappa(each.kappa_verdict),
                        str(each.both_accepted), percent(each.same_candidate), _kappa(each.kappa_choice),
                    )
                    for each in result
                ],
            )  # fmt: skip


def _kappa(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
