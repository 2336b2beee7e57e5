"""The command line of a command: what is typed to run it again from any folder."""

from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from tyro.conf import Positional

from pipeline.cli.console import Command

_POSITIONAL = Positional[str].__metadata__[0]  # type: ignore[attr-defined]


def command_line(name: str, command: Command, *, without: tuple[str, ...] = ("json",)) -> list[str]:
    """Return the arguments of a command without "rainclean"; paths are absolute.

    Args:
        name: Name of the command.
        command: The command.
        without: Flags that are left out.
    """
    positional, flags = _words(command, without)
    return [name, *positional, *flags]


class _Words(NamedTuple):
    positional: list[str]
    flags: list[str]


def _words(command: Any, without: tuple[str, ...]) -> _Words:
    kind: Any = type(command)
    hints = get_type_hints(kind, include_extras=True)
    positional, flags = list[str](), list[str]()
    for field in fields(kind):
        value = getattr(command, field.name)
        if field.name in without or value is None or value == _default(field):
            continue
        if is_dataclass(value):  # flags that several commands share
            flags += _words(value, without).flags
            continue
        words = [_word(one) for one in (value if isinstance(value, tuple) else (value,))]
        if _POSITIONAL in getattr(hints[field.name], "__metadata__", ()):
            positional += words
        elif value is True:
            flags.append(f"--{field.name.replace('_', '-')}")
        else:
            flags += [f"--{field.name.replace('_', '-')}", *words]
    return _Words(positional, flags)


def _default(field: "Field[Any]") -> Any:
    return None if field.default is MISSING else field.default


def _word(value: object) -> str:
    return str(value.absolute()) if isinstance(value, Path) else str(value)
