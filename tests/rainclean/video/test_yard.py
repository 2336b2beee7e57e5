"""The real clip of the project's users; it is not part of the repository, so these tests may have to skip."""

from pathlib import Path

import av
import numpy as np
import pytest

from rainclean.video import DamagedInput, FrameSource, open_source
from rainclean.video.tracking import STILL_THRESHOLD_PX, camera_shift, luma
from tests.conftest import ROOT

YARD = ROOT.parent / "shared" / "real" / "yard.mp4"
pytestmark = pytest.mark.skipif(not YARD.exists(), reason="../shared/real/yard.mp4 is not here")


@pytest.fixture(scope="module")
def yard() -> FrameSource:
    return open_source(YARD)


def test_facts(yard: FrameSource) -> None:
    info = yard.info
    assert (info.width, info.height, info.frame_count, info.rotation) == (368, 640, 376, 90)
    assert (info.codec, info.transfer, info.full_range) == ("h264", "SDR", False)
    assert 1 / np.diff(yard.times).mean() == pytest.approx(29.74, abs=0.01)
    assert any(note.startswith("variable frame times") for note in info.notes)


def test_pixels_are_pyavs_turned_upright(yard: FrameSource) -> None:
    with av.open(str(YARD)) as plain:
        stored = next(plain.decode(video=0)).to_ndarray(format="rgb24")
    frame = next(iter(yard.read([0])))
    assert np.array_equal(frame.rgb, np.rot90(stored, -1))
    # Sky above, wet ground below: upright by eye as well.
    assert frame.rgb[:50].mean() > 1.5 * frame.rgb[-50:].mean()


def test_jumping_gives_what_reading_gives(yard: FrameSource) -> None:
    wanted = [0, 29, 30, 31, 200, 375]
    read = {f.index: f.rgb for f in yard.read() if f.index in wanted}
    jumped = {f.index: f.rgb for f in yard.read(wanted)}
    assert list(jumped) == wanted
    assert all(np.array_equal(read[i], jumped[i]) for i in wanted)


def test_the_camera_stands_still(yard: FrameSource) -> None:
    frames = [luma(f.rgb) for f in yard.read([50, 51, 99])]
    step = camera_shift(frames[0], frames[1])
    assert step is not None
    assert step < STILL_THRESHOLD_PX


def test_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "yard.mp4"
    path.write_bytes(YARD.read_bytes()[:1_500_000])
    with pytest.raises(DamagedInput, match=r"truncated: (\d+) of 376 frames") as caught:
        open_source(path)
    salvaged = open_source(path, salvage=True)
    assert salvaged.info.frame_count == caught.value.decodable
    assert salvaged.info.rotation == 90
