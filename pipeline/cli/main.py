"""``rainclean``: find the commands, run one, and turn errors into one line and an exit code.

Exit codes: 0 done; 1 failed, one line on standard error; 2 wrong usage; interrupted: 130 by Ctrl-C, 143 by SIGTERM,
129 by SIGHUP (`pipeline.signals`).
"""

import os
import re
import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stderr, suppress
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.signals import Signals
from pipeline.text_format import plain

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from pipeline.cli.console import Command


class Program(NamedTuple):
    """A program of several commands.

    Attributes:
        name: what is typed before the name of a command.
        purpose: one sentence for the list of commands.
        entries: the commands; None: those that installed packages name in the group ``rainclean.commands``.
    """

    name: str = "rainclean"
    purpose: str = "Real rain videos in, rain/clean image pairs out."
    entries: "Sequence[EntryPoint] | None" = None


RAINCLEAN = Program()


def main(args: Sequence[str] | None = None, program: Program = RAINCLEAN) -> int:
    """Run one command and return its exit code."""
    # Threads of torch then sleep while they wait for each other: spinning, they take four times as long as one
    # thread alone where another program uses a core. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with Signals(for_good=args is None) as signals:
        try:
            code = _answered(list(sys.argv[1:] if args is None else args), program)
            if not signals.first:
                return code
        except KeyboardInterrupt:
            pass
        return _fail(signals.message, signals.code)


def _answered(words: list[str], program: Program) -> int:
    """Run one command; print an error as one line. Imports wait until here, so that signals are handled by then."""
    from rainclean.errors import RaincleanError, UsageError

    try:
        _ready_streams()
        code = _run(words, program)
        sys.stdout.flush()
        return code
    except UsageError as error:
        return _fail(str(error), 2)
    except RaincleanError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # The reader of our output has ended (`rainclean probe … | head`), so there is nothing more to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        from pipeline.border import DEBUG, told

        if os.environ.get(DEBUG):
            raise
        return _fail(told(error))


def _run(words: list[str], program: Program) -> int:
    from importlib.metadata import entry_points

    from rainclean import __version__

    if words in (["--version"], ["-V"]):
        sys.stdout.write(f"rainclean {__version__}\n")
        return 0
    entries = entry_points(group="rainclean.commands") if program.entries is None else program.entries
    commands = {tuple(entry.name.split(".")): entry for entry in entries}
    # "bench truth" is a command of two words: the longest name that fits is the one meant.
    name = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in commands), None)
    if name is None:
        return _overview(program, commands, words)
    _refuse_repeated(words[len(name) :])
    _parsed(commands[name], (program.name, *name), words[len(name) :]).run()
    return 0


def _parsed(entry: "EntryPoint", name: tuple[str, ...], words: list[str]) -> "Command":
    """Return the command with its flags. Control characters in messages of the parser are escaped."""
    import tyro

    from pipeline.cli.help import with_plain_defaults

    messages = StringIO()
    strange = any(plain(word) != word for word in words)
    try:
        with redirect_stderr(messages) if strange else nullcontext():
            return tyro.cli(
                with_plain_defaults(entry.load()),
                prog=" ".join(name),
                args=words,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    finally:
        sys.stderr.write("".join(f"{plain(line)}\n" for line in messages.getvalue().splitlines()))


def _refuse_repeated(words: list[str]) -> None:
    """Raise UsageError for a flag that is given twice: the parser would silently take the last one."""
    flags = [word.partition("=")[0] for word in words if re.match(r"--?[A-Za-z]", word)]
    for flag in flags:
        if flags.count(flag) > 1:
            from rainclean.errors import UsageError

            raise UsageError(f"{flag} is given twice; give it once, with all its values after it")


def _ready_streams() -> None:
    """Accept a closed output, and one that cannot encode η: the latter gets a question mark."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _fail(message: str, code: int = 1) -> int:
    with suppress(OSError):  # standard error is closed as well
        sys.stderr.write(f"rainclean: {plain(message)}\n")
    return code


def _overview(program: Program, commands: "dict[tuple[str, ...], EntryPoint]", words: list[str]) -> int:
    """Print the list of commands; wrong usage unless help was asked for."""
    from pipeline.cli.help import listed, summary

    group = tuple(word for word in words[:1] if any(word == name[0] for name in commands))
    further = words[len(group) :]
    if further and further[0] not in ("-h", "--help"):
        command = " ".join((*group, further[0]))
        return _fail(f"no command {command!r}; {program.name} --help lists all commands", 2)
    shown = {name: entry for name, entry in sorted(commands.items()) if name[: len(group)] == group}
    lines = [f"usage: {' '.join((program.name, *group))} COMMAND [options]", ""]
    if not group:
        lines += [program.purpose, ""]
    for name, entry in shown.items():
        lines += listed(" ".join(name), summary(entry.load()))
    lines += ["", f"{program.name} COMMAND --help explains one command; {program.name} --version prints the version."]
    (sys.stdout if further else sys.stderr).write("\n".join(lines) + "\n")
    return 0 if further else 2
