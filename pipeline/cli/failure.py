"""Why a command failed: the line for a person, the exit code, and the object that ``--json`` prints."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

from rainclean.errors import InputError, RaincleanError, ResourceError, StoreError, UsageError

NOTHING_DONE, WRONG_USAGE, SOME_FAILED = 1, 2, 3
"""Exit codes; those of interrupted commands are in `pipeline.signals`."""


class PartsError(RaincleanError):
    """Some parts of the work failed, and the others are done."""


class ParserError(UsageError):
    """Wrong flags or values, which the parser has printed already."""


_KINDS: tuple[tuple[type[RaincleanError], str], ...] = (
    (UsageError, "usage"),
    (PartsError, "parts"),
    (StoreError, "store"),
    (InputError, "input"),
    (ResourceError, "resource"),
    (RaincleanError, "failed"),
)
"""Names of errors in JSON; the first that fits counts."""


@dataclass(frozen=True)
class Failure:
    """A failed command.

    Attributes:
        kind: usage, parts, store, input, resource, failed, system, unexpected or interrupted (docs/formats.md).
        text: What happened, why, what to do, in one line.
        path: The file or folder concerned, or "".
        advice: What to do; part of the text where it is known, else "".
        code: Exit code.
        is_printed: The text is on standard error already.
    """

    kind: str
    text: str
    _: KW_ONLY
    path: str = ""
    advice: str = ""
    code: int = NOTHING_DONE
    is_printed: bool = False

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """Return what an error means for the command."""
        if not isinstance(error, RaincleanError):
            from pipeline.border import of_system, told

            error = of_system(error)
            name = getattr(error, "filename", None)
            path = name if isinstance(name, str) else ""
            is_known = isinstance(error, MemoryError) or bool(getattr(error, "strerror", None))
            if isinstance(error, UnicodeEncodeError):
                return cls("input", told(error))
            return cls("system" if is_known else "unexpected", told(error), path=path)
        kind = next(name for each, name in _KINDS if isinstance(error, each))
        return cls(
            kind,
            str(error),
            path=str(error.path) if isinstance(error, InputError) else "",
            advice=error.advice if isinstance(error, InputError) else "",
            code={"usage": WRONG_USAGE, "parts": SOME_FAILED}.get(kind, NOTHING_DONE),
            is_printed=isinstance(error, ParserError),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the object that is ``error`` in the document of a failed command."""
        return {"kind": self.kind, "text": self.text, "path": self.path or None, "advice": self.advice or None}
