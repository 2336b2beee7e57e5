"""Clips that were moved are found again, all at once, by their contents."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from pipeline.project.clips.clip_files import clips, locate
from pipeline.project.clips.moved import find, missing
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.editing.editor import Editor
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.errors import InputError
from tests.conftest import Run
from tests.helpers.rainy_clips import rainy_frames
from tests.pipeline.project.conftest import Add


def test_all_missing_clips_are_found_at_once(
    tmp_path: Path, project: Project, put: Add, three_clips: list[Path]
) -> None:
    old, new = tmp_path / "old", tmp_path / "new" / "deep"
    old.mkdir()
    new.mkdir(parents=True)
    for number, clip in enumerate(three_clips):
        shutil.copy(clip, old / f"clip{number}.mkv")
    images = old / "images"
    images.mkdir()
    for number, frame in enumerate(rainy_frames(7)[:12]):
        Image.fromarray(frame).save(images / f"{number:03}.png")
    put(old)
    put(images)
    assert missing(project) == []
    (old / "clip0.mkv").rename(new / "another name.mkv")
    (old / "clip1.mkv").unlink()
    (new / "clip1.mkv").write_bytes(b"something else")
    images.rename(new / "pictures")
    gone = missing(project)
    assert [each.names for each in gone] == [("clip0",), ("clip1",), ("images",)]
    assert not any(each.changed for each in gone)
    result = finish(find(project, [tmp_path / "new"]))
    assert (result.asked, len(result.found)) == (3, 2) and result.missing == [str(old / "clip1.mkv")]
    assert result.different == [str(new / "clip1.mkv")]
    paths = {clip.path.name: locate(project, clip) for clip in clips(project) if clip.path.parent == new}
    assert set(paths) == {"another name.mkv", "pictures"}
    again = finish(find(project, [new / "clip1.mkv"]))
    assert again.found == [] and again.asked == 1


def test_clips_of_removed_sequences_are_not_missed(
    tmp_path: Path, project: Project, put: Add, three_clips: list[Path]
) -> None:
    clip = tmp_path / "clip.mkv"
    shutil.copy(three_clips[0], clip)
    put(clip)
    clip.write_bytes(b"")
    assert [each.changed for each in missing(project)] == [True]
    Editor(project, "anna").remove(sequences(project))
    assert missing(project) == []


def test_a_place_that_is_not_there_is_said(tmp_path: Path, project: Project) -> None:
    with pytest.raises(InputError):
        finish(find(project, [tmp_path / "nothing"]))


def test_the_command_says_how_many(tmp_path: Path, three_clips: list[Path], rainclean: Run) -> None:
    clip, home = tmp_path / "clip.mkv", tmp_path / "home"
    shutil.copy(three_clips[0], clip)
    assert rainclean("new", home).returncode == 0 and rainclean("add", home, clip).returncode == 0
    (tmp_path / "new").mkdir()
    clip.rename(tmp_path / "new" / "b.mkv")
    (tmp_path / "empty").mkdir()
    failed = rainclean("find", home, tmp_path / "empty")
    assert failed.returncode == 1 and f"{clip}: not found" in failed.stderr
    done = rainclean("find", home, tmp_path / "new", "--json")
    assert done.returncode == 0 and len(json.loads(done.stdout)["found"]) == 1
    assert rainclean("find", home).returncode == 2
