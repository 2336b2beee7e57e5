"""Measure the index of a data set as large as SPA-Data: seconds and memory until its pairs are known.

The tree has the names of SPA-Data and empty files, since an index opens no picture.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rainclean.environment import CACHE
from rainclean.errors import RaincleanError

PAIRS = 638_500
"""Pairs of SPA-Data, rounded."""

_FRAMES, _CROPS = 174, 22
"""Frames of a scene, crops of a frame: 29 500 frames of 170 scenes."""

_MIB = 1 << 20

_READ = """
import json, sys
from time import perf_counter
from pipeline.memory import peak_rss_bytes
from rainclean.dataset import read_dataset
imported = perf_counter()
data = read_dataset(sys.argv[1])
print(json.dumps({"seconds": perf_counter() - imported, "peak": peak_rss_bytes(), "pairs": len(data.pairs)}))
"""


_TRAIN = """
import json, pickle, sys
from pathlib import Path
import torch
from pipeline.memory import peak_rss_bytes, rss_bytes
from pipeline.training.examples import divide
from rainclean.dataset import read_dataset
from rainclean.spanet import Cut, Examples
before = rss_bytes()
data = read_dataset(sys.argv[1])
parts = divide(data, seed=0, most=32)
examples = Examples(parts.training, Cut(256), "threshold", 0)
for number in range(1000):
    examples.pairs[examples.place(number)]
sent = len(pickle.dumps(examples))
print(json.dumps({"mib": (peak_rss_bytes() - before) / 2**20, "sent": sent / 2**20, "pairs": len(parts.training)}))
"""


@dataclass(frozen=True, kw_only=True)
class TrainingFigures:
    """Figures of the examples of a training, from a cached index.

    Attributes:
        pairs: Number of training pairs.
        peak_mib: Largest resident memory beside torch and the other libraries.
        sent_mib: What each process that reads pictures is sent.
    """

    pairs: int
    peak_mib: float
    sent_mib: float


@dataclass(frozen=True, kw_only=True)
class IndexFigures:
    """Figures of one index.

    Attributes:
        pairs: Number of pairs.
        first_seconds, second_seconds: Until the pairs are known, without and with a cached index.
        first_peak_mib, second_peak_mib: Largest resident memory of the process, with the interpreter.
    """

    pairs: int
    first_seconds: float
    second_seconds: float
    first_peak_mib: float
    second_peak_mib: float


def make_tree(folder: Path, pairs: int = PAIRS) -> None:
    """Make an SPA-Data of empty files, with its training list.

    Args:
        folder: New folder.
        pairs: Number of pairs.
    """
    lines: list[str] = []
    for number in range(pairs):
        frame, crop = divmod(number, _CROPS)
        scene, frame = divmod(frame, _FRAMES)
        place = f"{scene:03}/{scene:03}-{frame}"
        if crop == 0:
            for side in ("real_world", "real_world_gt"):
                (folder / side / place).mkdir(parents=True)
        name = f"{place}/{scene:03}-{frame}_{crop % 5 * 256}_{crop // 5 * 256}.png"
        for side in ("real_world", "real_world_gt"):
            os.close(os.open(folder / side / name, os.O_CREAT | os.O_WRONLY))
        lines.append(f"real_world/{name} real_world_gt/{name}\n")
    (folder / "real_world.txt").write_text("".join(lines), encoding="utf-8", newline="\n")
    # A data set is older than its first index; what changed in the last seconds is not kept in the cache.
    before = time.time() - 60
    for place, _, _ in os.walk(folder):
        os.utime(place, (before, before))
    os.utime(folder / "real_world.txt", (before, before))


def measure_index(folder: Path) -> IndexFigures:
    """Index a data set twice, each time in a process of its own, first without a cached index.

    Args:
        folder: Of the data set.

    Raises:
        RaincleanError: It could not be indexed.
    """
    with tempfile.TemporaryDirectory(prefix="rainclean-scale-") as cache:
        first, second = (_figures(_READ, folder, cache) for _ in range(2))
    return IndexFigures(
        pairs=int(second["pairs"]),
        first_seconds=first["seconds"],
        second_seconds=second["seconds"],
        first_peak_mib=first["peak"] / _MIB,
        second_peak_mib=second["peak"] / _MIB,
    )


def measure_training(folder: Path) -> TrainingFigures:
    """Measure the memory of the examples of a training; no network is trained and no picture opened.

    Args:
        folder: Of the data set.

    Raises:
        RaincleanError: It cannot be trained from.
    """
    with tempfile.TemporaryDirectory(prefix="rainclean-scale-") as cache:
        _figures(_READ, folder, cache)
        found = _figures(_TRAIN, folder, cache)
    return TrainingFigures(pairs=int(found["pairs"]), peak_mib=found["mib"], sent_mib=found["sent"])


def _figures(program: str, folder: Path, cache: str) -> dict[str, float]:
    environment = {**os.environ, CACHE: cache}
    command = [sys.executable, "-c", program, str(folder)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RaincleanError(f"{folder}: cannot be indexed ({result.stderr.strip().splitlines()[-1:]})")
    figures: dict[str, float] = json.loads(result.stdout)
    return figures
