"""Texts about jobs: the command line, how to resume it, what to do after a failure."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pipeline.text_format import quoted

_KEPT = {
    "add": "The clips added so far are saved. Start the job again to add the others",
    "analyze": "Finished sequences are saved. Start the job again for the others",
    "export": "Prepared pairs are saved, and an earlier export is unchanged. Start the job again to continue",
    "train": "The training is saved up to its last checkpoint. Resume it",
}
_NOTHING_KEPT = "The job left nothing unfinished behind. Start it again"


def command_text(arguments: Sequence[str]) -> str:
    """Return the command line of a job."""
    return " ".join(map(quoted, ("rainclean", *arguments)))


def retry_arguments(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments to try a command again; a training run that has begun is resumed."""
    from pipeline.training import RUN  # not above: the window starts without it

    run = run_of(arguments)
    if run is not None and (run / RUN).exists():
        network = [word for pair in pairwise(arguments) if pair[0] == "--network" for word in pair]
        return ("train", "--resume", str(run), *network)
    return tuple(arguments)


def run_of(arguments: Sequence[str]) -> Path | None:
    """Return the folder of the run that a training writes to; None for another command."""
    if arguments and arguments[0] == "train":
        for flag, value in pairwise(arguments):
            if flag in ("-o", "--output", "--resume"):
                return Path(value)
    return None


def advice_for(kind: str, error: str) -> str:
    """Return what a person can do about a failure, in one line.

    Args:
        kind: Name of the command.
        error: The line that explains the failure.
    """
    if install := re.search(r"pip install '?[^';]+'?", error):
        return f"Install the missing package, then try again: {install.group()}"
    if "job died" in error:
        memory = ". If this happens again, the computer may be short of memory" if "signal 9" in error else ""
        return f"{_KEPT.get(kind, _NOTHING_KEPT)}{memory}."
    if "another rainclean" in error:
        return "Wait until the other process has ended, then try again."
    if kind == "check":
        return "The log names every problem. Export again to replace this data set."
    return "Fix this problem, then try again. The log has the details."
