"""Whole clips: written, read back, cleaned, refused, broken off."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from pipeline.clean.output import write_png
from pipeline.clean.run import clean
from pipeline.clean.settings import CleanSettings
from pipeline.cli.main import main
from pipeline.simulate import SimulateSettings, simulate, simulate_folder
from pipeline.stages import finish
from rainclean import simulate as simulated
from rainclean.errors import InputError
from rainclean.simulate import PRESETS, preset
from rainclean.simulate.backdrop import Backdrop
from rainclean.simulate.render import Renderer
from rainclean.simulate.writing import ClipWriter
from rainclean.video import open_source
from tests.conftest import Run
from tests.helpers.simulated_scenes import frames_of, make, make_over, scene


def names_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_clip_without_rain_noise_and_motion_comes_back_exactly(tmp_path: Path) -> None:
    out = make(tmp_path, PRESETS["clear"], frames=25)
    with open_source(out / "clip.mkv") as source:
        assert all(np.array_equal(frame.rgb, scene()) for frame in source.read())
        with finish(clean(source, CleanSettings())) as result:
            assert np.array_equal(result.picture(result.candidates[0]), simulated.truth(out, 12))
    assert np.array_equal(simulated.truth(out, 12), scene())


def test_what_is_written_is_what_was_rendered(tmp_path: Path) -> None:
    case = preset("jitter", drift=0.06, walkers=2)
    out = make(tmp_path, case, frames=8, seed=5)
    assert names_in(out) == ["background.png", "clip.mkv", "passers.mkv", "rain.mkv", "truth.json"]
    made = Renderer(case, (64, 96), 8, 5)
    background = made.scene(scene())
    assert np.array_equal(imageio.imread(out / "background.png"), background)
    for i, frame in enumerate(frames_of(out / "clip.mkv")):
        expected = made.render(i, background)
        assert np.array_equal(frame, expected.frame)
        assert np.array_equal(simulated.truth(out, i), expected.truth)
        assert np.array_equal(simulated.rain(out, i), expected.rain)
        assert expected.passers is not None
        assert np.array_equal(simulated.passers(out, i), expected.passers)


def test_the_record_says_how_the_clip_was_made(tmp_path: Path) -> None:
    out = make(tmp_path, preset("drift"), preset="drift", frames=5, seed=9, rate=Fraction(30000, 1001))
    record = json.loads((out / "truth.json").read_text())
    assert record["files"] == names_in(out)
    assert (record["preset"], record["seed"], record["frames"], record["size"]) == ("drift", 9, 5, [96, 64])
    assert simulated.Simulation.from_json(record["simulation"]) == preset("drift")
    assert record["gains"][0] == 0.94 and record["transforms"][4] == [1, 0, 0, 0, 1, 0]
    assert set(record["versions"]) == {"numpy", "numba", "opencv-python", "av"}
    with open_source(out / "clip.mkv") as source:
        assert source.times[4] == pytest.approx(4 * 1001 / 30000, abs=2e-3)
    assert not simulated.passers(out, 0).any()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        make(tmp_path / name, preset("everything"), frames=6)
    for path in (tmp_path / "a" / "out").iterdir():
        if path.suffix != ".mkv":  # Matroska carries a random number
            assert path.read_bytes() == (tmp_path / "b" / "out" / path.name).read_bytes(), path.name
        else:
            other = frames_of(tmp_path / "b" / "out" / path.name)
            assert all(np.array_equal(x, y) for x, y in zip(frames_of(path), other, strict=True))


def test_of_an_h264_clip_the_truth_is_the_rain_free_clip_encoded_alike(tmp_path: Path) -> None:
    case = preset("codec", drift=0.05)
    out = make(tmp_path, case, frames=30, seed=1)
    assert names_in(out) == ["background.png", "clip.mp4", "rain.mkv", "truth.json", "truth.mp4"]
    made = Renderer(case, (64, 96), 30, 1)
    with ClipWriter(tmp_path / "alike.mp4", (64, 96), Fraction(25), crf=case.crf) as writer:
        for i in range(30):
            writer.write(made.render(i, made.scene(scene())).truth)
    expected = frames_of(tmp_path / "alike.mp4")
    for i in (0, 13, 29):
        assert np.array_equal(simulated.truth(out, i), expected[i])
        assert np.abs(simulated.truth(out, i).astype(int) - made.render(i, scene()).truth).mean() < 12


@pytest.mark.parametrize("colour", [(200, 30, 60), (10, 200, 90), (255, 255, 255), (0, 0, 255), (0, 0, 0)])
def test_colours_survive_h264(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    picture = np.broadcast_to(np.array(colour, np.uint8), (64, 96, 3))
    out = make(tmp_path, preset("clear", crf=12), np.ascontiguousarray(picture), frames=3)
    for frame in (*frames_of(out / "clip.mp4"), simulated.truth(out, 1)):
        assert np.abs(frame.astype(int) - picture).max() <= 2


def test_a_clip_can_be_rained_on(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "dry.mkv", (64, 97), Fraction(30), crf=None) as writer:
        for i in range(12):
            writer.write(scene(64, 97, seed=i))
    out = make_over(tmp_path / "dry.mkv", tmp_path / "out", preset("medium", noise=0))
    assert names_in(out) == ["clip.mkv", "rain.mkv", "truth.json", "truth.mkv"]
    frames = frames_of(out / "clip.mkv")
    assert len(frames) == 12
    for i, frame in enumerate(frames):
        assert np.array_equal(simulated.truth(out, i), scene(64, 97, seed=i))
        assert (frame >= simulated.truth(out, i)).all() and (frame > simulated.truth(out, i)).any()
    with open_source(out / "clip.mkv") as source:
        assert source.times[11] == pytest.approx(11 / 30, abs=2e-3)
    with pytest.raises(InputError, match="has only 12 of 13 frames"):
        make_over(tmp_path / "dry.mkv", tmp_path / "more", preset("medium"), frames=13)
    # Of an odd width, 4:2:0 takes all but the last column.
    coded = make_over(tmp_path / "dry.mkv", tmp_path / "coded", preset("codec", jitter=1.0), frames=3)
    assert simulated.truth(coded, 2).shape == (64, 96, 3)


def test_truth_of_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no simulated clip"):
        simulated.truth(tmp_path, 0)
    out = make(tmp_path, PRESETS["clear"], frames=2)
    for read in (simulated.truth, simulated.rain, simulated.passers):
        for frame in (2, -1):
            with pytest.raises(InputError, match=f"frame {frame} asked for; it has frames 0 to 1"):
                read(out, frame)
    for text in ("{", "[]", '{"truth": "/etc/passwd", "frames": 3}', '{"truth": "background.png", "frames": 3}'):
        (out / "truth.json").write_text(text)
        with pytest.raises(InputError, match=r"truth\.json"):
            simulated.truth(out, 2)


def test_a_simulation_broken_off_leaves_nothing(tmp_path: Path) -> None:
    write_png(tmp_path / "scene.png", scene())
    for steps in (1, 3):
        settings = SimulateSettings(preset("everything"), frames=20)
        with Backdrop(tmp_path / "scene.png") as backdrop:
            with simulate_folder(tmp_path / "new" / "out", tmp_path / "scene.png") as output:
                stage = simulate(backdrop, settings, output)
                for _ in range(steps):
                    next(stage)
                stage.close()
            assert not (tmp_path / "new").exists()


def test_the_command(tmp_path: Path, rainclean: Run, here: Run) -> None:
    write_png(tmp_path / "scene.png", scene())
    words = ("simulate", tmp_path / "scene.png", "-o", tmp_path / "out", "--frames", 4)
    made = rainclean(*words, "--preset", "walker", "--seed", 7, "--size", "80x60", "--crf", 20, "--json")
    assert made.returncode == 0, made.stderr
    record = json.loads(made.stdout)
    assert record == {"schema": 1, **json.loads((tmp_path / "out" / "truth.json").read_text())}
    assert record["files"] == names_in(tmp_path / "out")
    assert simulated.truth(tmp_path / "out", 3).shape == (60, 80, 3)
    (tmp_path / "out" / "notes.txt").write_text("kept")
    weather = ("--rain-rate", 30, "--exposure-time", 0.004, "--gradient", 1, 0.5)
    again = here(*words, "--preset", "light", *weather)
    assert again.returncode == 0, again.stderr
    assert "clip.mkv: 4 frames of 96×64 px" in again.stdout
    assert names_in(tmp_path / "out") == ["background.png", "clip.mkv", "notes.txt", "rain.mkv", "truth.json"]
    simulation = json.loads((tmp_path / "out" / "truth.json").read_text())["simulation"]
    assert simulation["rain"]["rate_mm_h"] == 30 and simulation["gradient"] == [1, 0.5]


@pytest.mark.parametrize(
    ("options", "said", "code"),
    [
        (("--preset", "wet"), "no preset 'wet'; use one of clear, light", 2),
        (("--density", "-1"), "density -1", 2),
        (("--size", "12"), "--size 12", 2),
        (("--size", "97x65", "--crf", "20"), "even sides, such as 98x66", 2),
        (("--frames", "0"), "--frames 0", 2),
        (("--rate", "fast"), "--rate fast", 2),
        (("--seed", "-1"), "--seed -1", 2),
        (("--exposure-time", "0.01"), "need --rain-rate", 2),
        (("--rain-rate", "9", "--length", "20"), "length follows from it", 2),
        (("--rain-rate", "9", "--far", "0.5"), "far 0.5", 2),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str, code: int
) -> None:
    write_png(tmp_path / "scene.png", scene())
    assert main(["simulate", str(tmp_path / "scene.png"), "-o", str(tmp_path / "out"), *options]) == code
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.count("\n") == 1, shown.err
    assert not (tmp_path / "out").exists()


def test_files_and_folders_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(source: Path, out: Path) -> str:
        assert main(["simulate", str(source), "-o", str(out), "--frames", "2"]) == 1
        return capsys.readouterr().err

    assert "gone.png" in run(tmp_path / "gone.png", tmp_path / "out")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG no picture")
    assert "bad.png: damaged" in run(tmp_path / "bad.png", tmp_path / "out")
    write_png(tmp_path / "scene.png", scene())
    write_png(tmp_path / "tiny.png", scene(8, 8))
    assert "too small" in run(tmp_path / "tiny.png", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "clip.mp4").write_text("somebody's")
    assert "clip.mp4: not written by rainclean" in run(tmp_path / "scene.png", foreign)
    assert (foreign / "clip.mp4").read_text() == "somebody's"
    out = make(tmp_path, PRESETS["clear"], frames=2)
    assert "is the input" in run(out / "clip.mkv", out)


def test_importing_the_package_is_cheap() -> None:
    heavy = "('numpy', 'cv2', 'av', 'numba')"
    script = f"import sys, rainclean.simulate; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert shown.stdout.strip() == "[]", shown.stdout + shown.stderr
