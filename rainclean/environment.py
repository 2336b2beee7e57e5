"""Name every environment variable that rainclean reads, in one table."""

from typing import NamedTuple


class Variable(NamedTuple):
    """An environment variable.

    Attributes:
        name: Of the variable.
        purpose: What it does, in one sentence.
    """

    name: str
    purpose: str


CACHE = "RAINCLEAN_CACHE"
CONFIG = "RAINCLEAN_CONFIG"
DEBUG = "RAINCLEAN_DEBUG"
DECODER_THREADS = "RAINCLEAN_DECODER_THREADS"
PERSON = "RAINCLEAN_PERSON"
PROGRESS = "RAINCLEAN_PROGRESS"
STATE = "RAINCLEAN_STATE"
NO_COLOR = "NO_COLOR"

VARIABLES = (
    Variable(CACHE, "Folder for lists of pairs of large data sets, instead of the one of your system."),
    Variable(CONFIG, "Settings file, instead of rainclean.toml in the current folder; empty for none."),
    Variable(DEBUG, "With any value, an unexpected error is printed with its traceback."),
    Variable(DECODER_THREADS, "Number of threads that decode one clip; batch sets 1."),
    Variable(PERSON, "Name that decisions are recorded under, instead of the one you are logged in with."),
    Variable(PROGRESS, "With the value json, progress is written as lines of JSON to standard error."),
    Variable(STATE, "Folder for the list of exports, trainings and evaluations, instead of the one of your system."),
    Variable(NO_COLOR, "With any value, nothing is printed in colour."),
    Variable("LOCALAPPDATA", "Windows: where the folders for cache and state are."),
    Variable("XDG_CACHE_HOME", "Linux: where the folder for the cache is; default ~/.cache."),
    Variable("XDG_STATE_HOME", "Linux: where the folder for the state is; default ~/.local/state."),
    Variable("OMP_WAIT_POLICY", "How threads of torch wait; rainclean sets PASSIVE where it is not set."),
    Variable("WORLD_SIZE", "Number of processes of a training; torchrun sets it."),
    Variable("QT_QPA_PLATFORM", "How Qt shows the window; rainclean reads it to say what is missing."),
    Variable("DISPLAY", "X11: the screen; without it there is no window."),
    Variable("WAYLAND_DISPLAY", "Wayland: the screen; without it there is no window."),
)
"""All of them; docs/user-guide.md has the same table."""
