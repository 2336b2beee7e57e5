"""Clips are read by a process of its own: whatever happens to it is one line here, and soon."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rainclean.errors import InputError, RaincleanError
from rainclean.video import open_here, open_source, process_source
from tests.conftest import ROOT
from tests.helpers.video_clips import Clip
from tests.rainclean.video.conftest import OPEN_GOP, write_images

CLIP = Clip("h264.mp4", options=OPEN_GOP)


@pytest.fixture
def misled(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Lets the processes that are started decode by other words than ours, and think so after one second."""

    def mislead(words: str) -> None:
        process_source.end_idle()
        start = (
            f"import sys; sys.path[:] = {{}}; from rainclean.video import bounds, pyav; import os, threading\n{words}\n"
        )
        start += "bounds.STUCK_AFTER = 1.0; pyav.decode = decode\n"
        start += "from rainclean.video.reading_process import main; main(0, {}, {})"
        monkeypatch.setattr(process_source, "_START", start)

    yield mislead
    process_source.end_idle()


def readers(pid: int | str = "self") -> list[int]:
    """Processes that a process has started."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(pid) for children in found for pid in children.read_text().split()]


WAYS = {
    "deadlock": ("lock = threading.Lock(); lock.acquire()\ndef decode(*a): lock.acquire()", "does not finish"),
    "endless": ("def decode(*a):\n while True: pass", "does not finish"),
    "crash": ("def decode(*a): os.kill(os.getpid(), 11)", "has crashed"),
    "memory": ("def decode(*a): bytearray(3 << 30)", "asks for more memory"),
    "odd": ("def decode(*a): {}[{{1: 2}}[1]]".replace("{}[", "{{}}["), "KeyError"),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_decoder_does_is_one_line_and_soon(
    way: str, encoded: Callable[[Clip], Path], misled: Callable[[str], None]
) -> None:
    words, told = WAYS[way]
    clip = encoded(CLIP)
    misled(words)
    begun = time.monotonic()
    with open_source(clip) as source:
        assert source.info.frame_count == 30
        with pytest.raises(InputError) as caught:
            list(source.read())
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"{clip}: ")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begun < 8


def test_after_a_crash_the_same_source_reads_on(encoded: Callable[[Clip], Path]) -> None:
    with open_source(encoded(CLIP)) as source:
        frames = source.read()
        next(frames)
        os.kill(source._process._process.pid, 9)  # type: ignore[attr-defined]
        with pytest.raises(InputError, match="crashed"):
            list(frames)
        assert len(list(source.read())) == 30


def test_iterators_side_by_side(encoded: Callable[[Clip], Path]) -> None:
    """Each delivers what it delivers alone; frames stay as they are when the source is closed and others are read."""
    clip = encoded(CLIP)
    with open_here(clip) as source:
        alone = [frame.rgb.copy() for frame in source.read()]
    with open_source(clip) as source:
        first, second = source.read(), source.read([3, 9, 20])
        kept = [next(first), next(second), next(first), next(first), next(second), next(second), next(first)]
        assert [frame.index for frame in kept] == [0, 3, 1, 2, 9, 20, 3]
        first.close()  # type: ignore[attr-defined]
        assert list(second) == []
        kept += list(source.read([29]))
    with open_source(clip) as other:
        later = list(other.read())
    assert all(np.array_equal(frame.rgb, alone[frame.index]) for frame in kept + later)
    kept[0].rgb[:] = 0  # nobody else has it
    assert np.array_equal(kept[-1].rgb, alone[29])


def test_a_frame_that_is_let_go_leaves_its_memory(encoded: Callable[[Clip], Path]) -> None:
    with open_source(encoded(CLIP)) as source:
        file = source._process.frames.file  # type: ignore[attr-defined]
        kept = list(source.read())
        held = 512 * os.fstat(file).st_blocks
        assert held >= sum(frame.rgb.nbytes for frame in kept)
        del kept[3:]
        assert 512 * os.fstat(file).st_blocks < held / 3
        list(source.read([5, 6]))
    assert 512 * os.fstat(file).st_blocks < held / 5
    assert all(frame.rgb.any() for frame in kept)


def test_a_process_reads_one_clip_after_the_other(encoded: Callable[[Clip], Path], tmp_path: Path) -> None:
    process_source.end_idle()
    folder = write_images(tmp_path / "images", 3)
    pids = set()
    for path in (encoded(CLIP), folder, encoded(CLIP)):
        with open_source(path) as source:
            list(source.read())
            pids.add(source._process._process.pid)  # type: ignore[attr-defined]
    assert len(pids) == 1


def test_a_source_that_is_forgotten_leaves_no_process(encoded: Callable[[Clip], Path]) -> None:
    process_source.end_idle()
    sources = [open_source(encoded(CLIP)) for _ in range(4)]
    frames = sources[0].read()
    next(frames)
    ours = {source._process._process.pid for source in sources}  # type: ignore[attr-defined]
    assert len(ours) == 4 and ours <= set(readers())  # other tests may have left others
    del sources, frames
    assert len(ours.intersection(readers())) <= process_source.MAX_IDLE_PROCESSES


def test_names_relative_to_where_it_was_opened(
    encoded: Callable[[Clip], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "\udcff.mp4").write_bytes(encoded(CLIP).read_bytes())
    monkeypatch.chdir(tmp_path)
    with open_source("\udcff.mp4") as source:
        assert source.info.path == Path("\udcff.mp4")
        assert len(list(source.read())) == 30
    Path("x.mp4").write_bytes(encoded(CLIP).read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"^x\.mp4: truncated"):
        open_source("x.mp4")


def test_who_cancels_need_not_wait(encoded: Callable[[Clip], Path], misled: Callable[[str], None]) -> None:
    clip = encoded(CLIP)
    misled("lock = threading.Lock(); lock.acquire()\ndef decode(*a): lock.acquire()")
    opened, cancelled = threading.Event(), threading.Event()
    ended = []

    def read() -> None:
        with process_source.unless(cancelled.is_set), open_source(clip) as source:
            opened.set()
            try:
                list(source.read())
            except RaincleanError:
                ended.append(time.monotonic())

    thread = threading.Thread(target=read)
    thread.start()
    opened.wait()
    begun = time.monotonic()
    cancelled.set()
    thread.join()
    assert ended
    assert ended[0] - begun < 0.9  # it thinks itself stuck after one second


READ = """
import sys, time
from rainclean.video import open_source
source = open_source(sys.argv[1])
frames = source.read()
next(frames)
print("reading", flush=True)
time.sleep(float(sys.argv[2]))
"""


def test_the_process_goes_with_whoever_started_it(encoded: Callable[[Clip], Path]) -> None:
    """Killed or at its end, with a clip open: no process stays, and the end takes no time."""
    for seconds in ("0", "60"):
        command = [sys.executable, "-W", "error", "-c", READ, str(encoded(CLIP)), seconds]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            begun = time.monotonic()
            children = [
                int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            ]
            if seconds == "60":
                process.kill()
            assert process.communicate()[1] == ""
        assert time.monotonic() - begun < 3
        while any(Path(f"/proc/{pid}").exists() for pid in children):
            assert time.monotonic() - begun < 5
            time.sleep(0.05)


HOSTILE = ROOT.parent / "shared" / "cases" / "hostile"


@pytest.mark.parametrize(
    "name", ["hang_9f6145ea", "stsz_bomb", "trun_bomb", "MemoryError_e71c7c7f", "exception_7ca4332c"]
)
def test_files_that_were_made_to_fail(name: str, rainclean: Callable[..., "subprocess.CompletedProcess[str]"]) -> None:
    path = HOSTILE / f"{name}.mp4"
    if not path.is_file():
        pytest.skip("../shared/cases/hostile is not here")
    begun = time.monotonic()
    done = rainclean("probe", path)
    assert done.returncode in (0, 1)  # what reads clips may learn to read them
    assert done.stderr.count("\n") == done.returncode
    assert name in done.stderr + done.stdout
    assert "report it" not in done.stderr
    assert time.monotonic() - begun < 20  # on a busy machine; half of that elsewhere
