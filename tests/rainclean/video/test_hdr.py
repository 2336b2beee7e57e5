"""HDR clips as an SDR display shows them, against the recommendations' formulas written here once more."""

import json
import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.cli.main import main
from rainclean.errors import InputError
from rainclean.video import Region, open_here, open_source
from rainclean.video.hdr import Hdr, eetf, mastering_peak, pq_light, white_code
from rainclean.video.rgb import RgbConverter
from tests.helpers.raw_frames import BLOCKS, SIDE, frame_of
from tests.helpers.video_clips import Clip, encode

F64 = NDArray[np.float64]

PQ, HLG = 16, 18
TO_BT709 = {  # of light, rounded as BT.2407 (annex) and the usual tables have it
    9: np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]),
    12: np.array([[1.2249, -0.2249, 0], [-0.0420, 1.0420, 0], [-0.0196, -0.0786, 1.0983]]),
    1: np.eye(3),
}


def shown(signal: F64, transfer: int, primaries: int = 9, peak: float = 1000) -> F64:
    """What an SDR display shows of R′G′B′ signals (…, 3), 0 to 1, in levels, not rounded."""
    # HLG drives the display as it is: BT.1886.
    light = signal**2.4 if transfer == HLG else tone_mapped(signal, peak) / 203
    return 255 * np.clip(light @ TO_BT709[primaries].T, 0, 1) ** (1 / 2.4)


def tone_mapped(signal: F64, peak: float) -> F64:
    """BT.2390, 5.4.1, steps 1 to 5 for a black of 0 and a white of 203 cd/m²; BT.2100's EOTF. In cd/m²."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875

    def inverse(nits: float) -> float:
        y = (nits / 10000) ** m1
        return float(((c1 + c2 * y) / (1 + c3 * y)) ** m2)

    e1 = np.minimum(signal / inverse(peak), 1)
    largest = inverse(203) / inverse(peak)
    ks = 1.5 * largest - 0.5
    e2 = np.array(e1)
    for i, e in np.ndenumerate(e1):
        if e > ks and ks < 1:
            t = (e - ks) / (1 - ks)
            p0, tangent, p1 = 2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, 3 * t**2 - 2 * t**3
            e2[i] = p0 * ks + tangent * (1 - ks) + p1 * largest
    root = (e2 * inverse(peak)) ** (1 / m2)
    return np.asarray(10000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1))


def ycbcr(signal: F64, bits: int, full: bool) -> tuple[list[NDArray[np.int64]], F64]:
    """Planes of BT.2020 codes for R′G′B′ (…, 3), and the R′G′B′ that these codes stand for."""
    r, g, b = np.moveaxis(signal, -1, 0)
    y = 0.2627 * r + 0.6780 * g + 0.0593 * b
    scale = 1 << bits - 8
    black, luma, chroma = (0, (256 * scale - 1) / scale, (256 * scale - 1) / scale) if full else (16, 219, 224)
    planes = [
        np.rint(scale * (offset + span * value)).astype(int)
        for offset, span, value in ((black, luma, y), (128, chroma, (b - y) / 1.8814), (128, chroma, (r - y) / 1.4746))
    ]
    y = (planes[0] / scale - black) / luma
    r, b = y + 1.4746 * (planes[2] / scale - 128) / chroma, y + 1.8814 * (planes[1] / scale - 128) / chroma
    return planes, np.clip(np.stack([r, (y - 0.2627 * r - 0.0593 * b) / 0.6780, b], -1), 0, 1)


def colours(low: float = 0.0) -> F64:
    return np.random.default_rng(7).uniform(low, 1, (BLOCKS, BLOCKS, 3))


def blocks(plane: NDArray[np.int64], side: int = SIDE) -> NDArray[np.int64]:
    return np.kron(plane, np.ones((side, side), int))


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize(
    ("pixel_format", "bits", "full"),
    [("yuv420p10le", 10, False), ("yuv420p10le", 10, True), ("yuv444p12le", 12, False), ("yuv420p", 8, False)],
)
def test_shown_as_the_formulas_say(pixel_format: str, bits: int, full: bool, transfer: int) -> None:
    planes, signal = ycbcr(colours(), bits, full)
    half = "420" in pixel_format
    frame = frame_of(pixel_format, [blocks(p, SIDE // 2 if half and i else SIDE) for i, p in enumerate(planes)], 9)
    frame.color_range = 2 if full else 1
    hdr = Hdr("PQ" if transfer == PQ else "HLG", 9, white=white_code(pixel_format, full_range=full))
    got = RgbConverter(stretch_grey=False, hdr=hdr)(frame)[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE].astype(float)
    right = shown(signal, transfer)
    # Codes a half off are more than a level where a channel is nearly dark: there, gamma is steep.
    sure = right > 20
    assert np.abs(got - right)[sure].max() < 1.3
    assert np.abs(got - right)[sure].mean() < 0.3
    assert (got - right)[sure].mean() == pytest.approx(0, abs=0.03)
    assert np.abs(got - right)[~sure].max() < 12


@pytest.mark.parametrize("pixel_format", ["gbrp10le", "gray10le", "gray12le", "gbrp"])
def test_formats_without_a_matrix(pixel_format: str) -> None:
    bits = int("".join(c for c in pixel_format if c.isdigit()) or 8)
    signal = np.repeat(colours()[..., :1], 3, 2) if pixel_format.startswith("gray") else colours()
    codes = np.rint(signal * ((1 << bits) - 1)).astype(int)
    order = [0] if pixel_format.startswith("gray") else [1, 2, 0]
    frame = frame_of(pixel_format, [blocks(codes[..., c]) for c in order], 2)
    frame.color_range = 2
    got = RgbConverter(stretch_grey=False, hdr=Hdr("HLG", 9, white=white_code(pixel_format, full_range=True)))(frame)
    right = shown(codes / ((1 << bits) - 1), HLG)
    off = np.abs(got[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE] - right)
    assert off[right > 40].max() < 1.3  # on its way swscale misses by a code, which shows where gamma is steep


def test_grey_in_limited_range_is_stretched() -> None:
    codes = np.linspace(64, 940, BLOCKS * BLOCKS).astype(int).reshape(BLOCKS, BLOCKS)
    frame = frame_of("gray10le", [blocks(codes)], 2)
    got = RgbConverter(stretch_grey=True, hdr=Hdr("HLG", 9, white=white_code("gray10le", full_range=False)))(frame)
    off = got[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE, 0] - (codes - 64) / 876 * 255
    assert np.abs(off).max() < 0.8


@pytest.mark.parametrize("primaries", [1, 2, 9, 12])
def test_gamuts(primaries: int) -> None:
    right = TO_BT709[{2: 9}.get(primaries, primaries)]
    assert Hdr("HLG", primaries).to_bt709() == pytest.approx(right, abs=2e-4)


@pytest.mark.parametrize("peak", [100, 203, 400, 1000, 4000, 10000])
def test_the_curve_stays_rises_and_ends_at_white(peak: float) -> None:
    signal = np.linspace(0, 1, 2001)
    light = pq_light(eetf(signal, peak, 203))
    assert light == pytest.approx(tone_mapped(signal, peak), rel=1e-6, abs=1e-9)
    assert np.all(np.diff(light) >= 0)
    assert light[-1] == pytest.approx(min(peak, 203))
    dark = light < 20
    assert light[dark] == pytest.approx(pq_light(signal)[dark])


def test_greys_of_hlg_stay_as_they_are() -> None:
    """Which is what its makers call backward compatible."""
    codes = np.arange(64, 941)
    grid = codes[: 24 * 36].reshape(24, 36)
    frame = frame_of("yuv420p10le", [blocks(grid), *[blocks(np.full_like(grid, 512), SIDE // 2)] * 2], 9)
    got = RgbConverter(stretch_grey=False, hdr=Hdr("HLG", 9))(frame)[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE]
    assert np.abs(got - ((grid - 64) / 876 * 255)[..., None]).max() < 0.7


def test_peaks_that_nobody_can_mean() -> None:
    def metadata(over: int, under: int, told: int = 1) -> bytes:
        return struct.pack("=22i", *[0] * 18, over, under, 0, told)

    assert mastering_peak(None) == mastering_peak(b"") == mastering_peak(metadata(4000, 1, told=0)) == 1000
    assert mastering_peak(metadata(40_000_000, 10_000)) == 4000
    for nonsense in (metadata(0, 1), metadata(5, 0), metadata(-5, 1), metadata(99999, 1)):
        assert mastering_peak(nonsense) == 1000
    assert mastering_peak(metadata(100, 1)) == 203


X265 = "log-level=none:pools=1:frame-threads=1:lossless=1:keyint=4:min-keyint=4:bframes=2"
RED = np.array([[[0.7, 0.3, 0.3], [0.5, 0.5, 0.5]], [[0.2, 0.6, 0.3], [0.3, 0.3, 0.75]]])


def film(
    path: Path, transfer: int, *, master: str = "", rotation: int = 0, matrix: int = 9, primaries: int = 9
) -> tuple[Path, F64]:
    """Eight frames of four colours of 48×32 px, lossless HEVC in 10 bits; and the signals of the colours, by frame."""
    params = f"{X265}:colorprim={primaries}:transfer={transfer}:colormatrix={matrix}" + (master and f":{master}")
    signals = []
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx265", rate=25, options={"x265-params": params})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p10le"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = primaries, transfer, matrix
        context.color_range, context.time_base = 1, Fraction(1, 25)
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(8):
            planes, signal = ycbcr(RED + 0.02 * number, 10, False)
            signals.append(signal)
            big = [np.kron(p, np.ones((32, 48) if i == 0 else (16, 24), int)) for i, p in enumerate(planes)]
            frame = frame_of("yuv420p10le", big, matrix)
            frame.color_trc, frame.color_primaries, frame.pts = transfer, primaries, number
            frame.time_base = Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path, np.stack(signals)


def middles(rgb: NDArray[np.uint8]) -> F64:
    return rgb[16::32, 24::48].astype(float)


MASTER = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,50):max-cll=1000,400"


@pytest.mark.parametrize(("suffix", "transfer", "peak"), [("mp4", HLG, 0), ("mov", PQ, 1000), ("mkv", PQ, 4000)])
def test_files_are_read_and_say_how(tmp_path: Path, suffix: str, transfer: int, peak: int) -> None:
    path, signals = film(tmp_path / f"clip.{suffix}", transfer, master=MASTER if peak == 4000 else "")
    right = shown(signals, transfer, peak=peak or 1000)
    with open_source(path) as source:
        info = source.info
        frames = [frame.rgb for frame in source.read()]
        assert np.abs(np.stack([middles(rgb) for rgb in frames]) - right).max() < 1.1
        # However frames are asked for, they are the same.
        for index, rgb in [(f.index, f.rgb) for f in source.read([1, 5, 6])]:
            assert np.array_equal(rgb, frames[index])
        (part,) = source.read([6], Region(30, 20, 41, 33))
        assert np.array_equal(part.rgb, frames[6][20:53, 30:71])
    assert info.transfer == ("HLG" if transfer == HLG else "PQ")
    assert "BT.2020 to BT.709" in info.colours
    assert info.refused == ""
    (note,) = [n for n in info.notes if n.startswith("HDR")]
    assert ("HLG as an SDR display" if transfer == HLG else f"from {peak} to 203 cd/m²") in note
    assert not any("pale" in n or "not stated" in n for n in info.notes)


def test_turned_and_salvaged_clips_are_read_alike(tmp_path: Path) -> None:
    path, signals = film(tmp_path / "clip.mov", HLG, rotation=90)
    right = shown(signals, HLG)
    with open_source(path) as source:
        assert (source.info.width, source.info.height) == (64, 96)
        upright = next(iter(source.read([3]))).rgb
    back = {90: -1, 270: 1}[source.info.rotation]
    assert np.abs(middles(np.rot90(upright, -back)) - right[3]).max() < 1.1
    cut = tmp_path / "cut.mkv"
    whole, _ = film(tmp_path / "whole.mkv", HLG)
    cut.write_bytes(whole.read_bytes()[:-400])
    with pytest.raises(InputError, match="truncated"):
        open_source(cut)
    with open_source(cut, salvage=True) as source:
        assert 0 < source.info.frame_count < 8
        for frame in source.read():
            assert np.abs(middles(frame.rgb) - right[frame.index]).max() < 1.1


def test_commands_say_how_hdr_was_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = film(tmp_path / "phone.mov", HLG)
    assert main(["probe", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["transfer"], report["frames_decodable"], report["cuts"]) == ("HLG", 8, [])
    assert report["colours"].startswith("HLG as an SDR display")
    assert main(["clean", str(path), "-o", str(tmp_path / "out"), "--recipe", "median"]) == 0
    capsys.readouterr()
    made = json.loads((tmp_path / "out/report.json").read_text())
    assert made["colours"] == report["colours"]
    assert any(warning.startswith("HDR: HLG") for warning in made["warnings"])


def test_what_is_not_read_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = film(tmp_path / "ictcp.mkv", PQ, matrix=14)
    with open_source(path) as source, pytest.raises(InputError, match="coded as ICtCp"):
        list(source.read())
    assert main(["probe", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["frames_decodable"], report["cuts"]) == (8, None)
    assert "ICtCp" in report["notes"][0]
    path, _ = film(tmp_path / "vision.mp4", 2, matrix=2, primaries=2)
    data = path.read_bytes()
    assert data.count(b"hev1") == 1
    path.write_bytes(data.replace(b"hev1", b"dvhe"))
    with open_source(path) as source, pytest.raises(InputError, match="Dolby Vision"):
        list(source.read())


def pictures_with(folder: Path, chunk: Sequence[int]) -> Path:
    """A folder of two 16-bit PNGs with a cICP chunk."""
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(np.full((16, 16), 40000, np.uint16)).save(folder / name)
        data = (folder / name).read_bytes()
        body = b"cICP" + bytes(chunk)
        new = struct.pack(">I", len(chunk)) + body + struct.pack(">I", zlib.crc32(body))
        (folder / name).write_bytes(data[:33] + new + data[33:])
    return folder


def test_hdr_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.png: its brightness is coded for HDR \(PQ\)"):
        open_here(pictures_with(tmp_path / "pq", (9, 16, 0, 1)))
    with pytest.raises(InputError, match="HLG"):
        open_here(tmp_path / "pq" / ".." / pictures_with(tmp_path / "hlg", (9, 18, 0, 1)).name, salvage=True)
    with open_here(pictures_with(tmp_path / "srgb", (1, 13, 0, 1))) as source:
        assert next(iter(source.read())).rgb[0, 0].tolist() == [156, 156, 156]
    with open_here(tmp_path / "pq", as_stored=True) as source:
        assert source.info.frame_count == 2


def plain(folder: Path, name: str = "plain.mp4") -> Path:
    """An SDR clip of colours in BT.709 that does not say so."""
    rgb = np.zeros((64, 96, 3), np.uint8)
    rgb[:] = (200, 60, 40)
    return encode(folder, Clip(name, count=4, options={"crf": "4"}), [rgb] * 4)


def test_a_matrix_can_be_named_where_the_file_does_not(tmp_path: Path) -> None:
    path = plain(tmp_path)
    values = {}
    for matrix in ("", "bt601", "bt709", "bt2020"):
        with open_source(path, matrix=matrix) as source:
            values[matrix] = next(iter(source.read())).rgb[32, 48].astype(int)
            words = source.info.colours, [n for n in source.info.notes if "matrix" in n]
        name = {"": "BT.601", "bt601": "BT.601", "bt709": "BT.709", "bt2020": "BT.2020"}[matrix]
        said = [f"colour matrix not stated: read as {name}, as requested"] if matrix else []
        assert words == (f"{name} matrix, not stated", said)
    # Encoded by BT.601; the others read the same codes by their own numbers.
    y = (0.299 * 200 + 0.587 * 60 + 0.114 * 40) / 255
    v, u = (200 / 255 - y) / 1.402, (40 / 255 - y) / 1.772
    for matrix, red, blue in (("bt601", 0.299, 0.114), ("bt709", 0.2126, 0.0722), ("bt2020", 0.2627, 0.0593)):
        r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
        right = 255 * np.array([r, (y - red * r - blue * b) / (1 - red - blue), b])
        assert np.abs(values[matrix] - np.clip(right, 0, 255)).max() < 4, matrix
    assert np.array_equal(values[""], values["bt601"])


def test_a_matrix_that_is_not_used_is_said(tmp_path: Path) -> None:
    path, signals = film(tmp_path / "clip.mkv", HLG)
    with open_source(path, matrix="bt709") as source:
        assert np.abs(middles(next(iter(source.read())).rgb) - shown(signals[0], HLG)).max() < 1.1
        assert any("states its colour matrix (BT.2020): --matrix bt709 is not used" in n for n in source.info.notes)
    unsaid, _ = film(tmp_path / "unsaid.mkv", HLG, matrix=2)
    with open_source(unsaid) as source:
        assert np.abs(middles(next(iter(source.read())).rgb) - shown(signals[0], HLG)).max() < 1.1
        assert "colour matrix not stated: read as BT.2020, as usual for HDR" in source.info.notes
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    with open_source(tmp_path, matrix="bt709") as source:
        assert any("images have no colour matrix" in n for n in source.info.notes)


def test_a_project_keeps_the_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.project.clips.clip_files import clips, open_clip
    from pipeline.project.storage.database import Project

    path, project = plain(tmp_path), str(tmp_path / "project")
    assert main(["new", project]) == 0
    assert main(["add", project, str(path), "--matrix", "bt709"]) == 0
    assert "read as BT.709, as requested" in capsys.readouterr().err
    with open_source(path, matrix="bt709") as source:
        right = [frame.rgb for frame in source.read()]
    with Project(Path(project)) as opened:
        (clip,) = clips(opened)
        assert (clip.matrix, clip.colours) == ("bt709", "BT.709 matrix, not stated")
        with open_clip(opened, clip) as source:
            assert np.array_equal(np.stack([f.rgb for f in source.read()]), np.stack(right))
