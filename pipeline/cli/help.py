"""Text of ``--help`` for flags and commands."""

import dataclasses
import textwrap
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from tyro.conf import arg

T = TypeVar("T")

_NAMES: dict[Any, str] = {int: "N", float: "NUMBER", str: "TEXT", Path: "PATH"}
_WIDTH, _NAME = 100, 20


def with_plain_defaults(command: type[T]) -> type[T]:
    """Leave out of the help of a command what tells a person nothing: "(default: None)", "(default: )", "{None}".

    Args:
        command: a dataclass whose fields are flags.

    Returns:
        The same class; its annotations say what tyro is to print.
    """
    hints = get_type_hints(command, include_extras=True)
    for field in dataclasses.fields(command):  # type: ignore[arg-type]
        if dataclasses.is_dataclass(field.default):  # flags that several commands share
            with_plain_defaults(type(field.default))
        says_nothing = field.default is None or field.default is False or field.default in ("", ())
        if says_nothing or _is_required_list(field, hints[field.name]):
            command.__annotations__[field.name] = _plain(hints[field.name])
    return command


def _is_required_list(field: "dataclasses.Field[Any]", hint: Any) -> bool:
    """Return whether a field is a list without a default, for which tyro prints an empty one."""
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return field.default is dataclasses.MISSING and get_origin(kind) is tuple


def _plain(hint: Any) -> Any:
    kind, *more = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    name = None if any(getattr(each, "metavar", None) for each in more) else _value_name(kind)
    return Annotated[kind, *more, arg(metavar=name, help_behavior_hint="")]


def _value_name(kind: Any) -> str | None:
    """Return the placeholder of an optional value or a text; None where tyro's own is right."""
    if kind is str:
        return _NAMES[str]
    kinds = [each for each in get_args(kind) if each is not NoneType]
    if NoneType not in get_args(kind) or len(kinds) != 1:
        return None
    if get_origin(kinds[0]) is Literal:
        return "{" + ",".join(map(str, get_args(kinds[0]))) + "}"
    return _NAMES.get(kinds[0])


def summary(command: type[object]) -> str:
    """Return the first paragraph of a command's docstring, in one line."""
    return " ".join((command.__doc__ or "").strip().partition("\n\n")[0].split())


def listed(name: str, text: str) -> list[str]:
    """Return the lines of the overview for one command."""
    wrapped = textwrap.wrap(text, _WIDTH - _NAME) or [""]
    return [f"  {name:<{_NAME - 2}}{wrapped[0]}", *(" " * _NAME + line for line in wrapped[1:])]
