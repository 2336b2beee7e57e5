"""The files of a job: its output, and a record by which a later window follows it. No Qt.

A job writes to files, not to pipes, so that it can outlive the window. It inherits a locked file; the system releases
the lock however the job ends. The window that follows a job holds another lock.
"""

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

CAN_KEEP = os.name == "posix"
"""Whether jobs can go on without the window."""


@dataclass(frozen=True)
class Record:
    """What a later window needs to know of a job.

    Attributes:
        project: Folder of its project, or "".
    """

    title: str
    arguments: tuple[str, ...]
    project: str
    pid: int


class Spool:
    """The folder of one job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._owner: int | None = None
        self._offset = 0

    @classmethod
    def make(cls, root: Path) -> "Spool":
        """Make the folder of a new job. Raises OSError."""
        spool = cls(root / uuid4().hex)
        spool.folder.mkdir(parents=True)
        spool.own()
        return spool

    @property
    def out(self) -> Path:
        """Return the file of its standard output."""
        return self.folder / "out"

    @property
    def err(self) -> Path:
        """Return the file of its standard error."""
        return self.folder / "err"

    def own(self) -> bool:
        """Follow this job; return False where another window does."""
        if not CAN_KEEP:
            return True
        self._owner = _locked(self.folder / "owner")
        return self._owner is not None

    def alive(self) -> int | None:
        """Return a descriptor for the job to inherit, locked; None where there are no such locks."""
        return _locked(self.folder / "alive") if CAN_KEEP else None

    def is_alive(self) -> bool:
        """Return whether the job is at work. Only for a job of an earlier window."""
        descriptor = _locked(self.folder / "alive")
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    def write(self, record: Record) -> None:
        """Write the record. Raises OSError."""
        document = {**vars(record), "arguments": list(record.arguments)}
        partial = self.folder / "job.partial"
        partial.write_text(json.dumps(document), encoding="utf-8")
        partial.replace(self.folder / "job.json")

    def read(self) -> Record | None:
        """Return the record; None where there is none that can be used."""
        try:
            document = json.loads((self.folder / "job.json").read_bytes())
            arguments: Sequence[object] = document["arguments"]
            return Record(
                str(document["title"]), tuple(map(str, arguments)), str(document["project"]), int(document["pid"])
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def news(self) -> bytes:
        """Return what the job wrote to standard error since the last call."""
        try:
            with self.err.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return b""
        self._offset += len(data)
        return data

    def output(self) -> bytes:
        """Return what the job wrote to standard output."""
        try:
            return self.out.read_bytes()
        except OSError:
            return b""

    def leave(self) -> None:
        """Stop following; a later window may."""
        if self._owner is not None:
            os.close(self._owner)
            self._owner = None

    def remove(self) -> None:
        """Remove the folder of a job that is over."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.leave()


def left_behind(root: Path) -> list[tuple[Spool, Record]]:
    """Return the jobs that an earlier window left, to be followed by this one. Folders without a record are removed."""
    result = []
    try:
        folders = sorted(folder for folder in root.iterdir() if folder.is_dir())
    except OSError:
        return []
    for folder in folders if CAN_KEEP else ():
        spool = Spool(folder)
        if not spool.own():
            continue
        record = spool.read()
        if record is None:
            spool.remove()
        else:
            result.append((spool, record))
    return result


def _locked(path: Path) -> int | None:
    """Return an open descriptor of a locked file; None where it is locked already, or cannot be."""
    import fcntl

    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor
    return None
