"""Exports: what is in them, where it comes from, and that they are whole, repeatable and safe."""

import contextlib
import csv
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from pipeline.export import workplace
from pipeline.export.run import export
from pipeline.export.verification import check
from pipeline.project.analysis.records import candidate
from pipeline.project.clips.clip_files import relink
from pipeline.project.clips.properties import Properties
from pipeline.project.clips.sequence_records import describe, sequences
from pipeline.project.decisions import choose_best, decisions
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.dataset import layout
from rainclean.dataset.manifest import ManifestRow, read_manifest
from rainclean.errors import RaincleanError, UsageError
from rainclean.png import encode_png
from rainclean.video import open_source
from tests.helpers.commands import COMMAND
from tests.helpers.rainy_clips import FRAMES, SIZE, background, rainy_frames, write_clip
from tests.pipeline.export.conftest import Write, contents, settings


def rows_of(out: Path) -> list[ManifestRow]:
    return read_manifest(out / "manifest.csv")


@pytest.mark.parametrize("name", ["spa", "paired"])
def test_pairs_are_frames_and_their_decided_clean_image(
    home: Path, made: Path, tmp_path: Path, write: Write, name: str
) -> None:
    result = write(layout=name, crops="grid:24:24")
    rows = rows_of(tmp_path / "out")
    assert len(rows) == sum(result.pairs.values()) == 4 * 3 * 3 * 3
    with Project(home) as project:
        made_by = {s.name: decisions.current(project)[s.id] for s in sequences(project)}
        pictures = {
            key: project.artefacts.path(candidate(project, d.candidate_id or 0).picture) for key, d in made_by.items()
        }
    for row in rows:
        box = np.s_[row.y : row.y + row.height, row.x : row.x + row.width]
        with open_source(made / f"{row.sequence}.mkv") as source:
            (frame,) = source.read([row.frame])
        rainy, clean = (imageio.imread(tmp_path / "out" / file) for file in (row.rainy, row.clean))
        np.testing.assert_array_equal(rainy, frame.rgb[box])
        np.testing.assert_array_equal(clean, imageio.imread(pictures[row.sequence])[box])
        assert row.pts_seconds == pytest.approx(frame.time)
        assert (row.decision, row.decision_kind) == (made_by[row.sequence].uuid, "automatic")
        assert row.verdict == "fit"
        assert row.rainy_sha256 == hashlib.sha256((tmp_path / "out" / row.rainy).read_bytes()).hexdigest()
        brighter = rainy.astype(int).mean(2) - clean.astype(int).mean(2)
        assert row.rain_share == pytest.approx((brighter > 6).mean(), abs=0.03)
    read = list(layout(name).read(tmp_path / "out"))
    assert {(pair.split, pair.rainy, pair.clean) for pair in read} == {(r.split, r.rainy, r.clean) for r in rows}
    assert finish(check(tmp_path / "out")).problems == []


def test_no_scene_is_on_both_sides(tmp_path: Path, write: Write) -> None:
    for seed in range(5):
        write(to=f"out{seed}", seed=seed, layout="paired", shares={"train": 0.5, "test": 0.5})
    found = [{(r.scene, r.split) for r in rows_of(tmp_path / f"out{seed}")} for seed in range(5)]
    for each in found:
        assert len(each) == len({scene for scene, _ in each}) == 3
        assert {split for _, split in each} == {"train", "test"}
    assert len({tuple(sorted(each)) for each in found}) > 1  # the seed matters
    rows = rows_of(tmp_path / "out0")
    assert len({r.split for r in rows if r.sequence in ("place0", "again")}) == 1


def test_frames_of_one_scene_s_sequences_have_names_of_their_own(tmp_path: Path, write: Write) -> None:
    write(shares={"train": 1})
    names = {r.sequence: [Path(x.rainy).stem for x in rows_of(tmp_path / "out") if x.sequence == r.sequence]
             for r in rows_of(tmp_path / "out")}  # fmt: skip
    assert names["place0"] == ["000-00_0_0", "000-08_0_0", "000-16_0_0"]
    assert names["again"] == ["000-24_0_0", "000-32_0_0", "000-40_0_0"]
    assert names["place1"] == ["001-00_0_0", "001-08_0_0", "001-16_0_0"]


def test_the_same_project_and_settings_give_the_same_bytes(home: Path, tmp_path: Path, write: Write) -> None:
    asked = {"crops": "random:20:3", "frames": "differ:4", "smallest_rain_share": 0.01}
    write("one", **asked)
    write("two", **asked)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_it_says_where_everything_comes_from(home: Path, tmp_path: Path, write: Write) -> None:
    with Project(home) as project:
        describe(project, ["place1"], Properties(scene="mill", consent="all asked", notes='a "note", with comma'))
    write()
    with (tmp_path / "out" / "sequences.csv").open(newline="", encoding="utf-8") as file:
        listed = {row["sequence"]: row for row in csv.DictReader(file)}
    assert listed["place1"]["scene"] == "mill" and listed["place1"]["notes"] == 'a "note", with comma'
    assert (listed["again"]["scene"], listed["again"]["scene_by"]) == ("place0", "suggestion")
    assert {row["licence"] for row in listed.values()} == {"CC0"}
    assert {row["colours"] for row in listed.values()} == {"RGB"}
    assert listed["place2"]["clip"] == "place2.mkv" and len(listed["place2"]["clip_sha256"]) == 64
    report = json.loads((tmp_path / "out" / "export.json").read_text())
    assert report["settings"]["frames"] == "every:8" and report["versions"]["numpy"] == np.__version__
    everything = b"".join(data for name, data in contents(tmp_path / "out").items() if not name.endswith(".png"))
    assert str(tmp_path).encode() not in everything, "a path of this machine is none of the readers' business"


def test_what_is_not_decided_is_left_out_and_named(home: Path, tmp_path: Path, write: Write) -> None:
    with Project(home) as project:
        by_name = {s.name: s for s in sequences(project)}
        decisions.reject(project, by_name["place1"], "Ann")
        decisions.undo(project, by_name["place2"], "Ann")
    result = write()
    assert {r.sequence for r in rows_of(tmp_path / "out")} == {"place0", "again"}
    assert any("rejected: place1" in note for note in result.notes)
    assert any("not decided on: place2" in note for note in result.notes)
    with pytest.raises(RaincleanError, match="no sequence is accepted by a person"):
        write(person_only=True)
    with Project(home) as project:
        decisions.accept(project, by_name["place2"], "n24-p50", "A")
    write(person_only=True)
    assert {(r.sequence, r.decision_kind) for r in rows_of(tmp_path / "out")} == {("place2", "person")}
    assert write(names=("place0",)).pairs == {"train": 3, "test": 0}


def test_exclusion_masks_are_respected_and_go_with_the_pair(home: Path, tmp_path: Path, write: Write) -> None:
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[:20, :30] = 255
    with Project(home) as project:
        (sequence,) = sequences(project, ["place0"])
        kept = project.artefacts.put(encode_png(mask), ".png")
        decisions.accept(project, sequence, "n24-p50", "Ann", exclude=kept)
    write("crops", names=("place0",), crops="grid:20:10")
    assert all(r.y >= 20 or r.x >= 30 for r in rows_of(tmp_path / "crops"))
    assert not any(r.exclude for r in rows_of(tmp_path / "crops"))
    write("some", names=("place0",), crops="grid:20:10", most_excluded=0.5)
    assert any(r.exclude for r in rows_of(tmp_path / "some"))
    write("whole", names=("place0",))
    for row in rows_of(tmp_path / "whole"):
        np.testing.assert_array_equal(imageio.imread(tmp_path / "whole" / row.exclude), mask)
    for name in ("crops", "some", "whole"):
        assert finish(check(tmp_path / name)).problems == []


def test_frames_in_which_the_camera_stands_elsewhere_are_left_out(tmp_path: Path) -> None:
    from pipeline.clean.settings import CleanSettings
    from pipeline.project.analysis.run import analyze
    from pipeline.project.clips.import_clips import Origin, add

    wide = background(1, (260, 200))
    frames = [f for x, n in ((10, 20), (16, 6)) for f in rainy_frames(x, n, of=wide[:180, x : x + 240].copy())]
    with Project.create(tmp_path / "project") as project:
        finish(add(project, [write_clip(tmp_path / "bumped.mkv", frames)], Origin()))
        finish(analyze(project, (), CleanSettings(recipe="median", workers=1)))
        (bumped,) = sequences(project)
        assert list(choose_best(project).left) == ["bumped"]  # its verdict is that the camera moves
        decisions.accept(project, bumped, "n26-p50", "Ann")
        result = finish(export(project, settings(frames="all"), tmp_path / "all"))
        assert {r.frame for r in rows_of(tmp_path / "all")} == set(range(20))
        assert any("bumped 20 of 26" in note for note in result.notes)
        assert "accepted although their verdict is unfit: bumped" in result.notes
        (line,) = csv.DictReader((tmp_path / "all" / "sequences.csv").read_text("utf-8").splitlines())
        assert (line["verdict"], line["verdict_reasons"]) == ("unfit", "unsteady")
        assert {r.verdict for r in rows_of(tmp_path / "all")} == {"unfit"}
        finish(export(project, settings(frames="differ:20"), tmp_path / "differ"))
        assert {r.frame for r in rows_of(tmp_path / "differ")} == set(range(20))  # others in place of moved ones


def test_closing_leaves_the_target_alone_and_the_next_call_goes_on(home: Path, tmp_path: Path, write: Write) -> None:
    write(frames="every:12")
    earlier = contents(tmp_path / "out")
    with Project(home) as project:
        stage = export(project, settings(crops="grid:24"), tmp_path / "out")
        for step in stage:
            if step.parts_done == 2 and step.stage == "write":
                break
        stage.close()
        assert contents(tmp_path / "out") == earlier
        steps = list(export(project, settings(crops="grid:24"), tmp_path / "out"))
    assert {s.part for s in steps if s.stage == "write"} == {"place2", "again"}  # the first two were there
    write("anew", crops="grid:24")
    assert contents(tmp_path / "out") == contents(tmp_path / "anew")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["anew", "out", "project"]


def test_what_was_prepared_for_other_settings_is_not_used(home: Path, tmp_path: Path, write: Write) -> None:
    with Project(home) as project:
        stage = export(project, settings(), tmp_path / "out")
        for step in stage:
            if step.parts_done == 2:
                break
        stage.close()
        decisions.undo(project, sequences(project)[0], "Ann")
    write(frames="every:6")
    write("anew", frames="every:6")
    assert contents(tmp_path / "out") == contents(tmp_path / "anew")


@pytest.mark.parametrize("system", ["exchanges folders", "does not"])
def test_an_export_is_replaced_without_a_moment_in_between(
    home: Path, tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    write(frames="every:12")
    if system == "does not":
        monkeypatch.setattr(workplace, "_exchange", lambda one, other: False)
    write()
    write("anew")
    assert contents(tmp_path / "out") == contents(tmp_path / "anew")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["anew", "out", "project"]


class Killed(BaseException):
    """As good as SIGKILL: nothing tidies up after it."""


@pytest.mark.parametrize("again", ["the same", "other settings"])
@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("step", ["unlink", "rename", "second rename", "rmtree"])
def test_a_kill_at_each_step_of_the_end_is_mended(
    home: Path, tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch, step: str, earlier: bool, again: str
) -> None:
    """The moments that random kills hardly ever hit."""
    if earlier:
        write(frames="every:12")
        (tmp_path / "out" / "notes.txt").write_text("mine")
        (tmp_path / "out" / "README.md").write_text("mine, too")
    before = contents(tmp_path / "out")
    theirs = {name: before[name] for name in ("notes.txt", "README.md")} if earlier else {}
    write("anew")
    calls = {"rename": 0}

    def dying(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(path: Path, *args: object, **options: object) -> object:
            if name == "rename":
                calls["rename"] += 1
            if step == name or (step == "second rename" and calls["rename"] == 2):
                raise Killed
            return real(path, *args, **options)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(workplace, "_exchange", lambda one, other: False)  # the longer way
        patch.setattr(workplace.Workplace, "__exit__", lambda self, *_: self._lock.let_go(remove=False))
        if step == "unlink":
            patch.setattr(Path, "unlink", dying("unlink", Path.unlink))
        elif step == "rmtree":
            patch.setattr(workplace.Workplace, "clear", dying("rmtree", workplace.Workplace.clear))
        else:
            patch.setattr(Path, "rename", dying("rename", Path.rename))
        with contextlib.suppress(Killed):
            write()
    if (tmp_path / "out").exists():
        assert contents(tmp_path / "out") in (before, contents(tmp_path / "anew") | theirs)
    write() if again == "the same" else write(frames="every:6")
    assert finish(check(tmp_path / "out")).problems == []
    assert contents(tmp_path / "out").items() >= theirs.items()
    if again == "the same":
        assert contents(tmp_path / "out") == contents(tmp_path / "anew") | theirs
    assert not list(tmp_path.glob(".out*"))


def test_files_that_no_export_wrote_are_never_replaced(tmp_path: Path, write: Write) -> None:
    (tmp_path / "out").mkdir()
    write()  # an empty folder is taken
    among_pairs = tmp_path / "out" / "real_world" / "notes.txt"
    among_pairs.write_text("mine")
    with pytest.raises(RaincleanError, match=r"holds real_world/notes.txt, not written by an export"):
        write()
    assert among_pairs.read_text() == "mine"
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("mine")
    with pytest.raises(RaincleanError, match=r"holds notes.txt, not written by an export"):
        write("notes")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RaincleanError, match="is a file"):
        write("file")
    assert not list(tmp_path.glob(".file*"))
    for inside in ("project/out", "out/deeper"):
        with pytest.raises(RaincleanError, match="lies in"):
            write(inside)


def test_what_systems_leave_in_folders_is_nobody_s_data(tmp_path: Path, write: Write) -> None:
    write()
    (tmp_path / "out" / "real_world" / ".DS_Store").write_text("x")
    assert finish(check(tmp_path / "out")).problems == []
    write(frames="every:12")
    assert finish(check(tmp_path / "out")).problems == []


def test_an_export_with_a_damaged_manifest_can_be_exported_again(tmp_path: Path, write: Write) -> None:
    write()
    (tmp_path / "out" / "manifest.csv").write_text("nonsense")
    write()
    assert finish(check(tmp_path / "out")).problems == []


def test_a_link_is_followed_to_where_the_data_shall_be(tmp_path: Path, write: Write) -> None:
    (tmp_path / "large disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "large disk")
    write()
    assert (tmp_path / "out").is_symlink() and (tmp_path / "large disk" / "export.json").exists()


def test_clips_smaller_than_the_crops_are_left_out_and_named(home: Path, tmp_path: Path) -> None:
    with Project(home) as project:
        project.execute("UPDATE analysis SET region = '[0, 0, 20, 20]' WHERE sequence_id = 1")
        result = finish(export(project, settings(crops="grid:24"), tmp_path / "out"))
    assert "1 sequence left out, smaller than the crops: place0" in result.notes


def test_lookalikes_on_both_sides_of_the_split_are_named(home: Path, write: Write) -> None:
    assert any("scene suggested, not confirmed" in note and "again" in note for note in write().notes)
    with Project(home) as project:
        describe(project, ["again"], Properties(scene="another"))
    notes = [n for seed in range(6) for n in write(seed=seed, shares={"train": 0.5, "test": 0.5}).notes]
    assert any(
        "again (test) looks like place0 (train)" in n or "again (train) looks like place0 (test)" in n for n in notes
    )


def test_two_exports_to_one_folder_at_a_time(home: Path, tmp_path: Path) -> None:
    with Project(home) as project:
        first = export(project, settings(), tmp_path / "out")
        next(first)
        command = ["export", home, "-o", tmp_path / "out", "--frames", "every:8"]
        second = subprocess.run([COMMAND, *map(str, command)], capture_output=True, text=True, timeout=60)
        assert second.returncode == 1 and "another rainclean is exporting to this folder" in second.stderr
        finish(first)
    assert finish(check(tmp_path / "out")).problems == []


def test_what_cannot_be_exported_is_said(home: Path, write: Write, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no layout 'lmdb'"):
        write(layout="lmdb")
    with pytest.raises(UsageError, match="no split 'val'"):
        write(shares={"val": 1})
    with pytest.raises(UsageError, match=r"larger than every clip"):
        write(crops="grid:100")
    with pytest.raises(RaincleanError, match="no pairs to export"):
        write(smallest_rain_share=0.99)
    assert not (tmp_path / "out").exists()


def test_frames_that_differ_are_the_heaviest_and_the_lightest_first(tmp_path: Path, write: Write) -> None:
    write(frames="differ:2", names=("place0",))
    low, high = sorted(rows_of(tmp_path / "out"), key=lambda r: r.rain_amount)
    write("all", frames="all", names=("place0",))
    amounts = {r.frame: r.rain_amount for r in rows_of(tmp_path / "all")}
    assert len(amounts) == FRAMES
    assert (low.frame, high.frame) == (min(amounts, key=amounts.__getitem__), max(amounts, key=amounts.__getitem__))


def test_every_sequence_that_cannot_be_read_is_named_and_the_others_are_prepared(
    home: Path, made: Path, tmp_path: Path, write: Write
) -> None:
    clips = {name: tmp_path / f"{name}.mkv" for name in ("place0", "place2")}
    with Project(home) as project:
        for name, path in clips.items():
            path.write_bytes((made / f"{name}.mkv").read_bytes())
            number = project.value("SELECT clip_id FROM sequence WHERE name = ?", name)
            relink(project, number, path)
        for path in clips.values():
            path.rename(path.with_suffix(".away"))
        notes = []
        with pytest.raises(RaincleanError, match=r"2 of 4 sequences .*place0, place2.*2 sequences prepared"):
            for step in export(project, settings(), tmp_path / "out"):
                notes += [step.note] if step.note else []
        assert not (tmp_path / "out").exists()
    assert len(notes) == 2 and all(note.startswith("failed: ") and "not there any more" in note for note in notes)
    for path in clips.values():
        path.with_suffix(".away").rename(path)
    with Project(home) as project:
        steps = list(export(project, settings(), tmp_path / "out"))
    assert {s.part for s in steps if s.stage == "write"} == set(clips)
    assert finish(check(tmp_path / "out")).problems == []


def put_aside(home: Path, out: Path, until: str) -> Path:
    """An export that was broken off; where it was prepared."""
    with Project(home) as project:
        stage = export(project, settings(), out)
        for step in stage:
            if until == "write" and step.parts_done == 3:
                break
            if until == "name" and step.stage == "name":
                break
        stage.close()
    return out.with_name(f".{out.name}.rainclean-export")


@pytest.mark.parametrize("until", ["write", "name"])
@pytest.mark.parametrize("how", ["damaged", "exchanged", "gone", "a link", "rows", "sums", "none"])
def test_prepared_pictures_are_used_only_as_they_were_written(
    home: Path, tmp_path: Path, write: Write, until: str, how: str
) -> None:
    work = put_aside(home, tmp_path / "out", until)
    pictures = sorted((work / ("data" if until == "name" else "sequence-1")).rglob("*.png"))
    one, other = pictures[0], pictures[3]
    if how == "damaged":
        one.write_bytes(one.read_bytes()[:-5] + b"xxxxx")
    elif how == "exchanged":
        kept = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(kept)
    elif how == "gone":
        one.unlink()
    elif how == "a link":
        (tmp_path / "elsewhere.png").write_bytes(one.read_bytes())
        one.unlink()
        one.symlink_to(tmp_path / "elsewhere.png")
    elif how == "rows":
        (work / "sequence-1.json").write_text('{"file": [1]}')
    elif how == "sums":
        rows = json.loads((work / "sequence-1.json").read_text())
        rows[0]["file"] = "../../elsewhere"
        (work / "sequence-1.json").write_text(json.dumps(rows))
    with Project(home) as project:
        steps = list(export(project, settings(), tmp_path / "out"))
    anew = {s.part for s in steps if s.stage == "write" and s.total}
    last = {"again"} if until == "write" else set()
    swapped = how == "exchanged" and until == "name"  # their names come from their sums
    assert anew - last == (set() if how == "none" or swapped else {"place0"} if "place0" in anew else anew - last)
    assert how in ("none", "exchanged") or len(anew - last) == 1
    write("whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_symlink()]


def test_a_stranger_s_report_is_not_believed(tmp_path: Path, write: Write) -> None:
    write()
    out = tmp_path / "out"
    report = json.loads((out / "export.json").read_text())
    for name in ("notes.txt", "holiday/1.png", "real_world/holiday.png", "../outside.txt"):
        report["files"][name] = "0" * 64
    (out / "export.json").write_text(json.dumps(report))
    (tmp_path / "outside.txt").write_text("kept")
    (out / "real_world" / "holiday.png").write_text("mine")
    with pytest.raises(RaincleanError, match=r"holds real_world/holiday.png, not written by an export"):
        write(frames="every:12")
    assert (out / "real_world" / "holiday.png").read_text() == "mine"
    (out / "real_world" / "holiday.png").unlink()
    for name in ("notes.txt", "holiday/1.png"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("mine")
    write(frames="every:12")
    assert {(out / name).read_text() for name in ("notes.txt", "holiday/1.png")} == {"mine"}
    assert (tmp_path / "outside.txt").read_text() == "kept"


def test_links_in_an_export_are_nobody_s_to_remove(tmp_path: Path, write: Write) -> None:
    write()
    picture = next((tmp_path / "out" / "real_world").rglob("*.png"))
    picture.rename(tmp_path / "elsewhere.png")
    picture.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(RaincleanError, match="not written by an export"):
        write(frames="every:12")
    assert picture.is_symlink()


@pytest.mark.parametrize("name", [".out.rainclean-export", ".out.rainclean-export.lock", ".out.rainclean-export/mine"])
def test_what_has_the_names_of_hidden_files_is_left_alone(tmp_path: Path, write: Write, name: str) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious.txt").write_text("kept")
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(tmp_path / ("precious.txt" if name.endswith("lock") else "precious"))
    with pytest.raises(RaincleanError, match=r"move .* away"):
        write()
    assert path.is_symlink() and (tmp_path / "precious.txt").read_text() == "kept"
    assert not list((tmp_path / "precious").iterdir())
