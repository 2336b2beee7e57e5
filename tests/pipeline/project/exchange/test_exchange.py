"""Decisions of one project in another: found by content, all or nothing, in any order."""

import itertools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.export.verification import check
from pipeline.project.analysis.records import analyses, candidate
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import choose_best, decisions, opinions
from pipeline.project.editing.editor import Editor
from pipeline.project.editing.made_candidates import picture_of
from pipeline.project.editing.masks import read_mask
from pipeline.project.exchange.conflicts import conflicts
from pipeline.project.exchange.export_file import export_decisions
from pipeline.project.exchange.import_files import import_decisions
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.errors import InputError
from tests.conftest import Run
from tests.helpers.edited_projects import sequence_at, work


@pytest.fixture(scope="module")
def other_once(analysed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another project with the same clips, added in another order and analysed there; copy it, do not change it."""
    folder = tmp_path_factory.mktemp("exchange") / "other"
    with Project(analysed) as made:
        clips = [str(row["path"]) for row in made.rows("SELECT path FROM clip ORDER BY id DESC")]
    from pipeline.clean.settings import CleanSettings
    from pipeline.project.analysis.run import analyze
    from pipeline.project.clips.import_clips import Origin, add

    with Project.create(folder) as project:
        finish(add(project, [Path(clip) for clip in clips], Origin()))
        finish(analyze(project, (), CleanSettings(workers=1)))
    return folder


@pytest.fixture
def other(other_once: Path, tmp_path: Path) -> Path:
    """The same, of one's own."""
    return Path(shutil.copytree(other_once, tmp_path / "other"))


def test_a_round_trip_through_the_commands(
    desk: Project, other: Path, tmp_path: Path, rainclean: Run, here: Run
) -> None:
    holds = work(desk, "Ann")
    cat, *_ = sequences(desk)
    exported = rainclean("decisions", "export", desk.folder, "-o", tmp_path / "ann.jsonl")
    assert exported.returncode == 0 and "5 decisions, 1 opinion, 5 edits" in exported.stdout, exported.stderr
    assert len(list((tmp_path / "ann.jsonl.pictures").glob("*.png"))) == 2
    refused = here("decisions", "export", desk.folder, "-o", tmp_path / "ann.jsonl")
    assert refused.returncode == 1 and "--overwrite" in refused.stderr
    taken = rainclean("decisions", "import", other, tmp_path / "ann.jsonl")
    assert taken.returncode == 0 and "imported: 5 decisions, 1 opinion, 5 edits" in taken.stdout, taken.stderr
    again = json.loads(here("decisions", "import", other, tmp_path / "ann.jsonl", "--json").stdout)
    assert (again["added"], again["known"], again["notes"]) == ({}, 11, [])
    with Project(other) as project:
        assert {line.sequence.name: f"{line.state} {line.chosen}" for line in overview(project)} == holds
        named = {s.name: s for s in sequences(project)}
        assert [s.name for s in named.values()] == ["place2", "place1", "place0"]
        mine, theirs = decisions.current(desk)[cat.id], decisions.current(project)[named["place0"].id]
        assert (mine.uuid, mine.who, mine.at, mine.note) == (theirs.uuid, theirs.who, theirs.at, theirs.note)
        (one, two) = (candidate(p, d.candidate_id or 0) for p, d in ((desk, mine), (project, theirs)))
        assert (one.label, one.picture, one.score) == (two.label, two.picture, two.score)
        np.testing.assert_array_equal(picture_of(desk, one), picture_of(project, two))
        np.testing.assert_array_equal(read_mask(desk, mine.exclude), read_mask(project, theirs.exclude))
        assert decisions.current(project)[named["place2"].id].reasons == ("camera", "damaged")
        assert [o.who for o in opinions.opinions(project)[named["place1"].id]] == ["Ann"]
        drafts = {name: Editor(project, "Bea").draft(s) for name, s in named.items()}
        assert (drafts["place0"].star, drafts["place1"].star) == (True, False)
        assert (drafts["place1"].note, drafts["place1"].frames) == ("drips, «ä»", (3, 7))
        # A composite can be worked on there: it has scoring_target and reference frame of the analysis there.
        assert (
            analyses(project, named["place0"].id)[-1].scoring_target
            == analyses(project, named["place0"].id)[0].scoring_target
            != ""
        )
        assert project.problems() == []
    assert finish(check(other)).problems == []
    # And back: nothing is new.
    assert here("decisions", "export", other, "-o", tmp_path / "back.jsonl").returncode == 0
    back = import_decisions(desk, [tmp_path / "back.jsonl"])
    assert (sum(back.added.values()), back.known) == (0, 11)
    lines = [sorted((tmp_path / f"{name}.jsonl").read_text().splitlines()[1:]) for name in ("ann", "back")]
    assert lines[0] == lines[1]


def test_three_annotators_in_any_order(desk: Project, other: Path, tmp_path: Path) -> None:
    files = []
    for place, who in enumerate(("Ann", "Bea", "Cem")):
        folder = tmp_path / who
        shutil.copytree(desk.folder, folder)
        with Project(folder) as project:
            editor = Editor(project, who)
            (cat, of_cat), (dog, of_dog), (elk, _) = (sequence_at(project, i) for i in range(3))
            editor.accept(cat, of_cat[place].id)
            editor.accept(dog, of_dog[0].id)
            editor.note(dog, f"{who} was here")
            if who == "Bea":
                editor.reject(elk)
                editor.unset(cat)
            export_decisions(project, tmp_path / f"{who}.jsonl")
        files.append(tmp_path / f"{who}.jsonl")
    found = set()
    for number, order in enumerate(itertools.permutations(files)):
        folder = tmp_path / f"merged{number}"
        shutil.copytree(other, folder)
        with Project(folder) as project:
            for file in order:
                result = import_decisions(project, [file])
            held = {d.sequence_id: d.uuid for d in decisions.current(project).values()}
            notes = [line.note for line in overview(project)]
            assert [(c.sequence, {d.who for d in c.decisions}) for c in result.conflicts] == [
                ("place0", {"Ann", "Cem"})
            ]
            assert conflicts(project) == result.conflicts
            assert [line.sequence.name for line in overview(project) if line.conflict] == ["place0"]
            found.add((tuple(sorted(held.items())), tuple(notes)))
    assert len(found) == 1
    ((held_last, notes_last),) = found
    assert len(held_last) == 3 and "Cem was here" in notes_last


def test_conflicts_are_said(desk: Project, tmp_path: Path, here: Run) -> None:
    with Project(shutil.copytree(desk.folder, tmp_path / "bea")) as project:
        Editor(project, "Bea").reject(sequence_at(project)[0])
        export_decisions(project, tmp_path / "bea.jsonl")
    cat, (best, *_) = sequence_at(desk)
    Editor(desk, "Ann").accept(cat, best.id)
    said = here("decisions", "import", desk.folder, tmp_path / "bea.jsonl")
    assert "decided differently: place0 (Ann accepted" in said.stdout, said.stderr
    assert "people decided differently on 1 sequence: place0" in here("status", desk.folder).stderr


def test_what_the_project_does_not_have_is_left_out_and_taken_later(
    desk: Project, analysed: Path, tmp_path: Path, three_clips: list[Path]
) -> None:
    from pipeline.clean.settings import CleanSettings
    from pipeline.project.analysis.run import analyze
    from pipeline.project.clips.import_clips import Origin, add

    cat, (best, *_) = sequence_at(desk)
    editor = Editor(desk, "Ann")
    editor.accept(cat, best.id)
    editor.undo()
    editor.accept(cat, best.id)
    editor.reject(sequences(desk)[1])
    export_decisions(desk, tmp_path / "ann.jsonl")
    with Project.create(tmp_path / "new") as project:
        result = import_decisions(project, [tmp_path / "ann.jsonl"])
        assert not result.added and "does not have their clips: place0, place1" in result.notes[0]
        finish(add(project, three_clips[:1], Origin()))
        result = import_decisions(project, [tmp_path / "ann.jsonl"])
        assert not result.added and any("2 lines left out: candidates that analyze" in n for n in result.notes)
        assert any("1 line left out: withdraws" in n for n in result.notes)
        finish(analyze(project, (), CleanSettings(workers=1)))
        assert import_decisions(project, [tmp_path / "ann.jsonl"]).added == {"decision": 3}
        assert overview(project)[0].state == "accepted"


def test_a_composite_without_its_picture_is_left_out(desk: Project, other: Path, tmp_path: Path) -> None:
    work(desk, "Ann")
    export_decisions(desk, tmp_path / "ann.jsonl")
    shutil.rmtree(tmp_path / "ann.jsonl.pictures")
    with Project(other) as project:
        result = import_decisions(project, [tmp_path / "ann.jsonl"])
        assert any("images that are not in ann.jsonl.pictures" in note for note in result.notes)
        assert project.problems() == []


def test_a_composite_reaches_a_project_that_never_analysed(
    desk: Project, tmp_path: Path, three_clips: list[Path]
) -> None:
    from pipeline.project.clips.import_clips import Origin, add

    work(desk, "Ann")
    export_decisions(desk, tmp_path / "ann.jsonl")
    with Project.create(tmp_path / "new") as project:
        finish(add(project, three_clips, Origin()))
        import_decisions(project, [tmp_path / "ann.jsonl"])
        line = overview(project)[0]
        assert line.state == "accepted" and line.chosen.startswith("composite-")
        # What a person kept elsewhere is nothing to choose automatically.
        decisions.undo(project, sequences(project)[1], "Bea")
        assert "is not analysed yet" in choose_best(project, ["place1"]).failed["place1"]


Change = Callable[[dict[str, Any]], object]


def at(line: dict[str, Any], **values: object) -> None:
    line.update(values)


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("decision", lambda d: at(d, verdict="maybe"), "is none of accepted, rejected, undone"),
        ("decision", lambda d: at(d, uuid="7"), "badly formed"),
        ("decision", lambda d: at(d, at="yesterday"), "is not a time"),
        ("decision", lambda d: at(d, at="9999-01-01T00:00:00Z"), "in the future"),
        ("decision", lambda d: at(d, candidate=None), "has a candidate, and it needs one"),
        ("decision", lambda d: at(d, reasons=["boredom"]), "reason 'boredom'"),
        ("decision", lambda d: at(d, reasons=7), "line"),
        ("decision", lambda d: at(d, exclude="no base64"), "line"),
        ("decision", lambda d: at(d, exclude="aGVsbG8="), "not a PNG image"),
        ("decision", lambda d: at(d, kind="oracle"), "is none of person, automatic"),
        ("decision", lambda d: d.pop("who"), "who is missing"),
        ("decision", lambda d: d["sequence"].pop("clip"), "clip is missing"),
        ("decision", lambda d: d["candidate"].update(picture="../../etc/passwd"), "not named by its SHA"),
        ("decision", lambda d: d["candidate"]["made"].update(rain=[1.0]), "rain amounts are not one for each frame"),
        ("decision", lambda d: d["candidate"]["made"].update(region=[0, 0, 9, 9]), "another size"),
        ("decision", lambda d: d["candidate"]["made"].update(eta="x"), "eta is not a whole number"),
        ("opinion", lambda d: at(d, undoes=d["uuid"]), "withdraws a row, and it must"),
        ("edit", lambda d: at(d, kind="paint"), "none of star, note, frames, undo, redo"),
        ("edit", lambda d: at(d, value=[]), "value is not an object"),
        ("edit", lambda d: at(d, type="vote"), "none of decision, opinion, edit"),
    ],
)
def test_damaged_lines_are_named_and_the_rest_is_taken_in(
    desk: Project, other: Path, tmp_path: Path, kind: str, change: Change, said: str
) -> None:
    work(desk, "Ann")
    path = tmp_path / "ann.jsonl"
    export_decisions(desk, path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    number = next(i for i, line in enumerate(lines) if line.get("type") == kind)
    change(lines[number])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with Project(other) as project:
        result = import_decisions(project, [path])
        (line,) = result.refused
        assert f"line {number + 1}: " in line and re.search(said, line) and len(line.splitlines()) == 1
        taken = sum(result.added.values())
        left_out = sum(int(note.split()[0]) for note in result.notes if "left out" in note)
        assert taken + left_out + 1 == result.lines == len(lines) - 1 and taken >= 7
        assert project.problems() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "was not written by rainclean decisions export"),
        ('{"a": 1}\n', "was not written by rainclean decisions export"),
        ('{"rainclean_decisions": 2}\n', "version 2"),
    ],
)
def test_other_files_are_told_apart(project: Project, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.jsonl").write_text(text)
    with pytest.raises(InputError, match=said):
        import_decisions(project, [tmp_path / "x.jsonl"])
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not a text file"):
        import_decisions(project, [tmp_path / "x.jsonl"])


def test_taking_back_something_of_another_sequence_is_refused(desk: Project, other: Path, tmp_path: Path) -> None:
    editor = Editor(desk, "Ann")
    cat, dog, _ = sequences(desk)
    editor.reject(cat)
    editor.reject(dog)
    editor.undo()
    path = tmp_path / "ann.jsonl"
    export_decisions(desk, path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[3]["undoes"] = lines[1]["uuid"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with Project(other) as project:
        (line,) = import_decisions(project, [path]).refused
    assert "line 4: withdraws a row that it cannot" in line


def test_a_file_that_was_cut_off_gives_what_is_whole(desk: Project, other: Path, tmp_path: Path, here: Run) -> None:
    work(desk, "Ann")
    path = tmp_path / "ann.jsonl"
    export_decisions(desk, path)
    path.write_bytes(path.read_bytes()[:-40])
    (tmp_path / "other.jsonl").write_text("no export")
    result = here("decisions", "import", other, path, tmp_path / "other.jsonl")
    assert result.returncode == 3 and "imported: 5 decisions, 1 opinion, 4 edits" in result.stdout
    assert "ann.jsonl: line 12: is not JSON; was the file cut off?" in result.stderr
    assert "other.jsonl: was not written by rainclean decisions export" in result.stderr
    assert "2 of 12 lines were refused; the others were imported" in result.stderr
