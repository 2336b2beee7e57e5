"""Exports of what an analysis found: stabilized frames, confidence, and what moves excluded."""

import csv
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest

from pipeline.export.assembly import Exported
from pipeline.export.report import write_report
from pipeline.export.run import export
from pipeline.export.size_estimate import estimate
from pipeline.export.verification import check
from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import choose_best, decisions
from pipeline.project.editing.editor import Editor
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.compositing.composite import Shape
from rainclean.dataset.manifest import ManifestRow, read_manifest
from rainclean.errors import RaincleanError
from tests.conftest import Run
from tests.helpers import stabilized as known
from tests.pipeline.export.conftest import contents, settings

MARKED = Shape("rectangle", ((0.0, 32.0), (12.0, 40.0)))
"""What a person excludes."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = known.make(tmp_path_factory.mktemp("found"))
    with Project(folder) as project:
        choose_best(project, trusted=("fit", "look"))
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "project"))


def write(home: Path, out: Path, **asked: Any) -> Exported:
    with Project(home) as project:
        wanted = settings(**asked)
        expected = estimate(project, wanted)
        result = finish(export(project, wanted, out))
    assert expected.exact and expected.pairs == result.pairs
    assert not finish(check(out)).problems
    return result


def rows_of(out: Path) -> dict[int, ManifestRow]:
    """Whole frames by their index."""
    return {row.frame: row for row in read_manifest(out / "manifest.csv")}


def test_pairs_are_stabilized_frames_with_confidence(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = write(home, out, frames="all")
    rows = rows_of(out)
    assert tuple(sorted(rows)) == known.USED
    confidence = np.rint(255 / (1 + (known.posterior().sd / 2) ** 2))
    for index, row in rows.items():
        np.testing.assert_array_equal(imageio.imread(out / row.rainy), known.stabilized_frame(index))
        assert (row.x, row.y, row.width, row.height) == known.REGION
        assert row.confidence == f"confidence/{Path(row.rainy).stem}.png" and len(row.confidence_sha256) == 64
        written = imageio.imread(out / row.confidence)
        assert written.dtype == np.uint8 and np.abs(written - confidence).max() <= 1
    assert confidence[known.DIM].max() < 30 < 200 < confidence[:30].min()
    assert json.loads((out / "export.json").read_text())["confidence_form"] == "expected error"
    assert any("cannot be stabilized make no pairs: pan 5 of 24" in note for note in result.notes)
    (line,) = csv.DictReader((out / "sequences.csv").read_text().splitlines())
    assert (line["steadied"], line["excluded"]) == ("yes", "doubtful passing")


def test_what_is_in_doubt_and_what_passes_is_excluded(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = write(home, out, frames="all")
    doubtful = known.moving().doubtful
    for index, row in rows_of(out).items():
        expected = np.where(doubtful | known.passing(index), 255, 0)
        np.testing.assert_array_equal(imageio.imread(out / row.exclude), expected)
    said = json.loads((out / "export.json").read_text())
    assert said["settings"]["keep_moving"] is False and said["settings"]["confidence"] is True
    assert (
        sum("--keep-moving" in note for note in result.notes) == sum("--keep-moving" in n for n in said["notes"]) == 2
    )


def test_what_a_person_marked_stands_for_what_is_in_doubt(home: Path, tmp_path: Path) -> None:
    with Project(home) as project:
        (sequence,) = sequences(project)
        editor = Editor(project, "Ann")
        best = decisions.current(project)[sequence.id].candidate_id or 0
        editor.exclude(sequence, MARKED, best)
        editor.accept(sequence, best)
    write(home, tmp_path / "out", frames="all")
    write(home, tmp_path / "kept", frames="all", keep_moving=True)
    marked = np.zeros((known.REGION.height, known.REGION.width), bool)
    marked[32:40, :12] = True
    kept = rows_of(tmp_path / "kept")
    for index, row in rows_of(tmp_path / "out").items():
        mask = imageio.imread(tmp_path / "out" / row.exclude) == 255
        np.testing.assert_array_equal(mask, marked | known.passing(index))
        np.testing.assert_array_equal(imageio.imread(tmp_path / "kept" / kept[index].exclude) == 255, marked)


def test_a_covered_frame_is_taken_only_where_there_are_too_few_others(home: Path, tmp_path: Path) -> None:
    for number in (6, 17):
        write(home, tmp_path / f"out{number}", frames=f"differ:{number}")
        assert known.COVERED not in rows_of(tmp_path / f"out{number}")
    write(home, tmp_path / "out18", frames="differ:18")
    assert set(rows_of(tmp_path / "out18")) == set(known.USED) - {known.COVERED}
    write(home, tmp_path / "out19", frames="differ:19")
    assert set(rows_of(tmp_path / "out19")) == set(known.USED)


def test_frames_that_a_person_chose_and_that_cannot_be_stabilized_are_told(home: Path, tmp_path: Path) -> None:
    with Project(home) as project:
        Editor(project, "Ann").choose_frames(sequences(project)[0], [2, known.DROPPED, 22])
    result = write(home, tmp_path / "out", frames="all")
    assert set(rows_of(tmp_path / "out")) == {2}
    assert any("frames used" in note and "pan 1 of 3" in note for note in result.notes)


@pytest.mark.parametrize("crops", ["grid:16:8", "random:12:5"])
def test_crops_may_hold_a_little_of_what_moves(home: Path, tmp_path: Path, crops: str) -> None:
    out = tmp_path / "out"
    write(home, out, frames="all", crops=crops)
    rows = read_manifest(out / "manifest.csv")
    touched = 0
    for row in rows:
        x, y = row.x - known.REGION.x, row.y - known.REGION.y
        excluded = known.moving().doubtful | known.passing(row.frame)
        share = excluded[y : y + row.height, x : x + row.width].mean()
        assert share <= 0.25 and bool(row.exclude) == (share > 0)
        touched += share > 0
        confidence = imageio.imread(out / row.confidence)
        assert confidence.shape == (row.height, row.width)
    assert touched
    strict = tmp_path / "strict"
    write(home, strict, frames="all", crops=crops, keep_moving=True, confidence=False)
    rows = read_manifest(strict / "manifest.csv")
    assert all(not row.exclude and not row.confidence for row in rows) and not (strict / "confidence").exists()


def test_what_is_too_unsure_is_excluded_like_what_is_in_doubt(home: Path, tmp_path: Path) -> None:
    out, doubtful = tmp_path / "out", known.moving().doubtful
    result = write(home, out, frames="all", max_error=2.0)
    for index, row in rows_of(out).items():
        unsure = known.posterior().sd > 2
        expected = np.where(doubtful | unsure | known.passing(index), 255, 0)
        np.testing.assert_array_equal(imageio.imread(out / row.exclude), expected)
    assert json.loads((out / "export.json").read_text())["settings"]["max_error"] == 2
    assert "excluded, expected errors above 2 grey levels, share of the pixels: pan 25 %" in result.notes
    (line,) = csv.DictReader((out / "sequences.csv").read_text().splitlines())
    assert line["excluded"] == "doubtful unsure passing"
    with Project(home) as project:  # another picture of the place is as far off as it lies from what is believed
        (sequence,) = sequences(project)
        second = candidates(project, analyses(project, sequence.id)[0].id)[1]
        Editor(project, "Ann").accept(sequence, second.id)
    other = tmp_path / "second"
    write(home, other, frames="every:6", max_error=3.0, keep_moving=True)
    assert all((imageio.imread(other / row.exclude) == 255).all() for row in rows_of(other).values())
    write(home, tmp_path / "wide", frames="every:6", max_error=60.0, keep_moving=True)
    assert not any(row.exclude for row in rows_of(tmp_path / "wide").values())
    with Project(home) as project, pytest.raises(RaincleanError, match="no pairs to export"):
        finish(export(project, settings("spa", "every:6", "grid:8", max_error=3.0), tmp_path / "crops"))


def test_check_holds_masks_against_confidence(home: Path, tmp_path: Path) -> None:
    """An export that somebody changed and put in order again: sums fit, but what is excluded does not."""
    out = tmp_path / "out"
    write(home, out, frames="every:6", max_error=7.0)
    report = json.loads((out / "export.json").read_text())
    report["settings"]["max_error"] = 2.0
    del report["digest"]
    (out / "export.json").write_bytes(write_report(report))
    problems = finish(check(out)).problems
    assert {problem.path for problem in problems} == {row.confidence for row in rows_of(out).values()}
    assert "expected error above 2 levels" in problems[0].text


def test_without_a_posterior_nothing_is_too_unsure(home: Path, tmp_path: Path) -> None:
    with Project(home) as project, project.transaction():
        project.execute("UPDATE analysis SET posterior_mean = '', posterior_sd = ''")
    result = write(home, tmp_path / "out", frames="every:6", max_error=0.1, keep_moving=True)
    assert any("--max-error excludes nothing: pan" in note for note in result.notes)
    assert not any(row.exclude for row in rows_of(tmp_path / "out").values())


def test_the_same_again_and_a_damaged_picture_is_found(home: Path, tmp_path: Path) -> None:
    for out in ("one", "two"):
        write(home, tmp_path / out, frames="every:6")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    row = rows_of(tmp_path / "one")[0]
    (tmp_path / "one" / row.confidence).write_bytes((tmp_path / "one" / row.exclude).read_bytes())
    problems = finish(check(tmp_path / "one")).problems
    assert [problem.path for problem in problems] == [row.confidence]


def test_the_flags(home: Path, tmp_path: Path, here: Run) -> None:
    asked = ("export", home, "--frames", "every:6", "--keep-moving", "--no-confidence")
    smaller = json.loads(here(*asked, "--estimate", "--json").stdout)["bytes"]
    larger = json.loads(here("export", home, "--frames", "every:6", "--estimate", "--json").stdout)["bytes"]
    assert smaller < larger
    assert here(*asked, "-o", tmp_path / "out").returncode == 0
    for wrong in ("0", "-1", "256", "nan"):
        refused = here(*asked, "--estimate", "--max-error", wrong)
        assert refused.returncode == 2 and "--max-error" in refused.stderr
    assert not (tmp_path / "out" / "confidence").exists() and not (tmp_path / "out" / "exclude").exists()


def test_a_clean_image_of_near_frames_is_paired_with_its_reference_frame_alone(home: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(home / "project.sqlite")) as store, store:
        store.execute("UPDATE candidate SET recipe = json_set(recipe, '$.rule', 'near')")
    with Project(home) as project:
        (analysis,) = analyses(project, sequences(project)[0].id)
    write(home, tmp_path / "out")
    assert list(rows_of(tmp_path / "out")) == [analysis.reference_frame]
