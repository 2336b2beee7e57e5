"""`rainclean derain`: pixels, levels, times, sound and what is refused."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import torch
from av.video.reformatter import Interpolation
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pipeline.cli.main import main
from pipeline.derain import run as derain_module
from pipeline.derain.run import derain as work_off
from pipeline.derain.work import DerainSettings, plan
from pipeline.stages import finish
from rainclean.errors import RaincleanError, UsageError
from rainclean.spanet import Origin, SPANet, load, save
from rainclean.spanet.inference import derain, to_levels
from rainclean.video import open_source, pictures
from tests.conftest import Run

TICKS = (0, 20, 50, 60, 95, 120, 140, 160, 190, 200)
"""Frame times in 1/600 s, uneven."""


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that nobody trained, made so that its pictures are not black."""
    torch.manual_seed(4)
    net = SPANet()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "irnn" in name and name.endswith("weight"):
                parameter.fill_(0.4)
        last = net.conv_out[0]
        assert isinstance(last, torch.nn.Conv2d)
        last.weight.abs_().mul_(0.3)
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    save(net, path, Origin(direction_attention=False, kind="random"))
    return path


class Same(torch.nn.Module):
    """Stands in for the network: the picture comes out as it went in."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()), requires_grad=False)

    def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return rgb[:, :1] * 0, rgb * self.scale


SAME: Any = Same()


def random_picture(dtype: Any = np.uint8, height: int = 37, width: int = 53) -> NDArray[Any]:
    return np.random.default_rng(1).integers(0, int(np.iinfo(dtype).max) + 1, (height, width, 3)).astype(dtype)


def plainly(weights: Path, rgb: NDArray[Any]) -> NDArray[Any]:
    """What should come out, by the network's plain graph."""
    white = np.iinfo(rgb.dtype).max
    with torch.no_grad():
        _, clean = load(weights)(torch.from_numpy(rgb.astype(np.float32) / white).permute(2, 0, 1)[None])
    levels: NDArray[Any] = np.rint(clean[0].permute(1, 2, 0).numpy().clip(0, 1).astype(np.float64) * white)
    return levels.astype(np.int64)


def read_back(path: Path) -> NDArray[Any]:
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    return stored[..., ::-1]


def command(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """The command in this process: torch need not be loaded again."""
    code = main(["derain", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def left_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize(("dtype", "suffix"), [(np.uint8, "png"), (np.uint16, "png"), (np.uint16, "tif")])
def test_a_picture_through_the_command(
    dtype: Any, suffix: str, weights: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rainy, out = random_picture(dtype), tmp_path / f"out.{suffix}"
    cv2.imwrite(str(tmp_path / f"in.{suffix}"), rainy[..., ::-1])
    given = tmp_path / f"in.{suffix}"
    code, told, _ = command(capsys, given, "-o", out, "--weights", weights, "--device", "cpu", "--json")
    assert code == 0
    document = json.loads(told)
    assert (document["kind"], document["pictures"], document["notes"]) == ("picture", 1, [])
    assert len(document["weights"]["sha256"]) == 64
    clean, wanted = read_back(out), plainly(weights, rainy)
    assert clean.dtype == dtype
    assert len(np.unique(wanted)) > 100
    # The same sums in another order: a value close to the middle between two levels may fall to either side.
    assert np.abs(clean - wanted).max() <= 1
    assert (clean != wanted).mean() < (0.001 if dtype == np.uint8 else 0.2)


def test_levels_are_clipped_and_rounded_half_to_even() -> None:
    values = np.array([[-0.1, 0.5 / 255, 1.5 / 255, 2.5 / 255, 1.1]], np.float32)
    assert to_levels(values, np.uint8).tolist() == [[0, 0, 2, 2, 255]]
    assert to_levels(np.array([[0.5, 1.0]], np.float32), np.uint16).tolist() == [[32768, 65535]]
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1).repeat(3, 2)
    assert np.array_equal(to_levels(derain(SAME, every)[0], np.uint16), every)


def test_the_whole_network_at_once_is_the_plain_graph(weights: Path) -> None:
    rainy = random_picture(np.uint8, 184, 320)
    net = load(weights)
    clean, attention = derain(net, rainy[:, ::-1])
    with torch.no_grad():
        picture = torch.from_numpy(np.float32(rainy[:, ::-1]) / 255).permute(2, 0, 1)[None]
        plain_attention, plain_clean = net(picture)
    assert np.abs(clean - plain_clean[0].permute(1, 2, 0).numpy()).max() < 1e-5
    assert np.abs(attention - plain_attention[0, 0].numpy()).max() < 1e-5


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "bmp", "webp"])
def test_formats_orientation_and_colour_profile(suffix: str, tmp_path: Path) -> None:
    """A photograph stored on its side, with EXIF and a profile, comes out upright in every format."""
    y, x = np.mgrid[0:40, 0:64]
    scene = np.stack([x * 4, y * 6, x + y], -1).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(scene)))
    stored.save(tmp_path / "in.jpg", exif=exif, icc_profile=profile, quality=100, subsampling=0)
    result = finish(work_off(SAME, plan(tmp_path / "in.jpg", str(tmp_path / f"out.{suffix}"), DerainSettings())))
    with Image.open(tmp_path / f"out.{suffix}") as image:
        assert image.getexif().get(0x0112) in (None, 1)
        kept = image.info.get("icc_profile") == profile
        assert np.abs(np.array(image).astype(int) - scene).max() < 8
    assert kept == (suffix != "bmp")
    assert result.notes == ([] if kept else ["the colour profile could not be kept"])


def test_sixteen_bits_and_transparency_that_a_format_cannot_hold(tmp_path: Path) -> None:
    deep = np.dstack([random_picture(np.uint16), np.full((37, 53), 9, np.uint16)])
    cv2.imwrite(str(tmp_path / "in.png"), deep[..., [2, 1, 0, 3]])
    result = finish(work_off(SAME, plan(tmp_path / "in.png", str(tmp_path / "out.bmp"), DerainSettings())))
    assert result.notes == ["BMP cannot store 16 bits per channel: written with 8", "transparency is dropped"]
    assert np.array_equal(read_back(tmp_path / "out.bmp"), np.rint(deep[..., :3] / 257))


def test_a_folder_with_a_broken_picture(weights: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rain, out = tmp_path / "rain", tmp_path / "new" / "out"
    rain.mkdir()
    for name, size in (("a.jpg", 20), ("b.png", 30), ("c.bmp", 25)):
        Image.fromarray(random_picture(np.uint8, size, 24)).save(rain / name)
    (rain / "b.png").write_bytes((rain / "b.png").read_bytes()[:200])
    (rain / "notes.txt").write_text("x")
    code, told, noted = command(capsys, rain, "-o", out, "-w", weights)
    assert code == 3
    assert "failed" not in told and "2 images" in told
    assert "note: 1 other entry of the folder ignored" in noted
    broken, verdict = noted.splitlines()[-2:]
    assert broken.startswith(f"failed: {rain / 'b.png'}: damaged image") and "--salvage" not in broken
    assert verdict == "rainclean: 1 of 3 images could not be derained; the others are done"
    assert left_in(out) == ["a.png", "c.png"]
    assert read_back(out / "c.png").shape == (25, 24, 3)
    code, _, noted = command(capsys, rain, "-o", out, "-w", weights)
    assert code == 1
    assert "a.png and 1 other file exist already; --overwrite replaces them" in noted


def test_a_folder_with_a_picture_that_no_reader_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rain = tmp_path / "rain"
    rain.mkdir()
    for name in ("a.png", "b.png", "c.png", "d.png"):
        Image.fromarray(random_picture()).save(rain / name)
    raised = {"b.png": KeyError("JFIF"), "c.png": MemoryError()}
    read = pictures.read_header

    def reading(path: Path) -> object:
        if path.name in raised:
            raise raised[path.name]
        return read(path)

    monkeypatch.setattr(derain_module, "read_header", reading)
    result = finish(work_off(SAME, plan(rain, str(tmp_path / "out"), DerainSettings())))
    assert result.done == 2 and left_in(tmp_path / "out") == ["a.png", "d.png"]
    assert f"{rain / 'b.png'}: unexpected KeyError" in result.failed[0] and "not enough memory" in result.failed[1]


@pytest.mark.parametrize(
    ("given", "output", "flags", "message"),
    [
        ("in.png", "in.png", {"overwrite": True}, "is the input"),
        ("in.png", "in.jpg", {}, "in.jpg exists already; --overwrite replaces it"),
        ("in.png", "out.mp4", {}, "extension .mp4; use one of .bmp"),
        ("in.png", "out", {}, "no extension"),
        ("in.png", "out.jpg", {"lossless": True}, "apply to videos only"),
        ("gone.png", "out.png", {}, "no such file"),
        ("clip.mp4", "out.png", {}, "use one of .mkv, .mov, .mp4"),
        ("clip.mp4", "out.mp4", {"lossless": True}, "needs .mkv"),
        (".", ".", {"overwrite": True}, "is the input folder"),
        (".", "out", {}, r"in.jpg and in.png would both become in.png"),
        (".", "out.mp4", {}, "give a folder"),
    ],
)
def test_refusals_come_before_the_work(
    given: str, output: str, flags: dict[str, bool], message: str, tmp_path: Path
) -> None:
    Image.fromarray(random_picture()).save(tmp_path / "in.png")
    Image.fromarray(random_picture()).save(tmp_path / "in.jpg")
    (tmp_path / "clip.mp4").touch()
    before = left_in(tmp_path)
    with pytest.raises((RaincleanError, UsageError), match=message):
        plan(tmp_path / given, str(tmp_path / output), DerainSettings(**flags))
    assert left_in(tmp_path) == before


def test_a_folder_as_output_of_a_picture_gets_its_name(tmp_path: Path) -> None:
    Image.fromarray(random_picture()).save(tmp_path / "in.png")
    assert plan(tmp_path / "in.png", f"{tmp_path}/new/", DerainSettings()).output == tmp_path / "new" / "in.png"
    with pytest.raises(RaincleanError, match="is the input"):
        plan(tmp_path / "in.png", str(tmp_path), DerainSettings())


def make_video(path: Path, audio: str = "aac", delay: int = 0, rotation: int = 90, trc: int = 1) -> list[float]:
    """Ten frames of 64×48 px, each of one colour, and a third of a second of sound; returns the frame times."""
    exact = {"movie_timescale": "600"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", container_options=exact) as out:
        video = out.add_stream("libx264", rate=30, options={"crf": "1", "x264-params": "threads=1"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        context = video.codec_context
        context.time_base = Fraction(1, 600)
        context.colorspace, context.color_range, context.color_trc = 6, 2, trc
        if rotation:
            video.set_display_rotation(rotation)
        sound: Any = out.add_stream(audio, rate=44100)
        sound.layout, sound.codec_context.format = "stereo", "fltp"
        for number, ticks in enumerate(TICKS):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), colour(number), np.uint8), format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=6, dst_color_range=2)
            frame.pts, frame.time_base = ticks + delay, Fraction(1, 600)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        size = sound.codec_context.frame_size or 1024
        for start in range(0, 15 * size, size):
            wave = np.sin(np.arange(start, start + size) * 0.06)
            piece = av.AudioFrame.from_ndarray(np.array([wave, wave], np.float32), format="fltp", layout="stereo")
            piece.sample_rate, piece.pts, piece.time_base = 44100, start, Fraction(1, 44100)
            out.mux(sound.encode(piece))
        out.mux(sound.encode(None))
    return [(ticks + delay) / 600 for ticks in TICKS]


def colour(number: int) -> tuple[int, int, int]:
    return 20 * number + 30, 230 - 20 * number, 60 + 15 * number


def shown(path: Path) -> list[NDArray[np.float64]]:
    """Mean colours of the frames as a player shows them: `open_source` is a level darker, as PyAV is."""
    flags = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
    with av.open(str(path)) as container:
        frames = container.decode(container.streams.video[0])
        return [f.reformat(format="rgb24", interpolation=int(flags)).to_ndarray().mean((0, 1)) for f in frames]


def packets(path: Path) -> list[tuple[Fraction, bytes]]:
    """Times in seconds and bytes of the sound."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(stream) if p.size and p.pts is not None]


def derain_video(source: Path, target: Path, **flags: Any) -> Any:
    return finish(work_off(SAME, plan(source, str(target), DerainSettings(**flags))))


@pytest.mark.parametrize(("suffix", "delay"), [("mp4", 0), ("mov", 0), ("mp4", 137)])
def test_a_video_keeps_times_sound_and_colours(suffix: str, delay: int, tmp_path: Path) -> None:
    """137/600 s is no whole number of milliseconds, which FFmpeg would round it to."""
    rain, out = tmp_path / "rain.mp4", tmp_path / f"out.{suffix}"
    times = make_video(rain, delay=delay)
    result = derain_video(rain, out)
    assert result.done == 10
    assert left_in(tmp_path) == sorted(["rain.mp4", out.name])
    with open_source(rain) as before, open_source(out) as after:
        assert np.allclose(before.times, times, atol=1e-9, rtol=0)
        assert np.allclose(after.times, times, atol=1e-9, rtol=0)
        assert (after.info.width, after.info.height, after.info.rotation) == (48, 64, 0)
        assert after.info.full_range is False
        given = [frame.rgb.mean((0, 1)) for frame in before.read()]
    assert np.abs(np.subtract(shown(out), given)).max() <= 2.1
    assert np.abs(np.mean(np.subtract(shown(out), given), 0)).max() < 1
    assert packets(out) == packets(rain)
    with av.open(str(out)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range, context.color_trc) == (1, 1, 1)


def test_mkv_lossless_and_what_it_cannot_hold(tmp_path: Path) -> None:
    rain, out = tmp_path / "rain.mp4", tmp_path / "out.mkv"
    times = make_video(rain)
    result = derain_video(rain, out, lossless=True)
    assert any(note.startswith("MKV stores whole milliseconds") for note in result.notes)
    with open_source(rain) as before, open_source(out) as after:
        assert np.array_equal(after.times, np.rint(np.array(times) * 1000) / 1000)
        for old, new in zip(before.read(), after.read(), strict=True):
            assert np.array_equal(old.rgb, new.rgb)
    heard = [(time, data) for time, data in packets(rain) if time >= 0]
    assert [data for _, data in packets(out)] == [data for _, data in heard]
    assert all(abs(a - b) <= 0.001 for (a, _), (b, _) in zip(packets(out), heard, strict=True))


def test_pixels_that_are_not_square_are_turned_with_the_frame(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "in.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_rotation(90)
        for _ in range(2):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        out.mux(stream.encode(None))
    derain_video(tmp_path / "in.mp4", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(3, 4)


def test_sound_that_the_container_cannot_hold(tmp_path: Path) -> None:
    make_video(tmp_path / "rain.mkv", audio="wavpack")
    with pytest.raises(RaincleanError, match=r"rain\.mkv: its sound \(wavpack\) cannot be copied into MP4"):
        derain_video(tmp_path / "rain.mkv", tmp_path / "out.mp4")
    assert left_in(tmp_path) == ["rain.mkv"]


def test_a_video_through_the_real_command(weights: Path, rainclean: Run, tmp_path: Path) -> None:
    make_video(tmp_path / "rain.mp4")
    done = rainclean("derain", tmp_path / "rain.mp4", "-o", tmp_path / "out.mp4", "-w", weights, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["kind"], document["frames"]) == ("video", 10)
    assert "note: variable frame times" in done.stderr


def test_hdr_comes_out_as_sdr(tmp_path: Path) -> None:
    make_video(tmp_path / "hdr.mp4", trc=18)
    result = derain_video(tmp_path / "hdr.mp4", tmp_path / "out.mp4")
    assert any("HLG as an SDR display" in note for note in result.notes)
    with open_source(tmp_path / "hdr.mp4") as before, open_source(tmp_path / "out.mp4") as after:
        assert (before.info.transfer, after.info.transfer) == ("HLG", "SDR")
        given = [frame.rgb.mean((0, 1)) for frame in before.read()]
    assert np.abs(np.subtract(shown(tmp_path / "out.mp4"), given)).max() <= 2.1
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)


def test_damage_is_refused_and_salvaged(tmp_path: Path) -> None:
    make_video(tmp_path / "cut.mkv", rotation=0)
    whole = (tmp_path / "cut.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(RaincleanError, match="--salvage"):
        derain_video(tmp_path / "cut.mkv", tmp_path / "out.mp4")
    assert left_in(tmp_path) == ["cut.mkv"]
    result = derain_video(tmp_path / "cut.mkv", tmp_path / "out.mp4", salvage=True)
    assert 0 < result.done < 10
    assert any(note.startswith("salvaged") for note in result.notes)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_closing_leaves_nothing_behind(steps: int, tmp_path: Path) -> None:
    make_video(tmp_path / "rain.mp4")
    work = work_off(SAME, plan(tmp_path / "rain.mp4", str(tmp_path / "new" / "out.mp4"), DerainSettings()))
    for _ in range(steps):
        next(work)
    work.close()
    assert left_in(tmp_path) == ["rain.mp4"]


def test_an_interruption_in_the_middle_of_a_frame(tmp_path: Path) -> None:
    class Interrupted(Same):
        def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            raise KeyboardInterrupt

    net: Any = Interrupted()
    make_video(tmp_path / "rain.mp4")
    Image.fromarray(random_picture()).save(tmp_path / "in.png")
    for given, output in (("rain.mp4", "out.mp4"), ("in.png", "out.png")):
        with pytest.raises(KeyboardInterrupt):
            finish(work_off(net, plan(tmp_path / given, str(tmp_path / output), DerainSettings())))
    assert left_in(tmp_path) == ["in.png", "rain.mp4"]


def test_sound_that_ffmpeg_refuses_when_all_is_written_is_found_before(tmp_path: Path) -> None:
    """AVI does not say which of two channels is left: MP4 wants to know, and says so at the end."""
    with av.open(str(tmp_path / "rain.avi"), "w") as out:
        video, sound = out.add_stream("mpeg4", rate=25), out.add_stream("pcm_s16le", rate=48000)
        video.width, video.height, video.pix_fmt, sound.layout = 64, 48, "yuv420p", "stereo"
        for _ in range(3):
            out.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        out.mux(video.encode(None))
        piece = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.int16), format="s16", layout="stereo")
        piece.sample_rate = 48000
        out.mux(sound.encode(piece))
    with pytest.raises(RaincleanError, match=r"cannot be copied into MP4; choose \.mkv"):
        derain_video(tmp_path / "rain.avi", tmp_path / "out.mp4")
    assert derain_video(tmp_path / "rain.avi", tmp_path / "out.mkv").done == 3
    assert [data for _, data in packets(tmp_path / "out.mkv")] == [data for _, data in packets(tmp_path / "rain.avi")]
