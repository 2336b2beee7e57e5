"""Rows and bands in memory and in a scratch file, held against one plain array."""

import errno
import shutil
import tempfile
from collections import namedtuple
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.errors import ResourceError
from rainclean.temporal import storage
from rainclean.temporal.storage import Planes, ScratchPlanes, format_bytes, refuse_if_too_little


def make(kind: str, rows: int, columns: int, bands: list[tuple[int, int]] | None = None) -> Planes:
    if kind == "memory":
        return Planes(rows, columns, bands)
    return ScratchPlanes(rows, columns, Path(tempfile.gettempdir()), bands)


class Grudging:
    """A file that reads and writes a few bytes at a time, as files may."""

    def __init__(self, file: Any, most: int) -> None:
        self._file, self._most = file, most

    def write(self, data: memoryview) -> Any:
        return self._file.write(data[: self._most])

    def readinto(self, room: memoryview) -> Any:
        return self._file.readinto(room[: self._most])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.fixture(params=["memory", "disk"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(["memory", "disk"]), st.integers(1, 30), st.integers(1, 300))
def test_writes_and_reads_are_those_of_a_plain_array(data: st.DataObject, kind: str, rows: int, columns: int) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    cuts = data.draw(st.none() | st.sets(st.integers(1, columns), max_size=5))
    edges = sorted({0, columns, *(cuts or ())})
    with closing(make(kind, rows, columns, None if cuts is None else list(pairwise(edges)))) as planes:
        assert (planes.rows, planes.columns) == (rows, columns)
        plain = np.empty((rows, columns), np.uint8)
        row = 0
        for side in range(2 * rows):  # runs of rows, as a stack writes them
            count = data.draw(st.integers(1, rows - row))
            if isinstance(planes, ScratchPlanes):
                buffer = planes.buffer(count, side % 2)
            else:
                buffer = np.empty((count, columns), np.uint8)
            assert buffer.shape == (count, columns)
            buffer[:] = plain[row : row + count] = rng.integers(0, 256, buffer.shape, np.uint8)
            for band, (start, stop) in enumerate(planes.bands):
                planes.write(row, band, buffer[:, start:stop])
            row += count
            if row == rows:
                break
        if isinstance(planes, ScratchPlanes):
            planes.drop_buffers()
        for _ in range(data.draw(st.integers(0, 6))):  # and pieces in any order
            band = data.draw(st.integers(0, len(planes.bands) - 1))
            start, stop = planes.bands[band]
            row = data.draw(st.integers(0, rows - 1))
            block = rng.integers(0, 256, (data.draw(st.integers(1, rows - row)), stop - start), np.uint8)
            planes.write(row, band, block)
            plain[row : row + len(block), start:stop] = block
        for band, (start, stop) in enumerate(planes.bands):
            assert np.array_equal(planes.read_band(band), plain[:, start:stop])
        for row in range(rows):
            assert np.array_equal(planes.read_row(row), plain[row])


def test_bands_cover_all_columns_once(kind: str) -> None:
    for rows, columns in ((1, 1), (2, 63), (100, 64), (400, 100_000), (20_000_000, 1000)):
        if kind == "memory" and rows > 1000:
            continue
        planes = make(kind, rows, columns)
        covered = np.concatenate([np.arange(*band) for band in planes.bands])
        assert np.array_equal(covered, np.arange(columns))
        planes.close()


def test_a_band_is_the_readers_to_change(kind: str) -> None:
    planes = make(kind, 3, 10)
    planes.write(0, 0, np.full((3, 10), 7, np.uint8))
    band = planes.read_band(0)
    assert band.flags.c_contiguous
    band[:] = 0
    assert (planes.read_band(0) == 7).all()
    planes.close()


def test_two_sides_are_in_use_at_the_same_time(tmp_path: Path) -> None:
    planes = ScratchPlanes(8, 10, tmp_path)
    one, other = planes.buffer(4, 0), planes.buffer(4, 1)
    one[:], other[:] = 1, 2
    assert (one == 1).all() and (other == 2).all()
    planes.close()


def test_short_writes_and_reads_are_gone_on_with(tmp_path: Path) -> None:
    planes = ScratchPlanes(5, 40, tmp_path, [(0, 25), (25, 40)])
    planes._file = cast("IO[bytes]", Grudging(planes._file, 7))
    plain = np.random.default_rng(0).integers(0, 256, (5, 40), np.uint8)
    for band, (start, stop) in enumerate(planes.bands):
        planes.write(0, band, plain[:, start:stop])
    assert np.array_equal(planes.read_band(1), plain[:, 25:])
    assert np.array_equal(planes.read_row(3), plain[3])
    planes.close()


def test_the_scratch_file_has_no_name(tmp_path: Path) -> None:
    planes = ScratchPlanes(5, 40, tmp_path)
    planes.write(0, 0, np.zeros((5, 40), np.uint8))
    assert not list(tmp_path.iterdir())
    planes.close()
    planes.close()
    assert not list(tmp_path.iterdir())


def test_reading_what_was_never_written_is_refused(tmp_path: Path) -> None:
    planes = ScratchPlanes(5, 40, tmp_path)
    with pytest.raises(ResourceError, match="shorter"):
        planes.read_band(0)
    planes.close()


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planes = ScratchPlanes(5, 40, tmp_path)

    class Full(Grudging):
        def write(self, data: memoryview) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    planes._file = cast("IO[bytes]", Full(planes._file, 1))
    with pytest.raises(ResourceError, match=r"No space left on device.*--scratch") as caught:
        planes.write(0, 0, np.zeros((5, 40), np.uint8))
    assert "\n" not in str(caught.value)
    planes.close()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", denied)
    with pytest.raises(ResourceError, match="Permission denied"):
        ScratchPlanes(5, 40, tmp_path)


Usage = namedtuple("Usage", "total used free")


def test_too_little_disk_is_refused_with_both_amounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = storage.SPARE_DISK_BYTES + (3 << 30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2 * free, free, free))
    refuse_if_too_little(3 << 30, tmp_path)
    with pytest.raises(
        ResourceError,
        match=r"3\.5 GiB of scratch space needed \(and 256\.0 MiB must stay free\), 3\.2 GiB free.*--scratch",
    ) as caught:
        refuse_if_too_little(3584 << 20, tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ResourceError):
        refuse_if_too_little((3 << 30) + 1, tmp_path)


def test_a_scratch_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "missing"):
        with pytest.raises(ResourceError, match="no such folder"):
            refuse_if_too_little(1, folder)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1 << 20, "1.0 MiB"),
        (3 << 29, "1.5 GiB"),
        (1023 << 30, "1023.0 GiB"),
        (1 << 40, "1.0 TiB"),
        (5000 << 40, "5000.0 TiB"),
    ],
)
def test_bytes_for_a_person(count: int, text: str) -> None:
    assert format_bytes(count) == text


@settings(deadline=None)
@given(st.integers(0, 1 << 60))
def test_format_bytes_is_right_to_a_twentieth_of_its_unit(count: int) -> None:
    number, unit = format_bytes(count).split()
    size = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}[unit]
    assert abs(float(number) * size - count) <= 0.0500001 * size
    assert unit == "TiB" or float(number) <= 1024
