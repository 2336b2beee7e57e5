"""Clips come into a project once, wherever they are, and are found again where they went."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.project.clips.clip_files import clips, find_clips, locate, open_clip
from pipeline.project.clips.import_clips import Origin
from pipeline.project.clips.properties import Properties
from pipeline.project.clips.sequence_records import describe, lookalikes, sequences
from pipeline.project.storage.database import Project
from pipeline.stages import Progress
from rainclean.errors import InputError, UsageError
from tests.conftest import ROOT
from tests.helpers.rainy_clips import FRAMES, background, rainy_clip, rainy_frames, write_clip
from tests.pipeline.project.conftest import Add


def names(project: Project) -> list[str]:
    return [s.name for s in sequences(project)]


def test_a_clip_becomes_a_sequence(project: Project, put: Add, three_clips: list[Path]) -> None:
    origin = Origin(source="phone", author="A. Nyone", licence="CC0", consent="nobody in it", notes="from a window")
    added = put(three_clips[0], origin=origin)
    assert added.sequences == ["place0"] and not added.failed
    (sequence,) = sequences(project)
    assert (sequence.first, sequence.stop, sequence.frame_count) == (0, FRAMES, FRAMES)
    assert (sequence.scene, sequence.scene_by) == ("place0", "name")
    assert (sequence.source, sequence.author, sequence.licence) == ("phone", "A. Nyone", "CC0")
    assert (sequence.consent, sequence.notes) == ("nobody in it", "from a window")
    (clip,) = clips(project)
    assert clip.path == three_clips[0] and not clip.copied and clip.codec.startswith("ffv1")


def test_the_same_clip_is_noticed_under_any_name(
    tmp_path: Path, project: Project, put: Add, three_clips: list[Path]
) -> None:
    twin = tmp_path / "twin.mkv"
    shutil.copy(three_clips[0], twin)
    put(three_clips[0])
    again = put(three_clips[0], twin)
    assert not again.sequences and len(again.known) == 2
    assert "is in the project already as place0" in again.known[0]
    assert names(project) == ["place0"]


def test_scene_cuts_make_several_sequences(tmp_path: Path, project: Project, put: Add) -> None:
    frames = [*rainy_frames(1), *rainy_frames(2), *rainy_frames(1)]
    added = put(write_clip(tmp_path / "film.mkv", frames))
    assert added.sequences == ["film-shot1", "film-shot2", "film-shot3"]
    assert [(s.first, s.stop) for s in sequences(project)] == [(0, 24), (24, 48), (48, 72)]
    # Back at the first place: the same scene.
    assert [s.scene for s in sequences(project)] == ["film-shot1", "film-shot2", "film-shot1"]


def test_a_scene_is_suggested_where_backgrounds_look_alike(tmp_path: Path, project: Project, put: Add) -> None:
    place = background(3)
    darker_and_nudged = np.roll(place, (1, 2), (0, 1)) // 2
    first = write_clip(tmp_path / "noon.mkv", rainy_frames(3))
    later = write_clip(tmp_path / "dusk.mkv", rainy_frames(4, of=darker_and_nudged))
    other = rainy_clip(tmp_path / "elsewhere.mkv", 5)
    put(first, origin=Origin(scene="corner shop"))
    added = put(later, other)
    assert [(s.scene, s.scene_by) for s in sequences(project)] == [
        ("corner shop", "person"),
        ("corner shop", "suggestion"),
        ("elsewhere", "name"),
    ]
    assert any("dusk: looks like noon: scene corner shop suggested" in note for note in added.notes)
    describe(project, ["noon"], Properties(scene="market"))
    assert [s.scene for s in sequences(project)] == ["market", "market", "elsewhere"]  # what looks alike goes along
    assert lookalikes(project) == []
    describe(project, ["dusk"], Properties(scene=" back\u00a0yard\n", licence="CC BY 4.0"))
    assert lookalikes(project) == [("dusk", "noon")]
    (dusk,) = sequences(project, ["dusk"])
    assert (dusk.scene, dusk.scene_by, dusk.licence) == ("back yard", "person", "CC BY 4.0")


def test_a_scene_of_its_own_never_takes_the_name_of_another(tmp_path: Path, project: Project, put: Add) -> None:
    put(rainyclip := rainy_clip(tmp_path / "a.mkv", 1), origin=Origin(scene="yard"))
    put(rainy_clip(tmp_path / "yard.mkv", 2))
    assert rainyclip and [s.scene for s in sequences(project)] == ["yard", "yard-2"]


def test_names_are_those_of_the_files_and_unique(tmp_path: Path, project: Project, put: Add) -> None:
    put(
        rainy_clip(tmp_path / "a" / "Größe 100% (1).mkv", 1),
        rainy_clip(tmp_path / "b" / "x.mkv", 2),
        rainy_clip(tmp_path / "c" / "X.mkv", 3),
        rainy_clip(tmp_path / "street" / "clip.mkv", 4),
        rainy_clip(tmp_path / "d" / "$&;.mkv", 5),
    )
    assert names(project) == ["Größe-100-1", "x", "X-2", "street", "clip"]


def test_one_bad_file_does_not_keep_the_others_out(
    tmp_path: Path, project: Project, put: Add, three_clips: list[Path]
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    short = write_clip(tmp_path / "short.mkv", rainy_frames(0, 1))
    added = put(bad, tmp_path / "missing.mp4", short, three_clips[0])
    assert added.sequences == ["place0"]
    assert [line.split(": ")[0] for line in added.failed] == [str(p) for p in (tmp_path / "missing.mp4", bad, short)]


def test_a_moved_clip_is_linked_again_by_its_content(
    tmp_path: Path, project: Project, put: Add, three_clips: list[Path]
) -> None:
    here, there = tmp_path / "here" / "clip0.mkv", tmp_path / "there" / "renamed.mkv"
    here.parent.mkdir()
    there.parent.mkdir()
    shutil.copy(three_clips[0], here)
    put(here)
    here.rename(there)
    (clip,) = clips(project)
    with pytest.raises(InputError, match="is not there any more"):
        locate(project, clip)
    moved = put(there.parent)
    assert not moved.sequences and "found again" in moved.relinked[0]
    (clip,) = clips(project)
    assert locate(project, clip) == there
    assert names(project) == ["clip0"]


def test_a_project_moved_together_with_its_clips_finds_them(tmp_path: Path, three_clips: list[Path]) -> None:
    from pipeline.project.clips.import_clips import add
    from pipeline.stages import finish

    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(three_clips[0], home / "clip0.mkv")
    with Project.create(home / "project") as project:
        finish(add(project, [home / "clip0.mkv"], Origin()))
    home.rename(tmp_path / "away")
    with Project(tmp_path / "away" / "project") as project:
        assert locate(project, clips(project)[0]).resolve() == tmp_path / "away" / "clip0.mkv"
        open_clip(project, clips(project)[0]).close()
        assert clips(project)[0].path == tmp_path / "away" / "clip0.mkv"  # known there from now on


def test_another_file_at_the_old_place_is_not_taken_for_the_clip(
    tmp_path: Path, project: Project, put: Add, three_clips: list[Path]
) -> None:
    path = tmp_path / "clip.mkv"
    shutil.copy(three_clips[0], path)
    put(path)
    shutil.copy(three_clips[1], path)
    with pytest.raises(InputError, match="not the file that was added"):
        locate(project, clips(project)[0])


def test_a_touched_clip_is_still_the_same(tmp_path: Path, project: Project, put: Add, three_clips: list[Path]) -> None:
    path = tmp_path / "clip.mkv"
    shutil.copy(three_clips[0], path)
    put(path)
    before = clips(project)[0].modified_ns
    path.touch()
    assert locate(project, clips(project)[0]) == path
    open_clip(project, clips(project)[0]).close()
    assert clips(project)[0].modified_ns > before


def test_a_copy_is_kept_in_the_project(tmp_path: Path, project: Project, put: Add, three_clips: list[Path]) -> None:
    path = tmp_path / "clip0.mkv"
    shutil.copy(three_clips[0], path)
    put(path, copy=True)
    path.unlink()
    (clip,) = clips(project)
    assert clip.copied and locate(project, clip).is_relative_to(project.folder)
    assert locate(project, clip).read_bytes() == three_clips[0].read_bytes()
    assert names(project) == ["clip0"]


def images(folder: Path, seed: int, count: int = 4) -> Path:
    folder.mkdir(parents=True)
    for i, frame in enumerate(rainy_frames(seed, count)):
        Image.fromarray(frame).save(folder / f"{i}.png")
    return folder


def test_a_folder_of_images_is_a_clip(tmp_path: Path, project: Project, put: Add) -> None:
    added = put(images(tmp_path / "frames", 0))
    assert added.sequences == ["frames"] and sequences(project)[0].stop == 4
    added = put(images(tmp_path / "copied", 0), copy=True)
    assert added.known  # other file names, the same pictures in the same order


def test_changed_images_are_another_clip(tmp_path: Path, project: Project, put: Add) -> None:
    folder = images(tmp_path / "frames", 0)
    put(folder)
    one, other = folder / "1.png", folder / "2.png"
    one.rename(folder / "x"), other.rename(one), (folder / "x").rename(other)
    with pytest.raises(InputError, match="not the file that was added"):
        locate(project, clips(project)[0])


def test_which_clips_a_folder_stands_for(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.MP4", "a.mov", "notes.txt", ".hidden.mp4", "deep/c.webm", "thumb.png"):
        (tmp_path / name).touch()
    simulated = tmp_path / "simulated"
    simulated.mkdir()
    for name in ("clip.mp4", "rain.mkv", "truth.json", "background.png"):
        (simulated / name).touch()
    found = [p.relative_to(tmp_path).as_posix() for p in find_clips(tmp_path)]
    assert found == ["a.mov", "b.MP4", "deep/c.webm", "simulated/clip.mp4"]
    images(tmp_path / "pictures" / "one", 0, 10)
    images(tmp_path / "pictures" / "two", 1, 10)
    images(tmp_path / "pictures" / "thumbnails", 1, 3)
    Project.create(tmp_path / "pictures" / "project").close()
    images(tmp_path / "pictures" / "project" / "artefacts" / "ab", 1, 10)
    assert [p.name for p in find_clips(tmp_path / "pictures")] == ["one", "two"]
    assert [p.name for p in find_clips(tmp_path)] == ["a.mov", "b.MP4", "c.webm", "one", "two", "clip.mp4"]
    # What is named itself is taken, however few images it holds.
    assert find_clips(tmp_path / "pictures" / "thumbnails") == [tmp_path / "pictures" / "thumbnails"]
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match="has no clip in it"):
        find_clips(tmp_path / "nothing")


def test_closing_the_stage_keeps_what_was_added(project: Project, three_clips: list[Path]) -> None:
    from pipeline.project.clips.import_clips import add

    stage = add(project, three_clips, Origin())
    step = Progress("", 0, 0)
    while step.parts_done < 2:
        step = next(stage)
    stage.close()
    assert names(project) == ["place0", "place1"]


def test_a_scene_cannot_be_nameless_and_names_must_be_known(
    project: Project, put: Add, three_clips: list[Path]
) -> None:
    put(three_clips[0])
    with pytest.raises(UsageError, match="a scene needs a name"):
        describe(project, ["place0"], Properties(scene=" "))
    with pytest.raises(InputError, match="no sequence 'place9'"):
        describe(project, ["place9"], Properties(notes="x"))


def test_text_that_nothing_could_store_is_refused(
    tmp_path: Path, project: Project, put: Add, three_clips: list[Path]
) -> None:
    with pytest.raises(UsageError, match="not text"):
        put(three_clips[0], origin=Origin(scene="a\x00b"))
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mkv"))
    shutil.copy(three_clips[0], odd)
    added = put(odd, three_clips[1], origin=Origin(scene="  کوچه\u200cباغ \t x", notes="a\nb"))
    assert added.sequences == ["place1"] and "not UTF-8" in added.failed[0]
    assert sequences(project)[0].scene == "کوچه\u200cباغ x" and sequences(project)[0].notes == "a b"


def test_a_known_clip_is_copied_when_asked(tmp_path: Path, project: Project, put: Add, three_clips: list[Path]) -> None:
    put(three_clips[0])
    added = put(three_clips[0], origin=Origin(scene="yard"))
    assert "rainclean describe changes it" in added.known[0]
    put(three_clips[0], copy=True)
    (clip,) = clips(project)
    assert clip.copied and locate(project, clip).is_relative_to(project.folder)


YARD = ROOT.parent / "shared" / "real" / "yard.mp4"


@pytest.mark.skipif(not YARD.exists(), reason="the real clip of shared/ is not here")
def test_two_halves_of_a_real_clip_are_one_scene(tmp_path: Path) -> None:
    from rainclean.dataset import scene_similarity
    from rainclean.video import open_source

    with open_source(YARD) as source:
        reduced = [scene_similarity.reduce_frame(frame.rgb) for frame in source.read(range(0, 376, 4))]
    first, second = scene_similarity.background(reduced[:40]), scene_similarity.background(reduced[50:])
    assert scene_similarity.likeness(first, np.stack([second]))[0] > 0.9
