"""The page of pairs: what it shows is what the export writes."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QImage, QKeySequence, QShortcut
from pytestqt.qtbot import QtBot

from gui.jobs.queue import Jobs, State
from gui.pages.pairs.crop_preview import CropPair
from gui.pages.pairs.frame_strip import _mark_rect
from gui.pages.pairs.page import PairsPage
from gui.pages.pairs.pair_reading import TINT, WIDTH, Subject, make_preview, tint
from gui.state.session import Session
from gui.workers import Task, Workers
from pipeline.clean.settings import CleanSettings
from pipeline.export.run import export
from pipeline.export.size_estimate import estimate
from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.analysis.run import analyze
from pipeline.project.clips.clip_files import clips
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.decisions import choose_best
from pipeline.project.editing.edits import pair_frames
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.dataset.manifest import read_manifest
from rainclean.dataset.pairs import Crop, CropChoice, FrameChoice
from rainclean.png import decode_png, encode_png
from tests.helpers.hands import PATIENCE
from tests.helpers.rainy_clips import FRAMES, rainy_clip

GRID = 4 * 3
"""Crops of 32 px every 16 px of a frame of 72×56 px, the last ones shifted to the border."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    with Project.create(folder / "project") as project:
        finish(add(project, [rainy_clip(folder / f"place{n}.mkv", n) for n in range(2)], Origin(licence="CC0")))
        finish(analyze(project, (), CleanSettings(recipe="median", workers=1)))
    return folder / "project"


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "project"))


@pytest.fixture
def decided(home: Path) -> Path:
    with Project(home) as project:
        choose_best(project)
    return home


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def session() -> Iterator[Session]:
    workers = Workers()
    made = Session(workers)
    yield made
    made.close()
    workers.close()


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.shutdown()


Show = Callable[[Path], PairsPage]


@pytest.fixture
def show(qtbot: QtBot, session: Session, jobs: Jobs, settings: QSettings) -> Show:
    """Opens a project with its first sequence selected and waits until the page has all that it shows."""

    def run(folder: Path) -> PairsPage:
        page = PairsPage(session, jobs, settings)
        qtbot.addWidget(page)
        page.resize(1100, 800)
        page.show()
        session.open(folder)
        session.set_order(list(session.summaries))
        session.select(session.order[0])
        qtbot.waitUntil(lambda: settled(page), timeout=PATIENCE)
        return page

    return run


def settled(page: PairsPage) -> bool:
    preview = page.preview.map.preview
    loaded = len(page.picker.frames.thumbnails) == FRAMES
    said = bool(page.amount.text() or page.run.refusal.text())
    return loaded and said and preview is not None and preview.frame == page.picker.strip.frame


def crops_of(page: PairsPage) -> tuple[Crop, ...]:
    return page.preview.map.preview.crops if page.preview.map.preview else ()


def chosen(session: Session) -> tuple[int, ...] | None:
    return session.detail.draft.frames


def test_frames_stand_sorted_by_rain_with_marks_as_the_export_chooses(show: Show, decided: Path) -> None:
    page = show(decided)
    frames = page.picker.frames
    amounts = [frames.rain[frame] for frame in frames.order]
    assert amounts == sorted(amounts) and len(amounts) == FRAMES
    assert sorted(frames.chosen) == FrameChoice.parse("differ:10").choose(list(frames.rain), list(frames.rain.values()))
    assert page.picker.strip.frame == frames.order[-1]
    page.form.frames.setCurrentText("every:6")
    assert sorted(frames.chosen) == [0, 6, 12, 18]
    assert "by the settings (every 6th frame)" in page.picker.count.text()
    assert "misaligned" in page.picker.count.text()
    assert all(t.shape[1] <= WIDTH for t in frames.thumbnails.values())


def test_choosing_by_hand_is_on_disk_at_once_and_undone(
    show: Show, decided: Path, session: Session, qtbot: QtBot
) -> None:
    page = show(decided)
    page.form.frames.setCurrentText("every:6")
    strip = page.picker.strip
    strip.focus_frame(7)
    qtbot.keyClick(strip, Qt.Key.Key_Space)
    assert chosen(session) == (0, 6, 7, 12, 18)
    with Project(decided) as other:
        assert pair_frames(other)[session.selected or 0] == (0, 6, 7, 12, 18)
    assert "chosen by hand" in page.picker.count.text()
    place = _mark_rect(strip.visualRect(strip.currentIndex())).center()
    qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert chosen(session) == (0, 6, 12, 18)
    qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=place + QPoint(50, 50))
    assert chosen(session) == (0, 6, 12, 18)  # a click beside the mark only focuses
    page.picker.all.click()
    assert chosen(session) == tuple(range(FRAMES))
    page.picker.only.click()
    assert chosen(session) == (7,)
    page.picker.number.setValue(2)
    page.picker.spread.click()
    order = page.picker.frames.order
    assert set(chosen(session) or ()) == {order[0], order[-1]}
    session.undo()
    assert chosen(session) == (7,)
    page.picker.by_settings.click()
    assert chosen(session) is None and sorted(page.picker.frames.chosen) == [0, 6, 12, 18]


def test_the_last_frame_cannot_be_taken_out(show: Show, decided: Path, session: Session, qtbot: QtBot) -> None:
    page = show(decided)
    page.choose([3])
    page.picker.strip.focus_frame(3)
    with qtbot.waitSignal(session.warning) as said:
        qtbot.keyClick(page.picker.strip, Qt.Key.Key_Space)
    assert "at least one" in said.args[0] and chosen(session) == (3,)


def test_arrows_and_space_are_the_strips_while_it_has_the_focus(show: Show, decided: Path, qtbot: QtBot) -> None:
    page = show(decided)
    stolen = []
    for key in ("Left", "Space"):
        QShortcut(QKeySequence(key), page).activated.connect(lambda key=key: stolen.append(key))
    strip = page.picker.strip
    strip.setFocus()
    order, before = page.picker.frames.order, page.picker.frames.chosen
    qtbot.keyClick(strip, Qt.Key.Key_Left)
    assert strip.frame == order[-2]
    qtbot.keyClick(strip, Qt.Key.Key_Space)
    assert page.picker.frames.chosen == before ^ {order[-2]} and not stolen
    qtbot.waitUntil(lambda: settled(page), timeout=PATIENCE)


def test_another_sequence_brings_its_own_frames(show: Show, decided: Path, session: Session, qtbot: QtBot) -> None:
    page = show(decided)
    before = dict(page.picker.frames.thumbnails)
    session.step(1)
    assert page.picker.frames.thumbnails is not before and "place1" in page.picker.title.text()
    qtbot.waitUntil(lambda: settled(page), timeout=PATIENCE)
    assert any((page.picker.frames.thumbnails[n] != before[n]).any() for n in before)


def test_thumbnails_of_a_sequence_that_is_left_are_not_waited_for(
    show: Show, decided: Path, session: Session, qtbot: QtBot
) -> None:
    page = show(decided)
    page.hide()
    thumbnails = page.picker.frames.thumbnails
    session.step(1)
    qtbot.waitUntil(lambda: not session.workers.busy, timeout=PATIENCE)
    assert page.picker.frames.thumbnails is thumbnails
    page.show()
    qtbot.waitUntil(lambda: settled(page) and page.picker.frames.thumbnails is not thumbnails, timeout=PATIENCE)


def test_nothing_is_loaded_before_the_page_is_seen(
    session: Session,
    jobs: Jobs,
    settings: QSettings,
    decided: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit = Workers._submit
    lanes: set[str] = set()

    def note(self: Workers, task: Task, lane: str, urgency: int) -> Task:
        lanes.add(lane)
        return submit(self, task, lane, urgency)

    monkeypatch.setattr(Workers, "_submit", note)
    page = PairsPage(session, jobs, settings)
    qtbot.addWidget(page)
    session.open(decided)
    session.select(next(iter(session.summaries)))
    qtbot.waitUntil(lambda: not session.workers.busy, timeout=PATIENCE)
    # What every page has of an open project: its backup, and what is learned from it.
    assert lanes <= {"backup", "learn"} and not page.picker.frames.order
    assert not page.run.button.isEnabled()


@pytest.mark.parametrize("crops", ["whole", "grid:32:16", "random:24:5"])
def test_the_preview_shows_what_the_export_writes(show: Show, decided: Path, qtbot: QtBot, crops: str) -> None:
    page = show(decided)
    page.choose([5, 9])
    page.form.seed.setValue(3)
    page.form.crops.setCurrentText(crops)
    page.picker.strip.focus_frame(9)
    number = {"whole": 1, "grid:32:16": GRID, "random:24:5": 5}[crops]
    qtbot.waitUntil(lambda: settled(page) and len(crops_of(page)) == number, timeout=PATIENCE)
    preview = page.preview.map.preview
    assert preview is not None and preview.frame == 9
    out, asked = page.form.folder, page.form.settings()
    assert asked is not None
    with Project(decided) as project:
        finish(export(project, asked, out))
    rows = [row for row in read_manifest(out / "manifest.csv") if (row.sequence, row.frame) == ("place0", 9)]
    assert [(r.x, r.y, r.width, r.height) for r in rows] == [tuple(crop.region) for crop in preview.crops]
    assert [r.rain_share for r in rows] == pytest.approx([crop.rain_share for crop in preview.crops], abs=1e-6)
    x, y, width, height = preview.crops[-1].region
    written = decode_png((out / rows[-1].rainy).read_bytes(), out / rows[-1].rainy)
    assert np.array_equal(preview.rainy[y : y + height, x : x + width], written)


@pytest.mark.usefixtures("forked_jobs")
def test_export_with_progress_result_and_check(
    show: Show, decided: Path, jobs: Jobs, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = show(decided)
    page.form.frames.setCurrentText("every:8")
    page.form.layout_name.setCurrentIndex(page.form.layout_name.findData("paired"))
    with Project(decided) as project:
        found = estimate(project, page.form.export().settings())
    qtbot.waitUntil(lambda: "no scene is left for val" in page.amount.text(), timeout=PATIENCE)
    with qtbot.waitSignal(jobs.finished, timeout=PATIENCE):
        page.run.button.click()
        assert not page.run.button.isEnabled() and page.run.cancel.isVisible() and page.run.bar.isVisible()
    job = page.run.job
    assert job is not None and job.state is State.FINISHED and job.result["pairs"] == found.pairs
    assert f"train {found.pairs['train']} pair" in page.run.result.text()
    assert "no scene is left for val" in page.run.result.text()
    assert page.run.button.isEnabled() and page.run.open_folder.isVisible() and not page.run.bar.isVisible()
    opened = []
    monkeypatch.setattr(
        "gui.pages.pairs.export_run.QDesktopServices.openUrl", lambda url: opened.append(url.toLocalFile())
    )
    page.run.open_folder.click()
    assert [Path(path) for path in opened] == [decided.with_name("project-export")]
    (page.form.folder / "notes.txt").write_text("mine")
    with qtbot.waitSignal(jobs.finished, timeout=PATIENCE):
        page.run.check.click()
    assert page.run.result.text().endswith("Checked: nothing wrong; 1 added file: notes.txt")
    next((page.form.folder / "train").rglob("*.png")).with_name("other.png").write_bytes(b"")
    with qtbot.waitSignal(jobs.finished, timeout=PATIENCE):
        page.run.check.click()
    assert "1 problem" in page.run.result.text() and "other.png" in page.run.result.text()


def test_what_is_wrong_comes_into_sight_while_typing(show: Show, decided: Path, qtbot: QtBot) -> None:
    page = show(decided)
    page.resize(1366, 600)
    page.form.split.setFocus()
    qtbot.keyClicks(page.form.split, "foo")
    line = page.form.errors["split"]

    def is_seen() -> bool:
        return line.isVisible() and line.visibleRegion().boundingRect().height() == line.height()

    qtbot.waitUntil(is_seen)


def test_an_export_can_be_cancelled_and_is_found_again(
    show: Show, decided: Path, jobs: Jobs, session: Session, settings: QSettings, qtbot: QtBot
) -> None:
    page = show(decided)
    page.run.button.click()
    again = PairsPage(session, jobs, settings)
    qtbot.addWidget(again)
    again.show()
    qtbot.waitUntil(lambda: again.run.job is page.run.job, timeout=PATIENCE)
    assert again.run.cancel.isVisible()
    with qtbot.waitSignal(jobs.finished, timeout=PATIENCE):
        again.run.cancel.click()
    assert page.run.job is not None and page.run.job.state is State.CANCELLED
    assert "Cancelled" in page.run.result.text() and page.run.button.isEnabled()
    assert not page.form.folder.exists() and not page.run.open_folder.isVisible()


def test_nothing_decided_no_export(show: Show, home: Path, session: Session, qtbot: QtBot) -> None:
    page = show(home)
    assert not page.run.button.isEnabled() and "Nothing is accepted yet" in page.run.refusal.text()
    assert "no candidate is accepted yet" in page.preview.status.text()
    session.accept(session.detail.candidates[0].id, advance=False)
    # At once, or when it is estimated anew: the estimate of before has refused it perhaps.
    qtbot.waitUntil(lambda: page.run.button.isEnabled(), timeout=PATIENCE)
    assert page.run.refusal.isHidden()
    page.form.crops.setCurrentText("grid:500")
    qtbot.waitUntil(lambda: "larger than every clip" in page.run.refusal.text(), timeout=PATIENCE)
    assert not page.run.button.isEnabled() and not page.amount.text()


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("frames", "some", "Choose one from the list"),
        ("crops", "tiles", "Choose one from the list"),
        ("split", "80/20", "80 % train, 20 % test"),
        ("split", "train=1,val=1", "no split 'val'"),
        ("split", "train=0", "one of them above 0"),
        ("output", " ", "Choose a folder"),
    ],
)
def test_what_is_wrong_stands_beside_the_field(
    show: Show, decided: Path, qtbot: QtBot, field: str, text: str, said: str
) -> None:
    page = show(decided)
    edit = getattr(page.form, field)
    (edit.setCurrentText if hasattr(edit, "setCurrentText") else edit.setText)(text)
    assert said in page.form.errors[field].text() and page.form.errors[field].isVisible()
    assert [name for name, label in page.form.errors.items() if label.text()] == [field]
    # The message is at the field only; the button says which field that is.
    assert not page.run.button.isEnabled()
    assert page.run.refusal.text() == f"Correct the field “{edit.accessibleName()}” first."
    qtbot.waitUntil(lambda: not page.amount.text() and page.preview.map.preview is None, timeout=PATIENCE)
    assert page.preview.status.text() == ""


def test_excluded_areas_are_tinted_and_kept_out_of_crops(decided: Path) -> None:
    with Project(decided) as project:
        made = analyses(project, 1)[0]
        mask = np.zeros((made.region.height, made.region.width), np.uint8)
        mask[:20, :20] = 255
        kept = project.artefacts.put(encode_png(mask), ".png")
        of = clips(project)[0]
        picture = candidates(project, made.id)[0].picture
        subject = Subject(clip_id=of.id, content=of.content, region=made.region, picture=picture, exclude=kept)
    preview = make_preview(decided, subject, 4, CropChoice.parse("grid:16"), None)
    assert all(crop.region.x >= 20 or crop.region.y >= 20 for crop in preview.crops)
    assert len(preview.crops) < 20
    assert not np.array_equal(preview.rainy[:20, :20], preview.plain[:20, :20])
    assert np.array_equal(preview.rainy[20:], preview.plain[20:])
    assert tint(np.zeros((1, 1, 3), np.uint8), np.full((1, 1), 255, np.uint8)).tolist() == [[[c // 2 for c in TINT]]]
    again = make_preview(decided, subject, 4, CropChoice.parse("grid:99"), preview)
    assert again.plain is preview.plain and not again.crops and "larger than the image" in again.no_crops_reason


def test_a_pair_is_shown_pixel_by_pixel_and_dragged(show: Show, decided: Path, qtbot: QtBot) -> None:
    page = show(decided)
    pair = CropPair()
    qtbot.addWidget(pair)
    pair.setMinimumSize(1, 1)
    pair.resize(2 * 30 + 6, 20)
    preview = page.preview.map.preview
    assert preview is not None
    pair.show_crop(preview, preview.crops[0])
    pair.show()
    width = preview.crops[0].region.width

    def seen(left: int) -> np.ndarray:
        image = pair.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        # A copy: the image goes when this ends.
        return data[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)[:, left : left + 30].copy()

    middle = (preview.crops[0].region.height - 20) // 2, (width - 30) // 2
    for left, picture in ((0, preview.rainy), (36, preview.clean)):
        assert np.array_equal(seen(left), picture[middle[0] : middle[0] + 20, middle[1] : middle[1] + 30])
    qtbot.mousePress(pair, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    qtbot.mouseMove(pair, QPoint(13, 8))
    qtbot.mouseRelease(pair, Qt.MouseButton.LeftButton, pos=QPoint(13, 8))
    assert np.array_equal(seen(0), preview.rainy[middle[0] + 2 : middle[0] + 22, middle[1] - 3 : middle[1] + 27])


def test_a_click_on_the_map_selects_the_crop_under_it(show: Show, decided: Path, qtbot: QtBot) -> None:
    page = show(decided)
    page.form.crops.setCurrentText("grid:24")
    qtbot.waitUntil(
        lambda: len(page.preview.map.preview.crops) > 4 if page.preview.map.preview else False, timeout=PATIENCE
    )
    shown = page.preview.map
    assert shown.preview is not None
    box = shown._on_screen(shown.preview.crops[4].region)
    qtbot.mouseClick(shown, Qt.MouseButton.LeftButton, pos=box.center().toPoint())
    assert shown.place == 4 and page.preview.about.text().startswith("Crop 5: 24×24 px")
    qtbot.keyClick(shown, Qt.Key.Key_P)
    assert shown.place == 3


def test_a_second_opinion_does_not_give_the_decision_away(
    show: Show, decided: Path, session: Session, qtbot: QtBot
) -> None:
    page = show(decided)
    session.set_blind(True)
    assert not page.picker.frames.order and "second opinion" in page.picker.title.text()
    qtbot.waitUntil(lambda: page.preview.map.preview is None, timeout=PATIENCE)


def lines_of(page: PairsPage) -> list[str]:
    model = page.sequences.model
    return [model.data(model.index(row), Qt.ItemDataRole.AccessibleTextRole) for row in range(model.rowCount())]


def test_each_sequence_says_its_pairs_or_why_there_are_none(
    show: Show, home: Path, session: Session, qtbot: QtBot
) -> None:
    page = show(home)
    assert lines_of(page) == ["place0: Not decided yet: no pairs", "place1: Not decided yet: no pairs"]
    assert page.sequences.decide.isVisible()
    with qtbot.waitSignal(page.to_desk):
        qtbot.mouseClick(page.sequences.decide, Qt.MouseButton.LeftButton)
    session.accept(session.detail.candidates[0].id, advance=False)
    qtbot.waitUntil(lambda: lines_of(page)[0] == "place0: 10 pairs", timeout=PATIENCE)
    assert not page.sequences.decide.isVisible()
    qtbot.keyClick(page.sequences.view, Qt.Key.Key_Down)
    assert session.summary is not None and session.summary.sequence.name == "place1"
    assert page.sequences.decide.isVisible() and "place1" in page.picker.title.text()
    session.reject(["not-rain"], advance=False)
    qtbot.waitUntil(lambda: lines_of(page)[1] == "place1: Rejected: no pairs", timeout=PATIENCE)
    first = page.sequences.view.visualRect(page.sequences.model.index(0)).center()
    qtbot.mouseClick(page.sequences.view.viewport(), Qt.MouseButton.LeftButton, pos=first)
    assert session.summary.sequence.name == "place0"
    page.form.crops.setCurrentText("Squares of 32 px")
    qtbot.waitUntil(lambda: lines_of(page)[0] == "place0: 60 pairs", timeout=PATIENCE)


def test_without_frames_there_is_one_sentence_and_one_action(
    show: Show, decided: Path, session: Session, qtbot: QtBot
) -> None:
    page = show(decided)
    assert not page.empty.isVisible()
    session.set_blind(True)
    assert page.empty.isVisible() and page.empty.button.isVisible() and not lines_of(page)
    assert page.empty.sentence.text() == "Pairs are hidden during a second opinion."
    with qtbot.waitSignal(page.to_desk):
        qtbot.keyClick(page.empty.button, Qt.Key.Key_Space)


def test_the_page_fits_a_small_window_whatever_names_are(
    show: Show, decided: Path, session: Session, qtbot: QtBot
) -> None:
    page = show(decided)
    page.form.output.setText("/tmp/" + "x" * 600)
    page.run.result.setText("Exported to /" + "y" * 400)
    page.run.outcome.setVisible(True)
    page.run.refuse("/" + "z" * 300 + " is no folder.")
    size = page.minimumSizeHint()
    assert size.width() <= 1264 and size.height() <= 620
