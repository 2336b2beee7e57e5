"""A folder of results: one folder a task, named by its key, whole from the moment in which it has that name.

Several machines write to it at a time, and locks of shared file systems are not to be relied on. So there are none: a
result is made under a name of its own and renamed. Where two workers do the same task, the first to rename wins, and
both results are the same. docs/formats.md describes the files.
"""

import json
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from time import sleep
from typing import Any, Self

from pipeline.batch.tasks import Task
from pipeline.partial import remove
from pipeline.project.analysis import FINDING_FILES, AnalysisRow, CandidateRow, Computed
from pipeline.project.storage import ARTEFACTS, Artefacts, now, sync_folder
from rainclean.errors import InputError, ResourceError

HEADER, FORMAT = "rainclean_result", 1
RECORD = "result.json"
_FAILED, _PARTIAL = ".failed.json", ".partial"
_KEY = re.compile(r"[0-9a-f]{32}")
_ARTEFACT = re.compile(r"[0-9a-f]{64}\.[a-z]{3,4}")
_MAX_BYTES = 1 << 26
"""Largest size of a record."""

_SEEN_LATE_SECONDS = 10.0
"""Time that a shared file system may take to show what another machine has renamed."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a worker left: an analysis, or why there is none (``row.error``).

    Attributes:
        path: Folder of the result, or file of the failure.
        project: UUID of the project.
        name: Of the sequence, for messages.
        content: Checksum of its clip.
        shot: First frame, and first one after the last, of the shot.
        row: The analysis.
        candidates: Its candidates, best first.
        host: Machine that made it.
    """

    path: Path
    project: str
    name: str
    content: str
    shot: tuple[int, int]
    row: AnalysisRow
    candidates: tuple[CandidateRow, ...]
    host: str

    @classmethod
    def of_task(cls, task: Task, path: Path, computed: Computed) -> Self:
        """Return the result of a task on this machine."""
        first, stop = task.sequence.shot
        return cls(
            path=path,
            project=task.project,
            name=task.sequence.name,
            content=task.clip.content,
            shot=(first, stop),
            row=computed.row,
            candidates=computed.candidates,
            host=platform.node(),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the result in a folder, or the failure in a file.

        Raises:
            InputError: It is damaged, or of another rainclean.
        """
        record = path / RECORD if path.is_dir() else path
        try:
            if record.stat().st_size > _MAX_BYTES:
                raise ValueError("it is too large")
            document = json.loads(record.read_bytes())
            if document[HEADER] != FORMAT:
                raise InputError(path, "is of a newer rainclean", "update rainclean")
            sequence, row = document["sequence"], AnalysisRow.from_columns(document["analysis"])
            result = cls(
                path=path,
                project=str(document["project"]),
                name=str(sequence["name"]),
                content=str(sequence["content"]),
                shot=(int(sequence["first"]), int(sequence["last"])),
                row=row,
                candidates=tuple(CandidateRow.from_columns(columns) for columns in document["candidates"]),
                host=str(document["host"]),
            )
            if not all(
                _ARTEFACT.fullmatch(name) for name in [*result.files, *(c.picture for c in result.candidates)]
            ) or bool(result.candidates) == bool(row.error):
                raise ValueError("names of files that are none")
        except OSError as error:
            raise InputError(path, f"cannot be read: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise InputError(
                path, f"is damaged or no result ({type(error).__name__})", "remove it, then run its shard again"
            ) from error
        return result

    def to_json(self) -> dict[str, Any]:
        """Return the record."""
        first, stop = self.shot
        return {
            HEADER: FORMAT,
            "project": self.project,
            "sequence": {"name": self.name, "content": self.content, "first": first, "last": stop},
            "analysis": self.row.columns(),
            "candidates": [candidate.columns() for candidate in self.candidates],
            "host": self.host,
        }

    @property
    def files(self) -> list[str]:
        """Names of its artefacts."""
        row = self.row
        named = (row.sheet, row.scoring_target, row.reference, *(getattr(row.findings, name) for name in FINDING_FILES))
        return list(dict.fromkeys([*filter(None, named), *(c.picture for c in self.candidates if c.kept)]))

    def artefact(self, name: str) -> Path:
        """Return where one of them is."""
        return Artefacts(self.path / ARTEFACTS).path(name)


class ResultFolder:
    """A folder of results, which may be on a shared file system."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def create(self) -> None:
        """Make the folder. Raises ResourceError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResourceError(f"{self.folder}: {error.strerror or error}") from error

    def check(self) -> None:
        """Raise ResourceError where a worker does not see the folder: it would write where nobody else looks."""
        if not self.folder.is_dir():
            raise ResourceError(
                f"{self.folder}: no such folder on {platform.node()}; --results names a folder that all machines share"
            )

    def place(self, task: Task) -> Path:
        """Return where the result of a task is, there or not."""
        return self.folder / task.key

    def has(self, task: Task) -> bool:
        """Return whether the result of a task is there."""
        return (self.place(task) / RECORD).is_file()

    def awaits(self, task: Task) -> bool:
        """Return the same of a task that another machine says is done, whose folder may be seen a little later."""
        for _ in range(int(_SEEN_LATE_SECONDS / 0.5)):
            if self.has(task):
                return True
            with suppress(OSError):
                list(self.folder.iterdir())  # makes network file systems look
            sleep(0.5)
        return self.has(task)

    @contextmanager
    def making(self, task: Task) -> Iterator[Path]:
        """Yield a folder for a result, which gets its name when the block ends; where it raises, nothing stays."""
        self.check()
        partial = self._partial(task)
        try:
            partial.mkdir(parents=True)
            yield partial
            sync_folder(partial)
            try:
                partial.rename(self.place(task))
            except OSError:
                if not self.has(task):  # another worker was faster
                    raise
            sync_folder(self.folder)
        except OSError as error:
            raise ResourceError(f"{error.filename or self.folder}: {error.strerror or error}") from error
        finally:
            remove(partial)
        self.clear(task)  # one that still works on it finds the result when it fails
        self._failure(task).unlink(missing_ok=True)

    def clear(self, task: Task) -> None:
        """Remove what workers that were killed left of a task."""
        for leftover in (self.folder / _PARTIAL).glob(f"{task.key}.*"):
            remove(leftover)

    def write(self, task: Task, partial: Path, computed: Computed) -> None:
        """Write the record of a result into the folder that `making` gave."""
        _write(partial / RECORD, Result.of_task(task, partial, computed))

    def fail(self, task: Task, error: str) -> None:
        """Keep why a task failed, until it is done. Raises OSError."""
        row = AnalysisRow(settings=task.settings, error=error, chosen=task.sequence.chosen, finished=now())
        path = self._failure(task)
        partial = self._partial(task)
        try:
            partial.parent.mkdir(exist_ok=True)
            _write(partial, Result.of_task(task, path, Computed(row=row, candidates=())))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def discard(self, task: Task) -> None:
        """Remove the result of a task, if it is there."""
        remove(self.place(task))

    def entries(self) -> list[Path]:
        """Return all results and failures, by name.

        Raises:
            InputError: There is no such folder, or nothing of that kind in it.
        """
        try:
            found = {
                path.name: path for path in self.folder.iterdir() if _KEY.fullmatch(path.name.removesuffix(_FAILED))
            }
        except OSError as error:
            raise InputError(self.folder, f"{error.strerror or error}") from error
        if not found:
            raise InputError(self.folder, "holds no results", "name the folder that analyze --shard -o wrote to")
        # A clip that failed and was done later has no failure any more.
        return [
            path
            for name, path in sorted(found.items())
            if name.removesuffix(_FAILED) == name or name.removesuffix(_FAILED) not in found
        ]

    def remove_if_empty(self) -> None:
        """Remove the folder if nothing is in it."""
        with suppress(OSError):
            (self.folder / _PARTIAL).rmdir()
        with suppress(OSError):
            self.folder.rmdir()

    def _partial(self, task: Task) -> Path:
        return self.folder / _PARTIAL / f"{task.key}.{token_hex(8)}"

    def _failure(self, task: Task) -> Path:
        return self.folder / f"{task.key}{_FAILED}"


def _write(path: Path, result: Result) -> None:
    path.write_text(json.dumps(result.to_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
