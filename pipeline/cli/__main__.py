"""``python -m pipeline.cli``: the command, for whoever knows the interpreter but not where its scripts lie."""

import sys

from pipeline.cli.main import main

sys.exit(main())
