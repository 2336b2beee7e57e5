"""Lines of a file with decisions, read and checked before anything of the file is imported."""

import base64
import json
import math
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from pipeline.border import border
from pipeline.project.analysis import CandidateRow, WindowVotes
from pipeline.project.decisions import known_reasons
from pipeline.project.editing import REMARKS, EditKind, EditValue, FrameUse, MadeCandidate, read_composite, read_kept
from pipeline.project.exchange.line_records import (
    LINE_TYPES,
    CandidateKey,
    EditLine,
    JudgementLine,
    Line,
    LinePlace,
    LineType,
    MadeContent,
    SequenceKey,
)
from pipeline.project.model import SCORE_COLUMNS, Kind, Origin
from pipeline.text_format import one_line
from rainclean.errors import InputError, RaincleanError
from rainclean.video import Region

FORMAT = 1
"""Version of the lines; a file of a newer one is refused."""

HEADER = "rainclean_decisions"

MAX_NOTE_CHARACTERS, MAX_NAME_CHARACTERS = 100_000, 1000

MAX_LINE_BYTES, MAX_DEPTH = 1 << 26, 30
"""Of a line, and of the objects and lists in it."""

MAX_LEVEL = 255.0
"""Rain amounts lie between its negative and itself, grey levels."""

_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{16}")
_PICTURE = re.compile(r"[0-9a-f]{64}\.png")
_STEADYING = re.compile(r"[0-9a-f]{64}\.json")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_VERDICTS: dict[str, tuple[str, str, str]] = {
    "decision": ("accepted", "rejected", "undone"),
    "opinion": ("accepted", "rejected", "withdrawn"),
}

_SCORE = re.compile(r"[a-z][a-z0-9_]{0,99}")

MAX_SCORES = 100
"""Others of one candidate that are taken."""


def pictures_folder(path: Path) -> Path:
    """Return the folder with the pictures of a file with decisions."""
    return path.with_name(path.name + ".pictures")


def read_lines(path: Path, refuse: Callable[[str], object]) -> list[Line]:
    """Read the lines of a file that mean something.

    Args:
        path: The file.
        refuse: Takes a text for each other line, with its number and the reason.

    Raises:
        InputError: The file is no export.
    """
    try:
        raw = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(path, error.strerror or str(error)) from error
    try:
        header = _json(LinePlace(path, 1), raw[0])
    except InputError as error:
        if b"\0" in raw[0] or not _is_text(raw[0]):
            raise InputError(path, "is not a text file") from error
        header = {}
    if HEADER not in header:
        raise InputError(path, "was not written by rainclean decisions export")
    version = header[HEADER]
    if type(version) is not int or version != FORMAT:
        raise InputError(path, f"has version {version!a}, this rainclean reads {FORMAT}", "update rainclean")
    lines = []
    for number, text in enumerate(raw[1:], 2):
        if text.strip():
            with border(path, refuse):
                place = LinePlace(path, number)
                lines.append(_checked(place, _json(place, text)))
    return lines


def _is_text(raw: bytes) -> bool:
    try:
        return bool(raw.decode("utf-8")) or True
    except UnicodeDecodeError:
        return False


def _json(place: LinePlace, raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_LINE_BYTES:
        raise place.error(f"has {len(raw):,} bytes, more than any line of an export")
    try:
        document = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
        _check_values(document)
    except UnicodeDecodeError as error:
        raise place.error(f"is not UTF-8 from byte {error.start + 1} on; was the file cut off?") from None
    except RecursionError:
        raise place.error("is nested too deeply") from None
    except _ForeignJsonError as error:
        raise place.error(str(error)) from None
    except ValueError as error:
        raise place.error(f"is not JSON; was the file cut off? ({error})") from None
    if not isinstance(document, dict):
        raise place.error("is not a JSON object")
    return document


class _ForeignJsonError(Exception):
    """JSON that no export writes."""


def _refuse_constant(text: str) -> float:
    raise _ForeignJsonError(f"{text} is not a number")


def _check_values(value: Any, depth: int = 0) -> None:
    """Raise _ForeignJsonError for values that JSON can hold, but that cannot be stored or written again."""
    if depth > MAX_DEPTH:
        raise _ForeignJsonError("is nested too deeply")
    if isinstance(value, str):
        if any("\ud800" <= c <= "\udfff" or c == "\0" for c in value):
            raise _ForeignJsonError("holds characters that are not text")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _ForeignJsonError("holds a number that is not finite")
    elif isinstance(value, int):
        if abs(value) >= 1 << 53:
            raise _ForeignJsonError("holds a number that is too large")
    elif isinstance(value, dict):
        for key, each in value.items():
            _check_values(key, depth + 1)
            _check_values(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _check_values(each, depth + 1)


def _checked(place: LinePlace, document: dict[str, Any]) -> Line:
    try:
        return _line(place, document)
    except (RaincleanError, ValueError, TypeError, KeyError, OverflowError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise place.error(reason if len(reason) < 300 else f"{reason[:300]}…") from None


def _line(place: LinePlace, document: dict[str, Any]) -> Line:
    line_type = cast(LineType, _one_of(document, "type", LINE_TYPES))
    sequence = document["sequence"]
    line = Line(
        place=place,
        type=line_type,
        uuid=str(uuid.UUID(_text(document, "uuid"))),
        undoes=None if document["undoes"] is None else str(uuid.UUID(_text(document, "undoes"))),
        who=_one_line(document, "who", MAX_NAME_CHARACTERS),
        at=_time(_text(document, "at")),
        sequence=SequenceKey(_text(sequence, "clip"), _whole(sequence, "first"), _whole(sequence, "last")),
        name=_one_line(sequence, "name", MAX_NAME_CHARACTERS),
    )
    return _edit(line, document) if line_type == "edit" else _judgement(line, document)


def _judgement(line: Line, document: dict[str, Any]) -> JudgementLine:
    verdict = _one_of(document, "verdict", _VERDICTS[line.type])
    note, reasons = _one_line(document, "note"), _reasons(document["reasons"])
    candidate = None if document["candidate"] is None else _candidate(document["candidate"])
    _check((verdict == "accepted") == (candidate is not None), 'only "accepted" has a candidate, and it needs one')
    takes_back = verdict == _VERDICTS[line.type][2]
    _check(takes_back == (line.undoes is not None), f'only "{_VERDICTS[line.type][2]}" withdraws a row, and it must')
    kind, exclude = None, b""
    if line.type == "decision":
        kind = cast(Kind, _one_of(document, "kind", ("person", "automatic")))
        exclude = base64.b64decode(_text(document, "exclude"), validate=True)
        _check(not exclude or verdict == "accepted", 'only "accepted" has an exclusion mask')
    return JudgementLine(
        **vars(line), verdict=verdict, note=note, reasons=reasons, candidate=candidate, kind=kind, exclude=exclude
    )


def _edit(line: Line, document: dict[str, Any]) -> EditLine:
    kind, value = cast(EditKind, _one_of(document, "kind", (*REMARKS, "undo", "redo"))), document["value"]
    _check(isinstance(value, dict), "value is not an object")
    _check((kind in ("undo", "redo")) == (line.undoes is not None), "only undo and redo withdraw a row, and they must")
    batch = _text(document, "batch")
    content = EditValue()
    if kind == "star":
        _check(isinstance(value["on"], bool), "a star is neither true nor false")
        content = EditValue(starred=value["on"])
    elif kind == "note":
        content = EditValue(text=_one_line(value, "text"))
    elif kind == "frames" and value["frames"] is not None:
        frames, span = value["frames"], range(line.sequence.first, line.sequence.stop)
        _check(isinstance(frames, list) and bool(frames), "frames are not a list, or empty")
        _check(all(type(frame) is int and frame in span for frame in frames), "frames lie outside the sequence")
        content = EditValue(frames=tuple(sorted(set(frames))))
    _check(bool(re.fullmatch("[0-9a-f]{32}", batch)), "batch is not 32 hexadecimal digits")
    return EditLine(**vars(line), kind=kind, value=content, batch=batch)


def _candidate(document: Any) -> CandidateKey:
    recipe_hash, picture, name = (_text(document, key) for key in ("recipe_hash", "picture", "name"))
    _check(bool(_NAME.fullmatch(name)), "a candidate's name has other characters than a recipe's")
    _check(bool(_PICTURE.fullmatch(picture)), "an image is not named by its SHA-256")
    _check(bool(_HASH.fullmatch(recipe_hash)), "a recipe's hash is not 16 hexadecimal digits")
    made = document.get("made")
    key = CandidateKey(name, recipe_hash, picture)
    return key if made is None else replace(key, made=_made(made, key))


def _made(document: Any, key: CandidateKey) -> MadeContent:
    """Return what is needed to store a candidate that a person made, as this rainclean writes it."""
    from rainclean.candidates import Scores

    _check(isinstance(document, dict), "made is not an object")
    origin = cast(Origin, _one_of(document, "origin", ("composite", "kept")))
    made = (read_composite if origin == "composite" else read_kept)(document["recipe"])
    _check((made.name, made.hash) == (key.name, key.recipe_hash), "its recipe has another name or hash")
    settings = document["settings"]
    known = isinstance(settings, dict) and settings.get("recipe") == key.name
    _check(known, "its settings do not name its recipe")
    region, rain = document["region"], document["rain"]
    _check(isinstance(region, list) and len(region) == 4, "a region is not four whole numbers")
    inside = all(type(v) in (int, float) and v == int(v) and 0 <= v < 1 << 20 for v in region)
    _check(inside, "a region lies outside of any image")
    _check(min(region[2:]) > 0, "a region is empty")
    _check(isinstance(rain, list), "rain is not a list")
    use = FrameUse(
        reference_frame=_whole(document, "reference_frame"),
        region=Region(*(int(value) for value in region)),
        rain=tuple(None if value is None else _number(value, -MAX_LEVEL, MAX_LEVEL, "rain") for value in rain),
        stabilization=_stabilization(document.get("steadying", "")),
    )
    votes = WindowVotes(
        percentile=_number(document["percentile"], 0, 100, "percentile"),
        eta=int(_number(_whole(document, "eta"), 0, 100, "eta")),
        silent_share=_number(document["silent_share"], 0, 1, "silent_share"),
    )
    scores = Scores(
        **{name: _number(document[name], 0, 1000, name) for name in SCORE_COLUMNS},
        more=_more_scores(document.get("more_scores", {})),
    )
    row = CandidateRow.of_stored(made.recipe, votes, scores, key.picture)
    return MadeContent(MadeCandidate(made.settings, row, origin), use)


def _more_scores(document: Any) -> dict[str, float]:
    """Return the scores that have no column, by name."""
    _check(isinstance(document, dict) and len(document) <= MAX_SCORES, "more_scores is not an object, or a long one")
    _check(all(_SCORE.fullmatch(name) is not None for name in document), "more_scores has a strange name")
    return {name: _number(value, 0, 1000, name) for name, value in document.items()}


def _reasons(value: Any) -> tuple[str, ...]:
    _check(isinstance(value, list) and all(isinstance(one, str) for one in value), "reasons are not a list of words")
    return known_reasons(value)


def _one_line(document: Any, name: str, max_characters: int = MAX_NOTE_CHARACTERS) -> str:
    text = one_line(_text(document, name), name)
    _check(len(text) <= max_characters, f"{name} has {len(text):,} characters, more than {max_characters:,}")
    return text


def _stabilization(name: Any) -> str:
    known = isinstance(name, str) and (not name or _STEADYING.fullmatch(name) is not None)
    _check(known, "a stabilization is not named by its SHA-256")
    return str(name)


def _time(text: str) -> str:
    _check(bool(_AT.fullmatch(text)), f"{text!a} is not a time")
    _check(datetime.fromisoformat(text) < datetime.now(UTC) + timedelta(days=1), f"{text} lies in the future")
    return text


def _text(document: Any, name: str) -> str:
    _check(isinstance(document, dict), "has no object where one is needed")
    value = document[name]
    _check(isinstance(value, str), f"{name} is not text")
    return str(value)


def _whole(document: Any, name: str) -> int:
    _check(
        isinstance(document, dict) and type(document[name]) is int and abs(document[name]) < 1 << 53,
        f"{name} is not a whole number",
    )
    return int(document[name])


def _number(value: Any, low: float, high: float, name: str) -> float:
    _check(type(value) in (int, float) and math.isfinite(value), f"{name} is not a number")
    _check(low <= value <= high, f"{name} {value:g} lies outside of {low:g} to {high:g}")
    return float(value)


def _one_of(document: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = _text(document, name)
    _check(value in allowed, f"{name} {value!a} is none of {', '.join(allowed)}")
    return value


def _check(holds: bool, reason: str) -> None:
    if not holds:
        raise ValueError(reason)
