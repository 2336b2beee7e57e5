"""PNG files: what goes in comes out, and what is no picture says so in one line."""

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from rainclean.errors import InputError
from rainclean.png import decode_png, encode_png, pixels_sha256, png_header
from tests.helpers.datasets import picture

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9)) | st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))


@settings(deadline=None)
@given(shapes.flatmap(lambda shape: arrays(np.uint8, shape)))
def test_pictures_come_back(array: np.ndarray) -> None:
    data = encode_png(array)
    assert data == encode_png(array)
    back = decode_png(data, "a.png")
    assert back.dtype == np.uint8 and np.array_equal(back, array)
    assert pixels_sha256(back) == pixels_sha256(array)


def test_other_libraries_see_the_same_colours(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode_png(picture(1)))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), picture(1))


def test_sums_tell_shapes_and_values_apart() -> None:
    flat = np.zeros((4, 6), np.uint8)
    sums = [pixels_sha256(a) for a in (flat, flat.reshape(6, 4), flat + 1, np.zeros((4, 2, 3), np.uint8))]
    assert len(set(sums)) == 4
    wide = picture(2)
    assert pixels_sha256(wide[:, ::2]) == pixels_sha256(wide[:, ::2].copy())


@pytest.mark.parametrize("array", [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)])
def test_other_arrays_are_refused(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="not"):
        encode_png(array)


def png(array: np.ndarray) -> bytes:
    return cv2.imencode(".png", array)[1].tobytes()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_any_changed_byte_is_an_error_or_harmless(place: int, change: int) -> None:
    """Never a warning, a crash, or words on stderr; a check sum guards every chunk."""
    data = bytearray(encode_png(picture(3)))
    data[place % len(data)] ^= change
    with pytest.raises(InputError, match=r"a\.png"):
        decode_png(bytes(data), "a.png")


def test_cut_files(capfd: pytest.CaptureFixture[str]) -> None:
    data = encode_png(picture(3))
    for length in range(0, len(data), 7):
        with pytest.raises(InputError) as error:
            decode_png(data[:length], "a.png")
        assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4), np.uint16), "16-bit grey, not 8-bit grey or RGB"),
        (np.zeros((4, 4, 4), np.uint8), "8-bit RGB with alpha"),
    ],
)
def test_other_depths_and_channels(array: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        decode_png(png(array), "a.png")


def test_a_picture_with_no_end_of_pixels() -> None:
    """A header that promises more than there is, with all check sums right."""
    data = bytearray(encode_png(picture(3)))
    data[16:24] = (60000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    assert png_header(bytes(data), "a.png").width == 60000
    with pytest.raises(InputError, match="cannot be decoded"):
        decode_png(bytes(data), "a.png")
