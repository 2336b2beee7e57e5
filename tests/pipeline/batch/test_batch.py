"""Batches by processes of this machine: the project that one process makes, whatever happens to workers and clips."""

import json
import os
import pickle
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.batch import local
from pipeline.batch.local import in_processes
from pipeline.batch.result_folder import ResultFolder
from pipeline.batch.run import batch
from pipeline.batch.tasks import Request, Task, make_tasks
from pipeline.batch.work import Outcome, compute_into, work
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from tests.conftest import Run
from tests.helpers.rainy_clips import rainy_clip
from tests.pipeline.batch.conftest import CLIPS, Copy, content_of

MEDIAN = Request(recipe="median")


def tasks_of(project: Path, request: Request = MEDIAN, *names: str) -> list[Task]:
    with Project.again(project) as opened:
        return make_tasks(opened, names, request).todo


@contextmanager
def meanwhile(look: Callable[[], None], seconds: float) -> Iterator[None]:
    """Do something again and again while the block runs."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(seconds):
            with suppress(OSError):
                look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def decoders_killed(clip: Path) -> Iterator[list[int]]:
    """Kill each process that reads a clip, as a decoder does that crashes; give the ids."""
    killed: list[int] = []

    def look() -> None:
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if b"reading_process" in place.read_bytes() and _reads(place.parent, clip):
                    os.kill(int(place.parent.name), 9)
                    killed.append(int(place.parent.name))

    with meanwhile(look, 0.01):
        yield killed


def _reads(process: Path, clip: Path) -> bool:
    return any(file.readlink() == clip for file in (process / "fd").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_clip_that_kills_its_decoder_is_listed_and_all_others_are_as_by_one_process(
    copy: Copy, alone: Path, tmp_path: Path, here: Run
) -> None:
    home = copy()
    deadly = rainy_clip(tmp_path / "deadly.mkv", 99, count=400)
    with Project(home) as project:
        finish(add(project, [deadly], Origin()))
    with decoders_killed(deadly) as killed:
        result = here("batch", home, "--workers", 2)
    assert killed and result.returncode == 3
    assert f"analysed {CLIPS} sequences" in result.stdout
    title, row = result.stdout.splitlines()[-2:]
    assert title.split() == ["failed", "why"] and row.startswith("deadly  ") and "crashed" in row
    assert result.stderr.count("deadly") == 0 and "1 of 7 sequences could not be analysed" in result.stderr
    with Project(home) as project:
        assert [line.state for line in overview(project)] == ["ready"] * CLIPS + ["failed"]
        project.execute("DELETE FROM analysis WHERE error != ''")
    assert content_of(home) == content_of(alone)
    assert not (home / "batch").exists()

    log = tmp_path / "log"
    found = here("--log-file", log, "batch", home, "--json", "--workers", 1)  # nobody kills it now
    assert "deadly: registered" in log.read_text(encoding="utf-8")  # as its worker logged it
    document = json.loads(found.stdout)
    assert (document["done"], len(document["skipped"]), document["failed"]) == (["deadly"], CLIPS, {})


def test_the_longest_clip_is_begun_first(copy: Copy) -> None:
    begun: list[str] = []

    def note(tasks: Sequence[Task], folder: Path) -> Iterator[Outcome]:
        for task in tasks:
            begun.append(task.sequence.name)
            yield Outcome(task.key, "not done")

    with Project(copy()) as project:
        (third,) = sequences(project, ("place3",))
        project.execute("UPDATE clip SET height = 2 * height WHERE id = ?", third.clip_id)
        finish(batch(project, (), MEDIAN, note, ResultFolder(project.folder / "batch")))
    assert begun == ["place3", *(f"place{n}" for n in range(CLIPS) if n != 3)]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_worker_that_is_killed_twice_takes_its_clip_along_only(copy: Copy, tmp_path: Path) -> None:
    first, second = tasks_of(copy(), MEDIAN, "place0", "place1")
    results = ResultFolder(tmp_path / "results")
    results.create()
    before, killed = _children(), set[str]()

    def look() -> None:
        for begun in (results.folder / ".partial").glob(f"{first.key}.*"):
            if begun.name not in killed:
                (worker,) = _children() - before
                os.kill(worker, 9)
                killed.add(begun.name)

    with meanwhile(look, 0.001):
        outcomes = [each for each in in_processes([first, second], results.folder, workers=1) if each]
    assert results.has(second)
    by_key = {outcome.key: outcome.error for outcome in outcomes}
    assert by_key.keys() == {first.key, second.key} and not by_key[second.key]
    assert len(killed) == 2 and "was killed by SIGKILL twice" in by_key[first.key]
    finish(compute_into(results, first, workers=1))
    assert not list((results.folder / ".partial").iterdir())  # what it left half done is gone, too


def _children() -> set[int]:
    found = set()
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            stat = (place.parent / "stat").read_text().rpartition(")")[2].split()
            if int(stat[1]) == os.getpid() and b"spawn_main" in place.read_bytes():
                found.add(int(place.parent.name))
    return found


def test_a_result_that_is_there_is_not_done_again(
    copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Run
) -> None:
    home = copy()
    task, *_ = tasks_of(home)
    results = ResultFolder(home / "batch")
    results.create()
    assert not work(task, results.folder).error
    there = results.place(task) / "result.json"
    before = there.stat().st_mtime_ns
    assert not work(task, results.folder).error and there.stat().st_mtime_ns == before
    monkeypatch.setattr(local, "_Worker", None)  # none is started
    result = here("batch", home, task.sequence.name, "--recipe", "median")
    assert result.stdout == "analysed 1 sequence\n" and not (home / "batch").exists()


def test_keys_are_of_content_and_recipe(copy: Copy) -> None:
    home = copy()
    ours = [task.key for task in tasks_of(home)]
    assert len(set(ours)) == CLIPS
    assert ours == [task.key for task in tasks_of(home, Request(recipe="median", memory=1 << 30))]  # changes no picture
    assert not set(ours) & {task.key for task in tasks_of(home, Request(recipe="n20-vote"))}
    with Project(home) as project:
        project.execute("UPDATE sequence SET chosen_first = 2 WHERE id = 1")
    changed = [task.key for task in tasks_of(home)]
    assert changed[0] != ours[0] and changed[1:] == ours[1:]
    moved = Path(shutil.copytree(home, home.with_name("moved")))
    assert [task.key for task in tasks_of(moved)] == changed


def test_what_no_clip_is_to_blame_for_ends_the_batch(copy: Copy, here: Run, tmp_path: Path) -> None:
    home = copy()
    assert here("batch", home, "--recipe", "best").returncode == 2
    assert here("batch", home, "--workers", 0).returncode == 2
    assert here("batch", home, "--workers", 2, "--scheduler", "tcp://a:1").returncode == 2
    task, *_ = tasks_of(home)
    outcome = work(task, tmp_path / "nowhere")
    assert outcome.general and "no such folder" in outcome.error
    results = ResultFolder(tmp_path / "results")
    results.create()
    logged = work(task, tmp_path / "nowhere", logs=True).log
    assert [(r.name, r.getMessage()) for r in logged] == [("pipeline.batch.work", f"place0: {outcome.error}")]
    assert not outcome.log and pickle.loads(pickle.dumps(logged[0])).getMessage() == logged[0].getMessage()
    outcome = work(replace(task, rainclean="0.0.1"), results.folder)
    assert outcome.general and "install the same" in outcome.error


def test_a_second_batch_at_the_same_time_is_told(copy: Copy, here: Run) -> None:
    home = copy()
    with Project(home) as project, project.job("analyze"):
        result = here("batch", home)
    assert result.returncode == 1 and "another rainclean" in result.stderr


def test_closing_ends_the_workers(copy: Copy, tmp_path: Path) -> None:
    before = _children()
    stage = in_processes(tasks_of(copy()), tmp_path, workers=1)
    while not list(tmp_path.glob(".partial/*")):
        next(stage)
    assert len(_children() - before) == 1
    stage.close()  # type: ignore[attr-defined]
    assert not list(tmp_path.glob(".partial/*"))
    until = time.monotonic() + 5
    while _children() - before and time.monotonic() < until:
        time.sleep(0.05)
    assert not _children() - before
