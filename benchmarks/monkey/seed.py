"""One seed: random events on one window, with a check after each batch."""

import faulthandler
import random
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from PySide6.QtCore import QEventLoop, QSettings, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from benchmarks.monkey.checks import Checks
from benchmarks.monkey.hands import Hands
from benchmarks.monkey.run import LAST
from benchmarks.monkey.sandbox import Sandbox
from gui.main_window import Window

_ESCAPES = 60
"""How often Esc is pressed before a dialog counts as stuck."""

_PAUSE = 5
"""Milliseconds between two steps while the window works in the background."""

_UNWINDING = 400
"""Steps that the event loop of a closed dialog gets to return."""

_HARMLESS = (
    "This plugin does not support",  # of the offscreen platform: raise, propagateSizeHints, key grabbing
    "Keyboard event not accepted",  # of the test library: keys that a widget has no use for
    "Broken filename passed to function",  # a file dialog that was given a name with a NUL, which nobody can type
)
"""Beginnings of messages of Qt that are no fault of the window."""


class Fault(Exception):
    """Something broke."""


class Monkey:
    """Sends the events of a seed to the window.

    Attributes:
        events: The last events, a line each.
        count: Number of events so far.
        problem: What broke; "" for nothing.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        seed: int,
        events: int,
        batch: int,
        *,
        log: IO[str] | None = None,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        """Make it.

        Args:
            sandbox: The folder that it plays in.
            seed: Names the sequence of events.
            events: Number of events.
            batch: Events between two checks.
            log: Where each event is written before it happens.
            alive: Called before each event.
        """
        self._sandbox, self._seed, self._events, self._batch = sandbox, seed, events, batch
        self._log, self._alive = log, alive
        self.events: deque[str] = deque(maxlen=LAST)
        self.count = 0
        self.problem = ""
        self._depth = self._escapes = self._waited = 0
        self._checking = False
        self._loop = QEventLoop()
        self._settings = QSettings(str(sandbox.folder / "settings.ini"), QSettings.Format.IniFormat)
        self._window: Window | None = None
        self._hands = Hands(sandbox)
        self._checks = Checks()

    def run(self) -> str:
        """Send all events. Return what broke, "" if nothing did."""
        hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
        messages = qInstallMessageHandler(self._on_message)
        try:
            with self._sandbox.closed_in(), self._checks.watching():
                self._open()
                self._set_hooks()
                self._next(0)
                self._loop.exec()
        finally:
            self._close()
            qInstallMessageHandler(messages)
            sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        return self.problem

    # -- steps ---------------------------------------------------------------------------------------------------

    def _next(self, ms: int) -> None:
        # A new timer each time: it also fires in the event loop of a dialog that the step before has opened.
        QTimer.singleShot(ms, self._step)

    def _step(self) -> None:
        if self._is_over():
            self._leave()
            return
        self._alive()
        pause = 0
        self._depth += 1
        try:
            if self._window is not None and not self._window.isVisible():
                self._checking = True  # it was closed: check, then open it again
            if self._checking:
                self._next(_PAUSE)
                self._settle()
                return
            if self.count >= self._events:
                self._checking = True
                self._next(0)
                return
            number = self.count
            self.count += 1
            self._checking = self.count % self._batch == 0
            dice = random.Random(f"{self._seed}/{number}")
            pause = 15 if dice.random() < 0.04 else 0
            self._next(pause)
            if self._window is not None:
                self._hands.act(self._window, dice, lambda text: self._write(f"#{number} {text}"))
        except Exception as error:
            self._fail("".join(traceback.format_exception(error)))
        finally:
            self._depth -= 1
            if self._is_over():
                self._leave()

    def _is_over(self) -> bool:
        return bool(self.problem)

    def _settle(self) -> None:
        """Let go of all keys and buttons, close what is open, wait until nested event loops have returned; check."""
        window = self._window
        assert window is not None
        self._hands.let_go()
        dialog = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if dialog is not None:
            self._escapes += 1
            if self._escapes > _ESCAPES:
                raise Fault(f"{type(dialog).__name__} {dialog.windowTitle()!r} cannot be closed with Esc")
            self._write(f"   Esc to {type(dialog).__name__}")
            self._hands.escape(dialog)
            return
        if self._depth > 1:
            self._waited += 1
            if self._waited > _UNWINDING:
                raise Fault("an event loop does not return, although nothing is open")
            return
        if window.isVisible() and self._waited < _UNWINDING and (window.workers.busy or window.jobs.unfinished()):
            # Not for ever: a live picture may be computed at any time.
            self._waited += 1
            window.jobs.cancel_all()
            return
        self._escapes = self._waited = 0
        self._checking = False
        self._write("   check")
        if window.isVisible():
            self._hands.move_over(window)
            self._checks.check_window(window)
        self._checks.check_store(self._sandbox.project)
        if self.count >= self._events:
            self._leave()
            return
        if not window.isVisible():
            self._close()
            self._open()

    def _leave(self) -> None:
        """End the loop, and all loops within it."""
        dialog = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if dialog is not None:
            dialog.close()
        if self._depth > 1:
            QTimer.singleShot(_PAUSE, self._leave)
        self._loop.quit()

    # -- the window ----------------------------------------------------------------------------------------------

    def _open(self) -> None:
        from gui.app import make_application, make_window

        make_application()
        window = self._window = make_window(self._settings)
        self._set_hooks()
        window.project_commands.documents = self._sandbox.folder / "documents"
        window.show()
        window.activateWindow()
        window.open_project(self._sandbox.project)

    def _close(self) -> None:
        window, self._window = self._window, None
        if window is None:
            return
        window.jobs.shutdown(2)
        window.close()
        window.deleteLater()

    # -- what breaks ---------------------------------------------------------------------------------------------

    def _set_hooks(self) -> None:
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)
        sys.unraisablehook = lambda args: self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    def _on_exception(
        self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._fail("".join(traceback.format_exception(kind, error, trace)))

    def _on_message(self, kind: QtMsgType, context: Any, text: str) -> None:
        if kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg) and not text.startswith(_HARMLESS):
            self._fail("".join(traceback.format_stack(limit=12)) + f"Qt: {text}")

    def _fail(self, problem: str) -> None:
        if not self.problem:
            where = f"event {self.count - 1} of seed {self._seed}"
            self.problem = f"{problem.strip().splitlines()[-1]} ({where})\n{problem.strip()}"

    def _write(self, text: str) -> None:
        self.events.append(text)
        if self._log is not None:
            self._log.write(text + "\n")
            self._log.flush()


def main() -> None:
    """Run the seed of the command line; exit with 1 where something broke."""
    folder, *numbers, hang = sys.argv[1:]
    seed, events, batch, jobs = map(int, numbers)
    faulthandler.enable()

    def alive() -> None:
        faulthandler.dump_traceback_later(float(hang), exit=True)

    from gui.app import make_application

    make_application()
    with (Path(folder) / "events.txt").open("w", encoding="utf-8") as log:
        monkey = Monkey(Sandbox(Path(folder), jobs), seed, events, batch, log=log, alive=alive)
        problem = monkey.run()
    faulthandler.cancel_dump_traceback_later()
    if problem:
        sys.stderr.write(problem + "\n")
        sys.exit(1)
