"""Messages of commands in the words of the window: buttons and menu entries in place of command lines."""

import re

_ARGUMENT = r"(?:'[^']*'|[^\s;,]+)"

_ENTRIES = (
    (rf"rainclean restore {_ARGUMENT}", "Restore on the start page"),
    (r"^(frames|crops) '(.*)': use", r"“\2” is no choice of \1: use"),
    (r"\(rainclean describe --(?:scene|licence)\)", "(set it in Properties)"),
    (rf"rainclean select {_ARGUMENT} {_ARGUMENT} --undo", "Withdraw (U)"),
    (r"is not a run of rainclean train", "is not the folder of a training"),
    (rf"rainclean new {_ARGUMENT}", "New project (Ctrl+N)"),
    (rf"rainclean find {_ARGUMENT} FILE-OR-FOLDER", "Find… on the page Home (Ctrl+0)"),
    (rf"rainclean add {_ARGUMENT} CLIP…", "Add clips (Ctrl+I)"),
    (rf"rainclean select {_ARGUMENT} SEQUENCE --candidate NAME, or --auto", "Accept (A) or Choose automatically"),
    (rf"rainclean select {_ARGUMENT} SEQUENCE --candidate NAME", "Accept (A)"),
    (r"--keep-moving leaves them in", "“Exclude only areas marked by a person” leaves them in"),
    (r"name (?:its|the) pairs by --rainy and --clean(?:, or by --pairs)?", "choose under Pairs how they are found"),
    (r"--rainy is a pattern below this folder", "Rainy images is a pattern below this folder"),
    (r"leave out --masks", "clear “Also score without excluded pixels”"),
    (r"\(--min-rain\)", "(Minimum rain)"),
    (r"\(--max-excluded, --max-error\)", "(Maximum excluded, Maximum error)"),
    (r"so --max-error excludes nothing", "so Maximum error excludes nothing"),
    (r"^excluded in addition to what people marked, foreground objects", "foreground objects were excluded, too"),
    (
        r"^excluded in addition to what people marked, areas where the clean image is in doubt",
        "doubtful areas were excluded, too",
    ),
    (r"^accepted although their verdict is unfit", "accepted in spite of the verdict “unfit”"),
    (r"^no verdict yet: analyse again", "without a verdict: an older version analysed them"),
    (
        r"^made of the neighbouring frames of the reference frame, so only the reference frame makes a pair",
        "only the reference frame makes a pair, because the clean image is made of near frames",
    ),
    (rf"rainclean analyze (?:on it|{_ARGUMENT} [^-;\s][^;]*)$", "Analyse new sequences (Ctrl+R)"),
)
"""Command line, flag or note of a command → its name or text in the window."""


def in_window(text: str) -> str:
    """Return a message that names buttons and menu entries in place of the command lines that do the same.

    A command line without a button, such as one with --again, is left as it is.
    """
    for command, entry in _ENTRIES:
        text = re.sub(command, entry, text)
    return text
