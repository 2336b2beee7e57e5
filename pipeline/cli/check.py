"""``rainclean check``: is an exported data set, or a project, whole and unchanged?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import follow, print_json, print_text
from pipeline.words import counted


@dataclass(frozen=True)
class Check:
    """Check an exported data set, or a project.

    Of a data set: that all files are there and no others, their sizes and check sums, the lists, that no scene is
    on both sides of the split; everything is read back. Notes name what is whole, but should be looked at: equal rainy
    pictures, targets that cannot be what their rainy pictures show. Of a project: its store, its pictures, and whether
    clips are where they were. One line for each thing that is wrong, and exit code 1 then.
    """

    folder: Annotated[Positional[Path], arg(metavar="FOLDER")]
    """An export, or a project."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Look at everything and print what is wrong."""
        from pipeline.export import check
        from rainclean.errors import RaincleanError

        found = follow(check(self.folder))
        looked_at = ", ".join(counted(number, thing) for thing, number in found.counts.items())
        if self.json:
            print_json(
                {
                    "problems": [{"path": p.path, "kind": p.kind, "text": p.text} for p in found.problems],
                    "counts": found.counts,
                    "notes": found.notes,
                }
            )
        elif found.problems:
            for problem in found.problems:
                print_text(str(problem))
        else:
            print_text(f"{self.folder}: {looked_at}; nothing wrong{' with the files, but:' if found.notes else ''}")
        if not self.json:
            for note in found.notes:
                print_text(f"note: {note}")
        if found.problems:
            among = f" in {looked_at}" if looked_at else ""
            raise RaincleanError(f"{self.folder}: {counted(len(found.problems), 'problem')}{among}")
