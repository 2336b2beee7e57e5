"""``rainclean check``: check that a data set, or a project, is complete and unchanged."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from pipeline.cli.console import follow, print_json, print_text
from pipeline.cli.pairing_flags import NO_FLAGS, PairingFlags
from pipeline.text_format import counted

_WORDS = {"picture": "image"}
"""Kinds of checked items whose key is not their name."""


@dataclass(frozen=True)
class Check:
    """Check that a data set or a project is complete and unchanged.

    In an export: every file is there, none was added among the pairs, sizes, check sums and lists are right, and no
    scene is in two splits. README.md and LICENSE may be edited, and files added beside the pairs. Every image is
    decoded. Notes name images to look at: equal rainy images, and clean images that cannot belong to their rainy
    images.

    In another data set: every rainy image has a clean one of its size, every image can be read, lists are as every
    reader takes them, and no scene is in two splits. Notes name images that belong to no pair, and places that are in
    two splits.

    In a project: the store (project.sqlite), the images, and whether clips are found. Prints one line for each
    problem; the exit code is then 1.
    """

    folder: Annotated[Positional[Path], arg(metavar="FOLDER")]
    """Folder of an export, another data set, or a project."""
    pairing: Annotated[PairingFlags, OmitArgPrefixes] = NO_FLAGS
    quick: bool = False
    """Check names and lists of a data set, and open no image."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Check everything and print the problems."""
        from pipeline.export import check, sound_text
        from rainclean.errors import RaincleanError

        result = follow(check(self.folder, self.pairing.pairing(), quick=self.quick))
        looked_at = ", ".join(counted(number, _WORDS.get(thing, thing)) for thing, number in result.counts.items())
        if result.splits:
            splits = ", ".join(f"{split} {count}" for split, count in result.splits.items())
            looked_at += f" ({result.layout}: {splits})"
        if self.json:
            print_json(
                {
                    "problems": [{"path": p.path, "kind": p.kind, "text": p.text} for p in result.problems],
                    "counts": result.counts,
                    "layout": result.layout,
                    "splits": result.splits,
                    "notes": result.notes,
                    "added": result.added,
                    "edited": result.edited,
                }
            )
        elif result.problems:
            for problem in result.problems:
                print_text(str(problem))
        else:
            print_text(f"{self.folder}: {looked_at}; {sound_text(result.added, result.edited, result.notes)}")
        if not self.json:
            for note in result.notes:
                print_text(f"note: {note}")
        if result.problems:
            among = f" in {looked_at}" if looked_at else ""
            raise RaincleanError(f"{self.folder}: {counted(len(result.problems), 'problem')}{among}")
