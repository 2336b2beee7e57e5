"""Where the installed commands are."""

import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("rainclean"))
