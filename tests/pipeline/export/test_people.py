"""What people said beside their decisions is in the export: frames, reasons, opinions, agreement."""

import csv
import json
from pathlib import Path

import pytest

from pipeline.export.run import export
from pipeline.export.verification import check
from pipeline.project.analysis.records import all_candidates
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.editing.editor import Editor
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.compositing.composite import Shape
from rainclean.dataset.manifest import read_manifest
from tests.conftest import Run
from tests.pipeline.export.conftest import Write, contents, settings


def listed(out: Path) -> dict[str, dict[str, str]]:
    with (out / "sequences.csv").open(newline="", encoding="utf-8") as file:
        return {row["sequence"]: row for row in csv.DictReader(file)}


def frames(out: Path, sequence: str) -> list[int]:
    return sorted({r.frame for r in read_manifest(out / "manifest.csv") if r.sequence == sequence})


@pytest.mark.parametrize("asked", ["every:8", "differ:2"])
def test_frames_that_a_person_chose_go_before_the_settings(
    home: Path, tmp_path: Path, write: Write, here: Run, asked: str
) -> None:
    chosen = here("select", home, "place1", "--pair-frames", "3,7,12")
    assert chosen.returncode == 0, chosen.stderr
    write(frames=asked)
    assert frames(tmp_path / "out", "place1") == [3, 7, 12]
    assert len(frames(tmp_path / "out", "place2")) == (3 if asked == "every:8" else 2)
    assert finish(check(tmp_path / "out")).problems == []
    before = contents(tmp_path / "out")
    here("select", home, "place1", "--pair-frames", "any")
    write(frames=asked)
    assert contents(tmp_path / "out") != before and frames(tmp_path / "out", "place1") != [3, 7, 12]


def test_chosen_frames_in_which_the_camera_stands_elsewhere_are_left_out(tmp_path: Path) -> None:
    from pipeline.clean.settings import CleanSettings
    from pipeline.project.analysis.run import analyze
    from pipeline.project.clips.import_clips import Origin, add
    from pipeline.project.decisions.decisions import accept
    from tests.helpers.rainy_clips import background, rainy_frames, write_clip

    wide = background(1, (260, 200))
    shots = [f for x, n in ((10, 20), (16, 6)) for f in rainy_frames(x, n, of=wide[:180, x : x + 240].copy())]
    with Project.create(tmp_path / "project") as project:
        finish(add(project, [write_clip(tmp_path / "bumped.mkv", shots)], Origin()))
        finish(analyze(project, (), CleanSettings(recipe="median", workers=1)))
        (sequence,) = sequences(project)
        accept(project, sequence, "n26-p50", "Ann")  # its verdict is that the camera moves
        Editor(project, "Ann").choose_frames(sequence, [2, 5, 9, 22])
        for asked in ("all", "differ:3"):
            result = finish(export(project, settings(frames=asked), tmp_path / "out"))
            assert frames(tmp_path / "out", "bumped") == [2, 5, 9]
            assert any("bumped 3 of 4" in note for note in result.notes)


def test_opinions_and_reasons_are_listed_and_agreement_is_told(home: Path, tmp_path: Path, write: Write) -> None:
    with Project(home) as project:
        ann, bea = Editor(project, "Ann"), Editor(project, "Bea")
        one, two, three, _ = sequences(project)
        best = {s.id: all_candidates(project, s.id)[0].id for s in (one, two, three)}
        ann.accept(one, best[one.id], reasons=["streaks", "light"])
        ann.accept(two, best[two.id])
        ann.reject(three, ["camera"])
        bea.opine(one, best[one.id])
        bea.opine(two, None)
        bea.opine(three, None)
    write("one")
    write("two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    rows = listed(tmp_path / "one")
    assert rows[one.name]["decision_reasons"] == "streaks light"
    assert [(rows[s.name]["opinions"], rows[s.name]["opinions_agreeing"]) for s in (one, two)] == [
        ("1", "1"), ("1", "0")
    ]  # fmt: skip
    report = json.loads((tmp_path / "one" / "export.json").read_text())
    pair = next(a for a in report["agreement"] if (a["one"], a["other"]) == ("Ann", "Bea"))
    assert (pair["both"], round(pair["same_verdict"], 3)) == (3, 0.667)
    assert {a["other"] for a in report["agreement"]} == {"Bea", "automatic"}
    assert finish(check(tmp_path / "one")).problems == []
    # An opinion more is another export, not half of the one before.
    with Project(home) as project:
        Editor(project, "Cem").opine(one, None)
    write("two")
    assert listed(tmp_path / "two")[one.name]["opinions"] == "2"


def test_a_composite_and_its_exclusion_mask_are_exported(home: Path, tmp_path: Path, write: Write) -> None:
    with Project(home) as project:
        from pipeline.clean.settings import CleanSettings
        from pipeline.project.analysis.run import analyze

        one = sequences(project)[0]
        finish(analyze(project, [one.name], CleanSettings(recipe="n24-p20", workers=1)))
        base, other = (c.id for c in all_candidates(project, one.id)[:2])
        ann = Editor(project, "Ann")
        ann.paint(one, base, other, Shape("rectangle", ((0.0, 0.0), (30.0, 30.0))))
        ann.exclude(one, Shape("rectangle", ((40.0, 10.0), (50.0, 20.0))))
        ann.accept(one, base)
    write()
    made = [r for r in read_manifest(tmp_path / "out" / "manifest.csv") if r.sequence == one.name]
    assert made and all(r.recipe.startswith("composite-") and r.exclude for r in made)
    assert listed(tmp_path / "out")[one.name]["recipe"] == made[0].recipe
    assert finish(check(tmp_path / "out")).problems == []
