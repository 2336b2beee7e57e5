"""Still pictures as cameras and programs write them: turned, in planes, with colour profiles, and damaged."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from rainclean.dataset.reader import read_rgb
from rainclean.errors import InputError, RaincleanError
from rainclean.simulate.backdrop import Backdrop
from rainclean.video import open_here, open_source
from rainclean.video.pictures import read_header, read_levels, read_picture
from tests.conftest import ROOT
from tests.helpers.colour_profiles import P3, SRGB, WIDE
from tests.helpers.video_clips import picture

SCENE = picture(5, 96, 64)
DEEP = np.random.default_rng(3).integers(0, 65536, (70, 93, 4), dtype=np.uint16)

OPTIONS: dict[str, dict[str, Any]] = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}}
UNTURN: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.swapaxes(a[::-1, ::-1], 0, 1),
    8: lambda a: np.rot90(a, -1),
}
"""How an upright picture is stored under each EXIF orientation (TIFF 6.0, page 36)."""


def only(folder: Path) -> NDArray[np.uint8]:
    """The one frame of a folder of images; its size is what the source says."""
    with open_source(folder) as source:
        (frame,) = source.read()
        assert frame.rgb.shape == (source.info.height, source.info.width, 3)
        return frame.rgb


def as_tiff(path: Path, stored: NDArray[Any], orientation: int, **options: Any) -> None:
    tifffile.imwrite(path, stored, photometric="rgb", extratags=[(274, "H", 1, orientation, True)], **options)


@pytest.mark.parametrize("orientation", UNTURN)
def test_tiffs_are_turned_once(orientation: int, tmp_path: Path) -> None:
    """Also those that Pillow decodes, which turns them itself (here: JPEG within TIFF)."""
    stored = np.ascontiguousarray(UNTURN[orientation](SCENE))
    path = tmp_path / "1.tif"
    for levels, options in ((stored, {}), (stored, {"compression": "zlib"}), (stored.astype(np.uint16) * 257, {})):
        as_tiff(path, levels, orientation, **options)
        assert np.array_equal(only(tmp_path), SCENE)
    for region in ((0, 0, 96, 64), (10, 20, 30, 25)):
        x, y, w, h = region
        with open_source(tmp_path) as source:
            (frame,) = source.read([0], source_region(region))
        assert np.array_equal(frame.rgb, SCENE[y : y + h, x : x + w])
    Image.fromarray(stored).save(path, compression="jpeg", quality=100, tiffinfo={274: orientation})
    assert np.abs(only(tmp_path).astype(int) - SCENE).mean() < 3


def source_region(region: tuple[int, int, int, int]) -> Any:
    from rainclean.video import Region

    return Region(*region)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "16.png"])
@pytest.mark.parametrize("orientation", UNTURN)
def test_exif_is_heeded_wherever_stills_are_read(orientation: int, suffix: str, tmp_path: Path) -> None:
    stored = Image.fromarray(np.ascontiguousarray(UNTURN[orientation](SCENE)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"1.{suffix}"
    stored.save(path, exif=exif, **OPTIONS.get(suffix, {}))
    if suffix == "16.png":
        deep = cv2.imencode(".png", np.asarray(stored)[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
        eight = path.read_bytes()
        at = eight.index(b"eXIf") - 4
        chunk = eight[at : at + 12 + struct.unpack(">I", eight[at : at + 4])[0]]
        path.write_bytes(deep[:33] + chunk + deep[33:])
    within = 4 if suffix == "jpg" else 0
    for seen in (only(tmp_path), read_rgb(path), next(Backdrop(path).pictures(1))):
        assert seen.shape == SCENE.shape
        assert np.abs(seen.astype(int) - SCENE).max() <= within


KINDS: dict[str, dict[str, Any]] = {
    "together": {},
    "planes apart": {"planarconfig": "separate"},
    "big endian": {"byteorder": ">"},
    "BigTIFF, planes apart, big endian": {"bigtiff": True, "planarconfig": "separate", "byteorder": ">"},
    "deflate": {"compression": "zlib", "rowsperstrip": 7},
    "differences": {"compression": "zlib", "predictor": 2, "rowsperstrip": 7},
    "differences, planes apart": {"compression": "zlib", "predictor": 2, "planarconfig": "separate", "byteorder": ">"},
    "tiles": {"tile": (32, 16)},
    "tiles of differences": {"tile": (32, 16), "compression": "zlib", "predictor": 2},
    "tiles, planes apart": {"tile": (16, 48), "planarconfig": "separate", "compression": "zlib"},
}


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4], ids=["grey", "grey with alpha", "RGB", "RGB with alpha"])
@pytest.mark.parametrize("kind", KINDS)
def test_tiffs_of_all_arrangements(kind: str, channels: int, depth: int, tmp_path: Path) -> None:
    values: NDArray[Any] = DEEP[..., :channels] if depth == 16 else (DEEP[..., :channels] >> 8).astype(np.uint8)
    options = dict(KINDS[kind])
    if channels == 1:
        options.pop("planarconfig", None)
        stored = values[..., 0]
    else:
        stored = np.moveaxis(values, -1, 0) if "planarconfig" in options else values
        options.setdefault("planarconfig", "contig")
    if channels in (2, 4):
        options["extrasamples"] = ["unassalpha"]
    colours = "rgb" if channels > 2 else "minisblack"
    tifffile.imwrite(tmp_path / "1.tif", np.ascontiguousarray(stored), photometric=colours, **options)
    wanted = np.broadcast_to(values[..., : 3 if channels > 2 else 1], (70, 93, 3))
    header = read_header(tmp_path / "1.tif")
    assert (header.sixteen_bit, header.alpha) == (depth == 16, channels in (2, 4))
    assert np.array_equal(read_levels(tmp_path / "1.tif", header), wanted)
    assert np.array_equal(only(tmp_path), np.rint(wanted / 257) if depth == 16 else wanted)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero(dtype: type[np.uint8 | np.uint16], tmp_path: Path) -> None:
    stored = DEEP[..., 0].astype(dtype)
    tifffile.imwrite(tmp_path / "1.tif", stored, photometric="miniswhite")
    wanted = np.iinfo(dtype).max - stored
    header = read_header(tmp_path / "1.tif")
    assert np.array_equal(read_levels(tmp_path / "1.tif", header)[..., 1], wanted)


def test_palettes_and_inks(tmp_path: Path) -> None:
    palette = Image.fromarray(SCENE).quantize(64)
    palette.save(tmp_path / "1.tif", compression="tiff_lzw")
    assert np.array_equal(only(tmp_path), np.asarray(palette.convert("RGB")))
    inks = Image.fromarray(SCENE).convert("CMYK")
    inks.save(tmp_path / "1.tif")
    assert np.array_equal(only(tmp_path), np.asarray(inks.convert("RGB")))


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        (np.ones((8, 8), np.float32), {}, "32-bit floating-point grey"),
        (np.ones((8, 8, 3), np.float16), {"photometric": "rgb"}, "16-bit floating-point RGB"),
        (np.ones((8, 8), np.int16), {}, "16-bit signed grey"),
        (np.ones((8, 8), np.int8), {}, "8-bit signed grey"),
        (np.ones((8, 8, 3), np.uint32), {"photometric": "rgb"}, "32-bit RGB"),
        (np.ones((8, 8, 4), np.uint16), {"photometric": "separated"}, "16-bit CMYK"),
    ],
)
def test_other_numbers_are_refused_by_name(
    values: NDArray[Any], options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "1.tif", values, **{"photometric": "minisblack", **options})
    with pytest.raises(InputError, match=rf"1\.tif: TIFF with {said} pixels.* is not read; save it"):
        open_source(tmp_path)


def by_hand(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """WIDE to sRGB as the definitions have it: gamma, primaries, clipping, and sRGB's curve."""
    linear = (rgb / 255.0) ** 1.8 @ np.array(P3) @ np.linalg.inv(SRGB)
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "16.tif"])
def test_colour_profiles_are_converted_and_said(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"1.{suffix}"
    if suffix == "16.tif":
        tag = [(34675, "B", len(WIDE), WIDE, True)]
        tifffile.imwrite(path, SCENE.astype(np.uint16) * 257, photometric="rgb", extratags=tag)
    else:
        Image.fromarray(SCENE).save(path, icc_profile=WIDE, **OPTIONS.get(suffix, {}))
    stored = read_rgb(path) if suffix == "jpg" else SCENE
    assert np.abs(only(tmp_path) - by_hand(stored)).max() <= 2
    assert any(note == "1 of 1 images: colour profile Wide P3: converted to sRGB" for note in notes_of(tmp_path))
    assert np.array_equal(read_rgb(path), stored)  # data sets: as they are
    assert np.array_equal(next(Backdrop(path).pictures(1)), only(tmp_path))


def notes_of(folder: Path) -> tuple[str, ...]:
    with open_source(folder) as source:
        return source.info.notes


def test_profiles_of_srgb_change_nothing_and_broken_ones_are_said(tmp_path: Path) -> None:
    plain = Image.fromarray(SCENE)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain.save(tmp_path / "1.png", icc_profile=srgb)
    assert np.array_equal(only(tmp_path), SCENE)
    assert not any("profile" in note for note in notes_of(tmp_path))
    grey_for_rgb = bytearray(WIDE)
    grey_for_rgb[16:20] = b"GRAY"
    for broken in (WIDE[:200], b"no profile", bytes(grey_for_rgb)):
        plain.save(tmp_path / "1.png", icc_profile=broken)
        assert np.array_equal(only(tmp_path), SCENE)
        assert any("cannot be used: colours taken for sRGB" in note for note in notes_of(tmp_path))


def test_grey_profiles(tmp_path: Path) -> None:
    grey = bytearray(WIDE.replace(b"rTRC", b"kTRC"))
    grey[16:20] = b"GRAY"
    Image.fromarray(SCENE[..., 0]).save(tmp_path / "1.png", icc_profile=bytes(grey))
    linear = (SCENE[..., :1] / 255.0) ** 1.8
    wanted = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(only(tmp_path) - wanted).max() <= 2


def webp_canvas(width: int, height: int) -> bytes:
    """A WebP animation of one small picture on a canvas of this size."""
    small = io.BytesIO()
    Image.fromarray(SCENE).save(small, "WEBP", lossless=True)
    data = small.getvalue()[12:]
    sides = [(side - 1).to_bytes(3, "little") for side in (width, height, 96, 64)]
    frame = bytes(6) + sides[2] + sides[3] + bytes(4) + data
    chunks = b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + sides[0] + sides[1]
    chunks += b"ANIM" + struct.pack("<I", 6) + bytes(6) + b"ANMF" + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def test_what_takes_too_much_memory_is_refused_from_its_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("decoders take memory when they open"))
    (tmp_path / "1.webp").write_bytes(webp_canvas(8_000, 8_000))
    with pytest.raises(InputError, match=r"1\.webp: 8000×8000 px is over the limit of 40 megapixels"):
        open_source(tmp_path)
    (tmp_path / "1.webp").unlink()
    tifffile.imwrite(tmp_path / "1.tif", np.zeros((8, 8), np.uint16))
    tags = (tmp_path / "1.tif").read_bytes()
    at = tags.index(struct.pack("<HHI", 256, 4, 1)) + 8
    (tmp_path / "1.tif").write_bytes(tags[:at] + struct.pack("<I", 1 << 24) + tags[at + 4 :])
    with pytest.raises(InputError, match="over the limit of"):
        open_source(tmp_path)


@pytest.mark.parametrize("error", [TypeError, KeyError, SyntaxError, struct.error, OverflowError, MemoryError,
                                   RecursionError, Image.DecompressionBombError, EOFError, ValueError])  # fmt: skip
def test_whatever_a_decoder_raises_is_one_line(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(SCENE).save(tmp_path / "1.png")

    def fail(*_: object, **__: object) -> None:
        raise error("two\nlines")

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(InputError) as caught:
        open_here(tmp_path)  # the process that `open_source` reads by would not have what is patched
    assert "1.png: " in str(caught.value) and str(caught.value).isprintable()


HOSTILE = ROOT.parent / "shared" / "cases" / "hostile"


def test_damaged_images_that_were_met(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = sorted(HOSTILE.glob("*.img"))
    if not files:
        pytest.skip("../shared/cases/hostile is not here")
    for number, file in enumerate(files):
        data = file.read_bytes()
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / f"1.{'webp' if data.startswith(b'RIFF') else 'tif'}").write_bytes(data)
        try:
            only(folder)
        except RaincleanError as error:
            assert str(error).isprintable()
    assert capfd.readouterr().err == ""


def test_a_damaged_picture_of_sixteen_bits_is_not_read_in_part(tmp_path: Path) -> None:
    path = tmp_path / "1.png"
    assert cv2.imwrite(str(path), DEEP[..., :3])
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:3000] + bytes([whole[3000] ^ 1]) + whole[3001:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="damaged"):
            read_picture(path)


def test_bmp_in_runs_is_bounded(tmp_path: Path) -> None:
    """Pillow decodes it in Python: a row of 100 million pixels took minutes."""
    rows = b"\x04\x07\0\0\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, 4_000_000, 16, 1, 8, 1, len(rows), 0, 0, 256, 0)
    colours = bytes(1024)
    path = tmp_path / "1.bmp"
    path.write_bytes(
        b"BM" + struct.pack("<IHHI", 14 + 40 + 1024 + len(rows), 0, 0, 14 + 40 + 1024) + head + colours + rows
    )
    with pytest.raises(InputError, match="over the limit of 4 megapixels for an image as BMP in runs"):
        read_header(path)
