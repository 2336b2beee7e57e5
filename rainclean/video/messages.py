"""Messages between a process that needs frames (`process_source`) and the one that decodes them (`reading_process`).

Each is one line of JSON. Both sides run the same version of this code, so the format is not stored anywhere.
"""

import json
import os
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rainclean.errors import InputError, RaincleanError
from rainclean.video.damage import DamagedInput

HEARTBEAT = b"\n"
"""A line without a message: the process lives."""

ErrorKind = Literal[
    "input", "damaged", "other", "memory", "system", "unexpected", "stuck", "gone", "cancelled",
]  # fmt: skip

ENDS_PROCESS = frozenset({"memory", "stuck", "gone", "cancelled"})
"""Kinds of errors after which the process is not used again."""


@dataclass(frozen=True, kw_only=True)
class Open:
    """Open a clip; ``path`` is relative to ``folder``, both as `path_to_text` returns them. Answer: `Opened`."""

    path: str
    folder: str
    salvage: bool
    as_stored: bool
    matrix: str


@dataclass(frozen=True)
class Read:
    """Begin an iterator over frames; indices: None for all. region: x, y, width, height. Answer: `Begun`."""

    iterator: int
    indices: list[int] | None
    region: list[int]


@dataclass(frozen=True)
class DecodeOnly:
    """Begin an iterator that decodes every frame and converts none. Answer: `Begun`."""

    iterator: int


@dataclass(frozen=True)
class Next:
    """Ask for the next item of an iterator; into, ahead: offsets in shared memory for it and for the one after it.

    Answer: `Item`, or `Ended`.
    """

    iterator: int
    into: int
    ahead: int


@dataclass(frozen=True)
class Drop:
    """Forget an iterator. Answer: `Begun`."""

    iterator: int


@dataclass(frozen=True)
class Opened:
    """Facts of a clip, fields of `SourceInfo` but its path, and the times of its frames, seconds."""

    facts: dict[str, Any]
    times: list[float]


@dataclass(frozen=True)
class Begun:
    """An iterator was begun, or forgotten."""

    iterator: int


@dataclass(frozen=True)
class Item:
    """A decoded frame: its index; time in seconds and shape of its pixels in shared memory where there are any."""

    index: int
    time: float = 0.0
    shape: list[int] | None = None


@dataclass(frozen=True)
class Ended:
    """An iterator has no more items."""

    iterator: int


@dataclass(frozen=True)
class Failure:
    """What went wrong. path: as `path_to_text` returns it. decodable, announced: frames of a damaged clip."""

    kind: ErrorKind
    reason: str = ""
    path: str = ""
    advice: str = ""
    _: KW_ONLY
    decodable: int | None = None
    announced: int | None = None


Request = Open | Read | DecodeOnly | Next | Drop
Answer = Opened | Begun | Item | Ended | Failure

_REQUESTS = {kind.__name__: kind for kind in (Open, Read, DecodeOnly, Next, Drop)}
_ANSWERS = {kind.__name__: kind for kind in (Opened, Begun, Item, Ended, Failure)}


def encode(message: Request | Answer) -> bytes:
    """Write a message as one line of JSON."""
    return json.dumps([type(message).__name__, asdict(message)]).encode() + b"\n"


def decode_request(line: bytes) -> Request:
    """Read a request from a line."""
    name, values = json.loads(line)
    return _REQUESTS[name](**values)


def decode_answer(line: bytes) -> Answer:
    """Read an answer from a line."""
    name, values = json.loads(line)
    return _ANSWERS[name](**values)


def path_to_text(path: Path) -> str:
    """Write a path as text for JSON, whatever bytes it has."""
    return os.fsencode(path).decode("latin-1")


def text_to_path(text: str) -> Path:
    """Read what `path_to_text` wrote."""
    return Path(os.fsdecode(text.encode("latin-1")))


def failure_of(error: BaseException) -> Failure:
    """Describe an error; those whose message helps nobody are named by their type."""
    if isinstance(error, DamagedInput):
        place = path_to_text(error.path)
        return Failure(
            "damaged", error.reason, place, error.advice, decodable=error.decodable, announced=error.announced
        )
    if isinstance(error, InputError):
        return Failure("input", error.reason, path_to_text(error.path), error.advice)
    if isinstance(error, RaincleanError):
        return Failure("other", str(error))
    if isinstance(error, MemoryError):
        return Failure("memory")
    if isinstance(error, OSError) and error.strerror:
        return Failure("system", error.strerror)
    return Failure("unexpected", f"{type(error).__name__}: {error}")


def error_of(failure: Failure, path: Path) -> RaincleanError:
    """Return the error to raise for a failure; path: the clip."""
    if failure.kind == "damaged":
        place = text_to_path(failure.path)
        return DamagedInput(
            place, failure.reason, failure.advice, decodable=failure.decodable, announced=failure.announced
        )
    if failure.kind == "input":
        return InputError(text_to_path(failure.path), failure.reason, failure.advice)
    if failure.kind == "other":
        return RaincleanError(failure.reason)
    if failure.kind == "cancelled":
        return RaincleanError(f"{path}: reading was cancelled")
    reason = {
        "stuck": "its decoder does not finish: the file is damaged",
        "gone": "its decoder has crashed: the file is damaged",
        "memory": "its decoder asks for more memory than such a file can need: the file is damaged",
        "system": f"cannot be read: {failure.reason}",
    }.get(failure.kind, f"cannot be read ({failure.reason}): the file is damaged")
    return InputError(path, reason, "copy or download it again")
