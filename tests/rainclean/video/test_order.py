"""Small pure parts: natural order, turns, the folder's other contents."""

import struct
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rainclean.video import Region, open_source
from rainclean.video.images import natural_key
from rainclean.video.orientation import Orientation, display_scale, from_display_matrix
from rainclean.video.selection import check_indices
from tests.helpers.video_clips import index_of, picture
from tests.rainclean.video.conftest import write_images


def test_two_comes_before_ten() -> None:
    names = ["f10.png", "f2.png", "F1.png", "f1b.png", "f02.png", "a.png", "3.png"]
    assert sorted(names, key=natural_key) == [
        "3.png",
        "a.png",
        "F1.png",
        "f1b.png",
        "f02.png",
        "f2.png",
        "f10.png",
    ]


@given(st.lists(st.integers(0, 10**9), unique=True))
def test_numbers_sort_as_numbers(numbers: list[int]) -> None:
    names = [f"frame{n}.png" for n in numbers]
    assert sorted(names, key=natural_key) == [f"frame{n}.png" for n in sorted(numbers)]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True), st.randoms())
def test_every_name_has_its_place(names: list[str], random: Random) -> None:
    shuffled = random.sample(names, len(names))
    assert sorted(names, key=natural_key) == sorted(shuffled, key=natural_key)


@given(st.sets(st.integers(0, 99)))
def test_rising_indices_are_taken_as_they_are(chosen: set[int]) -> None:
    assert check_indices(sorted(chosen), 100) == sorted(chosen)


@given(
    st.sampled_from([0, 90, 180, 270]),
    st.booleans(),
    st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(1, 5), st.integers(1, 5)),
)
def test_a_region_of_the_upright_picture(rotation: int, mirrored: bool, where: tuple[int, int, int, int]) -> None:
    stored = np.random.default_rng(1).integers(0, 256, (13, 17, 3), dtype=np.uint8)
    way = Orientation(rotation, mirrored)
    width, height = way.size(17, 13)
    full = way.upright(stored, Region(0, 0, width, height))
    plain = np.rot90(stored, -rotation // 90)
    assert np.array_equal(full, plain[:, ::-1] if mirrored else plain)
    x, y, w, h = where
    assert np.array_equal(way.upright(stored, Region(x, y, w, h)), full[y : y + h, x : x + w])


def matrix(a: float, b: float, c: float, d: float) -> bytes:
    return struct.pack("=9i", *(round(v * 65536) for v in (a, b, 0, c, d, 0, 0, 0)), 1 << 30)


def test_display_matrices() -> None:
    assert from_display_matrix(None) == Orientation(0, False)
    assert from_display_matrix(matrix(0, 1, -1, 0)) == Orientation(90, False)
    assert from_display_matrix(matrix(1, 0, 0, -1)) == Orientation(180, True)
    assert from_display_matrix(matrix(0.87, 0.5, -0.5, 0.87)) is None
    assert from_display_matrix(matrix(1, 0, 0.5, 1)) is None
    assert from_display_matrix(matrix(2, 0, 0, 2)) == Orientation(0, False)
    assert from_display_matrix(matrix(0, 2, -1, 0)) == Orientation(90, False)
    assert from_display_matrix(matrix(-1.5, 0, 0, 0.5)) == Orientation(0, True)
    assert from_display_matrix(matrix(0, 0, 0, 0)) == Orientation(0, False)
    assert display_scale(matrix(0, 2, -0.5, 0)) == (2, 0.5)


def test_the_rest_of_a_folder_is_counted_not_read(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "frames", 12)
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.png").write_text("x")
    (folder / "deeper.png").mkdir()
    (folder / "again").symlink_to(folder)
    (folder / "loop.png").symlink_to("loop.png")
    source = open_source(folder)
    assert [index_of(f.rgb) for f in source.read()] == list(range(12))
    assert any("5 other entries" in note for note in source.info.notes)
    assert any("25 frames per second assumed" in note for note in source.info.notes)


def test_one_frame_and_large_numbers(tmp_path: Path) -> None:
    for number in (10**20, 7):
        Image.fromarray(picture(number % 256, 96, 64)).save(tmp_path / f"{number}.png")
    assert index_of(next(iter(open_source(tmp_path).read())).rgb) == 7
    with pytest.raises(IndexError):
        open_source(tmp_path).read([2])
