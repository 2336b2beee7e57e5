"""Signals that end a command early: Ctrl-C, SIGTERM (schedulers, systemd, docker stop), SIGHUP (a closed terminal).

The first one raises KeyboardInterrupt in the main thread: finished work is kept, incomplete files are removed, and the
exit code is 128 plus its number. Further ones print that this takes a moment; only a third that is Ctrl-C ends the
process at once. The first one also does, if the main thread cannot notice it inside a library call that does not
return.

Signals that the parent ignores (nohup, or a shell for background jobs) stay ignored.
"""

import atexit
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread, current_thread, main_thread
from time import monotonic
from types import FrameType
from typing import Any, Self

_BY_HAND = ("SIGINT", "SIGBREAK")
_NAMES = (*_BY_HAND, "SIGTERM", "SIGHUP")

QUIET = 0.3
"""Seconds that ending may take without a message."""

GRACE = 10.0
"""Seconds within which the main thread must notice a signal."""

_TWICE = 0.3
"""Seconds: the parent program often passes Ctrl-C on, so that a single press arrives twice."""


class Signals:
    """Handles signals while it is entered in the main thread; elsewhere it does nothing. Use one at a time.

    for_good: the process ends with the block; signals are still handled then.
    """

    def __init__(self, *, for_good: bool = False) -> None:
        self.first = 0
        self.waiting = 0
        self.instead: Callable[[], object] | None = None
        self.doing = "stopping"
        self._for_good = for_good
        self._noticed = self._raised = self._over = False
        self._before: dict[int, Any] = {}

    @property
    def code(self) -> int:
        """Return the exit code of an interrupted command."""
        return 128 + (self.first or signal.SIGINT)

    @property
    def message(self) -> str:
        """Return the final message."""
        by_hand = self.first in (0, *_numbers(_BY_HAND))
        return "interrupted" if by_hand else f"interrupted by {signal.Signals(self.first).name}"

    def __enter__(self) -> Self:
        if current_thread() is not main_thread():
            return self
        global _current
        if self._for_good:
            atexit.register(self._leave)  # the first one registered is the last one called
        numbers = [n for n in _numbers(_NAMES) if signal.getsignal(n) not in (signal.SIG_IGN, None)]
        self._ear, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        self._former = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        self._thread = Thread(target=self._listen, args=(frozenset(numbers),), name="rainclean-signals", daemon=True)
        self._thread.start()
        _current = self
        self._before = {n: signal.signal(n, self._on_signal) for n in numbers}
        if hasattr(signal, "pthread_sigmask"):  # a training process has them blocked when it starts another one
            signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
        return self

    def __exit__(self, *_: object) -> None:
        global _current
        self._over = True
        if _current is not self or self._for_good:
            return
        for number, before in self._before.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._former)
        _current = None
        self._mouth.close()
        self._thread.join()
        self._ear.close()

    def interrupt(self, *, once: bool) -> None:
        """Raise KeyboardInterrupt if a signal arrived; once: not again."""
        if self._noticed and not (self.waiting or self.instead or self._over or (once and self._raised)):
            self._raised = True
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal in the main thread, between two Python instructions."""
        if self._noticed:
            return
        self.first, self._noticed = number, True
        _let_go_of_dead_terminal()
        if self.instead is not None:
            self.instead()
        self.interrupt(once=True)

    def _leave(self) -> None:
        """End an interrupted process before Python removes its handlers: one more signal would kill it."""
        if self.first:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(self.code)

    def _listen(self, numbers: frozenset[int]) -> None:
        """Listen in a separate thread, which notices a signal even while the main thread is inside a library."""
        count, last, began, said = 0, 0.0, 0.0, False
        while True:
            self._ear.settimeout(QUIET / 2 if count else None)
            try:
                heard = self._ear.recv(64)
            except TimeoutError:
                heard = b"\0"
            if not heard:
                return
            now = monotonic()
            for number in filter(numbers.__contains__, heard):
                count += 1
                self.first = self.first or number
                if count == 1:
                    began = now
                elif count > 2 and number in _numbers(_BY_HAND) and now - last > _TWICE:
                    self._end("ended at once")
                else:
                    _say(f"{self.doing}, still running; a third Ctrl-C ends it at once and loses unsaved work")
                    said = True
                last = now
            if count and not said and not self._over and now - began > QUIET:
                _say(self.doing)
                said = True
            if count and now - began > GRACE and (self._over or not self._noticed):
                self._end("ended inside a call that does not return")

    def _end(self, words: str) -> None:
        with suppress(OSError, ValueError):
            # Not through sys.stderr: the main thread may hold its lock for ever.
            if select.select([], [2], [], 0)[1]:
                os.write(2, f"rainclean: {words}\n".encode())
        os._exit(self.code)


_current: Signals | None = None


def announce(doing: str) -> None:
    """Set the message of a first signal, for a command where "stopping" is not enough."""
    if _current is not None:
        _current.doing = doing


def instead(action: Callable[[], object]) -> None:
    """Let a signal call this in the main thread instead of raising: for a window, which then closes itself."""
    if _current is not None:
        _current.instead = action


def check() -> None:
    """Raise KeyboardInterrupt if a signal arrived: a library may have swallowed the first one."""
    if _current is not None and current_thread() is main_thread():
        _current.interrupt(once=False)


@contextmanager
def held() -> Iterator[None]:
    """Delay signals until the block is done, for short work that must not stop halfway."""
    signals = _current
    if signals is None or current_thread() is not main_thread():
        yield
        return
    signals.waiting += 1
    try:
        yield
    finally:
        signals.waiting -= 1
    signals.interrupt(once=True)


def block() -> None:
    """Block signals for processes that this thread will start; the main thread handles them."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _numbers(_NAMES))


def work_for_parent(_: int = 0) -> None:
    """Prepare a process whose parent blocks signals and ends it itself.

    The parent ends it by SIGTERM, which schedulers send to every process, too; so SIGTERM gives it some time.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.signal(signal.SIGTERM, lambda *_: signal.alarm(30))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def _numbers(names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(int(getattr(signal, name)) for name in names if hasattr(signal, name))


def _say(words: str) -> None:
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"rainclean: {words}\n")
        sys.stderr.flush()


def _let_go_of_dead_terminal() -> None:
    """Discard output to a closed terminal, where each write would be an error."""
    if sys.platform == "win32":
        return
    import errno
    import termios

    for stream in (1, 2):
        try:
            termios.tcgetattr(stream)
        except termios.error as error:
            if error.args[0] == errno.EIO:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)
