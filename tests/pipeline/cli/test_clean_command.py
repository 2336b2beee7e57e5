"""The main job through the command, on real files."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import imageio.v3 as imageio
import numpy as np
import pytest

from pipeline.cli.main import main
from rainclean import simulate
from tests.conftest import ROOT, SAMPLE, Run
from tests.helpers.rainy_clips import write_clip

pytestmark = pytest.mark.long

YARD = ROOT.parent / "shared" / "real" / "yard.mp4"
real_clip = pytest.mark.skipif(not YARD.exists(), reason="the real clip of shared/ is not here")


def frames_of(path: Path, count: int | None = None) -> np.ndarray[Any, Any]:
    """RGB frames decoded by bare PyAV, as stored."""
    frames: list[np.ndarray[Any, Any]] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if count is not None and len(frames) == count:
                break
            frames.append(frame.to_ndarray(format="rgb24"))
    return np.stack(frames)


def report_of(output: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((output / "report.json").read_text())
    return report


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, rainclean: Run) -> Path:
    output = tmp_path_factory.mktemp("swept") / "out"
    result = rainclean("clean", SAMPLE, "-o", output)
    assert result.returncode == 0, result.stderr
    assert "n100-vote" in result.stdout
    return output


def test_the_sweep_writes_all_that_it_promises(swept: Path) -> None:
    report = report_of(swept)
    assert {"reference_frame", "crop", "frames_used", "eta", "recipe", "warnings"} <= report.keys()
    assert {"decode", "register", "sort", "candidates", "score", "write"} <= report["timings"].keys()
    assert report["peak_rss_bytes"] > 10 << 20
    assert report["reference_frame"] == 50 and report["crop"] == [0, 0, 352, 240]
    rows = list(csv.DictReader((swept / "candidates.csv").read_text().splitlines()))
    on_disk = {p.relative_to(swept).as_posix() for p in (swept / "candidates").iterdir()}
    assert {row["file"] for row in rows} == on_disk
    assert [float(row["score"]) for row in rows] == sorted(float(row["score"]) for row in rows)
    assert {int(row["frames"]) for row in rows} == {20, 40, 100}
    assert sorted(p.name for p in swept.iterdir()) == [
        "candidates", "candidates.csv", "candidates.png", "clean.png", "confidence.png", "report.json",
    ]  # fmt: skip


def test_clean_png_is_the_best_scored_candidate(swept: Path) -> None:
    report = report_of(swept)
    best = swept / report["candidates"][0]["file"]
    assert (swept / "clean.png").read_bytes() == best.read_bytes()
    assert report["recipe"]["name"] == report["candidates"][0]["recipe"]


def test_the_clean_image_is_far_closer_to_the_truth_than_the_rainy_frame(swept: Path) -> None:
    truth = simulate.truth(SAMPLE.parent, 50).astype(float)

    def psnr(picture: np.ndarray[Any, Any]) -> float:
        return float(10 * np.log10(255**2 / ((picture - truth) ** 2).mean()))

    assert psnr(imageio.imread(swept / "clean.png")) > psnr(frames_of(SAMPLE)[50]) + 10


def test_each_candidate_can_be_made_again_by_its_name(swept: Path, tmp_path: Path, here: Run) -> None:
    row = report_of(swept)["candidates"][-1]
    result = here("clean", SAMPLE, "-o", tmp_path / "again", "--recipe", row["recipe"])
    assert result.returncode == 0, result.stderr
    assert np.array_equal(imageio.imread(tmp_path / "again" / "clean.png"), imageio.imread(swept / row["file"]))
    assert report_of(tmp_path / "again")["recipe"]["hash"] == row["hash"]


def test_the_contact_sheet_has_room_for_every_candidate(swept: Path) -> None:
    sheet = imageio.imread(swept / "candidates.png")
    cells = len(report_of(swept)["candidates"]) + 1
    assert sheet.shape[0] * sheet.shape[1] > cells * 2 * 320 * 240
    assert sheet.std() > 20


def test_released_rule_on_the_first_frames_and_nothing_else(tmp_path: Path, here: Run) -> None:
    result = here("clean", SAMPLE, "-o", tmp_path / "out", "--recipe", "released", "--frames", 30, "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report == {"schema": 1, **report_of(tmp_path / "out")}
    assert report["frame_indices"] == list(range(30)) and report["frames_used"] == 30
    assert len(report["candidates"]) == 1
    expected = np.percentile(frames_of(SAMPLE, 30), report["eta"], axis=0).astype(np.int64)
    assert np.abs(imageio.imread(tmp_path / "out" / "clean.png") - expected).max() <= 1


@real_clip
def test_the_real_clip_comes_out_as_the_released_rule_has_it(tmp_path: Path, here: Run) -> None:
    result = here("clean", YARD, "-o", tmp_path / "out", "--recipe", "released", "--frames", 100, "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["eta"] == 49 and report["crop"] == [0, 0, 368, 640]
    upright = np.rot90(frames_of(YARD, 100), -1, (1, 2))
    expected = np.percentile(upright, 49, axis=0).astype(np.int64)
    assert np.abs(imageio.imread(tmp_path / "out" / "clean.png") - expected).max() <= 1


def test_in_and_out_points_region_and_reference(tmp_path: Path, here: Run) -> None:
    options = ("--in-point", 10, "--out-point", "2s", "--region", "31,17,101,55", "--reference", 20)
    result = here("clean", SAMPLE, "-o", tmp_path / "out", *options, "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["reference_frame"] == 20 and report["crop"] == [31, 17, 101, 55]
    assert imageio.imread(tmp_path / "out" / "clean.png").shape == (55, 101, 3)
    assert max(row["frames"] for row in report["candidates"]) == 40  # frames 10 to 49
    for name, region in (("part", options[4:6]), ("whole", ())):
        made = here("clean", SAMPLE, "-o", tmp_path / name, *options[:4], *region, "--recipe", "n40-p50")
        assert made.returncode == 0, made.stderr
    whole = imageio.imread(tmp_path / "whole" / "clean.png")
    assert np.array_equal(imageio.imread(tmp_path / "part" / "clean.png"), whole[17:72, 31:132])


def test_memory_is_bounded_and_scratch_space_is_given_back(tmp_path: Path, rainclean: Run) -> None:
    rng = np.random.default_rng(0)
    # Blocks instead of noise: coded and decoded in a fraction of the time.
    blocks = [rng.integers(0, 256, (15, 20, 3), dtype=np.uint8).repeat(32, 0).repeat(32, 1) for _ in range(7)]
    clip = write_clip(tmp_path / "blocks.mkv", [blocks[i % 7] for i in range(100)])
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def run(name: str, *options: object) -> dict[str, Any]:
        result = rainclean("clean", clip, "-o", tmp_path / name, "--json", "--scratch", scratch, *options)
        assert result.returncode == 0, result.stderr
        assert ("of scratch space" in result.stderr) == ("--memory" in options)
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    one = ("--recipe", "n100-vote")
    tiny = run("tiny", *one, "--region", "0,0,16,16")
    bounded = run("bounded", *one, "--memory", "44MiB")
    free = run("free", *one)
    assert bounded["scratch_bytes"] >= 4 * 640 * 480 * 100 and free["scratch_bytes"] == 0
    assert not list(scratch.iterdir())
    assert bounded["peak_rss_bytes"] - tiny["peak_rss_bytes"] < 44 << 20
    assert free["peak_rss_bytes"] - tiny["peak_rss_bytes"] > 1.5 * (44 << 20)  # 100 frames are 92 MB
    assert bounded["sha256"] == free["sha256"]


@pytest.mark.parametrize(
    ("options", "said", "code"),
    [
        (("--frames", 1), "at least 2", 2),
        (("--recipe", "best"), "no recipe 'best'", 2),
        (("--recipe", "n400-vote"), "needs 400 frames, but there are only 100", 1),
        (("--recipe", "n40-vote", "--frames", 20), "already states its number of frames", 2),
        (("--in-point", 99), "at least 2 are needed", 1),
        (("--in-point", 50, "--out-point", 40), "must lie after the in point", 1),
        (("--out-point", 101), "the clip has frames 0 to 99", 1),
        (("--in-point", "9s"), "in point 100, out point 100: the clip has frames", 1),
        (("--in-point", "1m"), "--in-point 1m", 2),
        (("--reference", 100), "reference frame 100", 1),
        (("--recipe", "first30-vote", "--in-point", 5, "--reference", 90), "reference frame 90", 1),
        (("--region", "0,0,353,240"), "352×240", 1),
        (("--region", "1,2,3"), "x,y,width,height", 2),
        (("--memory", "1KiB"), "allow at least --memory", 1),
        (("--scratch", "no/such/folder", "--memory", "20MiB"), "no such folder", 1),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[object, ...], said: str, code: int
) -> None:
    words = ("clean", SAMPLE, "-o", tmp_path / "out", *options)
    assert main([str(word) for word in words]) == code
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.count("\n") == 1, shown.err
    assert shown.out == "" and not (tmp_path / "out").exists()


def test_a_second_run_replaces_the_first_and_touches_nothing_else(swept: Path, tmp_path: Path, here: Run) -> None:
    output = tmp_path / "out"
    shutil.copytree(swept, output)
    (output / "candidates" / "mine.png").write_text("kept")
    (output / "notes.txt").write_text("kept")
    assert here("clean", SAMPLE, "-o", output, "--recipe", "median", "--frames", 20).returncode == 0
    assert sorted(p.name for p in (output / "candidates").iterdir()) == ["mine.png", "n20-p50.png"]
    assert (output / "notes.txt").read_text() == "kept"


def test_files_of_other_origin_are_never_overwritten(tmp_path: Path, here: Run) -> None:
    (tmp_path / "clean.png").write_text("somebody's")
    result = here("clean", SAMPLE, "-o", tmp_path, "--recipe", "median", "--frames", 20)
    assert result.returncode == 1 and "clean.png: not written by rainclean" in result.stderr
    assert (tmp_path / "clean.png").read_text() == "somebody's"
    assert [p.name for p in tmp_path.iterdir()] == ["clean.png"]


def start(output: Path, *options: str) -> "subprocess.Popen[str]":
    command = [str(Path(sys.executable).with_name("rainclean")), "clean", str(SAMPLE), "-o", str(output), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("delay", [0.6, 0.9, 1.2])
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, swept: Path, delay: float) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = start(tmp_path / "out", "--memory", "20MiB", "--scratch", str(scratch))
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert not list(scratch.iterdir())
    # Python itself dies of the signal while it is still importing; later on we answer.
    assert process.returncode in (0, 130, -signal.SIGINT), errors
    complete = (tmp_path / "out" / "report.json").exists()
    assert complete or process.returncode
    if complete:  # the signal came when all was written, or too late
        assert report_of(tmp_path / "out")["sha256"] == report_of(swept)["sha256"]
    assert not list((tmp_path / "out").glob(".rainclean*"))


def test_a_killed_run_can_be_run_again(tmp_path: Path, swept: Path, rainclean: Run) -> None:
    for delay in (0.8, 1.4, 1.8, 2.2):  # each run finds what the killed ones before it left
        process = start(tmp_path / "out")
        time.sleep(delay)
        process.kill()
        _, errors = process.communicate(timeout=60)
        assert process.returncode in (0, -signal.SIGKILL), errors
        if (tmp_path / "out" / "report.json").exists():
            assert report_of(tmp_path / "out")["sha256"] == report_of(swept)["sha256"]
    result = rainclean("clean", SAMPLE, "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert report_of(tmp_path / "out")["sha256"] == report_of(swept)["sha256"]
    assert not list((tmp_path / "out").glob(".rainclean*"))


def test_a_folder_of_images_gives_the_same_as_the_clip(tmp_path: Path, here: Run) -> None:
    frames = frames_of(SAMPLE, 24)
    (tmp_path / "frames").mkdir()
    for i, frame in enumerate(frames):
        imageio.imwrite(tmp_path / "frames" / f"frame{i}.png", frame)
    for name, source in (("a", tmp_path / "frames"), ("b", SAMPLE)):
        options = ("--recipe", "first24-vote")
        assert here("clean", source, "-o", tmp_path / name, *options).returncode == 0
    assert report_of(tmp_path / "a")["sha256"] == report_of(tmp_path / "b")["sha256"]


def test_a_moving_camera_and_a_scene_cut_are_said(tmp_path: Path, here: Run) -> None:
    picture = imageio.imread(SAMPLE.with_name("background.png"))
    pan = [np.roll(picture, i, axis=1) for i in range(20)]
    one = ("--recipe", "median")
    result = here("clean", write_clip(tmp_path / "pan.mkv", pan), "-o", tmp_path / "pan", *one)
    assert "the camera moves" in result.stderr
    shots = [picture] * 20 + [255 - picture] * 20
    result = here("clean", write_clip(tmp_path / "cut.mkv", shots), "-o", tmp_path / "cut", *one)
    assert "scene cut at frame 20" in result.stderr
    still = here("clean", write_clip(tmp_path / "still.mkv", [picture] * 20), "-o", tmp_path / "still", *one)
    assert "camera" not in still.stderr and "cut" not in still.stderr


def test_a_clip_without_rain_noise_or_motion_comes_back_exactly(tmp_path: Path, here: Run) -> None:
    picture = imageio.imread(SAMPLE.with_name("background.png"))
    result = here("clean", write_clip(tmp_path / "dry.mkv", [picture] * 25), "-o", tmp_path / "out", "--json")
    report = json.loads(result.stdout)
    assert np.array_equal(imageio.imread(tmp_path / "out" / "clean.png"), picture)
    # All recipes come to the same picture: one candidate stays, the rain-free mean, and names the others.
    assert [row["recipe"] for row in report["candidates"]] == ["n25-rainfree"]
    assert len(report["candidates"][0]["merged"]) == 13
    assert report["candidates"][0]["score"] == pytest.approx(0, abs=1e-3)
