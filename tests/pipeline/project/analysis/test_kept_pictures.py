"""Pictures that a project does not keep: the candidates stay, and their pictures are made again, byte for byte."""

import json
import os
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from pipeline.clean.settings import CleanSettings
from pipeline.cli.main import main
from pipeline.project.analysis.pictures import read_picture, read_pictures
from pipeline.project.analysis.records import all_candidates, release_absent, wanted_artefacts
from pipeline.project.analysis.run import analyze, sweep
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import decisions
from pipeline.project.model import StoredCandidate
from pipeline.project.storage import artefacts
from pipeline.project.storage.database import Project
from pipeline.python_api.project import open_project
from pipeline.stages import finish
from rainclean.errors import InputError
from rainclean.png import decode_png
from rainclean.video import FrameSource

compute = import_module("pipeline.project.analysis.compute")  # the package has a function of that name
Said = pytest.CaptureFixture[str]
Files = dict[str, bytes]


def made(folder: Path, clip: Path, *flags: str) -> Path:
    assert main(["new", str(folder)]) == 0
    assert main(["add", str(folder), str(clip), "--copy"]) == 0
    assert main(["analyze", str(folder), *flags]) == 0
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, three_clips: list[Path]) -> Path:
    """A project with one analysed clip that keeps all pictures; copy it, do not change it."""
    return made(tmp_path_factory.mktemp("whole") / "project", three_clips[0])


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory, three_clips: list[Path]) -> Path:
    """The same, of which two pictures are kept."""
    return made(tmp_path_factory.mktemp("lean") / "project", three_clips[0], "--keep", "best:2")


@pytest.fixture
def small(lean: Path, tmp_path: Path) -> Path:
    return copied(lean, tmp_path / "small")


@pytest.fixture
def large(whole: Path, tmp_path: Path) -> Path:
    return copied(whole, tmp_path / "large")


def copied(project: Path, folder: Path) -> Path:
    """A copy that knows no clip but its own."""
    shutil.copytree(project, folder)
    with Project(folder) as opened, opened.transaction():
        opened.execute("UPDATE clip SET path = ?", str(clip_of(folder)))
    return folder


def clip_of(folder: Path) -> Path:
    (clip,) = (folder / "clips").iterdir()
    return clip


def candidates_of(folder: Path) -> list[StoredCandidate]:
    with Project(folder) as project:
        return all_candidates(project, 1)


def files_of(folder: Path) -> Files:
    return {path.name: path.read_bytes() for path in (folder / "artefacts").glob("*/*")}


def absent_of(folder: Path) -> list[StoredCandidate]:
    return [each for each in candidates_of(folder) if not each.kept]


def test_all_candidates_stay_and_the_best_distinct_pictures_are_kept(whole: Path, lean: Path) -> None:
    every, some = candidates_of(whole), candidates_of(lean)
    assert [(c.name, c.picture, c.scores, c.merged) for c in some] == [
        (c.name, c.picture, c.scores, c.merged) for c in every
    ]
    assert all(c.kept for c in every) and some[0].kept and 1 <= sum(c.kept for c in some) <= 2
    kept = {c.picture for c in some if c.kept}
    gone = {c.picture for c in some} - kept
    assert gone and files_of(lean).keys() == files_of(whole).keys() - gone
    assert not (lean / "remade").exists()
    with Project(lean) as project:
        sweep(project)
        assert not project.problems() and gone.isdisjoint(wanted_artefacts(project))
    assert main(["check", str(lean)]) == 0


def store_sheet(folder: Path) -> None:
    """Store a contact sheet, as earlier versions did."""
    with Project(folder) as project:
        name = project.artefacts.put(b"sheet", ".png")
        with project.transaction():
            project.execute("UPDATE analysis SET sheet = ?", name)


def test_pictures_are_made_again_byte_for_byte_in_one_pass(
    small: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[CleanSettings] = []
    clean = compute.clean

    def counted(source: FrameSource, settings: CleanSettings) -> object:
        passes.append(settings)
        return clean(source, settings)

    monkeypatch.setattr(compute, "clean", counted)
    absent = {c.picture for c in absent_of(small)}
    expected = files_of(whole)
    with Project(small) as project:
        pictures = finish(read_pictures(project, absent))
        assert len(absent) > 1 and len(passes) == 1
        for name in absent:
            np.testing.assert_array_equal(pictures[name], decode_png(expected[name], name))
            assert (small / "remade" / name).read_bytes() == expected[name]
        read_picture(project, next(iter(absent)))
        assert len(passes) == 1  # it is on disk for now
        project.artefacts.put_for_now(b"x", ".png")
        monkeypatch.setattr(artefacts, "MAX_REMADE_BYTES", 1)
        name = project.artefacts.put_for_now(b"y", ".png")
        assert [path.name for path in (small / "remade").iterdir()] == [name]  # bounded; the newest one stays


def test_what_is_chosen_is_kept_for_good(small: Path, whole: Path, capsys: Said) -> None:
    chosen = absent_of(small)[-1]
    assert main(["select", str(small), "place0", "--candidate", chosen.name]) == 0
    assert next(c for c in candidates_of(small) if c.id == chosen.id).kept
    assert files_of(small)[chosen.picture] == files_of(whole)[chosen.picture]
    assert main(["project", "shrink", str(small), "--keep", "best:1"]) == 0
    assert chosen.picture in files_of(small)
    assert main(["check", str(small)]) == 0
    with open_project(small) as view:
        assert view.show("place0").array.shape == view.show("place0", absent_of(small)[0].name).array.shape
        table = view.candidates
        assert (table["picture"] == "").sum() == len(absent_of(small))
    capsys.readouterr()
    assert main(["status", str(small), "place0"]) == 0
    assert "kept; the others are made again when needed" in capsys.readouterr().out
    assert main(["status", str(small), "place0", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["candidates"]
    assert {c["name"] for c in listed if not c["file"]} == {c.name for c in absent_of(small)}


def test_an_export_makes_a_picture_again_and_keeps_it(small: Path, large: Path, tmp_path: Path) -> None:
    chosen = absent_of(small)[0]
    for folder in (small, large):
        with Project(folder) as project:  # as an import of decisions does it: nobody looks at the picture
            decisions.accept(project, sequences(project)[0], chosen.name, "anna")
        assert main(["export", str(folder), "--estimate"]) == 0
        assert main(["export", str(folder), "-o", str(tmp_path / f"{folder.name} pairs")]) == 0
    pictures = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.png")}
        for folder in (tmp_path / "small pairs", tmp_path / "large pairs")
    ]
    assert pictures[0] == pictures[1] and pictures[0]
    assert next(c for c in candidates_of(small) if c.id == chosen.id).kept and chosen.picture in files_of(small)


def test_what_cannot_be_made_again_says_why(small: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    name, clip = absent_of(small)[0].name, clip_of(small)
    command = ["select", str(small), "place0", "--candidate", name]

    def refused() -> str:
        capsys.readouterr()
        assert main(command) == 1
        return capsys.readouterr().err

    data = clip.read_bytes()
    clip.unlink()
    said = refused()
    assert f"{name} is not kept" in said and "rainclean find" in said and said.count("\n") == 1
    clip.write_bytes(data[:-1] + b"!")
    assert "is not the file that was added" in refused()
    clip.write_bytes(data)
    with monkeypatch.context() as patch:
        patch.setattr(compute, "RULES_VERSION", 0)
        assert "by other rules" in refused()
    with monkeypatch.context() as patch:
        patch.setattr(compute, "encode_png", lambda picture: b"another library")
        assert "with other pixels" in refused()
    assert main(command) == 0


def test_shrinking_gives_what_analyzing_gives(large: Path, lean: Path, capsys: Said) -> None:
    store_sheet(large)
    before = files_of(large)
    assert main(["project", "shrink", str(large), "--keep", "best:2", "--estimate", "--json"]) == 0
    estimate = json.loads(capsys.readouterr().out)
    assert files_of(large) == before
    assert main(["project", "shrink", str(large), "--keep", "best:2", "--verify", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {**result, "estimate": True} == estimate and result["sheets"] == 1 and result["sequences"] == ["place0"]
    assert files_of(large) == files_of(lean) and not list(large.glob("trash/*/*"))
    assert sum(map(len, before.values())) - sum(map(len, files_of(large).values())) == result["bytes"]
    assert [c.kept for c in candidates_of(large)] == [c.kept for c in candidates_of(lean)]
    assert main(["project", "shrink", str(large), "--keep", "best:2"]) == 0
    assert "deleted 0 images" in capsys.readouterr().out
    assert main(["check", str(large)]) == 0


def test_nothing_is_deleted_without_proof(large: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    command, before = ["project", "shrink", str(large), "--keep", "best:1"], files_of(large)
    clip = clip_of(large)
    data = clip.read_bytes()

    def refused() -> str:
        capsys.readouterr()
        assert main(command) == 1
        assert files_of(large) == before and all(c.kept for c in candidates_of(large))
        return capsys.readouterr().err

    stat = clip.stat()
    clip.write_bytes(data[:-1] + b"!")
    os.utime(clip, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # a look at size and time shows nothing
    assert "is not the file that was added" in refused()
    clip.write_bytes(data)
    with monkeypatch.context() as patch:
        patch.setattr(import_module("pipeline.project.analysis.shrink"), "__version__", "99")
        assert "analysed by rainclean" in refused()
    with monkeypatch.context() as patch:
        patch.setattr(compute, "encode_png", lambda picture: b"another library")
        assert "with other pixels" in refused()
    for text in ("all", "best", "best:0", "8"):
        assert main([*command[:-1], text]) == 2
    assert files_of(large) == before


def test_an_older_backup_knows_what_was_deleted_since(large: Path, capsys: Said) -> None:
    store = (large / "project.sqlite").read_bytes()
    assert main(["project", "shrink", str(large), "--keep", "best:1"]) == 0
    absent = {c.name for c in absent_of(large)}
    (large / "project.sqlite").write_bytes(store)
    capsys.readouterr()
    assert main(["restore", str(large), "--as-it-is"]) in (0, 1)
    with Project(large) as project:
        release_absent(project)
        assert {c.name for c in all_candidates(project, 1) if not c.kept} == absent
    assert main(["check", str(large)]) == 0


def test_deleting_is_finished_after_a_kill(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(artefacts.Artefacts, "remove", killed)
        assert main(["project", "shrink", str(large), "--keep", "best:1"]) != 0
    absent = {c.picture for c in absent_of(large)}
    assert absent and absent <= files_of(large).keys()  # not kept any more, but still there
    assert main(["check", str(large)]) == 0
    assert main(["project", "shrink", str(large), "--keep", "best:1"]) == 0
    assert absent.isdisjoint(files_of(large))


def test_analysing_again_with_another_number(small: Path) -> None:
    with Project(small) as project:
        finish(analyze(project, (), CleanSettings(workers=1)))
        assert absent_of(small)  # it was analysed: nothing to do
        finish(analyze(project, (), CleanSettings(workers=1), again=True))
    assert not absent_of(small)
    with Project(small) as project, pytest.raises(InputError, match="No such file"):
        read_picture(project, f"{'0' * 64}.png")


def test_results_of_shards_hold_what_is_kept(tmp_path: Path, lean: Path, three_clips: list[Path]) -> None:
    folder, results = tmp_path / "project", tmp_path / "results"
    assert main(["new", str(folder)]) == 0
    assert main(["add", str(folder), str(three_clips[0])]) == 0
    assert main(["analyze", str(folder), "--keep", "best:2", "--shard", "1/1", "-o", str(results)]) == 0
    assert main(["project", "import", str(folder), str(results)]) == 0
    assert files_of(folder) == files_of(lean)
    assert [(c.name, c.kept) for c in candidates_of(folder)] == [(c.name, c.kept) for c in candidates_of(lean)]
