"""Inputs that change while they are read: what was read of two things is kept of none."""

import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.clean.run import clean as cleaning
from pipeline.clean.settings import CleanSettings
from pipeline.export.plan import ExportSettings
from pipeline.export.run import export
from pipeline.project.analysis.live import open_live
from pipeline.project.analysis.records import analyses
from pipeline.project.analysis.run import analyze
from pipeline.project.clips import clip_files, import_clips
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import choose_best
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from pipeline.simulate import SimulateSettings, simulate, simulate_folder
from pipeline.stages import Progress, finish
from pipeline.unchanged import look, unchanged
from rainclean.dataset.pairs import FrameChoice
from rainclean.errors import InputError, RaincleanError
from rainclean.simulate.backdrop import Backdrop
from tests.conftest import Run
from tests.helpers.rainy_clips import background, rainy_clip, rainy_frames, write_clip

SAYS = "changed while it was read"


def replaced(path: Path) -> None:
    """Another clip in its place, as a download or a synchronised folder puts it there."""
    rainy_clip(path.with_name("other.mkv"), 9).replace(path)


def written_over(path: Path) -> None:
    """Other bytes in the same file, of the same number, and dated as before."""
    stat, data = path.stat(), bytearray(path.read_bytes())
    data[-4096:] = b"\0" * len(data[-4096:])
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def same_size_and_date(path: Path) -> None:
    """Another file of the same size and date in its place."""
    stat = path.stat()
    other = path.with_name("other")
    other.write_bytes(bytes(reversed(path.read_bytes())))
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)


def dated(path: Path) -> None:
    os.utime(path)


def linked(path: Path) -> None:
    path.with_name("backup").hardlink_to(path)


def picture_added(folder: Path) -> None:
    shutil.copy(folder / "3.png", folder / "99.png")


def picture_replaced(folder: Path) -> None:
    shutil.copy(folder / "3.png", folder / "5.png")


def picture_removed(folder: Path) -> None:
    (folder / "7.png").unlink()


CHANGES = [replaced, written_over, same_size_and_date]
OF_FOLDERS = [picture_added, picture_replaced, picture_removed]
Change = Callable[[Path], None]


def picture_folder(folder: Path, seed: int = 3) -> Path:
    folder.mkdir()
    for number, frame in enumerate(rainy_frames(seed)):
        cv2.imwrite(str(folder / f"{number}.png"), frame)
    return folder


def changing(
    stage: Generator[Progress, None, Any], when: Callable[[Progress], bool], change: Callable[[], None]
) -> Any:
    """Run a stage to its end, and change something at the first step for which that is to be done."""
    done = False

    def watch(step: Progress) -> None:
        nonlocal done
        if not done and when(step):
            change()
            done = True

    result = finish(stage, watch)
    assert done
    return result


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_is_told(tmp_path: Path, change: Change) -> None:
    clip = rainy_clip(tmp_path / "a.mkv", 1)
    with pytest.raises(InputError, match=SAYS), unchanged(clip):
        change(clip)
    rainy_clip(clip, 1)
    with pytest.raises(InputError, match=SAYS), unchanged(clip):
        change(clip)
        raise InputError(clip, "is damaged")  # which is not what is to be told
    with pytest.raises(InputError, match="disappeared"), unchanged(clip):
        clip.unlink()
    with pytest.raises(InputError, match="cannot be"), unchanged(clip):
        pass


@pytest.mark.parametrize("change", OF_FOLDERS)
def test_a_folder_that_changes_is_told(tmp_path: Path, change: Change) -> None:
    folder = picture_folder(tmp_path / "frames")
    with unchanged(folder):
        (folder / "notes.txt").write_text("no picture of it")
    with pytest.raises(InputError, match=SAYS), unchanged(folder):
        change(folder)


def test_what_means_nothing_is_no_change(tmp_path: Path) -> None:
    clip = rainy_clip(tmp_path / "a.mkv", 1)
    with unchanged(clip):
        linked(clip)
    data = clip.read_bytes()
    with unchanged(clip, look(clip), lambda: clip.read_bytes() == data):
        dated(clip)
    with pytest.raises(InputError, match=SAYS), unchanged(clip):
        dated(clip)  # nobody knows what it was
    with pytest.raises(ValueError, match="another matter"), unchanged(clip):
        raise ValueError("another matter")


@pytest.fixture
def project(tmp_path: Path) -> Any:
    with Project.create(tmp_path / "project") as made:
        yield made


@pytest.mark.parametrize(
    ("at", "change"),
    [("open", replaced), ("decode", replaced), ("write", written_over), ("rain", same_size_and_date)],
)
def test_a_clip_that_is_replaced_while_it_is_analysed(
    tmp_path: Path, project: Project, at: str, change: Change
) -> None:
    clips = [rainy_clip(tmp_path / f"{name}.mkv", seed) for seed, name in enumerate("ab")]
    finish(add(project, clips, Origin()))
    result = changing(
        analyze(project, (), CleanSettings(recipe="median", workers=1)),
        lambda step: (step.part, step.stage) == ("a", at),
        lambda: change(clips[0]),
    )
    assert result.done == ["b"]
    assert SAYS in result.failed["a"] or (at == "open" and "is not the file that was added" in result.failed["a"])
    assert [line.state for line in overview(project)] == ["failed", "ready"]
    assert [bool(one.error) for one in analyses(project, 1)] == [True]


@pytest.mark.parametrize("change", OF_FOLDERS)
def test_a_folder_that_changes_while_it_is_analysed(tmp_path: Path, project: Project, change: Change) -> None:
    folder = picture_folder(tmp_path / "frames")
    finish(add(project, [folder], Origin()))
    result = changing(
        analyze(project, (), CleanSettings(recipe="median", workers=1)),
        lambda step: step.stage == "write",
        lambda: change(folder),
    )
    assert SAYS in result.failed["frames"]


def test_a_new_date_is_no_other_clip(tmp_path: Path, project: Project) -> None:
    clip = rainy_clip(tmp_path / "a.mkv", 1)
    finish(add(project, [clip], Origin()))
    stage = analyze(project, (), CleanSettings(recipe="median", workers=1))
    assert changing(stage, lambda step: step.stage == "decode", lambda: dated(clip)).done == ["a"]


@pytest.mark.parametrize("change", [replaced, written_over])
def test_a_clip_that_is_replaced_while_it_is_added(tmp_path: Path, project: Project, change: Change) -> None:
    clips = [rainy_clip(tmp_path / f"{name}.mkv", seed) for seed, name in enumerate("ab")]
    stage = add(project, clips, Origin())
    result = changing(stage, lambda step: (step.part, step.stage) == ("a.mkv", "read"), lambda: change(clips[0]))
    assert result.sequences == ["b"] and SAYS in result.failed[0]
    assert len(sequences(project)) == 1


def test_a_clip_that_is_replaced_between_sum_and_link(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = rainy_clip(tmp_path / "a.mkv", 1)
    sums = clip_files.content_of

    def then_replaced(path: Path) -> str:
        found = sums(path)
        replaced(path)
        return found

    monkeypatch.setattr(import_clips, "content_of", then_replaced)
    assert SAYS in finish(add(project, [clip], Origin())).failed[0]


def test_a_clip_that_is_replaced_while_it_is_exported(tmp_path: Path, project: Project) -> None:
    clips = [rainy_clip(tmp_path / f"{name}.mkv", seed) for seed, name in enumerate("ab")]
    finish(add(project, clips, Origin(licence="CC0")))
    finish(analyze(project, (), CleanSettings(recipe="median", workers=1)))
    choose_best(project)
    stage = export(project, ExportSettings("spa", FrameChoice.parse("every:8")), tmp_path / "out")
    with pytest.raises(RaincleanError, match=rf"a.mkv: {SAYS}.*1 sequence prepared"):
        changing(stage, lambda step: (step.part, step.stage) == ("a", "write"), lambda: replaced(clips[0]))
    assert not (tmp_path / "out").exists()


def test_a_clip_that_is_replaced_while_a_person_tries_it(tmp_path: Path, project: Project) -> None:
    clip = rainy_clip(tmp_path / "a.mkv", 1)
    finish(add(project, [clip], Origin()))
    finish(analyze(project, (), CleanSettings(recipe="median", workers=1)))
    stage = open_live(project, sequences(project)[0], analyses(project, 1)[0], 20, tmp_path)
    with pytest.raises(InputError, match=SAYS):
        changing(stage, lambda step: step.stage == "decode", lambda: replaced(clip))


@pytest.mark.parametrize("change", CHANGES)
def test_clean_writes_nothing_of_a_clip_that_changed(
    tmp_path: Path, here: Run, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    clip = rainy_clip(tmp_path / "a.mkv", 1)

    def then_changed(*args: Any) -> Generator[Progress, None, Any]:
        made = yield from cleaning(*args)
        change(clip)
        return made

    monkeypatch.setattr("pipeline.clean.clean", then_changed)
    result = here("clean", clip, "-o", tmp_path / "out", "--recipe", "median")
    assert result.returncode == 1 and f"a.mkv: {SAYS}" in result.stderr
    assert result.stderr.count("\n") == 1 and not (tmp_path / "out").exists()


def test_simulate_writes_nothing_over_a_clip_that_changed(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", [background(1)] * 6)
    with Backdrop(clip) as backdrop, simulate_folder(tmp_path / "out", clip) as folder:
        stage = simulate(backdrop, SimulateSettings(), folder)
        with pytest.raises(InputError, match=SAYS):
            changing(stage, lambda step: step.stage == "simulate", lambda: replaced(clip))
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("one_thread")
def test_derain_writes_nothing_of_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from pipeline.derain import run
    from pipeline.derain.work import DerainSettings, plan
    from rainclean import spanet

    video = write_clip(tmp_path / "a.mkv", [background(1)] * 4)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("b.png", "c.png"):
        cv2.imwrite(str(pictures / name), background(2))

    def same(_: object, rgb: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], None]:
        if (pictures / "b.png").stat().st_size != changed:
            shutil.copy(pictures / "c.png", pictures / "b.png")
            (pictures / "b.png").write_bytes((pictures / "b.png").read_bytes() + b"\0")
        return rgb.astype(np.float32) / 255, None

    monkeypatch.setattr(spanet, "derain", same)
    changed = (pictures / "b.png").stat().st_size + 1
    net: Any = torch.nn.Identity()
    result = finish(run.derain(net, plan(pictures, str(tmp_path / "out"), DerainSettings())))
    assert SAYS in result.failed[0] and [p.name for p in (tmp_path / "out").iterdir()] == ["c.png"]
    stage = run.derain(net, plan(video, str(tmp_path / "out.mkv"), DerainSettings()))
    with pytest.raises(InputError, match=SAYS):
        changing(stage, lambda step: step.stage == "derain" and step.done == 2, lambda: replaced(video))
    assert not (tmp_path / "out.mkv").exists()
