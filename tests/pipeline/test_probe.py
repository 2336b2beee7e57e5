"""``rainclean probe`` as a person runs it: the real command, its table, its JSON, its one-line failures."""

import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from pipeline.cli.main import main
from pipeline.probe import probe
from pipeline.stages import Progress

X264 = {"x264-params": "bframes=3:keyint=10:min-keyint=10:scenecut=0:threads=1", "qp": "10"}


def scene(seed: int) -> np.ndarray:
    """(150, 200, 3) uint8 blobs."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(20, 235, (15, 20, 3), dtype=np.uint8))
    return np.array(coarse.resize((200, 150), Image.Resampling.BICUBIC))


def write(path: Path, frames: list[np.ndarray]) -> Path:
    with av.open(str(path), "w", container_options={"movflags": "faststart"}) as out:
        stream = out.add_stream("libx264", rate=30, options=X264)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for i, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(format="yuv420p")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """25 frames that pan by 1 px a frame, a cut, 15 frames that stand still."""
    first = [scene(1)[:120, i : i + 160] for i in range(25)]
    second = [scene(2)[:120, :160]] * 15
    return write(tmp_path_factory.mktemp("probe") / "two shots.mp4", first + second)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "import sys; from pipeline.cli.main import main; sys.exit(main())",
        "probe",
    ]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=False)


def test_the_table(clip: Path) -> None:
    done = run(str(clip))
    assert done.returncode == 0
    assert done.stderr == ""
    for said in ("two shots.mp4", "MP4, h264, yuv420p", "160×120 px", "40 of 40", "1: new shot at frame 25"):
        assert said in done.stdout
    assert "px: moving\n" in done.stdout


def test_a_still_camera_in_dense_rain_is_not_called_moving(capsys: pytest.CaptureFixture[str]) -> None:
    clip = Path(__file__).parents[2] / "sample_sequences" / "table" / "clip.mp4"
    assert main(["probe", str(clip)]) == 0
    assert "moving slightly, or still in dense rain\n" in capsys.readouterr().out


def test_json(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", str(clip), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["width"], report["height"], report["rotation"]) == (160, 120, 0)
    assert report["frames_announced"] == report["frames_decodable"] == 40
    assert report["cuts"] == [25]
    assert report["duration"] == pytest.approx(40 / 30)
    assert report["times"]["mean_interval"] == pytest.approx(1000 / 30, rel=1e-3)
    assert report["times"]["variable"] is False
    assert report["motion"]["percentile_95"] == pytest.approx(1.0, abs=0.15)
    assert report["motion"]["drift"] > 15
    assert report["motion"]["moving"] == [[1, 24]]


def test_a_truncated_clip_is_reported(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "half.mp4"
    data = clip.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    assert main(["probe", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["frames_announced"] == 40
    assert 0 < report["frames_decodable"] < 40
    assert f"truncated: {report['frames_decodable']} of 40 frames can be decoded" in report["notes"][0]


def test_a_folder_with_a_broken_image_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i in range(4):
        Image.fromarray(scene(4)).save(tmp_path / f"{i}.png")
    (tmp_path / "2.png").write_bytes((tmp_path / "2.png").read_bytes()[:500])
    assert main(["probe", str(tmp_path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["frames_announced"], report["frames_decodable"]) == (4, 3)
    assert main(["probe", str(tmp_path)]) == 0
    assert "3 of 4" in capsys.readouterr().out


def test_one_flat_frame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (64, 48), (9, 9, 9)).save(tmp_path / "only.png")
    assert main(["probe", str(tmp_path)]) == 0
    assert "not measurable" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["missing", "empty", "playlist"])
def test_failures_are_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"{kind}.mp4"
    if kind != "missing":
        path.write_text("" if kind == "empty" else "#EXTM3U\n#EXTINF:1,\nother.mp4\n")
    done = run(str(path), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["path"] == str(path)
    assert done.stderr.startswith(f"rainclean: {path}: ")
    assert done.stderr.count("\n") == 1


def test_the_stage_tells_how_far_it_is(clip: Path) -> None:
    steps = list(probe(clip))
    assert steps[-1] == Progress("decode", 40, 40)
    stage = probe(clip)
    next(stage)
    stage.close()  # what Ctrl-C does
