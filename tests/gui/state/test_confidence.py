"""The window on a stabilized sequence: frames, sliders, confidence, and suggestions of what moves."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from gui.pages.pairs.pair_reading import Subject, make_preview, read_thumbnails
from gui.state.confidence import by_levels
from pipeline.export.exclusions import ExclusionRules, Exclusions
from pipeline.project.analysis.records import analyses, candidates, rain_amounts
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.dataset.pairs import CropChoice
from tests.helpers import stabilized as known
from tests.helpers.hands import at, press


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return known.make(tmp_path_factory.mktemp("believing"))


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "home"))


def test_the_strip_leads_to_frames_that_can_be_stabilized(window: Window, qtbot: QtBot) -> None:
    desk, strip = window.desk, window.desk.strip
    assert strip.curve.available == known.USED
    strip.choose(known.DROPPED - 1)
    press(window, ".")
    assert strip.curve.frame == known.DROPPED + 1
    strip.choose(23)
    assert strip.curve.frame == known.USED[-1]
    strip.step(1, around=True)
    assert strip.curve.frame == 0 and "Rain" in strip.label.text()
    strip.choose(known.LIT)
    expected = known.stabilized_frame(known.LIT)
    qtbot.waitUntil(lambda: desk.shown_left is not None and np.array_equal(desk.shown_left, expected))
    assert not strip.grab().toImage().isNull()  # the curve has a gap


def test_the_sliders_work_on_stabilized_frames_and_keep_a_stabilized_candidate(window: Window, qtbot: QtBot) -> None:
    live = window.desk.live
    live.prepare()
    qtbot.waitUntil(lambda: live.stack is not None, timeout=20_000)
    assert live.stack is not None and live.stack.selection.indices == known.USED
    window.desk.sliders.percentile.setValue(300)
    qtbot.waitUntil(lambda: live.picture is not None, timeout=10_000)
    press(window, "K")
    kept = window.session.candidate(window.session.displayed)
    assert kept is not None and kept.name == "n19-p30-steady" and "stabilized" in kept.label


def test_expected_errors_are_told_and_tinted(window: Window, qtbot: QtBot) -> None:
    desk, session = window.desk, window.session
    press(window, "M")
    qtbot.waitUntil(lambda: desk.confidence.tint is not None, timeout=10_000)
    tint = desk.confidence.tint
    expected = known.posterior().error(known.rain_free())
    worst = f"worst 5 % from {np.quantile(expected, 0.95):.1f} levels"
    assert tint is not None and tint.legend.title == f"Expected error: median 0.2 levels, {worst}"
    np.testing.assert_array_equal(tint.mask > 0, expected >= 1)
    assert desk.confidence.error_at(5, 5) == pytest.approx(expected[5, 5], abs=0.01)
    assert desk.confidence.error_at(5, 35) == pytest.approx(expected[35, 5], abs=0.01)
    desk.view.pointed.emit(5, 5)
    qtbot.mouseMove(desk.view, at(desk.view, (5.5, 35.5)))
    qtbot.waitUntil(lambda: "expected error 6.0" in desk.values.text())
    # Another candidate is four levels off everywhere, and seven where the posterior is wide.
    press(window, "Right")
    qtbot.waitUntil(lambda: desk.confidence.tint is not None and bool(desk.confidence.tint.mask.all()), timeout=10_000)
    tint = desk.confidence.tint
    assert tint is not None and "median 4.0" in tint.legend.title
    press(window, "M")
    qtbot.waitUntil(lambda: desk.confidence.tint is not None and desk.confidence.tint.hatched, timeout=10_000)
    tint = desk.confidence.tint
    assert tint is not None and tint.legend.title == "Worst 5 % of the pixels: expected error of 7.2 levels or more"
    assert (tint.mask[known.DIM] > 0).all() and not tint.mask[:30].any()
    session.set_blind(True)
    assert desk.confidence.tint is None and desk.confidence.error_at(5, 5) is None
    session.set_blind(False)
    qtbot.waitUntil(lambda: desk.confidence.tint is not None, timeout=10_000)
    press(window, "M")
    assert desk.confidence.tint is None
    session.set_blind(True)
    desk.confidence.next_mode()
    assert not desk.confidence.mode


def test_a_tint_says_levels_evenly_by_octaves() -> None:
    tint = by_levels(np.array([[0.2, 0.99, 1.05, 2, 4, 8, 16, 32, 300]], np.float32))
    assert not tint.mask[0, :2].any() and (np.diff(tint.mask[0, 2:].astype(int)) >= 0).all()
    assert tint.mask[0, -2] == tint.mask[0, -1] == 255
    assert [text for _, text in tint.legend.marks] == ["1 level", "2", "4", "8", "16", "32+ levels"]
    # The colour that is drawn at a level is the one that the legend has there.
    assert not isinstance(tint.colour, tuple) and tint.legend.colours is not None
    for value, (place, _) in zip(tint.mask[0, 3:8], tint.legend.marks[1:], strict=True):
        there = tint.legend.colours[round(place * (len(tint.legend.colours) - 1))]
        assert np.abs(tint.colour[value].astype(int) - there).max() <= 4


def test_without_a_posterior_it_is_said(home: Path, window: Window, qtbot: QtBot) -> None:
    assert window.session.project is not None
    with window.session.project.transaction():
        window.session.project.execute("UPDATE analysis SET posterior_mean = '', posterior_sd = ''")
    window.session.refresh()
    press(window, "M")
    assert window.desk.confidence.tint is None and not window.desk.confidence.mode
    assert "older version of rainclean" in window.statusBar().currentMessage()


def test_what_moves_is_suggested_with_its_reason(window: Window, qtbot: QtBot) -> None:
    suggestions = window.desk.paint_suggestions
    while window.desk.places.left:
        press(window, "J")  # the places of the verdict come first
        qtbot.waitUntil(lambda: window.desk.places.current is not None, timeout=10_000)
    press(window, "J")
    qtbot.waitUntil(lambda: suggestions._suggestions is not None, timeout=10_000)
    assert "exclude this area, because something sways, such as foliage" in suggestions.description
    press(window, "Y")
    window.desk.composition._catch_up()
    mask = window.desk.composition.exclusion
    assert mask is not None and (mask[known.SWAYING] == 255).mean() > 0.95 and (mask == 255).mean() < 0.35


def test_the_page_of_pairs_shows_what_is_exported(home: Path) -> None:
    with Project(home) as project:
        (sequence,) = sequences(project)
        made = analyses(project, sequence.id)[0]
        picture = candidates(project, made.id)[0].picture
        assert rain_amounts(project, made.id)[known.DROPPED] is None
        content = project.value("SELECT content FROM clip")
    subject = Subject(
        clip_id=sequence.clip_id, content=content, region=made.region, picture=picture, exclude="", analysis=made
    )
    choice = CropChoice.parse("grid:16:8")
    first = make_preview(home, subject, known.WALKED, choice, None)
    np.testing.assert_array_equal(first.plain, known.stabilized_frame(known.WALKED))
    doubtful = known.moving().doubtful
    assert first.exclude is not None
    np.testing.assert_array_equal(first.exclude == 255, doubtful | known.passing(known.WALKED))
    second = make_preview(home, subject, 0, choice, first)
    assert second.exclude is not None and second.exclusions is first.exclusions
    np.testing.assert_array_equal(second.exclude == 255, doubtful)
    assert len(second.crops) > len(first.crops)
    plain = make_preview(home, subject, 0, choice, second, rules=ExclusionRules(keep_moving=True))
    assert plain.exclude is None and plain.exclusions == Exclusions()
    found: dict[int, np.ndarray] = {}
    finish(read_thumbnails(home, subject, [0, 6, 19], found))
    assert sorted(found) == [0, 6, 19]
