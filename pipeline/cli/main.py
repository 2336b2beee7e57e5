"""``rainclean``: find the commands, run one, and turn errors into one line and an exit code.

Exit codes: 0 done; 1 failed, one line on standard error; 2 wrong usage; 3 some parts failed, the others are done;
interrupted: 130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP (`pipeline.signals`).
"""

import os
import re
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, redirect_stderr, suppress
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.signals import Signals
from pipeline.text_format import plain
from rainclean.environment import DEBUG
from rainclean.errors import RaincleanError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from pipeline.cli.console import Command
    from pipeline.cli.failure import Failure


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
            words = list(sys.argv[1:] if args is None else args)
            with _output_of(words):
                return _completed(words, program, signals)
        except KeyboardInterrupt:  # before the command began, or after it ended
            return _fail(signals.message, signals.code)


def _output_of(words: list[str]) -> "AbstractContextManager[None]":
    from pipeline.cli.console import output_of_command

    return output_of_command(json="--json" in words)


def _completed(words: list[str], program: Program, signals: Signals) -> int:
    """Run one command, write its JSON and its error, and return its exit code."""
    from pipeline.cli.common_flags import take_common_flags
    from pipeline.cli.console import print_as_asked
    from pipeline.cli.failure import Failure
    from pipeline.cli.log import logging_to, printed

    _ready_streams()
    try:
        flags, words = take_common_flags(words)
        with logging_to(flags, [program.name, *words]):
            print_as_asked(quiet=flags.quiet, verbose=flags.verbose)
            result = _answered(words, program, signals)
            if isinstance(result, Failure):
                printed.info("rainclean: %s", result.text)
            else:
                printed.info("exit code %d", result)
            return _ended(result)
    except RaincleanError as error:  # of the flags above
        return _ended(Failure.of(error))


def _answered(words: list[str], program: Program, signals: Signals) -> "int | Failure":
    """Run one command and return its exit code, or why it failed."""
    from pipeline.cli.failure import NOTHING_DONE, Failure
    from pipeline.cli.log import printed

    try:
        code = _run(words, program)
        sys.stdout.flush()
        if not signals.first:
            return code
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        return _without_reader(NOTHING_DONE)
    except RaincleanError as error:
        return Failure.of(error)
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        printed.debug("unexpected error", exc_info=True)
        return Failure.of(error)
    return Failure("interrupted", signals.message, code=signals.code)


def _ended(result: "int | Failure") -> int:
    """Write what is left to write, and return the exit code."""
    from pipeline.cli.console import end_output
    from pipeline.cli.failure import Failure

    failure = result if isinstance(result, Failure) else None
    code = result.code if isinstance(result, Failure) else result
    try:
        end_output(failure)
    except BrokenPipeError:
        return _without_reader(code or 1)
    except OSError as error:
        failure = failure or Failure.of(error)
    if failure is not None and not failure.is_printed:
        return _fail(failure.text, failure.code)
    return code


def _without_reader(code: int) -> int:
    """Write nothing more: the reader of our output has ended (`rainclean probe … | head`)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


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
    command = _parsed(commands[name], (program.name, *name), words[len(name) :])
    if command is not None:
        command.run()
    return 0


def _parsed(entry: "EntryPoint", name: tuple[str, ...], words: list[str]) -> "Command | None":
    """Return the command with its flags; None where its help was printed. Raises UsageError."""
    import tyro

    from pipeline.cli.common_flags import HELP
    from pipeline.cli.failure import ParserError
    from pipeline.cli.flags import refuse_unknown
    from pipeline.cli.help import with_plain_defaults
    from pipeline.cli.settings_file import COMMANDS, HELP_OF_SETTINGS, with_settings

    _refuse_repeated(words)
    kind = with_plain_defaults(entry.load())
    if entry.name in COMMANDS:
        words = with_settings(entry.name, kind, words)
    refuse_unknown(words, kind, " ".join(name))
    messages = StringIO()
    try:
        with redirect_stderr(messages):
            return tyro.cli(kind, prog=" ".join(name), args=words, config=(tyro.conf.FlagCreatePairsOff,))
    except SystemExit as end:
        if end.code in (0, None):
            if {"-h", "--help"} & set(words):
                sys.stdout.write(f"\n{HELP_OF_SETTINGS if entry.name in COMMANDS else ''}{HELP}")
            return None
        # Control characters of names in the messages of the parser are escaped.
        lines = [plain(line) for line in messages.getvalue().splitlines()]
        sys.stderr.write("".join(f"{line}\n" for line in lines))
        raise ParserError(" ".join(filter(None, (line.strip("╭╮╰╯│─ ") for line in lines)))) from None


def _refuse_repeated(words: list[str]) -> None:
    """Raise UsageError for a flag that is given twice: the parser would silently take the last one."""
    flags = [word.partition("=")[0] for word in words if re.match(r"--?[A-Za-z]", word)]
    for flag in flags:
        if flags.count(flag) > 1:
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
        from pipeline.cli.flags import meant

        known = [" ".join(name) for name in commands] + list({name[0] for name in commands})
        command = " ".join((*group, further[0]))
        raise UsageError(f"no command {command!r}{meant(command, known, f'{program.name} --help lists all commands')}")
    shown = {name: entry for name, entry in sorted(commands.items()) if name[: len(group)] == group}
    lines = [f"usage: {' '.join((program.name, *group))} COMMAND [options]", ""]
    if not group:
        lines += [program.purpose, ""]
    for name, entry in shown.items():
        lines += listed(" ".join(name), summary(entry.load()))
    lines += ["", f"{program.name} COMMAND --help explains one command; {program.name} --version prints the version."]
    lines += ["-v (print more), -q (print errors only) and --log-file FILE work with every command."]
    (sys.stdout if further else sys.stderr).write("\n".join(lines) + "\n")
    return 0 if further else 2
