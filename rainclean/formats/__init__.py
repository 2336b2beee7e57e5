"""Layouts of paired data sets, their manifest, and checking them.

A further layout is one module with a `LAYOUT` and one line here. Importing this loads no picture library.
"""

from rainclean.errors import UsageError
from rainclean.formats import paired, spa
from rainclean.formats.files import Files
from rainclean.formats.layout import Layout, PairKey, PairPaths, StoredPair, Widths
from rainclean.formats.problems import Kind, Problem

__all__ = [
    "LAYOUTS", "Files", "Kind", "Layout", "PairKey", "PairPaths", "Problem", "StoredPair", "Widths", "layout",
]  # fmt: skip

LAYOUTS: dict[str, Layout] = {each.name: each for each in (spa.LAYOUT, paired.LAYOUT)}


def layout(name: str) -> Layout:
    """The layout of a name. Raises UsageError for any other."""
    if name not in LAYOUTS:
        raise UsageError(f"no layout {name!r}: use {' or '.join(LAYOUTS)}")
    return LAYOUTS[name]
