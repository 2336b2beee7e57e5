"""What all long work has in common: it is a generator that yields Progress and can be closed at each yield."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come.

    stage: one word for what is being done now ("decode").
    done, total: in units of that stage; total is None where it is not known.
    """

    stage: str
    done: int
    total: int | None
