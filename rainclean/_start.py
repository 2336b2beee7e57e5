"""Start the commands: scripts, ``python -m rainclean`` and worker processes import this before anything else.

From here on `pipeline`, `gui` and `sample_sequences` are those that lie beside rainclean. The commands are named, not
imported: nothing of the library needs them.
"""

import sys
from importlib import import_module

from rainclean import _packages

_packages.put_first()


def main() -> int:
    """Run ``rainclean`` with the words of the command line and return its exit code."""
    code: int = import_module("pipeline.cli.main").main()
    return code


def gui() -> None:
    """Run ``rainclean-gui``: open the window without a terminal."""
    import_module("gui.command").main()


if __name__ == "__main__":
    sys.exit(main())
