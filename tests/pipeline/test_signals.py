"""What ends a command early: Ctrl-C, SIGTERM and SIGHUP, once and often, and inside a library."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import SAMPLE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these signals are POSIX")

ENDS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}

COMMAND = """
import sys, time
from pipeline import signals
from pipeline.cli import main
def work(words, program):
    print("at work", flush=True)
{body}
    return 0
main._run = work
sys.exit(main.main())
"""


def start(body: str, *, ignored: tuple[signal.Signals, ...] = ()) -> "subprocess.Popen[str]":
    """A command whose work is ``body``; returns when it has begun."""

    def ready() -> None:  # whoever runs these tests in the background has Ctrl-C ignored, and children inherit that
        for number in ENDS:
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    lines = "\n".join("    " + line for line in body.splitlines())
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(body=lines)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=ready,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "at work\n"
    return process


def ended(process: "subprocess.Popen[str]", *numbers: int, pause: float = 0.4) -> tuple[int, str, str]:
    for n, number in enumerate(numbers):
        time.sleep(pause if n else 0.1)
        process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


TIDY = "try:\n    time.sleep(30)\nfinally:\n    time.sleep({})\n    print('tidied up')"


@pytest.mark.parametrize("number", list(ENDS))
def test_one_ends_it_cleanly(number: signal.Signals) -> None:
    code, out, errors = ended(start(TIDY.format(0)), number)
    assert (code, out) == (ENDS[number], "tidied up\n")
    by = "" if number is signal.SIGINT else f" by {number.name}"
    assert errors == f"rainclean: interrupted{by}\n"


def test_what_takes_a_moment_is_said_and_a_second_one_changes_nothing() -> None:
    code, out, errors = ended(start("signals.announce('stopping the band')\n" + TIDY.format(1)), *[signal.SIGINT] * 2)
    assert (code, out) == (130, "tidied up\n")
    first, second, last = errors.splitlines()
    assert first == "rainclean: stopping the band"
    assert second.startswith("rainclean: stopping the band, still running; a third Ctrl-C ends it at once and loses")
    assert last == "rainclean: interrupted"


def test_a_scheduler_may_send_as_many_as_it_likes() -> None:
    numbers = [signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGTERM]
    code, out, _ = ended(start(TIDY.format(1)), *numbers, pause=0.1)
    assert (code, out) == (143, "tidied up\n")


def test_a_third_ctrl_c_ends_it_at_once() -> None:
    began = time.monotonic()
    code, out, errors = ended(start(TIDY.format(30)), *[signal.SIGINT] * 3)
    assert (code, out) == (130, "") and errors.endswith("rainclean: ended at once\n")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("number", list(ENDS))
def test_one_more_while_python_ends_changes_nothing(number: signal.Signals) -> None:
    slow = "import builtins\nbuiltins.kept = type('Slow', (), {'__del__': lambda self: time.sleep(2)})()\n"
    code, out, errors = ended(start(slow + TIDY.format(0)), number, number)
    assert (code, out) == (ENDS[number], "tidied up\n")
    assert errors.splitlines()[-1].startswith("rainclean: interrupted")


def test_a_call_that_does_not_come_back_does_not_keep_it() -> None:
    body = (
        "signals.GRACE = 0.5\nimport ctypes\nlock = ctypes.create_string_buffer(64)\n"
        "for _ in range(2):\n    ctypes.CDLL(None).pthread_mutex_lock(lock)"  # by the same thread: for ever
    )
    code, _, errors = ended(start(body), signal.SIGTERM)
    assert code == 143 and errors.endswith("rainclean: ended inside a call that does not return\n")


def test_one_that_a_library_swallows_is_raised_again() -> None:
    body = (
        "from pipeline.cli.console import follow\nfrom pipeline.stages import Progress\n"
        "class Deaf:\n    def __del__(self):\n        time.sleep(0.5)\n"  # exceptions in here go nowhere
        "def stage():\n    for n in range(30):\n        yield Progress('sort', n, 30)\n"
        "        deaf = Deaf()\n        del deaf\n"
        "follow(stage())\nprint('done')"
    )
    process = start(body)
    time.sleep(0.2)
    code, out, _ = ended(process, signal.SIGTERM)
    assert (code, out) == (143, "")


def test_what_must_not_be_left_half_done_is_done_first() -> None:
    body = "with signals.held():\n    time.sleep(0.6)\n    print('whole')\nprint('more')"
    code, out, _ = ended(start(body), signal.SIGHUP)
    assert (code, out) == (129, "whole\n")


def test_nohup_and_the_background_stay_as_they_are() -> None:
    process = start("time.sleep(0.5)\nprint('done')", ignored=(signal.SIGHUP, signal.SIGINT))
    assert ended(process, signal.SIGHUP, signal.SIGINT, pause=0) == (0, "done\n", "")
    process = start(TIDY.format(0), ignored=(signal.SIGHUP,))
    assert ended(process, signal.SIGHUP, signal.SIGTERM)[0] == 143


def test_a_terminal_that_is_closed(tmp_path: Path) -> None:
    import pty

    here, there = pty.openpty()
    command = [str(Path(sys.executable).with_name("rainclean")), "clean", str(SAMPLE), "-o", str(tmp_path / "out")]
    process = subprocess.Popen(
        command, stdin=there, stdout=there, stderr=there, start_new_session=True, preexec_fn=_own
    )
    os.close(there)
    os.read(here, 1)  # the first sign of a progress bar
    os.close(here)
    assert process.wait(timeout=60) == 129
    assert not (tmp_path / "out").exists()


def _own() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
