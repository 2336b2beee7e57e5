"""How far RGB is from the arithmetic of ITU-T H.273 in real numbers: what ADR 2 says of it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rainclean.video.rgb import RgbConverter
from tests.helpers.raw_frames import BLOCKS, SIDE, frame_of

F64 = NDArray[np.float64]
BT601, BT709 = (5, 0.299, 0.114), (1, 0.2126, 0.0722)


def errors(bits: int, subsampled: bool, matrix: tuple[int, float, float], colourful: bool) -> F64:
    """RGB less what it should be, rounded, for colours that RGB can hold, given in limited range."""
    space, red, blue = matrix
    scale = 1 << bits - 8
    shape = (BLOCKS, BLOCKS, 3 if colourful else 1)
    r, g, b = np.moveaxis(
        np.broadcast_to(np.random.default_rng(3).uniform(0.02, 0.98, shape), (BLOCKS, BLOCKS, 3)), 2, 0
    )
    y = red * r + (1 - red - blue) * g + blue * b
    y, u, v = (
        np.rint(scale * (offset + span * value)).astype(int)
        for offset, span, value in (
            (16, 219, y),
            (128, 224, (b - y) / 2 / (1 - blue)),
            (128, 224, (r - y) / 2 / (1 - red)),
        )
    )
    light, u0, v0 = (y / scale - 16) / 219, (u / scale - 128) / 224, (v / scale - 128) / 224
    r, b = light + 2 * (1 - red) * v0, light + 2 * (1 - blue) * u0
    right = np.rint(255 * np.clip(np.stack([r, (light - red * r - blue * b) / (1 - red - blue), b], 2), 0, 1))
    chroma = SIDE // 2 if subsampled else SIDE
    planes = [np.kron(plane, np.ones((side, side), int)) for plane, side in ((y, SIDE), (u, chroma), (v, chroma))]
    name = f"yuv{'420' if subsampled else '444'}p{'' if bits == 8 else f'{bits}le'}"
    got = RgbConverter(stretch_grey=False)(frame_of(name, planes, space))
    return got[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE] - right


@pytest.mark.parametrize("matrix", [BT601, BT709], ids=["BT.601", "BT.709"])
@pytest.mark.parametrize(
    ("bits", "greys", "colours", "most"),
    [(8, -0.5, (-1.2, -1.2), 3), (10, -1.6, (-1.3, -1.8), 4), (12, -1.7, (-1.4, -2), 4)],
)
def test_subsampled_colours_come_out_darker(
    bits: int, greys: float, colours: tuple[float, float], most: int, matrix: tuple[int, float, float]
) -> None:
    assert errors(bits, True, matrix, colourful=False).mean() == pytest.approx(greys, abs=0.15)
    found = errors(bits, True, matrix, colourful=True)
    assert found.mean() == pytest.approx(colours[matrix is BT709], abs=0.15)
    assert found.min() >= -most
    assert found.max() <= 1


@pytest.mark.parametrize("matrix", [BT601, BT709], ids=["BT.601", "BT.709"])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_full_chroma_is_right_to_the_level(bits: int, matrix: tuple[int, float, float]) -> None:
    found = errors(bits, False, matrix, colourful=True)
    assert np.abs(found).max() <= 1
    assert abs(found.mean()) < 0.05
