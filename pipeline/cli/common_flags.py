"""Flags that every command takes, before or after its name: -v, -q, --log-file."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rainclean.errors import UsageError

_SWITCHES = {"-v": "verbose", "--verbose": "verbose", "-q": "quiet", "--quiet": "quiet"}
_LOG_FILE = "--log-file"

NAMES = (*_SWITCHES, _LOG_FILE)
"""All of them, for completion."""

HELP = """\
Every command also takes:
  -v, --verbose    Print what is read and written, and the stages with their times, to standard error.
  -q, --quiet      Print errors only to standard error: no notes, no progress.
  --log-file FILE  Append everything that -v and the command print to this file, with times.
"""


class CommonFlags(NamedTuple):
    """What these flags ask for.

    Attributes:
        verbose: Print what is read and written, and stages with times.
        quiet: Print no notes and no progress.
        log_file: File to append everything to; None for none.
    """

    verbose: bool = False
    quiet: bool = False
    log_file: Path | None = None


class Split(NamedTuple):
    """The words of a command line, sorted.

    Attributes:
        flags: Those that every command takes.
        words: The others.
    """

    flags: CommonFlags
    words: list[str]


def take_common_flags(words: Sequence[str]) -> Split:
    """Take these flags out of a command line, up to ``--``. Raises UsageError."""
    switches, log_file, others = set[str](), None, list[str]()
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            others += [word, *queue]
            break
        name, equals, value = word.partition("=")
        if word in _SWITCHES:
            switches.add(_SWITCHES[word])
        elif name.replace("_", "-") == _LOG_FILE:
            if log_file is not None:
                raise UsageError(f"{_LOG_FILE} is given twice")
            if not equals:
                value = queue.pop(0) if queue and not queue[0].startswith("-") else ""
            if not value:
                raise UsageError(f"{_LOG_FILE}: name a file after it")
            log_file = Path(value)
        else:
            others.append(word)
    if len(switches) > 1:
        raise UsageError("-v and -q cannot be used together")
    return Split(CommonFlags("verbose" in switches, "quiet" in switches, log_file), others)
