"""Values of rows, checked when they are read: a damaged file may hold anything."""

import json
import math
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from pipeline.text_format import plain

T = TypeVar("T")

Fits = Callable[[Any], bool]


def checked(record: T) -> T:
    """Return a dataclass unchanged.

    Raises:
        ValueError: A field holds something else than its annotation says.
    """
    kind: Any = type(record)
    values = vars(record)
    for name, fits in _fields(kind):
        if not fits(values[name]):
            raise ValueError(f"{kind.__name__}.{name} is {str(values[name])[:40]!r}")
    return record


def listed(text: str) -> tuple[Any, ...]:
    """Return a list from its JSON. Raises ValueError for anything else."""
    value = json.loads(text)
    if not isinstance(value, list):
        raise ValueError(f"{text[:40]!r} is not a list")
    return tuple(value)


def mapped(text: str) -> dict[str, Any]:
    """Return an object from its JSON. Raises ValueError for anything else."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{text[:40]!r} is not an object")
    return value


def short_line(text: str) -> str:
    """Return a message on a damaged file as one short line: parts of the file may be in it."""
    return " ".join(plain(text).split())[:200]


@cache
def _fields(kind: Any) -> list[tuple[str, Fits]]:
    hints = get_type_hints(kind)
    return [(field.name, _fits(hints[field.name])) for field in fields(kind)]


def _fits(hint: Any) -> Fits:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return lambda value: value in inner
    if origin is UnionType:
        if len(inner) == 2 and inner[1] is NoneType:
            one_of = _fits(inner[0])
            return lambda value: value is None or one_of(value)
        several = [_fits(one) for one in inner]
        return lambda value: any(fits(value) for fits in several)
    if origin is tuple and inner[-1] is Ellipsis:
        one = _fits(inner[0])
        return lambda value: isinstance(value, tuple) and all(map(one, value))
    if hint is float:
        return lambda value: type(value) in (int, float) and math.isfinite(value)
    if hint is int:
        return lambda value: type(value) is int
    return lambda value: isinstance(value, origin or hint)
