import json
import math
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import pipeline.bench.truth.run
from pipeline.bench.truth.case_table import (
    Background,
    Case,
    CaseClip,
    SimulatedClip,
    backgrounds,
    cases,
    cut,
    make_clip,
    overlap,
)
from pipeline.bench.truth.methods import METHODS, measured_estimators
from pipeline.bench.truth.plot import draw
from pipeline.bench.truth.run import MANIFEST, PICTURES, Measured, bench_truth, folder_name
from pipeline.bench.truth.scores import EQUAL_DB, Figures, Reliability, compare
from pipeline.bench.truth.thresholds import by_case, check_thresholds, means
from pipeline.bench.truth.upper_bound import upper_bound
from pipeline.cli.main import main
from pipeline.stages import Progress, finish
from rainclean.errors import RaincleanError, UsageError
from rainclean.simulate import PRESETS, Simulation, preset
from rainclean.simulate.render import Renderer
from rainclean.verdict.rules import Verdict
from rainclean.video import Region, open_source
from rainclean.video.pictures import read_picture
from tests.helpers.measured_clips import measured_clip
from tests.helpers.toys import Darkest, Plain, Trimmed, registered, trimmed_mean
from tools.results import NONE, table

SIZE, FRAMES = (64, 48), 10


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(40, 190, (9, 12, 3), dtype=np.uint8))
    path = tmp_path_factory.mktemp("backgrounds") / "a scene.png"
    coarse.resize((80, 60), Image.Resampling.BICUBIC).save(path)
    return path


def case_clip(name: str, picture: Path, **changes: Any) -> CaseClip:
    return CaseClip(Case(name, name, preset(name, **changes)), Background("scene", picture), 3)


def made(name: str, picture: Path, folder: Path, **changes: Any) -> SimulatedClip:
    return finish(make_clip(case_clip(name, picture, **changes), FRAMES, SIZE, folder / "clip"))


def test_the_cases_are_all_presets_but_the_clear_one() -> None:
    names = [case.name for case in cases()]
    assert {case.preset for case in cases()} == set(PRESETS) - {"clear"}
    assert [name for name in names if name.startswith("codec")] == ["codec 18", "codec 23", "codec 28"]
    assert [case.simulation.crf for case in cases(["codec", "light"], [20, 20, 31])] == [20, 31, None]
    assert [case.name for case in cases(["clear"])] == ["clear"]
    with pytest.raises(UsageError, match="no preset 'drizzle'"):
        cases(["drizzle"])


def test_backgrounds_have_names_of_their_own(picture: Path, tmp_path: Path) -> None:
    found = backgrounds(["table", str(picture), str(picture)])
    assert [b.name for b in found] == ["table", "a scene", "a scene-2"]
    assert backgrounds() == backgrounds(["table", "cat"])
    clip = made("clear", picture, tmp_path).path
    with pytest.raises(RaincleanError, match="is a clip"):
        backgrounds([str(clip)])


def test_the_upper_bound_is_the_mean_of_samples_without_rain_and_passers(picture: Path, tmp_path: Path) -> None:
    changes = {"drift": 0.2, "walker_height": 30.0, "density": 0.02, "noise": 4.0}
    clip = made("walker", picture, tmp_path, **changes)
    best = finish(upper_bound(clip, 4))
    renderer = Renderer(clip.simulation, SIZE[::-1], FRAMES, 3)
    scene = renderer.scene(read_picture(picture))
    frames = [renderer.render(i, scene) for i in range(FRAMES)]
    gains = 0.8 + 0.4 * np.arange(FRAMES) / (FRAMES - 1)
    assert best is not None
    held, found = 0, best.mean
    for y in range(0, SIZE[1], 5):
        for x in range(0, SIZE[0], 5):
            free = [
                i for i, f in enumerate(frames) if f.rain[y, x] == 0 and f.passers is not None and not f.passers[y, x]
            ]
            values = [frames[i].frame[y, x] * gains[4] / gains[i] for i in free] or [frames[4].truth[y, x]]
            np.testing.assert_allclose(found[y, x], np.mean(values, axis=0))
            held += len(free) < FRAMES
    assert held > 20
    assert finish(upper_bound(made("pan", picture, tmp_path / "pan"), 4)) is None


def test_where_the_camera_is_carried_the_upper_bound_is_in_the_geometry_of_its_frame(
    picture: Path, tmp_path: Path
) -> None:
    asked = case_clip("walking", picture, crf=None, density=0.002, noise=4.0, frames=8)
    clip = finish(make_clip(asked, FRAMES, (144, 96), tmp_path / "clip"))
    best, known = finish(upper_bound(clip, 4)), clip.truth(4, clip.whole)
    assert best is not None and 0.4 < best.known.mean() < 0.95
    error, rainy = (
        np.square(p.astype(float) - known)[best.known].mean() for p in (best.mean, clip.rainy(4, clip.whole))
    )
    assert error < rainy / 4
    np.testing.assert_array_equal(best.mean[~best.known], known[~best.known])


def test_of_an_encoded_clip_truth_and_upper_bound_are_decoded(picture: Path, tmp_path: Path) -> None:
    clip = made("codec", picture, tmp_path, crf=30)
    best = finish(upper_bound(clip, 5))
    assert best is not None
    with open_source(clip.path) as source:
        decoded = np.stack([frame.rgb for frame in source.read()]).astype(float)
    rain = np.stack([clip.record.rain(i) for i in range(FRAMES)])
    with np.errstate(invalid="ignore"):
        wanted = (decoded * (rain == 0)[..., None]).sum(0) / (rain == 0).sum(0)[..., None]
    always = (rain > 0).all(0)
    np.testing.assert_array_equal(best.known, ~always)
    np.testing.assert_allclose(best.mean[~always], wanted[~always])
    scene = Renderer(clip.simulation, SIZE[::-1], FRAMES, 3).scene(read_picture(picture))
    truth = clip.truth(5, clip.whole)
    assert 0.5 < np.abs(truth.astype(int) - scene).mean() < 12


def test_the_shared_region_is_what_every_frame_shows(picture: Path, tmp_path: Path) -> None:
    clip = made("jitter", picture, tmp_path, jitter=4.0)
    used, reference = [1, 2, 4, 7, 9], 4
    yy, xx = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    seen = np.ones(SIZE[::-1], bool)
    for i in used:
        x, y = (clip.places[reference] - clip.places[i])[:, None, None] + np.stack((xx, yy))
        seen &= (x >= 0) & (x <= SIZE[0] - 1) & (y >= 0) & (y <= SIZE[1] - 1)
    region = clip.shared(used, reference)
    assert region.width * region.height == seen.sum() < seen.size
    assert seen[region.y : region.y + region.height, region.x : region.x + region.width].all()


def test_a_region_is_followed_into_another_frame(picture: Path, tmp_path: Path) -> None:
    clip = made("pan", picture, tmp_path, pan=9.0)  # 1 px a frame, so that truths are copies of each other
    region = Region(8, 5, 40, 30)
    there = clip.seen_from(region, 2, 6)
    assert there == Region(4, 5, 40, 30)
    np.testing.assert_array_equal(clip.truth(2, region), clip.truth(6, there))
    assert clip.seen_from(Region(2, 0, 10, 10), 2, 6) == Region(0, 0, 8, 10)


def test_regions_without_anything_in_common_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing in common"):
        overlap(Region(0, 0, 4, 4), Region(4, 0, 4, 4))
    with pytest.raises(ValueError, match="that shows"):
        cut(np.zeros((4, 4, 3), np.uint8), Region(0, 0, 4, 4), Region(1, 1, 4, 2))


def test_figures_agree_with_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    rng = np.random.default_rng(2)
    truth = rng.integers(60, 90, (30, 40, 3), dtype=np.uint8)
    picture = (truth + rng.integers(-9, 10, truth.shape)).astype(np.uint8)
    figures = compare(picture, truth)
    assert math.isclose(figures.psnr, metrics.peak_signal_noise_ratio(truth, picture))
    ssim = metrics.structural_similarity(
        truth.astype(float), picture.astype(float), channel_axis=2, data_range=255,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    assert abs(figures.ssim - ssim) < 1e-9
    errors = sorted(np.abs(picture.astype(int) - truth).max(2).ravel())
    assert figures.worst == np.mean(errors[-12:])
    assert compare(truth, truth).psnr == EQUAL_DB
    assert compare(truth + 0.1, truth).psnr == pytest.approx(20 * math.log10(2550))


def test_expected_errors_are_held_against_what_came_out() -> None:
    truth = np.full((2, 3, 3), 100, np.uint8)
    picture = truth.copy()
    picture[0] = [[100, 101, 100], [103, 103, 103], [100, 100, 112]]
    expected = np.array([[0.4, 1.0, 20.0], [0.0, 1.5, 3.0]])
    found = Reliability.measure(expected, picture, truth)
    assert list(found.counts) == [2, 0, 2, 1, 0, 0, 1]
    assert found.claimed == pytest.approx((0.16, 0, 3.25, 9, 0, 0, 400))
    assert found.found == pytest.approx((1 / 3, 0, 9, 0, 0, 0, 48))
    assert found.curve[1] == pytest.approx((1 / 3, 1.625**0.5, 4.5**0.5))
    assert found.factor == pytest.approx(3 / 0.05)  # 3 levels expected, none found
    half = [Reliability.measure(expected[i : i + 1], picture[i : i + 1], truth[i : i + 1]) for i in range(2)]
    assert Reliability.pooled(half) == found
    with pytest.raises(ValueError, match="each one from 0"):
        Reliability.measure(expected - 1, picture, truth)


def test_honest_expectations_are_off_by_little() -> None:
    rng = np.random.default_rng(4)
    expected = np.exp(rng.uniform(-1, 3.5, (200, 300)))
    truth = np.full((200, 300, 3), 100, np.uint8)
    picture = truth + expected[..., None] * rng.standard_normal(truth.shape)
    assert Reliability.measure(expected, picture, truth).factor < 1.05
    assert Reliability.measure(expected / 2, picture, truth).factor == pytest.approx(2, abs=0.1)
    # A bin that hardly any pixel is in is not judged.
    few = np.where(np.arange(60_000).reshape(200, 300) < 30, np.float64(60), expected)
    assert Reliability.measure(few, picture, truth).factor < 1.05


def measured(case: str, ours: float, released: float = 40.0, limit: float | None = 45.0, **values: Any) -> Measured:
    figures = {"rainy": 20.0, "released": released, "median": 30.0, "suggestion": ours, "best": ours + 0.05}
    if limit is not None:
        figures["limit"] = limit
    known = {name: Figures(psnr=db, ssim=0.9, worst=3.0) for name, db in figures.items()}
    known["suggestion"] = replace(known["suggestion"], seconds=2.0, decoding=1.0)
    return measured_clip(case, known, {"a": ours, "b": ours + 0.05}, **values)


@pytest.mark.parametrize(
    ("clips", "verdicts"),
    [
        ([measured("medium", 43.5)], ["met", "met"]),
        ([measured("medium", 43.4), measured("medium", 43.7)], ["on average", "met"]),
        ([measured("medium", 39.79)], ["missed", "missed"]),
        ([measured("heavy", 43.0)], ["met"]),
        ([measured("heavy", 42.9)], ["missed"]),
        ([measured("jitter", 41.0, limit=None, kept_of_shared=0.79)], ["met", "missed", "met"]),
        ([measured("codec 28", 44.7)], ["met", "met"]),
        ([measured("everything", 39.7, limit=None)], ["missed"]),
        ([measured("drift", 42.0)], ["met", "met"]),
    ],
)
def test_thresholds(clips: list[Measured], verdicts: list[str]) -> None:
    *of_cases, regret = check_thresholds(clips)
    assert [bar.verdict for bar in of_cases] == verdicts
    assert regret.what == "mean regret, dB" and regret.mean == pytest.approx(0.05) and regret.verdict == "met"


def test_a_threshold_on_the_mean_is_met_although_one_clip_is_not() -> None:
    good = measured("walker", 44.0)
    poor = replace(good, figures={**good.figures, "best": Figures(psnr=44.12, ssim=0.9, worst=3.0)})
    bar = check_thresholds([good, poor])[-1]
    assert bar.mean == pytest.approx(0.085) and bar.worst == pytest.approx(0.12) and bar.verdict == "met"
    assert check_thresholds([poor])[-1].verdict == "missed"


def test_means_of_a_case() -> None:
    sure = Reliability((10.0,) + (0.0,) * 6, (0.4,) + (0.0,) * 6, (0.9,) + (0.0,) * 6)
    row = means([measured("night", 40.0), measured("night", 43.0, reliability=sure)])
    assert row["figures"]["suggestion"] == {"psnr": 41.5, "ssim": 0.9, "worst": 3.0, "seconds": 2.0, "decoding": 1.0}
    assert "seconds" not in row["figures"]["rainy"] and row["calibration_factor"] == pytest.approx(1.5)
    assert check_thresholds([measured("night", 43.6, reliability=sure)])[-1].verdict == "missed"


def test_the_plot_has_room_for_every_case() -> None:
    clips = [measured(case.name, 43.0) for case in cases()]
    alone = draw(clips)
    sure = Reliability((10.0,) * 7, (5.0,) * 7, (5.0,) * 7)
    both = draw([replace(clips[0], reliability=sure), *clips[1:]])
    width, height = both.get_size_inches()
    assert width > alone.get_size_inches()[0] > 10 and height == alone.get_size_inches()[1]
    alone.draw_without_rendering()
    labels = [label.get_window_extent() for label in alone.axes[0].get_xticklabels()]
    assert [label.get_text() for label in alone.axes[0].get_xticklabels()] == list(by_case(clips))
    assert all(left.x1 < right.x0 for left, right in pairwise(labels))


def test_the_plot_shows_what_was_measured() -> None:
    clips = [measured("night", 40.0), measured("night", 43.0), measured("heavy", 35.0)]
    (panel,) = draw(clips).axes
    colour = {line.get_label(): line.get_color() for line in panel.get_lines()}["first"]
    drawn = [np.asarray(line.get_ydata()).tolist() for line in panel.get_lines() if line.get_color() == colour]
    assert [values for values in drawn if values] == [[40.0, 43.0], [41.5], [35.0, 35.0], [35.0]]


@dataclass
class Result:
    """What `clean` may answer once it stabilises: a reference frame of its own, and a part of that frame."""

    reference: int
    region: Region
    shown: list[np.ndarray[Any, Any]]
    warnings: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=lambda: {"start_up": 0.0, "decode": 0.0})
    posterior: Any = None
    moving: Any = None
    verdict: Any = field(default_factory=lambda: Verdict("fit"))

    @property
    def selection(self) -> Any:
        return SimpleNamespace(indices=tuple(range(FRAMES)), reference_frame=self.reference)

    @property
    def candidates(self) -> list[Any]:
        return [SimpleNamespace(recipe=SimpleNamespace(name=f"n{i}"), place=i) for i in range(len(self.shown))]

    def picture(self, candidate: Any) -> Any:
        return self.shown[candidate.place]

    def __enter__(self) -> "Result":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_a_stabilised_picture_is_compared_in_its_region_and_reference_frame(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = Region(6, 4, 50, 40)

    class Half:
        mean = np.full((40, 50, 3), -9, np.float32)

        def error(self, shown: Any) -> Any:
            return np.full(shown.shape[:2], 2, np.float32)

    def fake(source: Any, settings: Any) -> Generator[Progress, None, Result]:
        clip = SimulatedClip.from_folder(source.info.path.parent, PRESETS["pan"])
        yield Progress("decode", 1, 1)
        if settings.recipe == "released":
            return Result(7, clip.whole, [clip.truth(7, clip.whole)])
        if settings.recipe == "median":
            return Result(3, region, [clip.truth(3, region)])
        exact = clip.truth(3, region)
        return Result(3, region, [np.minimum(exact, 254) + np.uint8(1), exact], posterior=Half())

    monkeypatch.setattr(pipeline.bench.truth.run, "clean", fake)
    (found,) = finish(bench_truth([case_clip("pan", picture, pan=9.0)], FRAMES, SIZE))
    assert {name: f.psnr for name, f in found.figures.items() if name != "rainy"} == {
        "released": EQUAL_DB,
        "median": EQUAL_DB,
        "suggestion": pytest.approx(48.13, abs=0.01),
        "best": EQUAL_DB,
    }
    assert found.recipes == {"suggestion": "n0", "best": "n1"} and found.regret == pytest.approx(51.87, abs=0.01)
    assert found.kept == 2000 / 3072
    assert found.kept_of_shared == 50 * 40 / (55 * 48)  # frames 0 to 9 share columns 6 to 60 of frame 3, less 0 to 5
    assert found.reliability is not None and found.reliability.factor == pytest.approx(2)


def test_the_command_measures_prints_and_saves(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["bench", "truth", "--cases", "light,jitter", "codec", "--crfs", "30", "--backgrounds", str(picture)]
    words += ["--size", "64x48", "--frames", "12", "--save", str(tmp_path / "out"), "--plot", str(tmp_path / "p.png")]
    assert main([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said["cases"]) == [clip["case"] for clip in said["clips"]] == ["light", "jitter", "codec 30"]
    for clip in said["clips"]:
        figures = clip["figures"]
        assert ("limit" in figures) == (clip["case"] != "jitter")
        assert figures["best"]["psnr"] == max(clip["candidates"].values()) >= figures["suggestion"]["psnr"]
        assert clip["regret"] == figures["best"]["psnr"] - figures["suggestion"]["psnr"]
        folder = tmp_path / "out" / f"{clip['case'].replace(' ', '-')}_a-scene_0"
        assert sorted(p.stem for p in folder.iterdir()) == sorted(PICTURES)
        shown = {name: read_picture(folder / f"{name}.png").astype(int) for name in PICTURES}
        # The truth that is saved is that of the suggestion's reference frame and region; released has its own.
        for name in ("rainy", "suggestion"):
            error = np.mean((shown[name] - shown["truth"]) ** 2)
            assert figures[name]["psnr"] == pytest.approx(10 * math.log10(255**2 / error), abs=1e-6)
        eightfold = np.minimum(8 * np.abs(shown["suggestion"] - shown["truth"]), 255)
        np.testing.assert_array_equal(shown["error-suggestion"], eightfold)
    name, rows = table(said)
    assert name == "truth" and [row[0] for row in rows[1:]] == list(said["cases"])
    assert [row[-1] == NONE for row in rows[1:]] == [False, True, False]
    assert {bar["verdict"] for bar in said["bars"]} <= {"met", "on average", "missed"}
    with Image.open(tmp_path / "p.png") as plot:
        assert plot.format == "PNG" and min(plot.size) > 300
    assert json.loads((tmp_path / "out" / MANIFEST).read_text())["clips"] == said["clips"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "p.png"]

    assert main([*words[:3], "light", *words[7:]]) == 0  # again, into the same folder
    text = capsys.readouterr().out
    assert "PSNR in dB (basicsr-rgb)" in text and "thresholds met" in text and "actual / expected" in text
    assert sorted(p.name for p in (tmp_path / "out").rglob("*.png")) == sorted(f"{name}.png" for name in PICTURES)


def test_breaking_off_leaves_nothing_behind(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stage = bench_truth([case_clip("light", picture)], FRAMES, SIZE)
    seen = set()
    for step in stage:
        seen.add(step.stage)
        if step.stage == "votes":
            break
    assert "simulate" in seen and step.part == "light, scene, seed 3" and list(tmp_path.iterdir())
    stage.close()
    assert list(tmp_path.iterdir()) == []


def test_an_error_says_which_clip_it_is_about(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Generator[Progress, None, None]:
        yield from ()
        raise RaincleanError("too wet")

    monkeypatch.setattr(pipeline.bench.truth.run, "clean", fails)
    with pytest.raises(RaincleanError, match=r"^light, scene, seed 3: too wet$"):
        finish(bench_truth([case_clip("light", picture)], FRAMES, SIZE))


def test_folder_names_are_plain() -> None:
    simulation = Simulation()
    assert (
        folder_name(CaseClip(Case("codec 23", "codec", simulation), Background("a ü/b", Path("x")), 1))
        == "codec-23_a-b_1"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cases", "drizzle"], "drizzle"),
        (["--seeds", "-1"], "--seeds"),
        (["--seeds", "1,x"], "--seeds x"),
        (["--crfs", "60", "--cases", "codec"], "crf 60"),
        (["--crfs", ","], "--crfs"),
        (["--size", "63x48"], "--size"),
        (["--frames", "1"], "--frames"),
        (["--plot", "picture.jpg"], "--plot"),
        (["--plot", "nowhere/at/all.png"], "--plot"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = 0
    try:
        code = main(["bench", "truth", *words])
    except SystemExit as end:
        code = int(end.code or 0)
    assert code == 2
    assert said in capsys.readouterr().err


def test_estimators_from_outside_are_measured_as_well(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["bench", "truth", "--cases", "light,jitter", "--backgrounds", str(picture), "--size", "64x48"]
    words += ["--frames", "12", "--plot", str(tmp_path / "p.png")]
    with registered(Trimmed(), Plain(), Darkest()):  # by a recipe of its own, in the sweep, of near frames
        assert main([*words, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        still, moving = (clip["figures"] for clip in document["clips"])
        assert list(still) == [*METHODS, "trimmed", "plain"]
        assert {"trimmed", "plain"} <= moving.keys()
        assert still["rainy"]["psnr"] < still["plain"]["psnr"] < still["trimmed"]["psnr"]
        assert main([*words, "--methods", "trimmed,local"]) == 0
        head = next(line for line in capsys.readouterr().out.splitlines() if "upper bound" in line)
        assert head.split()[-4:] == ["trimmed", "local", "regret,", "dB"]
    assert main([*words, "--methods", "trimmed"]) == 2
    assert "--methods trimmed: use local, rainfree, near" in capsys.readouterr().err


def test_an_estimator_is_measured_on_its_own_clean_image(picture: Path) -> None:
    asked = case_clip("light", picture)
    with registered(Trimmed()):
        (found,) = finish(bench_truth([asked], FRAMES, SIZE))
    with TemporaryDirectory() as folder:
        clip = finish(make_clip(asked, FRAMES, SIZE, Path(folder) / "clip"))
        with open_source(clip.path) as source:
            frames = np.stack([frame.rgb for frame in source.read()])
        wanted = trimmed_mean(np.sort(frames, axis=0).reshape(FRAMES, -1)).reshape(frames.shape[1:])
        region = Region(*found.region)
        expected = compare(cut(wanted, clip.whole, region), clip.truth(found.reference, region))
    assert found.figures["trimmed"].psnr == pytest.approx(expected.psnr, abs=1e-9)


def test_the_rule_of_an_estimator_must_not_be_the_name_of_a_method() -> None:
    class Best(Trimmed):
        rule = "best"

    with registered(Best()), pytest.raises(UsageError, match="rename its rule"):
        measured_estimators()
    assert measured_estimators() == ()
