"""Lines of decisions that no rainclean writes, from lines that one wrote: by hand, and by the thousand."""

import base64
import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from rainclean.png import encode_png

Line = dict[str, Any]

VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 1 << 40, 1 << 70, -(1 << 70), 0.5, -0.0, 1e308, float("nan"), float("inf"),
    float("-inf"), "", "a", "../../etc/passwd", "\ud800", "a\x1b[31mb", "a\nb", "a\x00b", "\u202eevil", "٢٠٢٤",
    "x" * 200_000, [], [1], [[[[]]]], {}, {"a": 1}, {"composite": {}}, [None] * 24, "2024-02-30T00:00:00Z",
    "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z", "0" * 64 + ".png", "0" * 16, "00000000-0000-0000-0000-000000000000",
]  # fmt: skip
"""What stands in place of one value."""


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def png(picture: Any) -> str:
    return base64.b64encode(encode_png(picture)).decode()


def masks() -> Iterator[str]:
    yield png(np.zeros((10, 10), np.uint8))
    yield png(np.zeros((56, 72, 3), np.uint8))
    yield png(np.full((56, 72), 7, np.uint8))
    yield png(np.zeros((56, 72), np.uint16))
    yield png(np.zeros((6000, 6000), np.uint8))
    yield base64.b64encode(encode_png(np.zeros((56, 72), np.uint8))[:-20]).decode()
    yield base64.b64encode(cv2.imencode(".jpg", np.zeros((56, 72), np.uint8))[1].tobytes()).decode()


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Places of all values in a document, but the whole."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if len(at) > 9:
        return
    for key, each in list(entries):
        yield (*at, key)
        yield from paths(each, (*at, key))


def put(line: Line, at: tuple[Any, ...], value: Any) -> Line:
    changed = copy.deepcopy(line)
    place: Any = changed
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = value
    return changed


def gone(line: Line, at: tuple[Any, ...]) -> Line:
    changed = copy.deepcopy(line)
    place: Any = changed
    for key in at[:-1]:
        place = place[key]
    del place[at[-1]]
    return changed


def fresh(line: Line, number: int) -> Line:
    """With a UUID of its own, so that it is not passed over as known."""
    return {**line, "uuid": f"{number:08x}-1111-4111-8111-111111111111"} if "uuid" in line else line


WRONG: tuple[Any, ...] = (None, -1, 1e308, float("nan"), "\ud800", [], {"a": 1}, deep(50), 1 << 70, "a\x1b[31mb")


def by_hand(lines: list[Line]) -> Iterator[Line]:
    """Each field of each kind of line in each wrong way that somebody thought of."""
    number = 0
    kinds: dict[Any, Line] = {}
    for line in lines:
        made = (line.get("candidate") or {}).get("made")
        kinds.setdefault((line["type"], line.get("kind"), line.get("verdict"), made and made["origin"]), line)
    for line in kinds.values():
        for at in paths(line):
            if len(at) > 6:
                continue
            for value in WRONG:
                number += 1
                yield fresh(put(line, at, value), number) if at != ("uuid",) else put(line, at, value)
            number += 1
            yield fresh(gone(line, at), number) if at != ("uuid",) else gone(line, at)
    for line in lines:
        if line["type"] == "decision" and line["verdict"] == "accepted":
            for mask in masks():
                number += 1
                yield fresh({**line, "exclude": mask}, number)
    for line in lines:
        if made := (line.get("candidate") or {}).get("made"):
            for region in (
                [0, 0, 72, 57],
                [-1, 0, 72, 56],
                [1, 0, 72, 56],
                [0, 0, 0, 0],
                [0, 0, 1 << 40, 1],
                [0.5] * 4,
            ):
                number += 1
                yield fresh(put(line, ("candidate", "made", "region"), region), number)
            for name, value in (("eta", 101), ("percentile", 100.5), ("silent_share", -0.1), ("streaks", -1e6)):
                number += 1
                yield fresh(put(line, ("candidate", "made", name), value), number)
            for recipe in ({"version": 99}, {**made["recipe"], "rule": "oracle"}, {**made["recipe"], "frames": True}):
                number += 1
                yield fresh(put(line, ("candidate", "made", "recipe"), recipe), number)
    a, b = "aaaaaaaa-1111-4111-8111-111111111111", "bbbbbbbb-1111-4111-8111-111111111111"
    taken = next(line for line in lines if line["type"] == "decision")
    undone = {**taken, "verdict": "undone", "candidate": None, "exclude": "", "reasons": []}
    yield {**undone, "uuid": a, "undoes": b}
    yield {**undone, "uuid": b, "undoes": a}
    yield {**undone, "uuid": "cccccccc-1111-4111-8111-111111111111", "undoes": "cccccccc-1111-4111-8111-111111111111"}
    for other in lines:
        number += 1
        yield fresh({**undone, "undoes": other["uuid"]}, number)
        if other.get("candidate"):
            for line in lines:
                if line["sequence"] != other["sequence"]:
                    yield fresh({**other, "sequence": line["sequence"]}, number := number + 1)


def mutated(lines: list[Line], seed: int, count: int) -> Iterator[bytes]:
    """Lines with one to three values changed, or a few bytes."""
    draw = random.Random(seed)
    for number in range(count):
        line = fresh(copy.deepcopy(draw.choice(lines)), number + (seed << 20))
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            at = draw.choice(list(paths(line)))
            kind = draw.random()
            if kind < 0.1:
                line = put(line, at, deep(draw.randrange(3, 60)))
            else:
                line = gone(line, at) if kind < 0.4 else put(line, at, copy.deepcopy(draw.choice(VALUES)))
        raw = bytearray(json.dumps(line).encode())
        if draw.random() < 0.2:
            for _ in range(draw.randrange(1, 4)):
                raw[draw.randrange(len(raw))] = draw.randrange(256)
        yield bytes(raw).replace(b"\n", b" ")
