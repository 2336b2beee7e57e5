"""Commands of jobs as text, how to go on with one that ended early, and what to do about it."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pipeline.training import RUN
from pipeline.words import quoted

_KEPT = {
    "add": "what was added is kept; start it again to go on",
    "analyze": "what was finished is kept; start it again to go on",
    "export": "what was prepared is kept, and an earlier export is as it was; start it again to go on",
    "train": "the run is kept as of its last checkpoint; go on with it",
}
_NOTHING_KEPT = "nothing is half done; start it again"


def command_text(words: Sequence[str]) -> str:
    """The command as typed on a terminal."""
    return " ".join(map(quoted, ("rainclean", *words)))


def retry_arguments(words: Sequence[str]) -> tuple[str, ...]:
    """The words that try it again; a run that has begun goes on instead."""
    run = run_of(words)
    if run is not None and (run / RUN).exists():
        return ("train", "--resume", str(run))
    return tuple(words)


def run_of(words: Sequence[str]) -> Path | None:
    """Folder of the run that a training writes to."""
    if words and words[0] == "train":
        for flag, value in pairwise(words):
            if flag in ("-o", "--output", "--resume"):
                return Path(value)
    return None


def advice_for(kind: str, error: str) -> str:
    """What a person can do about a failure, in one line. error: the line that told it."""
    if install := re.search(r"pip install '?[^';]+'?", error):
        return f"Install what is missing, then try again: {install.group()}"
    if "job died" in error:
        memory = ". If it dies again, it may be short of memory" if "signal 9" in error else ""
        return f"{_sentence(_KEPT.get(kind, _NOTHING_KEPT))}{memory}."
    if "another rainclean" in error:
        return "Wait for the other one to end, then try again."
    if kind == "check":
        return "The log names every problem. An export can be made again; it then replaces this one."
    return "Fix the problem above and try again. See the log for details."


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
