"""One bad input among several: it is named with its reason, and the rest goes on, whatever a reader raises."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import av.error
import pytest

from pipeline.border import border
from pipeline.clean.settings import CleanSettings
from pipeline.project.analysis import frames, run, verdict_of
from pipeline.project.analysis.records import analyses
from pipeline.project.clips import clip_files, import_clips
from pipeline.project.decisions import automatic, choose_best
from pipeline.project.model import Sequence
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from pipeline.stages import Progress, finish
from rainclean.errors import InputError, ResourceError, UsageError
from rainclean.verdict import Verdict
from rainclean.video import FrameSource
from tests.conftest import Run
from tests.helpers.rainy_clips import rainy_frames
from tests.pipeline.project.conftest import Add, Analyze

RAISED: list[Exception] = [
    InputError("a.mkv", "is damaged"),
    FileNotFoundError(errno.ENOENT, "No such file or directory", "a.mkv"),
    OSError(errno.EIO, "Input/output error"),
    OSError("it just fails"),
    MemoryError(),
    av.error.InvalidDataError(1, "Invalid data found when processing input"),
    KeyError("pts"),
    TypeError("'NoneType' object is not\nsubscriptable"),
    RecursionError("maximum recursion depth exceeded"),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda e: type(e).__name__)
def test_whatever_is_raised_is_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAINCLEAN_DEBUG", raising=False)
    said: list[str] = []

    def fail() -> None:
        raise error

    with border("a.mkv", said.append):
        fail()
    (line,) = said
    assert "\n" not in line and ("a.mkv" in line or "output" in line)
    expected = isinstance(error, InputError | MemoryError) or getattr(error, "strerror", None)
    assert ("please report it" in line) == (not expected) and (expected or type(error).__name__ in line)
    monkeypatch.setenv("RAINCLEAN_DEBUG", "1")
    if not expected:
        with pytest.raises(type(error)), border("a.mkv", said.append):
            raise error


@pytest.mark.parametrize(
    "error", [UsageError("--frames 1"), KeyboardInterrupt(), GeneratorExit(), ResourceError("full")]
)
def test_what_is_nobody_s_fault_ends_the_work(error: BaseException) -> None:
    with pytest.raises(type(error)), border("a.mkv", lambda text: None, through=(ResourceError,)):
        raise error


def copies(found: list[Path], folder: Path) -> list[Path]:
    return [Path(shutil.copy(clip, folder)) for clip in found]


@pytest.mark.parametrize("stage", ["decode", "votes", "write"])
def test_a_clip_that_vanishes_while_it_is_decoded(
    tmp_path: Path, project: Project, put: Add, three_clips: list[Path], stage: str
) -> None:
    copied = copies(three_clips, tmp_path)
    put(*copied)

    def vanish(step: Progress) -> None:
        if step.part == "place0" and step.stage == stage:
            copied[0].unlink(missing_ok=True)

    result = finish(run.analyze(project, (), CleanSettings(recipe="n20-rainfree", workers=1)), vanish)
    assert result.done == ["place1", "place2"]
    assert list(result.failed) == ["place0"] and "place0.mkv" in result.failed["place0"]
    assert [line.state for line in overview(project)] == ["failed", "ready", "ready"]
    assert analyses(project, 1)[0].error == result.failed["place0"]


def test_a_folder_whose_pictures_vanish(tmp_path: Path, project: Project, put: Add, three_clips: list[Path]) -> None:
    import imageio.v3 as imageio

    folder = tmp_path / "frames"
    folder.mkdir()
    for number, frame in enumerate(rainy_frames(5)):
        imageio.imwrite(folder / f"{number}.png", frame)
    put(folder, three_clips[0])

    def vanish(step: Progress) -> None:
        if step.part == "frames" and step.stage == "decode":
            shutil.rmtree(folder, ignore_errors=True)

    result = finish(run.analyze(project, (), CleanSettings(recipe="median", workers=1)), vanish)
    assert result.done == ["place0"] and "frames" in result.failed
    assert [line.state for line in overview(project)] == ["failed", "ready"]


@pytest.mark.parametrize("error", RAISED[1:], ids=lambda e: type(e).__name__)
def test_a_decoder_that_raises_anything(
    project: Project,
    put: Add,
    work: Analyze,
    three_clips: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    put(*three_clips)
    opened = clip_files.open_sequence

    def failing(project: Project, sequence: Sequence) -> FrameSource:
        if sequence.name == "place1":
            raise error
        return opened(project, sequence)

    monkeypatch.setattr(frames, "open_sequence", failing)
    result = work(recipe="median")
    assert result.done == ["place0", "place2"] and list(result.failed) == ["place1"]
    assert [line.state for line in overview(project)] == ["ready", "failed", "ready"]
    monkeypatch.undo()
    assert work(recipe="median").done == ["place1"]


def test_the_command_names_it_and_ends_with_3(
    tmp_path: Path, three_clips: list[Path], here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, copied = tmp_path / "p", copies(three_clips, tmp_path)
    shots = import_clips._shots

    def failing(source: FrameSource) -> Iterator[object]:
        if source.info.path.name == "place1.mkv":
            raise PermissionError(errno.EACCES, "Permission denied", "place1.mkv")
        return shots(source)

    monkeypatch.setattr(import_clips, "_shots", failing)
    assert here("new", home).returncode == 0
    added = here("add", home, *copied, tmp_path / "gone.mkv")
    assert added.returncode == 3 and "added 2 sequences: place0, place2" in added.stdout
    assert "failed: place1.mkv: Permission denied" in added.stderr and "gone.mkv" in added.stderr
    assert added.stderr.splitlines()[-1] == "rainclean: 2 of 4 could not be added; the others are done"
    copied[0].unlink()
    analysed = here("analyze", home, "--recipe", "median")
    assert analysed.returncode == 3 and "analysed 1 sequence" in analysed.stdout
    assert "failed: place0: " in analysed.stderr
    assert "rainclean: 1 of 2 sequences could not be analysed; the others are done" in analysed.stderr
    assert "failed: place0: " in here("status", home).stderr


def test_what_was_not_stored_is_not_told_as_added(
    project: Project, put: Add, three_clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = import_clips._scene
    monkeypatch.setattr(import_clips, "_scene", lambda *args: scene(*args) if args[2] != "place1" else 1 / 0)
    result = put(*three_clips)
    assert result.sequences == ["place0", "place2"] and "ZeroDivisionError" in result.failed[0]
    assert [line.sequence.name for line in overview(project)] == ["place0", "place2"]


def test_the_automatic_choice_goes_on(desk: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = iter(range(3))

    def verdict_of_one(text: str) -> Verdict | None:
        if next(judged) == 1:
            raise KeyError("pts")
        return verdict_of(text)

    monkeypatch.delenv("RAINCLEAN_DEBUG", raising=False)
    monkeypatch.setattr(automatic, "verdict_of", verdict_of_one)
    result = choose_best(desk)
    assert list(result.chosen) == ["place0", "place2"] and list(result.failed) == ["place1"]
