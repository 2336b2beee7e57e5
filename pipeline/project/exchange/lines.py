"""Lines of a file with decisions: what each must hold. Read before anything of the file is taken in."""

import base64
import json
import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.border import border
from pipeline.project.decisions import known_reasons
from pipeline.project.editing import SAID, made_recipes
from pipeline.words import one_line
from rainclean.candidates import OUR_DEFECTS
from rainclean.errors import InputError, RaincleanError

FORMAT = 1
"""Version of the lines; a file of a newer one is refused."""

HEADER = "rainclean_decisions"

LONG, SHORT = 100_000, 1000
"""Characters of a note, and of a name, that are taken."""

LONGEST, DEEPEST = 1 << 26, 30
"""Bytes of a line, and how deeply it may be nested."""

LEVELS = 255.0

_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{16}")
_PICTURE = re.compile(r"[0-9a-f]{64}\.png")
_STEADYING = re.compile(r"[0-9a-f]{64}\.json")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_VERDICTS = {"decision": ("accepted", "rejected", "undone"), "opinion": ("accepted", "rejected", "withdrawn")}

_SCORE = re.compile(r"[a-z][a-z0-9_]{0,99}")

DEFECTS = tuple(defect.name for defect in OUR_DEFECTS)
"""Scores that have a column."""

MOST_SCORES = 100
"""Others of one candidate that are taken."""


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


def read_lines(path: Path, refuse: Callable[[str], object]) -> list[Line]:
    """The lines of a file that mean something; ``refuse`` is told of each other one, with its number.

    Raises InputError for what is no file of an export.
    """
    try:
        raw = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(path, error.strerror or str(error)) from error
    try:
        header = _json(Line(path, 1, "", {}), raw[0])
    except InputError as error:
        if b"\0" in raw[0] or not _is_text(raw[0]):
            raise InputError(path, "is no text") from error
        header = {}
    if HEADER not in header:
        raise InputError(path, "is no file of rainclean decisions export")
    version = header[HEADER]
    if type(version) is not int or version != FORMAT:
        raise InputError(path, f"is of version {version!a}, this rainclean reads {FORMAT}", "update rainclean")
    lines = []
    for number, text in enumerate(raw[1:], 2):
        if text.strip():
            with border(path, refuse):
                line = Line(path, number, "", {})
                lines.append(_checked(Line(path, number, "", _json(line, text))))
    return lines


def _is_text(raw: bytes) -> bool:
    try:
        return bool(raw.decode("utf-8")) or True
    except UnicodeDecodeError:
        return False


def _json(line: Line, raw: bytes) -> dict[str, Any]:
    if len(raw) > LONGEST:
        raise line.error(f"has {len(raw):,} bytes, more than any line of an export")
    try:
        found = json.loads(raw.decode("utf-8"), parse_constant=_no_number)
        _look_into(found)
    except UnicodeDecodeError as error:
        raise line.error(f"is no text in UTF-8, from byte {error.start + 1} on; was the file cut off?") from None
    except RecursionError:
        raise line.error("is nested too deeply") from None
    except (ValueError, _Strange) as error:
        cut = "" if isinstance(error, _Strange) else "is no JSON; was the file cut off? "
        raise line.error(f"{cut}({error})" if cut else str(error)) from None
    if not isinstance(found, dict):
        raise line.error("is no JSON object")
    return found


class _Strange(Exception):
    """JSON that no export writes."""


def _no_number(text: str) -> float:
    raise _Strange(f"{text} is no number")


def _look_into(value: Any, depth: int = 0) -> None:
    """Raise _Strange for what can be written as JSON, but neither stored nor written again."""
    if depth > DEEPEST:
        raise _Strange("is nested too deeply")
    if isinstance(value, str):
        if any("\ud800" <= c <= "\udfff" or c == "\0" for c in value):
            raise _Strange("holds characters that are no text")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _Strange("holds a number that is none")
    elif isinstance(value, int):
        if abs(value) >= 1 << 53:
            raise _Strange("holds a number that is too large")
    elif isinstance(value, dict):
        for key, each in value.items():
            _look_into(key, depth + 1)
            _look_into(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _look_into(each, depth + 1)


def _checked(line: Line) -> Line:
    try:
        kind = _one_of(line.values, "type", ("decision", "opinion", "edit"))
        return Line(line.path, line.number, kind, _values(kind, line.values))
    except (RaincleanError, ValueError, TypeError, KeyError, OverflowError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise line.error(reason if len(reason) < 300 else f"{reason[:300]}…") from None


def _values(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    sequence = found["sequence"]
    values: dict[str, Any] = {
        "uuid": str(uuid.UUID(_text(found, "uuid"))),
        "undoes": None if found["undoes"] is None else str(uuid.UUID(_text(found, "undoes"))),
        "who": _said(found, "who", SHORT),
        "at": _at(_text(found, "at")),
        "sequence": (_text(sequence, "clip"), _whole(sequence, "first"), _whole(sequence, "last")),
        "name": _said(sequence, "name", SHORT),
    }
    if kind == "edit":
        return values | _edit(found, values)
    verdict = _one_of(found, "verdict", _VERDICTS[kind])
    values |= {
        "verdict": verdict,
        "note": _said(found, "note"),
        "reasons": _reasons(found["reasons"]),
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
        value = {"text": _said(value, "text")}
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
    _need(bool(_HASH.fullmatch(values["recipe_hash"])), "a recipe's hash is none")
    made = found.get("made")
    values["made"] = None if made is None else _made(made, values["name"], values["recipe_hash"])
    return values


def _made(found: Any, name: str, recipe_hash: str) -> dict[str, Any]:
    """What a candidate that a person made needs to be stored; recipe and settings as this rainclean writes them."""
    _need(isinstance(found, dict), "made is no object")
    origin = _one_of(found, "origin", ("composite", "kept"))
    recipe, settings = (made_recipes.composite if origin == "composite" else made_recipes.kept)(found["recipe"])
    _need((recipe["name"], recipe["hash"]) == (name, recipe_hash), "its recipe is another one than its name or hash")
    told = found["settings"]
    _need(isinstance(told, dict) and told.get("recipe") == name, "settings are not as rainclean has them")
    region, rain = found["region"], found["rain"]
    _need(isinstance(region, list) and len(region) == 4, "a region has four whole numbers")
    _need(all(type(v) in (int, float) and v == int(v) and 0 <= v < 1 << 20 for v in region), "a region lies nowhere")
    _need(min(region[2:]) > 0, "a region is empty")
    _need(isinstance(rain, list), "rain is no list")
    return {
        "origin": origin,
        "settings": settings,
        "recipe": recipe,
        "reference_frame": _whole(found, "reference_frame"),
        "region": [int(value) for value in region],
        "rain": [None if value is None else _number(value, -LEVELS, LEVELS, "rain") for value in rain],
        "steadying": _stabilization(found.get("steadying", "")),
        "eta": int(_number(_whole(found, "eta"), 0, 100, "eta")),
        "percentile": _number(found["percentile"], 0, 100, "percentile"),
        "silent_share": _number(found["silent_share"], 0, 1, "silent_share"),
        **{name: _number(found[name], 0, 1000, name) for name in DEFECTS},
        "more_scores": _more_scores(found.get("more_scores", {})),
    }


def _more_scores(found: Any) -> dict[str, float]:
    """Scores that have no column, by name."""
    _need(isinstance(found, dict) and len(found) <= MOST_SCORES, "more_scores is no object, or a long one")
    _need(all(_SCORE.fullmatch(name) is not None for name in found), "more_scores has a strange name")
    return {name: _number(value, 0, 1000, name) for name, value in found.items()}


def _reasons(found: Any) -> list[str]:
    _need(isinstance(found, list) and all(isinstance(one, str) for one in found), "reasons are a list of words")
    return list(known_reasons(found))


def _said(found: Any, name: str, longest: int = LONG) -> str:
    text = one_line(_text(found, name), name)
    _need(len(text) <= longest, f"{name} has {len(text):,} characters, at most {longest:,} are taken")
    return text


def _stabilization(name: Any) -> str:
    known = isinstance(name, str) and (not name or _STEADYING.fullmatch(name) is not None)
    _need(known, "a stabilization is named otherwise than by its SHA-256")
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


def _number(value: Any, low: float, high: float, name: str) -> float:
    _need(type(value) in (int, float) and math.isfinite(value), f"{name}: a number is missing")
    _need(low <= value <= high, f"{name} {value:g}: lies outside {low:g} to {high:g}")
    return float(value)


def _one_of(found: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = _text(found, name)
    _need(value in allowed, f"{name} {value!a}: one of {', '.join(allowed)} is needed")
    return value


def _need(holds: bool, reason: str) -> None:
    if not holds:
        raise ValueError(reason)
