"""What a job has done, in words: how many, how long, where. No Qt."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.text_format import counted, size_in_words

MOST_FAILED = 5
"""Failed files that a card names; the log has the others."""

_FAILED = "failed: "
"""Before each part in the log of a command that failed for some of its parts."""


class Outcome(NamedTuple):
    """What a finished job has done.

    Attributes:
        text: ``Exported 120 pairs``, without time and place.
        place: Folder or file that it wrote; None for none.
        page: Page of the window that shows it, "" for none.
    """

    text: str
    place: Path | None = None
    page: str = ""


def outcome_of(arguments: Sequence[str], result: Any) -> Outcome:
    """Return what a finished command has done.

    Args:
        arguments: The command without ``rainclean``.
        result: What it printed as JSON; anything, also of another version.
    """
    describe = _DESCRIPTIONS.get(arguments[0] if arguments else "")
    if describe is None or not isinstance(result, Mapping):
        return Outcome("Finished")
    try:
        return describe(arguments, result)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Outcome("Finished")


def finished_text(arguments: Sequence[str], result: Any, seconds: float | None) -> str:
    """Return a line on a finished command: ``Exported 120 pairs in 8 s to /data/export``.

    Args:
        arguments: The command without ``rainclean``.
        result: What it printed as JSON.
        seconds: How long it took; None where that is not known.
    """
    outcome = outcome_of(arguments, result)
    took = f" in {duration_text(seconds)}" if seconds is not None else ""
    text, comma, more = outcome.text.partition(", best validation")
    before = " to " if arguments and arguments[0] == "export" else ": "
    where = f"{before}{outcome.place}" if outcome.place is not None else ""
    return f"{text}{took}{comma}{more}{where}"


def duration_text(seconds: float) -> str:
    """Return a duration: ``8 s``, ``2 min 10 s``, ``1 h 5 min``."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def best_validation(psnr: float, step: int) -> str:
    """Return the best validation of a training: ``best validation 30.12 dB at step 400``."""
    return f"best validation {psnr:.2f} dB at step {step}"


def failed_parts(log: Sequence[str]) -> list[str]:
    """Return the files and sequences that a job failed for, each with its reason, as the log names them."""
    return [line.removeprefix(_FAILED) for line in log if line.startswith(_FAILED)]


def _added(arguments: Sequence[str], result: Mapping[str, Any]) -> Outcome:
    number = len(result["sequences"])
    known = len(result["known"])
    earlier = f"; {counted(known, 'clip')} had been added before" if known else ""
    return Outcome(f"Added {counted(number, 'sequence')}{earlier}", page="desk")


def _analysed(arguments: Sequence[str], result: Mapping[str, Any]) -> Outcome:
    skipped = len(result["skipped"])
    earlier = f"; {skipped} had been analysed before" if skipped else ""
    return Outcome(f"Analysed {counted(len(result['done']), 'sequence')}{earlier}", page="desk")


def _exported(arguments: Sequence[str], result: Mapping[str, Any]) -> Outcome:
    pairs = sum(result["pairs"].values())
    return Outcome(f"Exported {counted(pairs, 'pair')}", Path(result["folder"]), "pairs")


def _found(arguments: Sequence[str], result: Mapping[str, Any]) -> Outcome:
    found, asked = len(result["found"]), result["asked"]
    return Outcome(f"Found {found} of {counted(asked, 'missing clip')}", page="desk")


def _checked(arguments: Sequence[str], result: Mapping[str, Any]) -> Outcome:
    number = sum(result["counts"].values())
    return Outcome(f"Checked {counted(number, 'item')}, no problems", Path(arguments[1]), "pairs")


def _trained(arguments: Sequence[str], result: Mapping[str, Any]) -> Outcome:
    best = best_validation(result["best_psnr"], result["best_step"])
    return Outcome(f"Trained {counted(result['steps'], 'step')}, {best}", Path(result["folder"]), "training")


def _evaluated(arguments: Sequence[str], result: Mapping[str, Any]) -> Outcome:
    place = Path(arguments[arguments.index("-o") + 1])
    return Outcome(f"Evaluated on {counted(result['dataset']['pairs'], 'pair')}", place, "results")


def _chosen(arguments: Sequence[str], result: Mapping[str, Any]) -> Outcome:
    return Outcome("; ".join(result["words"]), page="desk")


def _decisions(arguments: Sequence[str], result: Mapping[str, Any]) -> Outcome:
    if arguments[1] == "export":
        return Outcome("Exported the decisions", Path(arguments[arguments.index("-o") + 1]))
    return Outcome("Imported the decisions", page="desk")


def _shrunk(arguments: Sequence[str], result: Mapping[str, Any]) -> Outcome:
    return Outcome(f"Deleted {counted(result['pictures'], 'image')}, {size_in_words(result['bytes'])}", page="desk")


_DESCRIPTIONS: dict[str, Callable[[Sequence[str], Mapping[str, Any]], Outcome]] = {
    "add": _added,
    "analyze": _analysed,
    "export": _exported,
    "find": _found,
    "check": _checked,
    "train": _trained,
    "evaluate": _evaluated,
    "select": _chosen,
    "decisions": _decisions,
    "project": _shrunk,
}
