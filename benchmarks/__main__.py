"""``python -m benchmarks``: imports rainclean's own packages, whatever PYTHONPATH holds, then runs a benchmark."""

import sys

from rainclean import _start

if __name__ == "__main__":
    from benchmarks.main import main

    # As in rainclean/__main__.py: worker processes then import `_start` first, too.
    __spec__ = _start.__spec__
    sys.exit(main())
