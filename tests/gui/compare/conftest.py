from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from gui.compare import CompareView

U8 = NDArray[np.uint8]


@pytest.fixture
def view(qtbot: QtBot) -> CompareView:
    """A view of 400×300 without focus: no ring."""
    view = CompareView()
    qtbot.addWidget(view)
    view.resize(400, 300)
    with qtbot.waitExposed(view):
        view.show()
    view.clearFocus()
    return view


@pytest.fixture
def screen(view: CompareView) -> Callable[[], U8]:
    """What is on the screen, (H, W, 3)."""

    def look() -> U8:
        image = view.grab().toImage()
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
        return pixels[..., 2::-1].copy()

    return look


@pytest.fixture(scope="session")
def noise() -> Callable[..., U8]:
    """noise(width, height, seed): a picture of random pixels."""

    def make(width: int, height: int, seed: int = 0) -> U8:
        return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)

    return make
