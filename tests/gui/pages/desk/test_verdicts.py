"""Verdicts in the window: in the list, above the candidates, as a tint, and never in a blind judgement."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from gui.pages.desk.sequences import LINE_ROLE
from pipeline.project.storage.database import Project
from tests.helpers import stabilized as known
from tests.helpers.hands import press

TIP = int(Qt.ItemDataRole.ToolTipRole)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return known.make(tmp_path_factory.mktemp("verdicts"))


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "home"))


def tinted(window: Window) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]] | None":
    overlay = window.desk.view._overlays.get("places")
    return None if overlay is None else overlay.mask


def test_a_verdict_is_seen_with_its_reasons_and_places(window: Window, qtbot: QtBot) -> None:
    desk, session = window.desk, window.session
    row = desk.sequences.model.index(0)
    assert row.data(LINE_ROLE).trust == "look"
    assert "Verdict: Needs a look: the background is ambiguous in 25 %" in row.data(TIP)
    trust = desk.candidates.notes
    assert trust.isVisible()
    assert trust.text().splitlines() == [
        "? Needs a look: check the candidates before use",
        "· The background is ambiguous in 25 % of the frame",
        "· Something sways",
        "· 10.0 % of the clean image is in doubt",
        "J goes to the next place, Shift+M tints all",
    ]
    press(window, "Shift+M")
    qtbot.waitUntil(lambda: tinted(window) is not None, timeout=10_000)
    mask = tinted(window)
    assert mask is not None
    np.testing.assert_array_equal(mask > 0, known.verdict().places)
    session.set_blind(True)
    assert not trust.isVisible() and tinted(window) is None
    assert "erdict" not in row.data(TIP)
    session.set_blind(False)
    assert trust.isVisible()
    qtbot.waitUntil(lambda: tinted(window) is not None, timeout=10_000)
    press(window, "Shift+M")
    assert tinted(window) is None
    desk.sequences.filter.setCurrentText("Unfit")
    assert session.order == []
    desk.sequences.filter.setCurrentText("Needs a look")
    assert len(session.order) == 1


def test_what_was_not_judged_says_so(home: Path, window: Window, qtbot: QtBot) -> None:
    with Project(home) as other:
        other.execute("UPDATE analysis SET verdict = '', places = ''")
    window.session.look_around()
    trust = window.desk.candidates.notes
    qtbot.waitUntil(lambda: trust.text().startswith("– No verdict yet"))
    said: list[str] = []
    window.session.message.connect(said.append)
    press(window, "Shift+M")
    assert said == ["The verdict has no areas to show"] and tinted(window) is None


def test_without_anything_fit_the_automatic_choice_says_so(window: Window) -> None:
    from gui.main_window.automatic import AutomaticQuestion

    window.commands["auto"].trigger()
    box = window.findChild(AutomaticQuestion)
    assert box is not None and box.accept_button is None
    assert box.text().startswith("There is nothing to accept") and box.informativeText().startswith("1 needs a look")
    box.reject()
    assert not window.jobs.all
