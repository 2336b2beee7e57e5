"""Lines of a file with decisions: what each must hold. Read before anything of the file is taken in."""

import base64
import json
import math
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.project.decisions import known_reasons
from pipeline.project.edits import SAID
from pipeline.words import one_line
from rainclean.errors import InputError, RaincleanError

FORMAT = 1
"""Version of the lines; a file of a newer one is refused."""

HEADER = "rainclean_decisions"

_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
_PICTURE = re.compile(r"[0-9a-f]{64}\.png")
_STEADYING = re.compile(r"[0-9a-f]{64}\.json")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_VERDICTS = {"decision": ("accepted", "rejected", "undone"), "opinion": ("accepted", "rejected", "withdrawn")}

DEFECTS = ("streaks", "detail", "darkening", "disagreement")


@dataclass(frozen=True)
class Line:
    """One line: its file and number, what it is (decision, opinion, edit), and what it says, checked."""

    path: Path
    number: int
    type: str
    values: dict[str, Any]

    def error(self, reason: str) -> InputError:
        """What is wrong with it."""
        return InputError(self.path, f"line {self.number}: {reason}")


def read_lines(path: Path) -> list[Line]:
    """All lines of a file. Raises InputError, with the number of the line, for what no export wrote."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no text"
        raise InputError(path, str(reason)) from error
    lines = [Line(path, number, "", _json(path, number, raw)) for number, raw in enumerate(text.split("\n"), 1) if raw]
    if not lines or HEADER not in lines[0].values:
        raise InputError(path, "is no file of rainclean decisions export")
    version = lines[0].values[HEADER]
    if version != FORMAT:
        raise InputError(path, f"is of version {version}, this rainclean reads {FORMAT}", "update rainclean")
    return [_checked(line) for line in lines[1:]]


def _json(path: Path, number: int, raw: str) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError(path, f"line {number}: is no JSON ({error}); was the file cut off?") from None
    if not isinstance(found, dict):
        raise InputError(path, f"line {number}: is no JSON object")
    return found


def _checked(line: Line) -> Line:
    try:
        kind = _one_of(line.values, "type", ("decision", "opinion", "edit"))
        return Line(line.path, line.number, kind, _values(kind, line.values))
    except (RaincleanError, ValueError, TypeError, KeyError, OverflowError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise line.error(reason) from None


def _values(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    sequence = found["sequence"]
    values: dict[str, Any] = {
        "uuid": str(uuid.UUID(_text(found, "uuid"))),
        "undoes": None if found["undoes"] is None else str(uuid.UUID(_text(found, "undoes"))),
        "who": one_line(_text(found, "who"), "who"),
        "at": _at(_text(found, "at")),
        "sequence": (_text(sequence, "clip"), _whole(sequence, "first"), _whole(sequence, "last")),
        "name": one_line(_text(sequence, "name"), "name"),
    }
    if kind == "edit":
        return values | _edit(found, values)
    verdict = _one_of(found, "verdict", _VERDICTS[kind])
    values |= {
        "verdict": verdict,
        "note": one_line(_text(found, "note"), "note"),
        "reasons": list(known_reasons(found["reasons"])),
        "candidate": None if found["candidate"] is None else _candidate(found["candidate"]),
    }
    _need((verdict == "accepted") == (values["candidate"] is not None), "a candidate goes with accepted, and only then")
    taking_back = verdict == _VERDICTS[kind][2]
    _need(taking_back == (values["undoes"] is not None), "what it takes back goes with taking back, and only then")
    if kind == "decision":
        values["kind"] = _one_of(found, "kind", ("person", "automatic"))
        values["exclude"] = base64.b64decode(_text(found, "exclude"), validate=True)
        _need(not values["exclude"] or verdict == "accepted", "an exclusion mask goes with accepted")
    return values


def _edit(found: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    kind, value = _one_of(found, "kind", (*SAID, "undo", "redo")), found["value"]
    _need(isinstance(value, dict), "value is no object")
    _need((kind in ("undo", "redo")) == (common["undoes"] is not None), "what it takes back goes with undo and redo")
    if kind == "star":
        _need(isinstance(value["on"], bool), "a star is true or false")
        value = {"on": value["on"]}
    elif kind == "note":
        value = {"text": one_line(_text(value, "text"), "note")}
    elif kind == "frames":
        first, last = common["sequence"][1:]
        frames = value["frames"]
        if frames is not None:
            _need(isinstance(frames, list) and bool(frames), "frames are a list")
            _need(all(type(f) is int and first <= f < last for f in frames), "frames lie outside of the sequence")
            frames = sorted(set(frames))
        value = {"frames": frames}
    else:
        value = {}
    batch = _text(found, "batch")
    _need(bool(re.fullmatch("[0-9a-f]{32}", batch)), "batch is no name of one")
    return {"kind": kind, "value": value, "batch": batch}


def _candidate(found: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"recipe_hash": _text(found, "recipe_hash"), "picture": _text(found, "picture")}
    values["name"] = _text(found, "name")
    _need(bool(_NAME.fullmatch(values["name"])), "a candidate's name has other characters than one")
    _need(bool(_PICTURE.fullmatch(values["picture"])), "a picture is named otherwise than by its SHA-256")
    made = found.get("made")
    values["made"] = None if made is None else _made(made)
    return values


def _made(found: dict[str, Any]) -> dict[str, Any]:
    """What a candidate that a person made needs to be stored."""
    settings, recipe = found["settings"], found["recipe"]
    _need(
        isinstance(settings, dict) and isinstance(settings.get("recipe"), str), "settings are not as rainclean has them"
    )
    _need(isinstance(recipe, dict), "recipe is no object")
    region = [_number(value) for value in found["region"]]
    _need(len(region) == 4 and all(value == int(value) for value in region), "a region has four whole numbers")
    return {
        "origin": _one_of(found, "origin", ("composite", "kept")),
        "settings": settings,
        "recipe": recipe,
        "reference_frame": _whole(found, "reference_frame"),
        "region": [int(value) for value in region],
        "rain": [None if value is None else _number(value) for value in found["rain"]],
        "steadying": _steadying(found.get("steadying", "")),
        "eta": _whole(found, "eta"),
        **{name: _number(found[name]) for name in ("percentile", "silent_share", *DEFECTS)},
    }


def _steadying(name: Any) -> str:
    known = isinstance(name, str) and (not name or _STEADYING.fullmatch(name) is not None)
    _need(known, "a steadying is named otherwise than by its SHA-256")
    return str(name)


def _at(text: str) -> str:
    _need(bool(_AT.fullmatch(text)), f"{text!a} is no time")
    _need(datetime.fromisoformat(text) < datetime.now(UTC) + timedelta(days=1), f"{text} lies in the future")
    return text


def _text(found: Any, name: str) -> str:
    _need(isinstance(found, dict), "holds no object where one is needed")
    value = found[name]
    _need(isinstance(value, str), f"{name} is no text")
    return str(value)


def _whole(found: Any, name: str) -> int:
    _need(
        isinstance(found, dict) and type(found[name]) is int and abs(found[name]) < 1 << 53,
        f"{name} is no whole number",
    )
    return int(found[name])


def _number(value: Any) -> float:
    _need(type(value) in (int, float) and math.isfinite(value), "a number is missing")
    return float(value)


def _one_of(found: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = _text(found, name)
    _need(value in allowed, f"{name} {value!a}: one of {', '.join(allowed)} is needed")
    return value


def _need(holds: bool, reason: str) -> None:
    if not holds:
        raise ValueError(reason)
