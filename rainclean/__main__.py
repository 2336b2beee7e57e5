"""``python -m rainclean``: the command, for whoever knows the interpreter but not where its scripts lie."""

import sys

from rainclean import _start

if __name__ == "__main__":
    # Worker processes import the main module first, but not one called __main__: they would miss what `_start` does.
    __spec__ = _start.__spec__
    sys.exit(_start.main())
