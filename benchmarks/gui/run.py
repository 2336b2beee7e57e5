"""Measures the real window, driven by key events as from a keyboard, until what they ask for has been painted."""

import gc
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.gui.start import STARTED
from pipeline.bench.scale import make_large_project
from pipeline.memory import rss_bytes
from pipeline.stages import Progress, finish
from rainclean.errors import RaincleanError

if TYPE_CHECKING:
    from gui.main_window import Window

REST = 1.0
"""Seconds that a person looks at a sequence before the next."""

PATIENCE = 60.0

_OPEN = "import rainclean._start; from benchmarks.gui.start import main; main()"

_ROOT = Path(__file__).parents[2]
"""The folder that `benchmarks` is imported from."""

TICK_MS = 2

STARTS = 3

CLIPS = 4

STROKE = 20
"""Steps of a stroke of the brush."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Milliseconds from a key, or a step of a slider, to the painted frame."""

    what: str
    median: float
    p95: float
    worst: float
    count: int

    @classmethod
    def from_times(cls, what: str, seconds: list[float]) -> "Measurement":
        """Sum up."""
        ms = 1000 * np.array(seconds)
        return cls(
            what=what,
            median=float(np.median(ms)),
            p95=float(np.percentile(ms, 95)),
            worst=float(ms.max()),
            count=len(ms),
        )


class Press(NamedTuple):
    """What is pressed: its name, the press, seconds of rest before."""

    what: str
    act: Callable[[], None]
    rest: float


@dataclass
class BenchResult:
    """times; growth of resident memory in MiB over repaints and switches; platform: Qt's ("offscreen", "xcb")."""

    platform: str = ""
    times: list[Measurement] = field(default_factory=list)
    growth_mib: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As values for JSON."""
        return asdict(self)


def bench_gui(
    size: tuple[int, int, int], repeats: int, sequences: int, repaints: int
) -> Generator[Progress, None, BenchResult]:
    """Make clips and projects in a temporary folder, open the window on them, and measure."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory(prefix="rainclean-bench-") as folder:
        project, large = Path(folder) / "project", Path(folder) / "large"
        yield from _make_project(project, size)
        yield Progress("enlarge", 0, None)
        make_large_project(project, large, sequences)
        result = BenchResult()
        yield from _measure(project, result, repeats, repaints)
        yield from _measure_accept(large, result, min(repeats, sequences - 1))
        yield from _measure_start(large, result)
    return result


def _make_project(folder: Path, size: tuple[int, int, int]) -> Generator[Progress, None, None]:
    """A project of a few analysed clips."""
    from benchmarks.temporal.run import make_clip
    from pipeline.clean import CleanSettings
    from pipeline.project.analysis import analyze
    from pipeline.project.clips import Origin, add
    from pipeline.project.storage import Project

    clips = folder.parent / "clips"
    clips.mkdir()
    for number in range(CLIPS):
        yield Progress("clips", number, CLIPS)
        make_clip(clips / f"clip{number}.mp4", *size, seed=7 + number)
    with Project.create(folder) as project:
        finish(add(project, [clips], Origin()))
        yield from analyze(project, [], CleanSettings())


def _measure(project: Path, result: BenchResult, repeats: int, repaints: int) -> Generator[Progress, None, None]:
    from PySide6.QtWidgets import QApplication

    driver = Driver(project)
    try:
        result.platform = QApplication.platformName()
        for what, act, rest in driver.presses():
            seconds = []
            for number in range(repeats):
                driver.rest(rest)
                seconds.append(driver.time(act))
                if number % 10 == 0:
                    yield Progress(what, number, repeats)
            result.times.append(Measurement.from_times(what, seconds))
        for what, step in driver.sliders():
            seconds = []
            for number in range(repeats):
                seconds.append(driver.time(partial(step, number)))
                if number % 10 == 0:
                    yield Progress(what, number, repeats)
            result.times.append(Measurement.from_times(what, seconds))
        seconds = []
        for number in range(repeats):
            if number % STROKE == 0:
                driver.begin_stroke(number)
            seconds.append(driver.time(partial(driver.move_brush, number)))
            if number % 10 == 0:
                yield Progress("brush", number, repeats)
        driver.end_stroke()
        result.times.append(Measurement.from_times("brush step", seconds))
        yield Progress("memory", 0, None)
        result.growth_mib = driver.growth(repaints)
    finally:
        driver.close()


def _measure_accept(project: Path, result: BenchResult, repeats: int) -> Generator[Progress, None, None]:
    """From A to the painted pictures of the next undecided sequence, in a copy of a large project."""
    import shutil

    judged = Path(shutil.copytree(project, project.with_name("judged")))
    driver = Driver(judged)
    try:
        seconds = []
        for number in range(repeats):
            driver.rest(REST)
            seconds.append(driver.time(driver.accept))
            if number % 10 == 0:
                yield Progress("accept", number, repeats)
        result.times.append(Measurement.from_times("accept, then the next sequence", seconds))
    finally:
        driver.close()


def _measure_start(project: Path, result: BenchResult) -> Generator[Progress, None, None]:
    """From starting the process to the first painted image, each in a new process.

    Byte code is kept as where the package is installed: compiling all modules anew would be part of each start.
    """
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    seconds = []
    for number in range(STARTS):
        yield Progress("start", number, STARTS)
        environment = {**usual, STARTED: str(monotonic())}
        done = subprocess.run(
            [sys.executable, "-c", _OPEN, str(project)],
            cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RaincleanError(
                f"the window did not open: {(done.stderr.strip() or 'no reason given').splitlines()[-1]}"
            )
        seconds.append(float(done.stdout.split()[-1]))
    result.times.append(Measurement.from_times("first image of the large project", seconds))


class Driver:
    """The window on a project, and hands on its keyboard."""

    def __init__(self, project: Path) -> None:
        from PySide6.QtCore import QSettings, QTimer

        from gui.app import make_application, make_window

        self.app = make_application()
        self._tick = QTimer()  # the loop wakes up often enough to look at what it waits for
        self._tick.start(TICK_MS)
        settings = QSettings(str(project.parent / "settings.ini"), QSettings.Format.IniFormat)
        self.window: Window = make_window(settings)
        self.window.resize(1500, 920)
        self.window.show()
        self.window.open_project(project)
        self._until(lambda: self.window.desk.live.stack is not None, "the frames were not sorted")
        # Else "next candidate" would depend on how many of the simulated candidates look the same.
        self.window.commands["all_candidates"].trigger()

    def presses(self) -> list[Press]:
        """Return what is pressed."""
        from PySide6.QtCore import Qt

        return [
            Press("next candidate", lambda: self._press(Qt.Key.Key_Right), 0.05),
            Press("blink", lambda: self._press(Qt.Key.Key_B), 0.05),
            Press("next sequence, after a second's rest", self._next_sequence, REST),
        ]

    def sliders(self) -> list[tuple[str, Callable[[int], None]]]:
        """What is dragged: name, step."""
        desk = self.window.desk
        self._until(lambda: desk.live.stack is not None, "the frames were not sorted")
        most = desk.live.stack.frames if desk.live.stack is not None else 2

        def frames(number: int) -> None:
            desk.sliders.frames.setSliderDown(True)
            desk.sliders.frames.setValue(2 + (17 * number + 11) % (most - 3))

        return [
            ("percentile slider", lambda number: desk.sliders.percentile.setValue(100 + (37 * number) % 800)),
            ("frames slider, preview", frames),
        ]

    def accept(self) -> None:
        """Accept the displayed candidate; the next undecided sequence is selected."""
        from PySide6.QtCore import Qt

        self._press(Qt.Key.Key_A)

    def begin_stroke(self, number: int) -> None:
        """Take the brush and put it down on the picture."""
        from PySide6.QtCore import QEvent, Qt

        self.end_stroke()
        if self.window.desk.composition.brush.tool != "brush":
            self._press(Qt.Key.Key_H)
        self._pointer(QEvent.Type.MouseButtonPress, number, pressed=True)
        self.rest(0.5)

    def move_brush(self, number: int) -> None:
        """Move the brush a step further."""
        from PySide6.QtCore import QEvent

        self._pointer(QEvent.Type.MouseMove, number + 1, pressed=True)

    def end_stroke(self) -> None:
        """Lift the brush if it is down."""
        from PySide6.QtCore import QEvent

        if self.window.desk.view.drawing:
            self._pointer(QEvent.Type.MouseButtonRelease, 0, pressed=False)
            self.rest(0.5)

    def _pointer(self, kind: Any, number: int, *, pressed: bool) -> None:
        """Send a mouse event at a place of a zigzag over the middle of the picture."""
        from PySide6.QtCore import QEvent, QPointF, Qt
        from PySide6.QtGui import QMouseEvent
        from PySide6.QtWidgets import QApplication

        view = self.window.desk.view
        step, stroke = number % (STROKE + 1), number // STROKE
        place = QPointF(
            view.width() * (0.3 + 0.02 * step), view.height() * (0.4 + 0.02 * (step % 5) + 0.01 * (stroke % 7))
        )
        left = Qt.MouseButton.LeftButton
        none = Qt.MouseButton.NoButton
        event = QMouseEvent(
            kind, place, QPointF(view.mapToGlobal(place.toPoint())), none if kind == QEvent.Type.MouseMove else left,
            left if pressed else none, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(view, event)

    def time(self, act: Callable[[], None]) -> float:
        """Seconds until what an act asks for is painted."""
        view, before = self.window.desk.view, self.window.desk.view.serial
        began = perf_counter()
        act()
        self._until(
            lambda: view.serial > before and view.painted_serial == view.serial and self._complete(), "nothing came"
        )
        return perf_counter() - began

    def rest(self, seconds: float) -> None:
        """Let the window be."""
        end = perf_counter() + seconds
        while perf_counter() < end:
            self._events()

    def growth(self, repaints: int) -> float:
        """MiB by which resident memory grows over so many repaints and a fifth as many switches of candidates."""
        from PySide6.QtCore import Qt

        desk = self.window.desk
        desk.sliders.frames.setSliderDown(False)
        self.rest(3.0)
        dice = random.Random(1)

        def work(paints: int) -> None:
            for _ in range(paints):
                desk.view.repaint()
            for _ in range(paints // 5):
                self._press(Qt.Key.Key_Right if dice.random() < 0.5 else Qt.Key.Key_Left)
                self._events()

        work(max(200, repaints // 10))  # what is made once is not growth
        self.rest(1.0)
        gc.collect()
        before = rss_bytes()
        work(repaints)
        self.rest(1.0)
        gc.collect()
        return (rss_bytes() - before) / 2**20

    def _events(self) -> None:
        """Let the event loop go round once: asleep where nothing happens, as it is when nobody measures."""
        from PySide6.QtCore import QEventLoop

        self.app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def close(self) -> None:
        """Close the window, and all that it has begun."""
        self.window.close()
        self.window.deleteLater()
        self._events()

    def _press(self, key: Any) -> None:
        from PySide6.QtTest import QTest

        QTest.keyClick(self.window, key)

    def _next_sequence(self) -> None:
        from PySide6.QtCore import Qt

        session = self.window.session
        last = session.order and session.selected == session.order[-1]
        if last:
            session.select(session.order[0])
        else:
            self._press(Qt.Key.Key_Down)

    def _complete(self) -> bool:
        """Whether both pictures are there, not only the first that came."""
        desk = self.window.desk
        return desk.shown_left is not None and desk.shown_right is not None

    def _until(self, true: Callable[[], bool], otherwise: str) -> None:
        end = perf_counter() + PATIENCE
        while not true():
            if perf_counter() > end:
                raise RaincleanError(f"{otherwise} within {PATIENCE:.0f} s")
            self._events()
