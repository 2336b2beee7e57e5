"""``rainclean restore``: a backup in the place of a damaged, empty or older store."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from pipeline.cli.console import follow, print_json, print_note, print_table, print_text
from pipeline.text_format import counted, quoted

if TYPE_CHECKING:
    from pipeline.project.recovery import Restored
    from pipeline.project.storage import Listed


@dataclass(frozen=True, kw_only=True)
class Restore:
    """Replace a damaged store (project.sqlite) with its newest sound backup, and add newer rows that can still be read.

    Each row that can be read from the damaged store, such as a decision, is checked and added. The old store is kept in
    the folder backups of the project. A sound store that is not too old is replaced only with --at, and becomes a
    backup.
    """

    project: Annotated[Positional[Path], arg(metavar="PROJECT")]
    """Folder of the project."""
    list: bool = False
    """List the backups, and restore nothing."""
    at: Annotated[str, arg(metavar="TIME")] = ""
    """Restore the newest backup at or before TIME: as --list prints it, or its beginning. A Z at the end means UTC."""
    as_it_is: bool = False
    """Continue with the present store, although the project had newer changes."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """List, or restore."""
        from pipeline.project.recovery import listed, restore
        from rainclean.errors import UsageError

        if self.list and (self.at or self.as_it_is):
            raise UsageError("--list cannot be used with --at or --as-it-is")
        if self.at and self.as_it_is:
            raise UsageError("--at and --as-it-is cannot be used together")
        if self.list:
            self._print_list(follow(listed(self.project)))
            return
        result = follow(restore(self.project, self.at, as_it_is=self.as_it_is))
        if self.json:
            print_json(_document(result))
        else:
            self._print(result)

    def _print_list(self, found: "Sequence[Listed]") -> None:
        from pipeline.project.storage import local_time

        if self.json:
            print_json({"backups": [_line(one) for one in found]})
        elif not found:
            print_text(f"{self.project}: no backups yet; one is made when the project is opened after changes")
        else:
            rows = [
                (
                    local_time(one.backup.at),
                    str(one.contents.decisions) if one.contents else "",
                    str(one.contents.sequences) if one.contents else "",
                    one.damage or "sound",
                )
                for one in found
            ]
            print_table(("time", "decisions", "sequences", ""), rows)

    def _print(self, result: "Restored") -> None:
        from pipeline.project.recovery import salvaged_text
        from pipeline.project.storage import local_time

        for note in (*result.salvaged.notes, *result.notes):
            print_note(f"note: {note}")
        if result.unreadable:
            print_note(f"note: {counted(result.unreadable, 'row')} could not be read in the old store")
        of = f"the backup of {local_time(result.backup.at)}" if result.backup else "no backup"
        if self.as_it_is:
            of = "the store as it was"
        salvaged = salvaged_text(result.salvaged)
        more = f", and {salvaged} from the old store" if salvaged else ""
        now = f"{counted(result.decisions, 'decision')} on {counted(result.sequences, 'sequence')}"
        print_text(f"{self.project}: restored from {of}{more}: {now}")
        if result.kept is not None:
            print_text(f"the old store is kept: {quoted(result.kept)}")


def _line(one: "Listed") -> dict[str, Any]:
    return {
        "file": str(one.backup.path),
        "at": one.backup.at.isoformat().replace("+00:00", "Z"),
        "changes": one.backup.changes,
        "decisions": one.contents.decisions if one.contents else None,
        "sequences": one.contents.sequences if one.contents else None,
        "sound": one.contents is not None,
        "damage": one.damage,
    }


def _document(result: "Restored") -> dict[str, Any]:
    from pipeline.project.recovery import ORDER

    return {
        "was": result.was,
        "reason": result.reason,
        "backup": str(result.backup.path) if result.backup else None,
        "at": result.backup.at.isoformat().replace("+00:00", "Z") if result.backup else None,
        "kept": str(result.kept) if result.kept else None,
        "salvaged": {table: result.salvaged.added[table] for table in ORDER},
        "described": result.salvaged.described,
        "unreadable": result.unreadable,
        "decisions": result.decisions,
        "sequences": result.sequences,
        "notes": [*result.salvaged.notes, *result.notes],
    }
