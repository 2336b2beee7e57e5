"""``rainclean.toml``: flags of export and train that are kept in a file."""

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.cli.flags import Flag, flags_of, given_flags, meant
from rainclean.environment import CONFIG
from rainclean.errors import InputError, UsageError

NAME = "rainclean.toml"
"""Looked for in the current folder."""

COMMANDS = ("export", "train")
"""Commands with a table in the file."""

_FLAG = "--config"
HELP_OF_SETTINGS = """\
Settings can be kept in a file:
  --config FILE    Read flags from this file. Default: rainclean.toml in the current folder, if there is one.

"""
_NOT_SETTINGS = ("--json", "--estimate", "--output", "--resume", "--snapshot")
"""Flags that ask for one run, and so are not kept in a file."""

_OF_MACHINE = ("--workers", "--accelerator", "--devices", "--nodes", "--threads", "--skip-broken")
"""Settings that a resumed run takes; the others are those that it began with."""


def with_settings(command: str, kind: type[Any], words: Sequence[str]) -> list[str]:
    """Add the settings of the file to the words of a command; flags that are given there win.

    Args:
        command: Name of the command; a table of the file.
        kind: Its dataclass.
        words: What was typed after the name; ``--config FILE`` is taken out.

    Returns:
        The words for the parser.

    Raises:
        InputError: The file cannot be read, or holds something unknown.
        UsageError: No file is named after ``--config``.
    """
    words = list(words)
    file = _take_file(words)
    if file is None or {"-h", "--help"} & set(words):
        return words
    settings = _table(file, command)
    given = {name for flag in flags_of(kind) for name in _given(flag, words)}
    flags = {flag.name: flag for flag in flags_of(kind) if flag.name not in _NOT_SETTINGS}
    added = list[str]()
    for key, value in settings.items():
        name = f"--{key.replace('_', '-')}"
        if name not in flags:
            close = meant(key, [flag.removeprefix("--") for flag in flags], "settings are named like the flags")
            raise InputError(file, f"[{command}] has no setting {key}{close}")
        if name in given or ("--resume" in given and name not in _OF_MACHINE):
            continue
        added += _words(flags[name], value, file, f"[{command}] {key}")
    if added:
        from pipeline.cli.console import print_note

        print_note(f"note: settings from {file}: {' '.join(added)}")
    stop = words.index("--") if "--" in words else len(words)
    return [*words[:stop], *added, *words[stop:]]


def _take_file(words: list[str]) -> Path | None:
    """Take ``--config FILE`` out of words; return the file to read, if there is one."""
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word == "--":
            break
        if name == _FLAG:
            if not equals:
                value = words[at + 1] if at + 1 < len(words) and not words[at + 1].startswith("-") else ""
            if not value:
                raise UsageError(f"{_FLAG}: name a file after it, such as {NAME}")
            del words[at : at + (1 if equals else 2)]
            return Path(value)
    if (named := os.environ.get(CONFIG)) is not None:
        return Path(named) if named else None
    return Path(NAME) if Path(NAME).is_file() else None


def _table(file: Path, command: str) -> dict[str, Any]:
    """Return the settings of one command."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(file, error.strerror or str(error), f"name another with {_FLAG}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(file, f"is no TOML: {error}") from error
    for name, table in document.items():
        if name not in COMMANDS:
            raise InputError(file, f"has no table [{name}]{meant(name, COMMANDS, 'known are [export] and [train]')}")
        if not isinstance(table, dict):
            raise InputError(file, f"{name} is no table; write [{name}] above its settings")
    result: dict[str, Any] = document.get(command, {})
    return result


def _given(flag: Flag, words: Sequence[str]) -> list[str]:
    """Return the name of a flag, if it is given under any of its names."""
    before = words[: words.index("--")] if "--" in words else words
    short = any(word.startswith(alias) for alias in flag.aliases for word in before)
    return [flag.name] if short or flag.name in given_flags(words) else []


def _words(flag: Flag, value: object, file: Path, setting: str) -> list[str]:
    """Return a setting as words of a command line. file, setting: for messages."""
    if flag.is_switch:
        if not isinstance(value, bool):
            raise InputError(file, f"{setting}: {value!r} is neither true nor false")
        return [flag.name] if value else []
    values = value if isinstance(value, list) and flag.is_list else [value]
    if any(isinstance(each, bool) or not isinstance(each, str | int | float) for each in values):
        raise InputError(file, f"{setting}: {value!r} is neither text nor a number")
    texts = [str(each) for each in values]
    if flag.choices and (wrong := [text for text in texts if text not in flag.choices]):
        raise InputError(file, f"{setting}: {wrong[0]} is none of {', '.join(flag.choices)}")
    return [f"{flag.name}={texts[0]}"] if len(texts) == 1 else [flag.name, *texts]
