"""Work beside the window."""

import threading
import time
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.workers import LATER, THREADS, Workers
from pipeline.stages import Progress
from rainclean.video import open_source, process_source
from tests.helpers.video_clips import Clip, encode


@pytest.fixture
def workers(qtbot: QtBot) -> Iterator[Workers]:
    made = Workers()
    yield made
    made.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("rainclean-gui")]


def test_results_and_errors_come_back_in_the_window_s_thread(workers: Workers, qtbot: QtBot) -> None:
    got: list[object] = []
    here = threading.get_ident()
    workers.run(threading.get_ident, lambda ident: got.append((ident != here, threading.get_ident() == here)))
    workers.run(lambda: 1 // 0, got.append, lambda error: got.append(type(error)))
    qtbot.waitUntil(lambda: len(got) == 2)
    assert (True, True) in got and ZeroDivisionError in got
    assert not workers.busy


def test_only_the_newest_of_a_lane_counts(workers: Workers, qtbot: QtBot) -> None:
    go, got = threading.Event(), list[int]()
    workers.run(lambda: go.wait(10) and 0, got.append, lane="one")
    for number in range(1, 5):
        workers.run(partial(int, number), got.append, lane="one")
    go.set()
    qtbot.waitUntil(lambda: not workers.busy)
    assert got == [4]


def test_a_stage_tells_its_progress_and_is_closed_when_it_is_cancelled(workers: Workers, qtbot: QtBot) -> None:
    steps: list[int] = []
    closed, results = threading.Event(), list[str]()

    def stage(last: int) -> Generator[Progress, None, str]:
        try:
            for number in range(last):
                yield Progress("count", number, last)
            return "done"
        finally:
            closed.set()

    workers.run_stage(lambda: stage(3), results.append, progress=lambda step: steps.append(step.done))
    qtbot.waitUntil(lambda: results == ["done"])
    assert steps == [0, 1, 2]
    closed.clear()
    task = workers.run_stage(lambda: stage(10**9), results.append, progress=lambda step: steps.append(-1))
    qtbot.waitUntil(lambda: -1 in steps)
    task.cancel()
    assert closed.wait(10)
    qtbot.waitUntil(lambda: not workers.busy)
    assert results == ["done"]


def test_what_may_wait_does_not_keep_what_is_urgent_from_coming(workers: Workers, qtbot: QtBot) -> None:
    go, got = threading.Event(), list[str]()
    for _ in range(4):
        workers.run(lambda: go.wait(10), lambda _: got.append("later"), urgency=LATER)
    workers.run(lambda: "now", got.append)
    qtbot.waitUntil(lambda: got == ["now"])
    go.set()
    qtbot.waitUntil(lambda: len(got) == 5)


def test_a_result_that_nobody_waits_for_is_closed(workers: Workers, qtbot: QtBot) -> None:
    class Held:
        def __init__(self) -> None:
            self.closed = False

        def close(self) -> None:
            self.closed = True

    go, held = threading.Event(), Held()
    task = workers.run(lambda: go.wait(10) and held, lambda _: None)
    qtbot.wait(50)
    task.cancel()
    go.set()
    qtbot.waitUntil(lambda: held.closed)


def test_whoever_waits_for_a_stuck_clip_can_be_sent_away(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled, a wait ends and the lane goes on; and the window closes while a decoder hangs."""
    stuck = "import os, sys, threading; sys.path[:] = {}; from rainclean.video import pyav\nlock = threading.Lock()\n"
    stuck += "lock.acquire(); pyav.decode = lambda *a: lock.acquire()\n"
    stuck += "from rainclean.video.reading_process import main; main(0, {}, {})"
    monkeypatch.setattr(process_source, "_START", stuck)
    process_source.end_idle()
    clip = encode(tmp_path, Clip("clip.mp4", options={"x264-params": "bframes=0:threads=1"}))
    reading, got = threading.Event(), list[object]()

    def work() -> None:
        with open_source(clip) as source:
            reading.set()
            list(source.read())

    made = Workers()
    task = made.run(work, got.append, got.append, lane="clip")
    assert reading.wait(20)
    task.cancel()
    made.run(lambda: "next", got.append, lane="clip")
    qtbot.waitUntil(lambda: not made.busy, timeout=4000)
    assert got == ["next"]
    for _ in range(THREADS):
        reading.clear()
        made.run(work, got.append, got.append)
        assert reading.wait(20)
    begun = time.monotonic()
    made.close()
    assert time.monotonic() - begun < 4
    assert got == ["next"]
    process_source.end_idle()
