"""How percentiles and offsets to the vote are written in names and for a person."""

import re

from rainclean.candidates.estimators.base import Numbers, Parameters

OFFSET = r"(-(?P<sign>minus|plus)(?P<offset>[0-9]{1,3}(_[0-9])?))?"
"""Pattern of an offset in a name: ``-minus5``, ``-plus2_5``, or nothing."""


def read_offset(match: re.Match[str]) -> Numbers:
    """Return the field of a match of `OFFSET`."""
    offset = 0.0 if match["offset"] is None else read_number(match["offset"])
    return {"offset": -offset if match["sign"] == "minus" else offset}


def offset_suffix(recipe: Parameters) -> str:
    """Return an offset as it is written in a name."""
    return f"-{'plus' if recipe.offset > 0 else 'minus'}{number(abs(recipe.offset))}" if recipe.offset else ""


def offset_label(recipe: Parameters) -> str:
    """Return an offset for a person: `` − 5``."""
    return f"{' + ' if recipe.offset > 0 else ' − '}{abs(recipe.offset):g}" if recipe.offset else ""


def number(value: float) -> str:
    """Return tenths as they are written in a name: ``37_5``."""
    return f"{round(value, 1):g}".replace(".", "_")


def read_number(text: str) -> float:
    """Return the inverse of `number`."""
    return float(text.replace("_", "."))
