"""Exports, trainings and evaluations of a project: listed after a restart, and resumed where they were interrupted.

A process that works holds a lock on a file of its own. The system releases it however the process ends; so an activity
that is "running" without a lock was interrupted.
"""

import json
import os
import sys
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from pipeline.partial import Lock
from pipeline.project.journals import person, present
from pipeline.project.model import ActivityKind, ActivityState
from pipeline.project.storage import DATABASE, Project, checked, listed, mapped
from pipeline.stages import Progress
from pipeline.text_format import quoted
from rainclean.environment import STATE
from rainclean.errors import RaincleanError

Result = TypeVar("Result")

RUNNING = ".running"
"""Folder below the project with a locked file for each running activity."""

_PATIENCE_S = 2.0
"""Seconds that work waits to record itself."""

_RUN = "run.json"
"""Makes a folder a training run."""

_MACHINE = ("--workers", "--accelerator", "--devices", "--nodes", "--threads", "--network")
"""Flags of `train` that may be given again when a run is resumed."""


@dataclass(frozen=True, kw_only=True)
class Activity:
    """One export, training or evaluation.

    Attributes:
        title: Name for a person.
        folder: What it writes to.
        arguments: The command as it was begun, without "rainclean"; paths are absolute.
        started, ended: Times, UTC, to the millisecond (earlier versions: to the second); ended is "" while it runs.
        summary: What came out: pairs, scenes, PSNR.
        error: Why it failed, in one line, or "".
    """

    id: int
    uuid: str
    kind: ActivityKind
    title: str
    folder: Path
    arguments: tuple[str, ...]
    who: str
    started: str
    ended: str
    state: ActivityState
    summary: dict[str, Any]
    error: str

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Return the activity of a row."""
        columns = {**row, "folder": Path(row["folder"]), "arguments": listed(row["arguments"])}
        activity = checked(cls(**{**columns, "summary": mapped(row["summary"])}))
        if not all(isinstance(word, str) for word in activity.arguments):
            raise ValueError("arguments that are not text")
        return activity

    @property
    def resume(self) -> tuple[str, ...]:
        """Arguments that resume it, or do it again: `train --resume` once the run has begun."""
        if self.kind != "training" or not (self.folder / _RUN).exists():
            return self.arguments
        words, kept = self.arguments, list[str]()
        for place, word in enumerate(words):
            if word in _MACHINE:
                kept += words[place : place + 2]
        return ("train", "--resume", str(self.folder), *kept)

    @property
    def command(self) -> str:
        """The command line that resumes it, or does it again."""
        return " ".join(["rainclean", *(quoted(word) for word in self.resume)])

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for programs."""
        return {
            "uuid": self.uuid, "kind": self.kind, "title": self.title, "folder": str(self.folder), "who": self.who,
            "started": self.started, "ended": self.ended, "state": self.state, "summary": self.summary,
            "error": self.error, "arguments": list(self.arguments), "resume": list(self.resume),
        }  # fmt: skip


@dataclass(frozen=True)
class Begun:
    """An activity that this process is at work on.

    Attributes:
        project: Folder of the project.
        uuid: Of the activity.
    """

    project: Path
    uuid: str


_locks: dict[str, Lock] = {}
"""Locks of this process by the UUID of the activity, so that they last until it ends."""


def activities(project: Project) -> list[Activity]:
    """Return the activities of a project, newest first; of several of one kind into one folder only the newest."""
    newest: dict[tuple[str, Path], Activity] = {}
    for row in project.rows("SELECT * FROM activity ORDER BY id DESC"):
        one = Activity.from_row(row)
        newest.setdefault((one.kind, one.folder), one)
    return [
        replace(one, state="interrupted") if one.state == "running" and not _is_held(project, one.uuid) else one
        for one in newest.values()
    ]


def begin(
    project: Project, kind: ActivityKind, title: str, folder: Path, *, arguments: Sequence[str], who: str = ""
) -> Begun:
    """Record that this process begins an activity.

    Args:
        project: The project.
        kind: What it is.
        title: Name for a person.
        folder: What it writes to.
        arguments: The command without "rainclean", ready to be run again.
        who: Who began it; by default who is logged in.

    Raises:
        RaincleanError, OSError: It cannot be recorded.
    """
    number = str(uuid.uuid4())
    place = project.folder / RUNNING
    place.mkdir(exist_ok=True)
    lock = Lock(place / number)
    lock.take()
    try:
        project.insert(
            "activity", uuid=number, kind=kind, title=title, folder=str(folder.absolute()),
            arguments=json.dumps(list(arguments), ensure_ascii=False), who=who or person(), started=present(), ended="",
            state="running", summary="{}", error="",
        )  # fmt: skip
    except BaseException:
        lock.let_go()
        raise
    if kind == "export":
        _remember(project)
    _locks[number] = lock
    return Begun(project.folder, number)


def end(
    project: Project, begun: Begun, state: ActivityState, *, summary: dict[str, Any] | None = None, error: str = ""
) -> None:
    """Record how an activity ended.

    Args:
        project: The project.
        begun: What `begin` returned.
        state: How it ended.
        summary: What came out, for JSON.
        error: Why it failed, in one line.

    Raises:
        RaincleanError: It cannot be recorded.
    """
    try:
        project.execute(
            "UPDATE activity SET ended = ?, state = ?, summary = ?, error = ? WHERE uuid = ?",
            present(), state, json.dumps(summary or {}, ensure_ascii=False), error, begun.uuid,
        )  # fmt: skip
    finally:
        _let_go(begun)


def recorded(
    stage: Generator[Progress, None, Result],
    home: Path | None,
    kind: ActivityKind,
    folder: Path,
    *,
    arguments: Sequence[str],
    summary: Callable[[Result], dict[str, Any]],
) -> Generator[Progress, None, Result]:
    """Run a stage, and record it in a project from its first step on. What keeps it from that becomes a note.

    Args:
        stage: The stage.
        home: Folder of the project; None where there is none.
        kind: What the stage is.
        folder: What it writes to.
        arguments: The command without "rainclean", ready to be run again.
        summary: Makes what is recorded of the stage's result.

    Yields:
        The steps of the stage.

    Returns:
        What the stage returns.
    """
    begun: Begun | None = None
    try:
        first = True
        while True:
            try:
                step = next(stage)
            except StopIteration as over:
                result: Result = over.value
                _end(begun, "finished", summary=summary(result))
                return result
            if first and home is not None:
                begun, note = _begin(home, kind, folder, arguments)
                step = replace(step, note=step.note or note)
            first = False
            yield step
    except (GeneratorExit, KeyboardInterrupt):
        _end(begun, "interrupted")
        raise
    except BaseException as error:
        _end(begun, "failed", error=" ".join(str(error).split())[:500] or type(error).__name__)
        raise
    finally:
        stage.close()


def project_of(dataset: Path) -> Path | None:
    """Return the folder of the project that exported a data set.

    None where the data set is no export, or where its project is not at its place, or cannot be written to.
    """
    from rainclean.dataset import REPORT

    try:
        number = json.loads((dataset / REPORT).read_bytes())["project"]
        folder = Path((_index() / str(uuid.UUID(number))).read_text(encoding="utf-8"))
        if not (folder / DATABASE).is_file():
            return None
        with Project.again(folder, _PATIENCE_S) as project:
            return folder if project.uuid == number and not project.read_only else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, RaincleanError):
        return None


def _begin(home: Path, kind: ActivityKind, folder: Path, arguments: Sequence[str]) -> tuple[Begun | None, str]:
    """Return what was begun, and a note on why nothing was."""
    try:
        with Project.again(home, _PATIENCE_S) as project:
            if project.read_only:
                return None, ""
            return begin(project, kind, folder.absolute().name, folder, arguments=arguments), ""
    except (RaincleanError, OSError) as error:
        return None, f"not listed in the project: {error}"


def _end(begun: Begun | None, state: ActivityState, *, summary: dict[str, Any] | None = None, error: str = "") -> None:
    if begun is None:
        return
    with suppress(RaincleanError, OSError), Project.again(begun.project, _PATIENCE_S) as project:
        end(project, begun, state, summary=summary, error=error)
    _let_go(begun)  # also where that failed


def _let_go(begun: Begun) -> None:
    lock = _locks.pop(begun.uuid, None)
    if lock is not None:
        with suppress(OSError):
            lock.let_go()


def _is_held(project: Project, number: str) -> bool:
    """Return whether a process is at work on an activity; True where that cannot be known."""
    path = project.folder / RUNNING / number
    if not path.exists():
        return False
    try:
        lock = Lock(path)
        if not lock.take():
            return True
        lock.let_go()
    except OSError:
        return not project.read_only  # an archive: nobody is at work in it
    return False


def _index() -> Path:
    """Return the folder that has a file for each project of this person: named by its UUID, with its path."""
    if own := os.environ.get(STATE):
        return Path(own) / "projects"
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    return base / "rainclean" / "projects"


def _remember(project: Project) -> None:
    """Note where a project is, for trainings and evaluations on what it exports."""
    with suppress(OSError, UnicodeError, RuntimeError):
        path = _index() / project.uuid
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        partial.write_text(str(project.folder), encoding="utf-8")
        partial.replace(path)
