"""The flags of a command as a table, and what is meant by a mistyped name."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from tyro.conf import Positional

from rainclean.errors import UsageError

_POSITIONAL = Positional[str].__metadata__[0]  # type: ignore[attr-defined]


class Flag(NamedTuple):
    """A flag of a command.

    Attributes:
        name: such as ``--min-rain``.
        aliases: such as ``-o``.
        is_switch: It takes no value.
        is_list: It takes several values.
        choices: The values that it takes; empty where they cannot be listed.
    """

    name: str
    aliases: tuple[str, ...]
    is_switch: bool
    is_list: bool
    choices: tuple[str, ...]


def flags_of(command: type[Any]) -> list[Flag]:
    """Return the flags of a command, those that several commands share included. command: its dataclass."""
    hints = get_type_hints(command, include_extras=True)
    result = list[Flag]()
    for field in fields(command):
        kind, *more = (
            get_args(hints[field.name]) if get_origin(hints[field.name]) is Annotated else (hints[field.name],)
        )
        if is_dataclass(kind):
            assert isinstance(kind, type)
            result += flags_of(kind)
        elif _POSITIONAL not in more:
            kinds = [each for each in get_args(kind) or (kind,) if each is not NoneType]
            result.append(
                Flag(
                    f"--{field.name.replace('_', '-')}",
                    tuple(alias for each in more for alias in getattr(each, "aliases", None) or ()),
                    is_switch=kind is bool,
                    is_list=get_origin(kind) is tuple,
                    choices=_choices(kind) or _choices(kinds[0]),
                )
            )
    return result


def _choices(kind: Any) -> tuple[str, ...]:
    return tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()


def given_flags(words: Sequence[str]) -> list[str]:
    """Return the long flags among words, without their values, up to ``--``."""
    before = words[: words.index("--")] if "--" in words else words
    return [word.partition("=")[0].replace("_", "-") for word in before if re.match(r"--[A-Za-z]", word)]


def refuse_unknown(words: Sequence[str], command: type[Any], name: str) -> None:
    """Raise UsageError for a long flag that the command does not have, with the one that may be meant.

    The parser reports missing arguments first, and so does not name the mistake.
    """
    known = [flag.name for flag in flags_of(command)] + ["--help"]
    for flag in given_flags(words):
        if flag not in known and not flag.startswith("--tyro-"):
            raise UsageError(f"{name} has no flag {flag}{meant(flag, known, f'{name} --help lists all flags')}")


def meant(typed: str, known: Iterable[str], otherwise: str) -> str:
    """Return the end of a message on a mistyped name: what may be meant, or another advice."""
    close = difflib.get_close_matches(typed, sorted(set(known)), n=1, cutoff=0.6)
    return f": did you mean {close[0]}?" if close else f"; {otherwise}"
