"""All layouts by name. To add a layout, write one module with a `LAYOUT` and one line here."""

from rainclean.dataset import layout_paired, layout_spa
from rainclean.dataset.layout_base import Layout
from rainclean.errors import UsageError

_OURS: tuple[Layout, ...] = (layout_spa.LAYOUT, layout_paired.LAYOUT)

LAYOUTS: dict[str, Layout] = {each.name: each for each in _OURS}


def register_layout(added: Layout) -> None:
    """Make a layout known: data sets can be exported, checked and read in it. Raises ValueError for a taken name."""
    if added.name in LAYOUTS:
        raise ValueError(f"a layout {added.name!r} is registered already")
    LAYOUTS[added.name] = added


def unregister_layout(name: str) -> None:
    """Forget a layout that was registered from outside. Raises ValueError for one of ours, or none."""
    if name not in LAYOUTS or LAYOUTS[name] in _OURS:
        raise ValueError(f"no layout {name!r} was registered")
    del LAYOUTS[name]


def layout(name: str) -> Layout:
    """Return a layout by name. Raises UsageError for an unknown name."""
    if name not in LAYOUTS:
        raise UsageError(f"no layout {name!r}: use {' or '.join(LAYOUTS)}")
    return LAYOUTS[name]
