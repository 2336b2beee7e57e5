"""Folders that commands fill: nothing foreign is replaced, nothing half is left, kills and twins are told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline.partial as partial_module
from pipeline.clean.output import clean_folder
from pipeline.output_folder import OutputFolder
from pipeline.ownership import is_contained, sha256
from pipeline.partial import beside
from rainclean.errors import RaincleanError
from tests.conftest import Run
from tests.helpers.rainy_clips import rainy_clip

NAMES = ("clean.png", "report.json", "candidates")


def folder(path: Path) -> OutputFolder:
    return OutputFolder(path, "report.json", NAMES)


def fill(path: Path, *names: str) -> None:
    with folder(path) as output, output.filling() as partial:
        (partial / "candidates").mkdir()
        for name in names:
            (partial / name).write_text(name)
        manifest = {"rainclean": "0", "files": ["report.json", *names], "sums": output.sums()}
        (partial / "report.json").write_text(json.dumps(manifest))


def names_in(path: Path) -> set[str]:
    return {p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()}


def test_files_come_into_place_and_earlier_ones_of_ours_go(tmp_path: Path) -> None:
    out = tmp_path / "a" / "out"
    fill(out, "clean.png", "candidates/one.png")
    (out / "candidates" / "mine.png").write_text("kept")
    fill(out, "clean.png", "candidates/two.png")
    assert names_in(out) == {"clean.png", "report.json", "candidates/two.png", "candidates/mine.png"}


@pytest.mark.parametrize(
    "name", ["../precious.txt", "/etc/precious.txt", "candidates/../../precious.txt", "a/b/c.png", "precious"]
)
def test_a_manifest_cannot_make_us_delete_elsewhere(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    (out / "a" / "b").mkdir(parents=True)
    for victim in (tmp_path / "precious.txt", out / "a" / "b" / "c.png", out / "precious"):
        victim.write_text("kept")
    (out / "report.json").write_text(json.dumps({"rainclean": "0", "files": [name, "clean.png"]}))
    fill(out, "clean.png")
    for victim in (tmp_path / "precious.txt", out / "a" / "b" / "c.png", out / "precious"):
        assert victim.read_text() == "kept"


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"mine": 1}', '{"files": ["clean.png"]}'])
def test_a_foreign_manifest_protects_its_folder(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    (tmp_path / "clean.png").write_text("somebody's")
    with pytest.raises(RaincleanError, match="not written by rainclean"):
        folder(tmp_path)
    assert names_in(tmp_path) == {"report.json", "clean.png"}


def test_a_failed_run_leaves_no_folder_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), folder(tmp_path / "new" / "out"):
        raise KeyboardInterrupt
    assert not (tmp_path / "new").exists()


def test_a_run_broken_off_while_moving_is_taken_up_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "clean.png", "candidates/one.png")
    replace = Path.replace
    moved: list[Path] = []

    def broken(self: Path, target: Path) -> Path:
        if moved:
            raise KeyboardInterrupt
        moved.append(target)
        return replace(self, target)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", broken)
        fill(tmp_path, "clean.png", "candidates/two.png")
    assert not (tmp_path / "report.json").exists()
    fill(tmp_path, "clean.png", "candidates/two.png")
    assert {"clean.png", "report.json", "candidates/two.png"} <= names_in(tmp_path)
    assert not list(tmp_path.glob(".rainclean*"))


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from pipeline.output_folder import OutputFolder"
    script += (
        "; held = OutputFolder(Path(sys.argv[1]), 'report.json', ()); print('at work', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "at work\n"
        with pytest.raises(RaincleanError, match="another rainclean is writing to this folder"):
            folder(tmp_path)
        other.kill()
    fill(tmp_path, "clean.png")  # the other is no more: its leftovers go
    assert names_in(tmp_path) == {"clean.png", "report.json"}
    assert not list(tmp_path.glob(".rainclean*"))


def test_a_folder_is_not_blocked_by_a_number_that_another_process_has_now(tmp_path: Path) -> None:
    for number in (os.getpid(), os.getppid(), 1):
        (tmp_path / f".rainclean-partial-{number}").mkdir()
    (tmp_path / ".rainclean-lock").touch()  # as a kill leaves it
    fill(tmp_path, "clean.png")
    assert not list(tmp_path.glob(".rainclean*"))


def test_what_is_written_beside_its_place_goes_with_its_process(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from pipeline.partial import beside"
    script += "; files = beside(Path(sys.argv[1])); files.__enter__().touch(); print('at work', flush=True)"
    command = [sys.executable, "-c", script + "; sys.stdin.read()", str(tmp_path / "one.png")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "at work\n"
        with beside(tmp_path / "two.png") as partial:
            partial.touch()
            assert len(list(tmp_path.glob("*.partial"))) == 2, "what another process writes was removed"
        assert len(list(tmp_path.glob(".rainclean*"))) == 2
        other.kill()
    partial_module._swept.clear()
    with beside(tmp_path / "two.png") as partial:
        partial.mkdir()
        (partial / "file").touch()
        assert list(tmp_path.glob("*.partial")) == [partial]
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that nobody can write to")  # noqa: PTH112
def test_a_folder_that_cannot_be_made_is_refused_before_the_work() -> None:
    with pytest.raises(RaincleanError, match="choose another folder with -o"):
        folder(Path("/proc/self/nowhere/out"))


def strange(path: Path, record: object, *names: str) -> dict[Path, bytes]:
    """A folder of somebody, with what looks like a record of ours; returns what must stay."""
    path.mkdir(parents=True)
    for name in names:
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(f"somebody's {name}")
    (path / "report.json").write_text(json.dumps(record))
    return {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


def stays(kept: dict[Path, bytes]) -> bool:
    return all(path.read_bytes() == data for path, data in kept.items())


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "one.png").write_text("kept")
    out = tmp_path / "out"
    fill(out, "clean.png", "candidates/one.png")
    (out / "candidates" / "one.png").unlink()
    (out / "candidates").rmdir()
    (out / "candidates").symlink_to(outside)
    before = names_in(out)
    with pytest.raises(RaincleanError, match="candidates: is a link; choose"):
        folder(out)
    assert names_in(out) == before and (outside / "one.png").read_text() == "kept" and len(list(outside.iterdir())) == 1


def test_a_link_that_comes_while_the_work_goes_on(tmp_path: Path) -> None:
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    with (
        pytest.raises(RaincleanError, match="leads out of the folder"),
        folder(out) as output,
        output.filling() as partial,
    ):
        (partial / "candidates").mkdir()
        for name in ("clean.png", "candidates/one.png", "report.json"):
            (partial / name).write_text("{}")
        (out / "candidates").symlink_to(outside)
    assert not list(outside.iterdir()) and not (out / "clean.png").exists()


@pytest.mark.parametrize("name", ["clean.png", "candidates/one.png"])
def test_a_file_that_comes_or_changes_while_the_work_goes_on(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    fill(out, "clean.png")
    refused = pytest.raises(RaincleanError, match="not written by rainclean")
    with refused, folder(out) as output, output.filling() as partial:
        (partial / "candidates").mkdir()
        for each in ("clean.png", "candidates/one.png", "report.json"):
            (partial / each).write_text("{}")
        (out / "candidates").mkdir(exist_ok=True)
        (out / name).write_text("somebody's")
    assert (out / name).read_text() == "somebody's" and not list(out.glob(".rainclean*"))


@pytest.mark.parametrize("victim", ["clean.png", "candidates/n20-vote.png", "report.json", "notes.txt", "clip.mkv"])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("sums", [True, False])
def test_a_stranger_s_report_is_not_believed(tmp_path: Path, victim: str, named: bool, sums: bool) -> None:
    """`clean` would write or remove these: it does neither, whatever the report there says."""
    out = tmp_path / "out"
    files = ["report.json", *([victim] if named else []), "../outside.txt", "candidates/../../outside.txt"]
    record = {"rainclean": "1", "files": files, "input": "", "recipe": {}, "candidates": [], "crop": [], "sha256": "0"}
    kept = strange(out, record | ({"sums": {victim: "0" * 64}} if sums else {}), victim)
    (tmp_path / "outside.txt").write_text("kept")
    try:
        with clean_folder(out, tmp_path / "clip.mkv") as output, output.filling() as partial:
            (partial / "candidates").mkdir()
            for name in ("clean.png", "candidates/n20-vote.png", "report.json"):
                (partial / name).write_text("{}")
    except RaincleanError as error:
        assert len(str(error).splitlines()) == 1
        assert stays(kept)
    else:
        assert victim in ("notes.txt", "clip.mkv", "report.json")
        assert victim == "report.json" or (out / victim).read_text() == f"somebody's {victim}"
    assert (tmp_path / "outside.txt").read_text() == "kept"


def test_what_a_person_changed_is_theirs(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(out, "clean.png", "candidates/one.png")
    (out / "clean.png").write_text("touched up")
    with pytest.raises(RaincleanError, match=r"clean.png: was changed after rainclean wrote it; move it away"):
        folder(out)
    (out / "clean.png").rename(out / "mine.png")
    fill(out, "clean.png")
    assert names_in(out) == {"clean.png", "mine.png", "report.json"}
    (out / "candidates").mkdir(exist_ok=True)


def test_folders_of_an_older_rainclean_are_taken_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "candidates").mkdir(parents=True)
    (out / "clean.png").write_text("old")
    (out / "candidates" / "n10-vote.png").write_text("old")
    (out / "candidates" / "mine.txt").write_text("mine")
    report = {
        "rainclean": "0",
        "input": "a",
        "recipe": {},
        "candidates": [],
        "crop": [],
        "sha256": sha256(out / "clean.png"),
    }
    (out / "report.json").write_text(
        json.dumps(report | {"files": ["clean.png", "report.json", "candidates/n10-vote.png"]})
    )
    with clean_folder(out, tmp_path / "clip.mkv") as output, output.filling() as partial:
        (partial / "clean.png").write_text("new")
        (partial / "report.json").write_text("{}")
    assert names_in(out) == {"clean.png", "report.json", "candidates/mine.txt"}
    assert (out / "clean.png").read_text() == "new"


def test_clean_on_a_strange_folder(tmp_path: Path, here: Run) -> None:
    """The folder that once cost a file outside, twelve strange ones there, and the person's notes."""
    clip = rainy_clip(tmp_path / "clip.mkv", 1)
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    (outside / "precious.png").write_text("kept")
    kept = strange(
        out, {"rainclean": "1", "files": ["notes.txt", "candidates/precious.png", "report.json"]}, "notes.txt"
    )
    (out / "candidates").symlink_to(outside)
    result = here("clean", clip, "-o", out, "--recipe", "median")
    assert result.returncode == 1 and result.stderr.count("\n") == 1 and "choose another folder" in result.stderr
    assert stays(kept) and [p.name for p in outside.iterdir()] == ["precious.png"]
    good = tmp_path / "good"
    assert here("clean", clip, "-o", good, "--recipe", "median").returncode == 0
    for name in ("notes.txt", "candidates/notes.txt"):
        (good / name).write_text("mine")
    assert here("clean", clip, "-o", good, "--recipe", "n10-vote").returncode == 0
    assert (good / "notes.txt").read_text() == (good / "candidates" / "notes.txt").read_text() == "mine"
    assert [p.name for p in (good / "candidates").iterdir() if p.suffix == ".png"] == ["n10-vote.png"]


@pytest.mark.parametrize("name", ["", ".", "..", "a/../b", "/a", "a\\b", "link", "link/a", "folder/link/a", "circle/a"])
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path)
    (root / "folder" / "link").symlink_to(root)
    (root / "circle").symlink_to(root / "circle")
    assert not is_contained(root, name)
    assert is_contained(root, "folder/new.png") and is_contained(root, "new/new.png")
    (tmp_path / "way").symlink_to(root)  # the folder that was named may itself be a link
    assert is_contained(tmp_path / "way", "folder/new.png")
