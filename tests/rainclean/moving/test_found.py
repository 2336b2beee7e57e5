"""What was found of moving things comes back from its files as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.errors import InputError
from rainclean.moving.detection import Findings
from rainclean.moving.detectors import KINDS
from rainclean.moving.encoding import Areas, ForegroundMasks
from rainclean.moving.residual_grid import Grid
from rainclean.png import encode_png


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 40), st.integers(5, 40), st.integers(1, 5), st.integers(1, 6), st.integers(0, 99))
def test_files_hold_what_was_found(height: int, width: int, step: int, frames: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = Grid(height, width, step)
    rows, columns = grid.cells
    cells = rng.random((frames, rows, columns)) < rng.choice([0.0, 0.3])
    packed = np.packbits(cells.reshape(frames, -1), axis=1)
    areas = {kind: rng.random((height, width)) < 0.2 for kind in KINDS}
    doubtful = rng.random((height, width)) < 0.2
    found = Findings(areas=areas, doubtful=doubtful, share=cells.mean(axis=(1, 2)), labels=[], grid=grid, packed=packed)
    indices = [3 * i + 1 for i in range(frames)]
    again = Areas.decode(Areas.from_findings(found).encode(), "areas")
    assert all(np.array_equal(again.kinds[kind], areas[kind]) for kind in KINDS)
    assert np.array_equal(again.doubtful, doubtful)
    data = ForegroundMasks.from_findings(found, indices).encode()
    assert bool(data) == bool(cells.any())
    if data:
        foreground = ForegroundMasks.decode(data, "passing")
        for position, index in enumerate(indices):
            mask, expected = foreground.mask(index), found.per_frame(position)
            assert (mask is None) == (not cells[position].any())
            assert mask is None or np.array_equal(mask, expected)
        assert foreground.mask(0) is None
        with pytest.raises(InputError, match="foreground masks"):
            ForegroundMasks.decode(data[:-3], "passing")


def test_a_picture_with_colours_holds_no_areas() -> None:
    with pytest.raises(InputError, match="colours"):
        Areas.decode(encode_png(np.zeros((4, 5, 3), np.uint8)), "file")
