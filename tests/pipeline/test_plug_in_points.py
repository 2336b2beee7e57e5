"""What is added from outside goes the whole way: command, project, export."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.cli.main import main
from pipeline.project.analysis.findings import read_areas
from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from rainclean.candidates.estimators import Estimator
from rainclean.dataset.manifest import read_manifest
from rainclean.png import decode_png
from rainclean.video import open_source
from tests.helpers.panning_clips import panning
from tests.helpers.rainy_clips import rainy_clip, write_clip
from tests.helpers.toys import (
    BLUE_CAST,
    TOO_GREEN,
    Corner,
    Darkest,
    Plain,
    Trimmed,
    TrimmedInSweep,
    judged_by,
    looking_for,
    registered,
    scored_by,
    trimmed_mean,
)


def frames_of(clip: Path) -> np.ndarray:
    with open_source(clip) as source:
        return np.stack([frame.rgb for frame in source.read(range(source.info.frame_count))])


def expected(clip: Path, rule: str, start: int, stop: int) -> np.ndarray:
    frames = frames_of(clip)[start:stop]
    if rule == "trimmed":
        flat = trimmed_mean(np.sort(frames, axis=0).reshape(len(frames), -1))
        return flat.reshape(frames.shape[1:])
    mean: np.ndarray = np.rint(frames.mean(axis=0, dtype=np.float32))
    return mean.astype(np.uint8)


@pytest.mark.parametrize("toy", [Trimmed(), Plain()], ids=lambda toy: toy.rule)
def test_an_estimator_runs_by_its_name(toy: Estimator, tmp_path: Path) -> None:
    clip, out = rainy_clip(tmp_path / "clip.mkv", 1), tmp_path / "out"
    with registered(toy):
        main(["clean", str(clip), "-o", str(out), "--recipe", f"n20-{toy.rule}"])
    report = json.loads((out / "report.json").read_text())
    assert report["recipe"]["rule"] == toy.rule and report["requested"] == f"n20-{toy.rule}"
    picture = decode_png((out / "clean.png").read_bytes(), "clean.png")
    first = report["frame_indices"][0]
    wanted = expected(clip, toy.rule, first, first + 20)
    assert np.abs(picture.astype(int) - wanted).max() <= (0 if toy.rule == "trimmed" else 1)
    # Nothing is known of how far off it is.
    assert not (out / "confidence.png").exists()


def test_estimators_are_part_of_a_sweep(tmp_path: Path) -> None:
    clip, out = rainy_clip(tmp_path / "clip.mkv", 1), tmp_path / "out"
    with registered(TrimmedInSweep(), Plain()):
        main(["clean", str(clip), "-o", str(out)])
    report = json.loads((out / "report.json").read_text())
    rows = {name: row for row in report["candidates"] for name in (row["recipe"], *row["merged"])}
    for rule in ("trimmed", "plain", "local", "rainfree"):
        row = rows[f"n24-{rule}"]
        if row["recipe"] == f"n24-{rule}" and rule in ("trimmed", "plain"):
            picture = decode_png((out / row["file"]).read_bytes(), row["file"])
            assert np.abs(picture.astype(int) - expected(clip, rule, 0, 24)).max() <= 1
    assert (out / "confidence.png").exists()  # of the rain-free mean


def test_an_estimator_goes_through_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, clip = str(tmp_path / "home"), rainy_clip(tmp_path / "place.mkv", 1)
    with registered(Trimmed()):
        main(["new", home])
        main(["add", home, str(clip)])
        main(["analyze", home, "--recipe", "n20-trimmed"])
        capsys.readouterr()
        main(["analyze", home, "--recipe", "n20-trimmed"])
        assert "place" not in capsys.readouterr().out.replace("places", "")  # it was done
        main(["select", home, "place", "--candidate", "n20-trimmed", "--who", "Ann"])
    # Whoever has not got the estimator can still show and export what it made.
    capsys.readouterr()
    main(["status", home, "place", "--json"])
    (candidate,) = json.loads(capsys.readouterr().out)["candidates"]
    assert candidate["name"] == "n20-trimmed" and candidate["recipe"]["words"] == "20 frames, trimmed mean"
    main(["export", home, "-o", str(tmp_path / "pairs")])
    main(["check", str(tmp_path / "pairs")])
    rows = read_manifest(tmp_path / "pairs" / "manifest.csv")
    assert rows and {row.recipe for row in rows} == {"n20-trimmed"}


def test_an_estimator_of_near_frames_takes_part_where_the_camera_moves(tmp_path: Path) -> None:
    clip, out = tmp_path / "clip.mkv", tmp_path / "out"
    write_clip(clip, list(panning()))
    with registered(Darkest()):
        main(["clean", str(clip), "-o", str(out), "--recipe", "n7-darkest-steady"])
        report = json.loads((out / "report.json").read_text())
        assert report["recipe"]["rule"] == "darkest" and report["frames_used"] == 7
        main(["clean", str(clip), "-o", str(tmp_path / "swept")])
    report = json.loads((tmp_path / "swept" / "report.json").read_text())
    names = {name for row in report["candidates"] for name in (row["recipe"], *row["merged"])}
    assert {"n7-near-steady", "n7-darkest-steady"} <= names


def test_a_defect_is_written_stored_shown_and_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, out, clip = tmp_path / "home", tmp_path / "out", rainy_clip(tmp_path / "place.mkv", 1)
    with scored_by(BLUE_CAST):
        main(["clean", str(clip), "-o", str(out), "--frames", "20"])
        assert "blue_cast" in capsys.readouterr().out
        main(["new", str(home)])
        main(["add", str(home), str(clip)])
        main(["analyze", str(home)])
    rows = json.loads((out / "report.json").read_text())["candidates"]
    ours = ["streaks", "detail", "darkening", "disagreement"]
    assert list(rows[0])[8:14] == ["score", *ours, "blue_cast"]
    for row in rows:
        assert row["blue_cast"] > 0.1
        assert row["score"] == pytest.approx(sum(row[name] for name in (*ours, "blue_cast")), abs=5e-4)
    assert "blue_cast" in (out / "candidates.csv").read_text().splitlines()[0]
    # The store and what reads it: also without the defect.
    with Project(home) as project:
        made = analyses(project, 1)[0]
        best, *others = stored = candidates(project, made.id)
        assert all(one.more_scores.keys() == {"blue_cast"} for one in stored) and others
        assert [one.score for one in stored] == sorted(one.score for one in stored)
        assert best.score == pytest.approx(sum(best.scores.values()))
        assert overview(project)[0].score == pytest.approx(best.score)
        assert project.problems() == []
    capsys.readouterr()
    main(["status", str(home), "place"])
    assert "blue_cast" in capsys.readouterr().out
    main(["select", str(home), "--auto"])
    main(["export", str(home), "-o", str(tmp_path / "pairs")])
    (score,) = {row.score for row in read_manifest(tmp_path / "pairs" / "manifest.csv")}
    assert score == pytest.approx(best.score, abs=1e-3)


def test_a_rule_of_verdicts_finds_its_own_evidence(tmp_path: Path) -> None:
    home, out, clip = str(tmp_path / "home"), tmp_path / "out", rainy_clip(tmp_path / "place.mkv", 1)
    with judged_by(TOO_GREEN):
        main(["clean", str(clip), "-o", str(out)])
        main(["new", home])
        main(["add", home, str(clip)])
        main(["analyze", home])
    verdict = json.loads((out / "report.json").read_text())["verdict"]
    (reason,) = verdict["reasons"]
    assert reason["code"] == "too-green" and reason["words"].endswith("of the frame is green")
    assert verdict["state"] == reason["severity"] and reason["share"] > 0.2
    assert (decode_png((out / "verdict.png").read_bytes(), "verdict.png") == 255).mean() == pytest.approx(
        reason["share"], abs=1e-4
    )
    with Project(Path(home)) as project:
        (line,) = overview(project)
        assert line.verdict is not None and [each.code for each in line.verdict.reasons] == ["too-green"]


def test_a_kind_of_moving_thing_is_excluded_told_and_stored(tmp_path: Path) -> None:
    home, out, clip = tmp_path / "home", tmp_path / "out", rainy_clip(tmp_path / "place.mkv", 1)
    with looking_for(Corner()):
        main(["clean", str(clip), "-o", str(out)])
        main(["new", str(home)])
        main(["add", str(home), str(clip)])
        main(["analyze", str(home)])
    (told,) = [word for word in json.loads((out / "report.json").read_text())["moving"] if "corner" in word]
    assert told == "something moves in the corner: 25.0 % of the frame"
    excluded = decode_png((out / "exclude.png").read_bytes(), "exclude.png") == 255
    height, width = excluded.shape
    assert excluded[: height // 2, : width // 2].all() and not excluded[height // 2 :].all()
    with Project(home) as project:
        areas = read_areas(project, analyses(project, 1)[0])
        assert areas is not None and areas.kinds["other"][: height // 2, : width // 2].all()
        assert areas.doubtful[0, 0] and project.problems() == []
