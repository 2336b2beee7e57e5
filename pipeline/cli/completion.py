"""``rainclean completion``: scripts that let a shell complete commands, flags and their values."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from tyro.conf import Positional, arg

from pipeline.cli import common_flags
from pipeline.cli.flags import Flag, flags_of
from pipeline.cli.help import summary
from pipeline.cli.settings_file import COMMANDS


@dataclass(frozen=True)
class Completion:
    """Print a script that lets a shell complete commands, flags and their values.

    bash: add this line to ~/.bashrc: source <(rainclean completion bash)

    zsh: add this line to ~/.zshrc, below compinit: source <(rainclean completion zsh)

    fish: run once: rainclean completion fish > ~/.config/fish/completions/rainclean.fish

    Print it again after an update of rainclean. Where nothing else fits, the shell completes names of files.
    """

    shell: Annotated[Positional[Literal["bash", "zsh", "fish"]], arg(metavar="{bash,zsh,fish}")]
    """Shell to complete in."""

    def run(self) -> None:
        """Print the script."""
        entries = _entries()
        sys.stdout.write({"bash": _bash, "zsh": _zsh, "fish": _fish}[self.shell](entries))


class _Entry(NamedTuple):
    """A command: its name, what it does, its flags."""

    name: str
    purpose: str
    flags: list[Flag]

    @property
    def names(self) -> list[str]:
        """Return all names of its flags."""
        config = ["--config"] if self.name in COMMANDS else []
        own = [name for flag in self.flags for name in (flag.name, *flag.aliases)]
        return [*own, *config, *common_flags.NAMES, "--help"]


def _entries() -> list[_Entry]:
    """Return all commands, of installed packages too. Each is imported here, and none while a shell completes."""
    from importlib.metadata import entry_points

    entries = sorted(entry_points(group="rainclean.commands"), key=lambda entry: entry.name)
    commands = [(entry.name.replace(".", " "), entry.load()) for entry in entries]
    return [_Entry(name, summary(command), flags_of(command)) for name, command in commands]


_WORDS = """\
    local name="" first="" word="" i flags="" values=""
    for ((i = 1; i < at; i++)); do
        word="${words[i]}"
        case "$word" in
            --log-file) ((i++)) ;;
            -*) [[ -z "$first" ]] || break ;;
            *)
                if [[ -z "$first" ]]; then
                    first="$word"; name="$word"
                else
                    [[ " GROUPS " != *" $first "* ]] || name="$first $word"
                    break
                fi ;;
        esac
    done
"""
"""bash and zsh: set name to the command among the words that were typed; at: index of the word to complete."""


def _cases(entries: Sequence[_Entry]) -> str:
    """Return bash and zsh code that sets flags and values from name and the word before."""
    lines = ['    case "$name" in']
    for group in _groups(entries):
        seconds = [entry.name.split()[1] for entry in entries if entry.name.split()[0] == group and " " in entry.name]
        lines.append(f"        {group}) flags={shlex.quote(' '.join(seconds))} ;;")
    for entry in entries:
        lines.append(f"        {shlex.quote(entry.name)})")
        lines.append(f"            flags={shlex.quote(' '.join(entry.names))}")
        if any(flag.choices for flag in entry.flags):
            lines.append('            case "$before" in')
            for flag in entry.flags:
                if flag.choices:
                    names = "|".join((flag.name, *flag.aliases))
                    lines.append(f"                {names}) values={shlex.quote(' '.join(flag.choices))} ;;")
            lines.append("            esac")
        if entry.name == "completion":
            lines.append("            flags='bash zsh fish' ;;")
        else:
            lines.append("            ;;")
    firsts = list(dict.fromkeys(entry.name.split()[0] for entry in entries))
    names = shlex.quote(" ".join([*firsts, *common_flags.NAMES, "--help", "--version"]))
    return "\n".join([*lines, f"        *) flags={names} ;;", "    esac", ""])


def _groups(entries: Sequence[_Entry]) -> list[str]:
    """Return the first words of commands of two words."""
    return sorted({entry.name.split()[0] for entry in entries if " " in entry.name})


def _words(entries: Sequence[_Entry]) -> str:
    return _WORDS.replace("GROUPS", " ".join(_groups(entries)))


_OFFERED = """\
    [[ -z "$values" ]] || flags="$values"
    # Flags only where one is begun: the other words are files and names.
    [[ -n "$values" || "$current" == -* || -z "$name" || " GROUPS completion " == *" $name "* ]] || flags=""
"""
"""bash and zsh: leave in flags what is offered."""


def _bash(entries: Sequence[_Entry]) -> str:
    offered = _OFFERED.replace("GROUPS", " ".join(_groups(entries)))
    return f"""\
# bash completion of rainclean; made by: rainclean completion bash
_rainclean() {{
    local at=$COMP_CWORD current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
    local words=("${{COMP_WORDS[@]}}")
{_words(entries)}{_cases(entries)}{offered}\
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
}}
complete -o default -F _rainclean rainclean
"""


def _zsh(entries: Sequence[_Entry]) -> str:
    offered = _OFFERED.replace("GROUPS", " ".join(_groups(entries)))
    return f"""\
#compdef rainclean
# zsh completion of rainclean; made by: rainclean completion zsh
_rainclean() {{
    emulate -L zsh
    setopt KSH_ARRAYS  # arrays begin with 0, as in bash
    local at=$((CURRENT - 1)) current="${{words[CURRENT-1]}}" before="${{words[CURRENT-2]}}"
{_words(entries)}{_cases(entries)}{offered}\
    unsetopt KSH_ARRAYS
    if [[ -n "$flags" ]]; then
        compadd -- ${{=flags}}
    else
        _files
    fi
}}
if [[ "${{funcstack[1]}}" == _rainclean ]]; then
    _rainclean "$@"
else
    compdef _rainclean rainclean
fi
"""


def _fish(entries: Sequence[_Entry]) -> str:
    groups = _groups(entries)
    lines = [
        "# fish completion of rainclean; made by: rainclean completion fish",
        "function __rainclean_is",
        "    set -l typed (string match -v -- '-*' (commandline -opc))[2..-1]",
        "    set -l n (count $argv)",
        '    test (count $typed) -ge $n; and test "$typed[1..$n]" = "$argv"',
        "end",
        "function __rainclean_none",
        "    test (count (string match -v -- '-*' (commandline -opc))) -eq 1",
        "end",
        "function __rainclean_group",
        "    set -l typed (string match -v -- '-*' (commandline -opc))[2..-1]",
        '    test "$typed" = "$argv"',
        "end",
    ]
    every = [
        "-s v -l verbose -d 'Print what is read and written'",
        "-s q -l quiet -d 'Print errors only'",
        "-l log-file -r -d 'Append everything to this file'",
    ]
    lines += [f"complete -c rainclean {flag}" for flag in every]
    for group in groups:
        lines.append(f"complete -c rainclean -f -n __rainclean_none -a {group}")
    for entry in entries:
        first, _, second = entry.name.partition(" ")
        where = f"'__rainclean_group {first}'" if second else "__rainclean_none"
        offered = f"-f -n {where} -a {second or first} -d {_fish_quoted(entry.purpose.partition('. ')[0])}"
        lines.append(f"complete -c rainclean {offered}")
        for flag in entry.flags:
            short = "".join(f" -s {alias[1:]}" for alias in flag.aliases if len(alias) == 2)
            value = "" if flag.is_switch else " -r"
            if flag.choices:
                value = f" -x -a {_fish_quoted(' '.join(flag.choices))}"
            lines.append(f"complete -c rainclean -n '__rainclean_is {entry.name}'{short} -l {flag.name[2:]}{value}")
        if entry.name in COMMANDS:
            lines.append(f"complete -c rainclean -n '__rainclean_is {entry.name}' -l config -r")
    lines.append("complete -c rainclean -f -n '__rainclean_is completion' -a 'bash zsh fish'")
    return "\n".join(lines) + "\n"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
