import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT, Run


@pytest.fixture(scope="session")
def benchmarks() -> Run:
    """Runs the real command: ``benchmarks("temporal", "--json")``."""

    def run(*words: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "benchmarks", *map(str, words)]
        environment = {**os.environ, "PYTHONWARNINGS": "error"}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)

    return run
