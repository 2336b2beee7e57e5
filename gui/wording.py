"""Messages of commands in the words of the window: buttons and menu entries in place of command lines."""

import re

_ARGUMENT = r"(?:'[^']*'|[^\s;,]+)"

_ENTRIES = (
    (rf"rainclean restore {_ARGUMENT}", "Restore on the start page"),
    (rf"rainclean new {_ARGUMENT}", "New project (Ctrl+N)"),
    (rf"rainclean add {_ARGUMENT} (?:CLIP…|FILE-OR-FOLDER)", "Add clips (Ctrl+I)"),
    (rf"rainclean select {_ARGUMENT} SEQUENCE --candidate NAME, or --auto", "Accept (A) or Choose automatically"),
    (rf"rainclean select {_ARGUMENT} SEQUENCE --candidate NAME", "Accept (A)"),
    (rf"rainclean analyze (?:on it|{_ARGUMENT} [^-;\s][^;]*)$", "Analyse new sequences (Ctrl+R)"),
)
"""Command line → the entry of a menu, or the button, that does the same."""


def in_window(text: str) -> str:
    """Return a message that names buttons and menu entries in place of the command lines that do the same.

    A command line without a button, such as one with --again, is left as it is.
    """
    for command, entry in _ENTRIES:
        text = re.sub(command, entry, text)
    return text
