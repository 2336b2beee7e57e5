"""Folders that commands fill: nothing foreign is replaced, nothing half is left, kills and twins are told."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from pipeline.output_folder import OutputFolder
from rainclean.errors import RaincleanError

NAMES = ("clean.png", "report.json", "candidates")


def folder(path: Path) -> OutputFolder:
    return OutputFolder(path, "report.json", NAMES)


def fill(path: Path, *names: str) -> None:
    with folder(path) as output, output.filling() as partial:
        (partial / "candidates").mkdir()
        for name in names:
            (partial / name).write_text(name)
        manifest = {"rainclean": "0", "files": ["report.json", *names]}
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
    replace, moved = Path.replace, []

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
    other = subprocess.Popen(["sleep", "30"])
    try:
        (tmp_path / f".rainclean-partial-{other.pid}").mkdir()
        with pytest.raises(RaincleanError, match=f"process {other.pid}"):
            folder(tmp_path)
    finally:
        other.kill()
        other.wait()
    fill(tmp_path, "clean.png")  # the other is no more: its leftovers go
    assert names_in(tmp_path) == {"clean.png", "report.json"}
    assert not list(tmp_path.glob(".rainclean*"))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that nobody can write to")  # noqa: PTH112
def test_a_folder_that_cannot_be_made_is_refused_before_the_work() -> None:
    with pytest.raises(RaincleanError, match="choose another folder with -o"):
        folder(Path("/proc/self/nowhere/out"))
