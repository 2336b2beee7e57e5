"""Every field of every page and dialog takes any text: nothing raises, and a line says what is wrong."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QInputDialog,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from gui.pages.pairs.page import PairsPage
from gui.pages.results.evaluation_form import EvaluationForm
from gui.pages.results.page import ResultsPanel
from gui.pages.training.form import TrainingForm
from gui.pages.training.page import TrainingPanel
from gui.widgets import dialogs
from gui.widgets.path_field import PathField
from gui.widgets.typed_paths import beside, problem_of, problem_of_new, shortened, typed_path
from tests.gui.conftest import Open
from tests.helpers.hands import press

NASTY = (
    "", " ", "/", "//", "~", "~nobody-of-this-name/x", ".", "..", "/..", "-", "--help", ";", ";;", "; ;", "\\", "C:\\",
    "\\\\server\\share", "a\0b", "line\nline", "x" * 300, "x" * 5000, "/".join(["x"] * 3000), "שלום עולם", "\u202eabc",
    "😀", "👩‍👩‍👧", "%s", "{0}", "<b>x</b>", "&amp;", "0", "-1", "1e999", "NaN", "inf", "999999999999999999999",
    "1,5", "train=1", "train=nan", "train=1,val=-1", "train=1e999", "every:0", "every:-5", "differ:0", "grid:0",
    "grid:99999999999", "grid:8:0", "random:8:0", "random:0:8", "name:",
)  # fmt: skip

PAGES = ("desk", "pairs", "training", "results", "jobs")


def paths(folder: Path) -> tuple[str, ...]:
    """Paths that are not what is wanted: a file, something below a file, a link to itself, a folder, a missing one."""
    (folder / "file.txt").write_text("text")
    if not (folder / "loop").is_symlink():
        (folder / "loop").symlink_to(folder / "loop")
    names = ("file.txt", "file.txt/below", "loop", "loop/below", ".", "missing", "missing/deeper")
    return tuple(str(folder / name) for name in names)


def fields(of: QWidget) -> list[QLineEdit | QPlainTextEdit]:
    """Every visible field for text, those inside spin and combo boxes included."""
    found: list[QLineEdit | QPlainTextEdit] = [*of.findChildren(QLineEdit), *of.findChildren(QPlainTextEdit)]
    return [field for field in found if field.isVisible() and field.isEnabled() and not field.isReadOnly()]


def enter(field: QLineEdit | QPlainTextEdit, text: str) -> None:
    """Put a text into a field as if it was pasted, then press Enter."""
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(field, Qt.Key.Key_Delete)
    QApplication.clipboard().setText(text)
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(field, Qt.Key.Key_Return)


def press_buttons(of: QWidget) -> None:
    """Press every button of a form that does not open a folder outside."""
    for button in of.findChildren(QPushButton):
        if button.isVisible() and button.isEnabled():
            button.click()


@pytest.fixture
def alone(window: Window, monkeypatch: pytest.MonkeyPatch) -> Window:
    """The window with a decision, jobs that do not start, and file dialogs that are cancelled."""
    press(window, "Shift+A")
    monkeypatch.setattr(window.jobs, "start", lambda job: job)
    monkeypatch.setattr(dialogs, "choose", lambda *_, **__: [])
    return window


@pytest.fixture
def no_exception(qtbot: QtBot) -> Iterator[Callable[[str], None]]:
    """Fail with what was typed where a slot has raised since."""
    with qtbot.capture_exceptions() as raised:

        def look(what: str) -> None:
            assert not raised, f"{what[:200]}: {raised[0][1]!r}"

        yield look
        look("in the end")


@pytest.mark.parametrize("page", PAGES)
def test_no_text_in_any_field_of_a_page_raises(
    alone: Window, page: str, tmp_path: Path, no_exception: Callable[[str], None], qtbot: QtBot
) -> None:
    alone.commands[page].trigger()
    shown = alone.pages.currentWidget()
    assert shown is not None
    if page != "jobs":  # that has fields once there is a job
        qtbot.waitUntil(lambda: bool(fields(shown)))  # some pages load first
    done: list[QWidget] = []
    for choose in ways(shown):
        choose()
        for field in [each for each in fields(shown) if each not in done]:
            done.append(field)
            for text in (*NASTY, *paths(tmp_path)):
                enter(field, text)
                no_exception(f"{text!r} in {field.accessibleName() or type(field.parent()).__name__} of {page}")
        press_buttons(shown)


def ways(shown: QWidget) -> list[Callable[[], None]]:
    """Return what shows all fields of a page, one after the other: the ways to name pairs, where it has them."""
    if not isinstance(shown, TrainingPanel | ResultsPanel):
        return [lambda: None]
    box = shown.form.pairing.way
    return [partial(box.setCurrentIndex, place) for place in range(box.count())]


def problem_text(form: TrainingForm | EvaluationForm) -> str:
    """What the form says: below the field that is wrong, else in its last line."""
    lines = [label.text() for label in form.errors.values()]
    return next(filter(None, lines), form.status.text())


def texts_of(form: TrainingForm | EvaluationForm, way: str) -> list[QLineEdit]:
    """Choose a way to name the pairs, and return its own fields; of names that are known, those of the whole form."""
    rows = form.pairing
    rows.way.setCurrentIndex(rows.way.findData(way))
    own = {"rule": [rows.rainy, rows.clean], "list": [rows.pairs.edit]}
    return own.get(way) or [each.edit for each in form.findChildren(PathField) if each is not rows.pairs]


def form_of(
    window: Window, page: str, qtbot: QtBot, way: str = "known"
) -> tuple[list[QLineEdit], QAbstractButton, Callable[[], str]]:
    """The fields for paths of a page's form, its button, and the line that says what is wrong."""
    window.commands[page].trigger()
    shown = window.pages.currentWidget()
    if isinstance(shown, TrainingPanel):
        training = shown.form
        training.start.setCurrentIndex(training.start.findData("weights"))
        return texts_of(training, way), training.start_button, lambda: problem_text(training)
    if isinstance(shown, ResultsPanel):
        results = shown.form
        return texts_of(results, way), results.evaluate_button, lambda: problem_text(results)
    assert isinstance(shown, PairsPage)
    export = shown.form
    qtbot.waitUntil(export.isEnabled)
    texts = [export.output, export.split, export.frames.lineEdit(), export.crops.lineEdit()]
    return [each for each in texts if each is not None], shown.run.button, export.check


@pytest.mark.parametrize(
    ("page", "way"),
    [("pairs", ""), *((page, way) for page in ("training", "results") for way in ("known", "rule", "list"))],
)
def test_what_is_wrong_in_a_form_is_said(
    alone: Window, page: str, way: str, tmp_path: Path, no_exception: Callable[[str], None], qtbot: QtBot
) -> None:
    edits, button, line = form_of(alone, page, qtbot, way)
    assert edits
    if way in ("rule", "list"):  # the pairs come after the data set
        form_of(alone, page, qtbot)[0][0].setText(str(tmp_path))
        form_of(alone, page, qtbot, way)
    for edit in edits:
        before = edit.text()
        for text in (*NASTY, *paths(tmp_path)):
            enter(edit, text)
            no_exception(f"{text!r} in {edit.accessibleName()}")
            assert button.isEnabled() or line() or page == "pairs", f"{text[:60]!r} in {edit.accessibleName()}: no line"
            assert len(line()) < 400, f"{text[:60]!r} in {edit.accessibleName()}: {len(line())} characters"
            if button.isEnabled():
                button.click()
                no_exception(f"{text!r} in {edit.accessibleName()}, then {button.text()}")
        enter(edit, before)


def test_a_root_as_data_set_is_no_bug(alone: Window, no_exception: Callable[[str], None], qtbot: QtBot) -> None:
    for page in ("results", "training"):
        edits = form_of(alone, page, qtbot)[0]
        for text in ("/", "..", "."):
            enter(edits[0], text)
            no_exception(f"{text!r} in {page}")


def test_a_file_where_a_folder_is_wanted_is_named(alone: Window, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "file.txt").write_text("text")
    for page in ("results", "training"):
        edits, button, line = form_of(alone, page, qtbot)
        enter(edits[0], str(tmp_path / "file.txt"))
        assert not button.isEnabled() and "is a file. Choose a folder" in line()


def test_every_text_in_the_dialogs_is_taken(
    alone: Window, tmp_path: Path, no_exception: Callable[[str], None], qtbot: QtBot
) -> None:
    for text in (*NASTY, *paths(tmp_path)):
        alone.commands["reject"].trigger()
        dialog = alone.findChild(QDialog)
        assert dialog is not None
        for field in fields(dialog):
            field.setFocus()
            QApplication.clipboard().setText(text)
            QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        dialog.accept()
        dialog.deleteLater()
        qtbot.wait(1)
        no_exception(f"{text!r} in {type(dialog).__name__}")
    assert all(summary.decision for summary in alone.session.summaries.values())


def test_every_text_is_taken_as_a_name(alone: Window, tmp_path: Path, no_exception: Callable[[str], None]) -> None:
    def answer(text: str) -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QInputDialog)
        dialog.setTextValue(text)
        dialog.accept()

    for text in NASTY:
        QTimer.singleShot(0, lambda text=text: answer(text))
        alone._ask_who()
        press(alone, "Shift+A")
        press(alone, "S")
        no_exception(f"{text!r} as a name")
    assert alone.session.project is not None and not alone.session.project.examine()


@pytest.mark.parametrize("text", [*NASTY, "/proc/1/root/x"])
def test_paths_that_cannot_be_are_described(text: str) -> None:
    path = typed_path(text)
    for line in (problem_of(path), problem_of(path, "file"), problem_of(path, "folder"), problem_of_new(path)):
        assert "\n" not in line.replace(text, "") and len(line) < 200 and (not line or line.endswith("."))
    suggested = beside(path, "-run")
    assert suggested is None or suggested.name.endswith("-run")
    assert len(shortened(path)) <= 81


def test_what_a_path_leads_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    assert problem_of(tmp_path) == problem_of(tmp_path / "file") == problem_of_new(tmp_path / "new" / "deep") == ""
    assert problem_of(tmp_path, "file").endswith("is a folder. Choose a file.")
    assert problem_of(tmp_path / "file", "folder").endswith("is a file. Choose a folder.")
    assert problem_of(tmp_path / "no").endswith("does not exist.")
    assert "cannot be used" in problem_of(tmp_path / ("x" * 300))
    assert "is a file" in problem_of_new(tmp_path / "file" / "below")
    assert problem_of_new(Path("/")).endswith("Add a name.")
    assert beside(Path("/"), "-x") is None
    assert beside(Path("/a/b/.."), "-x") == Path("/a-x")


def test_missing_paths_that_cannot_be_are_complained_about(open_window: Open, tmp_path: Path) -> None:
    window = open_window(None)
    window.open_paths([tmp_path / ("x" * 300), Path("a\0b"), tmp_path / "no"])
    assert "Not found" in window.statusBar().currentMessage()
