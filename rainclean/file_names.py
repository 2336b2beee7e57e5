"""Compare names of files: which are litter, and which are equal to a person."""

import unicodedata

_LITTER = frozenset({
    ".ds_store", ".appledouble", ".spotlight-v100", ".trashes", ".fseventsd", ".temporaryitems", "__macosx", "icon\r",
    "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information", ".directory", "@eadir",
})  # fmt: skip


def is_litter(name: str) -> bool:
    """Return whether systems put a file or folder of this name beside what people keep: nobody's data.

    macOS, also on drives of others (``._NAME`` beside every NAME, ``__MACOSX`` in archives), Windows, KDE, Synology.
    """
    return name.startswith("._") or name.casefold() in _LITTER


def is_passed_over(name: str) -> bool:
    """Return whether a file or folder of this name is ignored in searches: litter, and what is hidden."""
    return name.startswith(".") or is_litter(name)


def folded(name: str) -> str:
    """Fold a name, so that names that differ in capitals or Unicode form alone become equal."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
