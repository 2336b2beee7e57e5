"""All layouts by name. A further layout is one module with a `LAYOUT` and one line here."""

from rainclean.dataset import layout_paired, layout_spa
from rainclean.dataset.layout_base import Layout
from rainclean.errors import UsageError

LAYOUTS: dict[str, Layout] = {each.name: each for each in (layout_spa.LAYOUT, layout_paired.LAYOUT)}


def layout(name: str) -> Layout:
    """The layout of a name. Raises UsageError for any other."""
    if name not in LAYOUTS:
        raise UsageError(f"no layout {name!r}: use {' or '.join(LAYOUTS)}")
    return LAYOUTS[name]
