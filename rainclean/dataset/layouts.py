"""All layouts by name. To add a layout, write one module with a `LAYOUT` and one line here."""

from rainclean.dataset import (
    layout_basicsr,
    layout_basicsr_lmdb,
    layout_gtrain,
    layout_huggingface,
    layout_paired,
    layout_spa,
    layout_webdataset,
)
from rainclean.dataset.layout_base import Layout
from rainclean.errors import UsageError

_OURS: tuple[Layout, ...] = (
    layout_spa.LAYOUT,
    layout_paired.LAYOUT,
    layout_basicsr.LAYOUT,
    layout_basicsr_lmdb.LAYOUT,
    layout_gtrain.LAYOUT,
    layout_huggingface.LAYOUT,
    layout_webdataset.LAYOUT,
)
"""Of two layouts in one folder, the first one is read, unless an export names the other."""

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


def is_written_by_layout(name: str) -> bool:
    """Return whether a layout writes files with a name of this form, relative to the root of a data set."""
    return any(each.written.fullmatch(name) for each in LAYOUTS.values())


def layout(name: str) -> Layout:
    """Return a layout by name. Raises UsageError for an unknown name."""
    if name not in LAYOUTS:
        *others, last = LAYOUTS
        raise UsageError(f"no layout {name!r}: use {', '.join(others)} or {last}")
    return LAYOUTS[name]
