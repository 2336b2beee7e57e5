"""All layouts by name. To add a layout, write one module with a `LAYOUT` and one line here."""

from rainclean.dataset import layout_paired, layout_spa
from rainclean.dataset.layout_base import Layout
from rainclean.errors import UsageError

LAYOUTS: dict[str, Layout] = {each.name: each for each in (layout_spa.LAYOUT, layout_paired.LAYOUT)}


def layout(name: str) -> Layout:
    """Return a layout by name. Raises UsageError for an unknown name."""
    if name not in LAYOUTS:
        raise UsageError(f"no layout {name!r}: use {' or '.join(LAYOUTS)}")
    return LAYOUTS[name]
