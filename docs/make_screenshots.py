"""Goes through the whole job in the real window on the sample project, and saves the user guide's pictures.

    python docs/make_screenshots.py [FOLDER]       under a screen, Xvfb, or none (QT_QPA_PLATFORM=offscreen)

FOLDER is docs/images by default. Every step is done by keys and mouse, and its result is checked; the script fails
where a result is missing. The window is dark, as by default; one picture is light.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from gui.app import make_application, make_window  # noqa: E402
from gui.main_window.project_commands import SAMPLE  # noqa: E402
from gui.main_window.window import Window  # noqa: E402
from pipeline.project.storage.database import Project  # noqa: E402

if TYPE_CHECKING:
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtWidgets import QDialog, QWidget

SIZE = (1400, 880)
PATIENCE = 400.0
"""Seconds that a step may take."""

QUALITY = 82
STEPS = 50
"""Steps of the training in the pictures: enough for curves and one validation."""

Place = tuple[float, float]
Kind = TypeVar("Kind", bound="QWidget")


class Tour:
    """Hands and a camera. folder: for the pictures."""

    def __init__(self, folder: Path, work: Path) -> None:
        from PySide6.QtCore import QSettings

        self.folder, self.work = folder, work
        for name in ("LOGNAME", "USER"):  # who starts jobs
            os.environ[name] = "anna"
        folder.mkdir(parents=True, exist_ok=True)
        self.app = make_application()
        self.settings = QSettings(str(work / "settings.ini"), QSettings.Format.IniFormat)
        self.window = self.open()

    def open(self) -> Window:
        """A new window."""
        self.window = make_window(self.settings)
        sys.excepthook = sys.__excepthook__
        self.window.session.set_user("anna")
        self.window.resize(*SIZE)
        self.window.show()
        self.window.activateWindow()
        self.rest(0.3)
        return self.window

    def rest(self, seconds: float) -> None:
        """Let the window be."""
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        loop.exec()

    def until(self, true: Callable[[], object], what: str) -> None:
        """Wait for something."""
        end = monotonic() + PATIENCE
        while not true():
            if monotonic() > end:
                raise SystemExit(f"make_screenshots: {what} did not happen within {PATIENCE:.0f} s")
            self.rest(0.05)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, written as in the table of actions."""
        from PySide6.QtGui import QKeySequence
        from PySide6.QtTest import QTest

        for text in keys:
            combination = QKeySequence(text)[0]
            QTest.keyClick(self.window, combination.key(), combination.keyboardModifiers())
            self.rest(0.05)

    def draw(self, *way: Place) -> None:
        """Drag along a way, px of the picture; one place is a click."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        view = self.window.desk.view
        points = [view.to_widget(*place).toPoint() for place in way]
        self.move(points[0], Qt.MouseButton.NoButton)
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=points[0])
        for point in points[1:]:
            self.move(point, Qt.MouseButton.LeftButton)
            self.rest(0.02)
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=points[-1])
        self.rest(0.2)

    def move(self, point: "QPoint", button: "Qt.MouseButton") -> None:
        """Tell the view that the pointer has moved, with a button held.

        QTest.mouseMove would also move the pointer of the screen. Of that the X server sends an event of its own: late,
        without the button, and so with an old place in the middle of a drag.
        """
        from PySide6.QtCore import QEvent, QPointF, Qt
        from PySide6.QtGui import QMouseEvent
        from PySide6.QtWidgets import QApplication

        view = self.window.desk.view
        place, on_screen = QPointF(point), QPointF(view.mapToGlobal(point))
        nothing, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(view, QMouseEvent(QEvent.Type.MouseMove, place, on_screen, nothing, button, keys))

    def point(self, place: Place) -> None:
        """Move the pointer to a place of the picture, px."""
        from PySide6.QtCore import Qt

        self.move(self.window.desk.view.to_widget(*place).toPoint(), Qt.MouseButton.NoButton)
        self.rest(0.2)

    def shoot(self, name: str, widget: "QWidget | None" = None) -> None:
        """Take a picture of the window, or of a widget such as a dialog."""
        self.rest(0.25)
        if not (widget or self.window).grab().save(str(self.folder / f"{name}.jpg"), "JPG", QUALITY):
            raise SystemExit(f"make_screenshots: {self.folder / name}.jpg could not be written")

    def dialog(self, kind: type[Kind]) -> Kind:
        """Return the open dialog of a kind."""
        self.rest(0.3)
        (dialog,) = (found for found in self.window.findChildren(kind) if found.isVisible())
        return dialog

    def leave(self, dialog: "QDialog", *, accept: bool = False) -> None:
        """Close a dialog, and go back to the window: a window manager does that, where there is one."""
        if accept:
            dialog.accept()
        else:
            dialog.reject()
        self.window.activateWindow()
        self.rest(0.2)

    def close(self) -> None:
        """Close the window; where a step has failed, jobs may be running, and nobody answers the question."""
        self.window.jobs.shutdown(10)
        self.window.close()
        self.window.deleteLater()
        self.rest(0.1)


def main() -> None:
    """Go through the job."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    with tempfile.TemporaryDirectory(prefix="rain-") as work:
        tour = Tour(folder, Path(work))
        try:
            go(tour, Path(work) / SAMPLE)
        finally:
            tour.close()


def go(tour: Tour, project: Path) -> None:
    """Start, compare, slide, understand, compose, decide, export, evaluate, train, reopen."""
    start(tour)
    window = tour.window
    window.project_commands.documents = project.parent
    window.commands["sample"].trigger()
    session, desk = window.session, window.desk
    tour.until(lambda: window.jobs.unfinished() and session.summaries, "adding the sample clips")
    tour.until(lambda: not window.jobs.unfinished(), "the analysis")
    tour.until(
        lambda: len(session.summaries) == 4 and all(x.state == "ready" for x in session.summaries.values()), "ready"
    )
    session.select(session.order[0])
    tour.until(lambda: desk.live.stack is not None and desk.shown_right is not None, "the live picture")
    tour.rest(1.0)
    tour.shoot("gui-desk")
    compare(tour)
    look_closely(tour)
    understand(tour)
    compose(tour)
    describe(tour)
    decide(tour)
    ask_for_help(tour)
    export(tour, project)
    evaluate(tour)
    train(tour)
    tour.press("Ctrl+5")
    tour.shoot("gui-jobs")
    tour.press("Ctrl+0")
    tour.shoot("gui-home")
    assert len(window.home.activities.rows) == 3, window.home.activities.rows
    reopen(tour, project)
    places(tour)


def start(tour: Tour) -> None:
    """The start page, and the dialog for a new project."""
    from PySide6.QtTest import QTest

    from gui.main_window.new_project import NewProjectDialog

    tour.window.project_commands.documents = Path.home() / "Documents"
    tour.shoot("gui-start")
    tour.press("Ctrl+N")
    dialog = tour.dialog(NewProjectDialog)
    QTest.keyClicks(dialog.name, "Garden in June")
    dialog.place.setText("/home/anna/Documents" if os.name == "posix" else dialog.place.text())
    tour.shoot("gui-new-project", dialog)
    tour.leave(dialog)


def compare(tour: Tour) -> None:
    """Side by side, difference, survey; the sliders."""
    desk = tour.window.desk
    tour.press("C", "8", "G")
    tour.shoot("gui-side-by-side")
    tour.press("D", "D")
    tour.shoot("gui-difference")
    tour.press("C", "W", "1", "Shift+C", "Shift+V")
    tour.rest(1.5)
    tour.shoot("gui-survey")
    tour.press("Shift+V", "Shift+C", "]", "]", "]", "Ctrl+]")
    tour.until(lambda: desk.live.active, "the live picture")
    tour.shoot("gui-live")
    tour.press("Esc")


def look_closely(tour: Tour) -> None:
    """The magnifier and the histograms in a brightened view; the expected error."""
    tour.press("1", "Shift+Z", "Shift+H", "Alt+Up", "Alt+Right")
    tour.point((130, 80))
    tour.shoot("gui-magnifier")
    tour.press("Shift+Z", "Shift+H", "Alt+0", "M")
    tour.until(lambda: tour.window.desk.confidence.tint is not None, "the expected error")
    tour.shoot("gui-expected-error")
    tour.press("M", "M")


def understand(tour: Tour) -> None:
    """A pixel's values over time; a region's votes."""
    desk = tour.window.desk
    tour.press("1", "P")
    tour.draw((150.5, 100.5))
    assert "Pixel 150, 100" in desk.inspect.text.text(), desk.inspect.text.text()
    tour.shoot("gui-pixel")
    tour.press("Q")
    tour.draw((60, 60), (180, 150))
    tour.shoot("gui-region")
    tour.press("E")
    tour.until(lambda: tour.window.session.detail.draft.layers, "the region's own candidate")
    tour.press("Ctrl+Z", "Esc")
    assert not tour.window.session.detail.draft.layers


def compose(tour: Tour) -> None:
    """Paint with another candidate, exclude, look at suggestions."""
    session, desk = tour.window.session, tour.window.desk
    tour.press("H")
    tour.draw((210, 60), (240, 80), (270, 90), (300, 90))
    tour.press("X")
    tour.draw((40, 180), (70, 200), (110, 205))
    tour.press("X")  # tints of layers are seen while layers are painted
    draft = session.detail.draft
    assert draft.layers and draft.exclude, draft
    tour.shoot("gui-compose")
    tour.press("Esc")
    for _ in range(20):  # the places of the verdict come first
        tour.press("J")
        if "Press J" not in desk.paint_suggestions.description:
            break
    tour.until(lambda: "Press J" not in desk.paint_suggestions.description, "suggestions")
    tour.press("Esc")


def describe(tour: Tour) -> None:
    """The properties of a sequence."""
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QLabel

    from gui.pages.properties import PropertiesDialog
    from rainclean.video import Region

    tour.press("F2")
    dialog = tour.dialog(PropertiesDialog)
    dialog.fields["display_name"].edit.clear()
    QTest.keyClicks(dialog.fields["display_name"].edit, "Cat in the garden")
    for key, text in (("scene", "garden"), ("licence", "CC0-1.0"), ("author", "A. Nyone")):
        dialog.fields[key].edit.clear()
        QTest.keyClicks(dialog.fields[key].edit, text)
    dialog.region.set_region(Region(16, 16, 280, 200))
    tour.rest(1.0)
    for label in dialog.findChildren(QLabel):
        if label.text().startswith(str(ROOT)):
            label.setText("/home/anna/Videos/cat.mp4")
    tour.shoot("gui-properties", dialog)
    tour.leave(dialog)


def decide(tour: Tour) -> None:
    """Accept, reject, a second opinion, agreement."""
    from gui.pages.desk.agreement import AgreementDialog
    from gui.pages.desk.decide import RejectDialog

    window = tour.window
    session = window.session
    first = session.selected
    tour.press("A")
    assert first is not None and session.summaries[first].state == "accepted"
    tour.press("S", "A", "R")
    dialog = tour.dialog(RejectDialog)
    dialog.boxes["few-frames"].setChecked(True)
    tour.shoot("gui-reject", dialog)
    tour.leave(dialog, accept=True)
    tour.press("A")
    session.set_user("ben")
    session.select(session.order[0])
    tour.press("O")
    window.desk.tabs.setCurrentWidget(window.desk.candidates)
    tour.until(lambda: window.desk.shown_right is not None, "candidates without names")
    tour.shoot("gui-second-opinion")
    for _ in session.order:
        tour.press("A")
    tour.press("O", "Ctrl+G")
    agreement = tour.dialog(AgreementDialog)
    assert agreement.agreement.rowCount() >= 2
    tour.shoot("gui-agreement", agreement)
    tour.leave(agreement)
    session.set_user("anna")


def ask_for_help(tour: Tour) -> None:
    """Keys, guide, tour."""
    from gui.help import GuideDialog, KeysDialog

    window = tour.window
    tour.press("?")
    keys = tour.dialog(KeysDialog)
    tour.shoot("gui-keys", keys)
    tour.leave(keys)
    tour.press("Shift+F1")
    guide = tour.dialog(GuideDialog)
    guide.chapters.setCurrentRow(next(n for n in range(20) if guide.chapters.item(n).text() == "The window"))
    tour.shoot("gui-guide", guide)
    tour.leave(guide)
    window.commands["tour"].trigger()
    assert window.help.tour is not None
    window.help.tour.show_step(1)
    tour.shoot("gui-tour")
    window.help.tour.card.end.click()


def export(tour: Tour, project: Path) -> None:
    """Choose frames, look at crops, export."""
    from gui.pages.pairs import PairsPage

    window = tour.window
    window.session.select(window.session.order[0])
    tour.press("Ctrl+2")
    tour.rest(3.0)
    page = window.pages.currentWidget()
    assert isinstance(page, PairsPage)
    target = project.parent / "data"
    page.form.output.setText(str(target))
    tour.rest(1.0)
    tour.shoot("gui-pairs")
    page.run.button.click()
    tour.until(lambda: (target / "export.json").is_file() and not window.jobs.unfinished(), "the export")
    tour.shoot("gui-exported")


def evaluate(tour: Tour) -> None:
    """Score the weights that come with rainclean on what was exported; look at the worst pairs."""
    from gui.pages.results import ResultsPanel

    window = tour.window
    tour.press("Ctrl+4")
    page = window.pages.currentWidget()
    assert isinstance(page, ResultsPanel)
    page.form.evaluate_button.click()
    tour.until(lambda: page.evaluation is not None, "the evaluation")
    tour.rest(1.0)
    tour.shoot("gui-results")


def train(tour: Tour) -> None:
    """Train for a few steps on what was exported."""
    from gui.pages.training import TrainingPanel

    window = tour.window
    tour.press("Ctrl+3")
    page = window.pages.currentWidget()
    assert isinstance(page, TrainingPanel)
    page.form.preset.setCurrentIndex(page.form.preset.findData("quick"))
    page.form.steps.setValue(STEPS)
    page.form.start_button.click()
    tour.until(lambda: page.run is not None and page.run.is_finished and not window.jobs.unfinished(), "the training")
    tour.rest(1.5)
    tour.shoot("gui-training")


def reopen(tour: Tour, project: Path) -> None:
    """Everything is there again after a restart, and the window can be light."""
    from gui import design

    before = {line.sequence.name: (line.state, line.star) for line in tour.window.session.summaries.values()}
    tour.close()
    window = tour.open()
    window.open_project(project)
    assert window.pages.currentWidget() is window.home
    tour.press("Ctrl+1")
    tour.until(lambda: window.desk.shown_right is not None or window.session.selected is None, "the project again")
    after = {line.sequence.name: (line.state, line.star) for line in window.session.summaries.values()}
    assert after == before, (before, after)
    with Project(project) as store:
        assert store.problems() == []
    window.session.select(window.session.order[-1])
    design.set_scheme("light")
    tour.until(lambda: window.desk.live.stack is not None and window.desk.shown_right is not None, "the live picture")
    tour.rest(1.0)
    tour.shoot("gui-light")
    design.set_scheme("dark")


def places(tour: Tour) -> None:
    """A clip of bushes in wind, which needs a look, and one of the places that explain the verdict."""
    import rainclean as rc

    sky = ROOT / "sample_sequences" / "launch" / "background.png"
    clip = rc.simulate_clip(sky, tour.work / "hedge", "foliage", frames=30, size=(352, 144), crf=18).clip
    window = tour.window
    window.project_commands.make_project(tour.work / "garden", window.open_project)
    tour.press("Ctrl+1")
    window.project_commands.add([clip])
    session, desk = window.session, window.desk
    tour.until(lambda: session.summaries and all(x.trust for x in session.summaries.values()), "the verdict")
    tour.until(lambda: not window.jobs.unfinished() and desk.live.stack is not None, "the live picture")
    tour.until(lambda: desk.shown_right is not None, "the candidates")
    assert [line.trust for line in session.summaries.values()] == ["look"], session.summaries
    tour.rest(1.0)
    tour.press("J")
    tour.until(lambda: desk.places.current is not None, "a place")
    tour.press("J")
    assert "Place 2 of" in desk.places.label, desk.places.label
    tour.shoot("gui-places")


if __name__ == "__main__":
    main()
