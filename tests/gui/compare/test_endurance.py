"""A day's work: thousands of repaints and pictures, no crash, no memory left behind."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gui.compare import CompareView, Mode
from rainclean.video import Region

U8 = NDArray[np.uint8]
ALLOWED = 50 << 20


def resident() -> int:
    """Bytes of memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")


@needs_proc
def test_five_thousand_repaints(view: CompareView, noise: Callable[..., U8]) -> None:
    view.resize(200, 150)
    view.show_pictures(noise(400, 300), noise(400, 300, 1), "rainy", "clean")
    view.set_mode(Mode.WIPE)
    painted: list[int] = []
    view.painted.connect(painted.append)
    for number in range(5000):
        view.set_divider(0.3 + 0.4 * (number % 2))
        view.repaint()
        if number == 500:
            before = resident()
    assert len(painted) == 5000
    assert resident() - before < ALLOWED / 2


@needs_proc
def test_a_thousand_pictures(view: CompareView, noise: Callable[..., U8]) -> None:
    right = noise(240, 135)
    for number in range(1000):
        view.set_mode(list(Mode)[number % 5])
        view.set_zoom((0.7, 1, 2, 5)[number % 4])
        view.show_pictures(np.roll(right, number, 0), np.roll(right, number, 1), "rainy", str(number))
        mask = np.zeros((135, 240), np.uint8)
        mask[50:60, : number % 240] = 255
        view.set_overlay("x", mask)
        view.repaint()
        view.show_preview(right[20:120:2, 100:200:2], Region(100, 20, 100, 100), 2)
        view.repaint()
        if number == 200:
            before = resident()
    assert resident() - before < ALLOWED


PROGRAM = """
import sys
import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication
from gui.compare import CompareView, Mode

app = QApplication(sys.argv)
picture = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
view = CompareView()
view.resize(300, 200)
view.show()
view.show_pictures(None, picture)
assert abs(view.zoom - 400 / 600) < 1e-9, view.zoom
view.actual_size()
image = view.grab().toImage()
assert (image.width(), image.height()) == (600, 400)
seen = np.frombuffer(image.constBits(), np.uint8).reshape(400, 600, 4)[..., 2::-1]
x, y, width, height = view.visible_region()
assert (width, height) == (600, 400)
part = (slice(80, 300), slice(20, 580))
assert (seen[part] == picture[y : y + height, x : x + width][part]).all()
assert view.to_picture(QPointF(150, 100)) == (400, 300)
assert view.to_widget(400, 300) == QPointF(150, 100)
"""


def test_on_a_dense_screen_one_to_one_is_of_its_pixels() -> None:
    environment = {**os.environ, "QT_SCALE_FACTOR": "2"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
