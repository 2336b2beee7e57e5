"""The results panel: a real evaluation as a job, its gallery by mouse and keys, and folders that are none."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMessageBox, QTableWidget
from pytestqt.qtbot import QtBot

from gui.jobs.queue import Jobs, State
from gui.pages.results.evaluation import read_evaluation
from gui.pages.results.gallery import Gallery
from gui.pages.results.page import ResultsPanel
from gui.pages.results.synchronised import Pane, SharedView
from gui.widgets import dialogs
from pipeline.cli.main import main
from pipeline.training.network_record import NetworkRecord
from pipeline.training.networks import write_network
from rainclean.errors import InputError
from rainclean.png import encode_png
from rainclean.spanet import Origin, shipped_weights
from tests.helpers.hands import PATIENCE
from tests.helpers.training_pairs import streaked

WIDE = (70, 900)
"""Height and width of one pair, which is shown smaller than it is."""


def text_of(table: QTableWidget, row: int, column: int) -> str:
    item = table.item(row, column)
    assert item is not None
    return item.text()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "pairs"
    for number in range(3):
        for name, picture in zip(("input", "target"), streaked(number, 64), strict=True):
            if number == 1:
                picture = picture.repeat(15, 1)[: WIDE[0], : WIDE[1]]
            path = root / "test" / name / f"{number:03}-0000_0_0.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(picture))
    return root


@pytest.fixture
def jobs(qtbot: QtBot) -> Any:
    made = Jobs()
    yield made
    made.shutdown(2)


@pytest.fixture(scope="module")
def evaluated(dataset: Path, tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    weights = shipped_weights()
    copy = tmp_path_factory.mktemp("weights") / "other.safetensors"
    shutil.copy(weights, copy)
    output = tmp_path_factory.mktemp("out") / "evaluation"
    assert main(["evaluate", str(dataset), "-o", str(output), "-w", str(weights), str(copy)]) == 0
    return output


@pytest.fixture
def panel(jobs: Jobs, qtbot: QtBot) -> ResultsPanel:
    made = ResultsPanel(jobs)
    qtbot.addWidget(made)
    made.resize(1000, 800)
    made.show()
    return made


@pytest.mark.usefixtures("forked_jobs")
def test_an_evaluation_is_a_job_and_shown_when_it_is_there(
    panel: ResultsPanel, jobs: Jobs, dataset: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    form = panel.form
    assert not form.evaluate_button.isEnabled() and not panel.gallery.isVisible()
    panel.set_dataset(dataset)
    assert form.output.path == dataset.with_name("pairs-evaluation")
    form.output.set_path(tmp_path / "out")
    panel.set_weights(tmp_path / "missing.safetensors")
    assert "missing.safetensors" in form.errors["weights"].text() and form.errors["weights"].isVisible()
    assert not form.errors["dataset"].isVisible() and not form.errors["output"].isVisible()
    assert "missing.safetensors" not in form.status.text() and not form.evaluate_button.isEnabled()
    panel.set_weights()
    form.evaluate_button.click()
    (job,) = jobs.all
    assert not form.evaluate_button.isEnabled() and panel.status.text().startswith("Evaluating")
    qtbot.waitUntil(lambda: job.is_over, timeout=PATIENCE)
    assert job.state is State.FINISHED, job.error
    assert panel.gallery.isVisible() and panel.gallery.cases.count() == 3 and not form.isVisible()
    assert panel.summary.rowCount() == 2 and text_of(panel.summary, 1, 0) == "simulated-rain"


def test_the_gallery_goes_worst_first_by_keys(panel: ResultsPanel, evaluated: Path, qtbot: QtBot) -> None:
    panel.open_evaluation(evaluated)
    gallery, report = panel.gallery, json.loads((evaluated / "report.json").read_text())
    shown = [case.psnr for case in panel.evaluation.cases if case.psnr] if panel.evaluation else []
    assert len(shown) == 3 and shown == sorted(shown)
    assert gallery.case is not None and gallery.case.image == report["cases"][0]["image"]
    assert [pane.accessibleName() for pane in gallery.panes][:3] == ["Rainy", "Output of simulated-rain", "Clean image"]
    assert not any(pane.pixmap.isNull() for pane in gallery.panes)
    assert gallery.scores.rowCount() == 3 and gallery.scores.columnCount() == 5
    gallery.panes[0].setFocus()
    for key, row in ((Qt.Key.Key_Right, 1), (Qt.Key.Key_Right, 2), (Qt.Key.Key_Right, 2), (Qt.Key.Key_Left, 1)):
        qtbot.keyClick(gallery.panes[0], key)
        assert gallery.cases.currentRow() == row
    first = report["cases"][1]["scores"]["rainy"][report["worst"]["protocol"]]
    texts = [text_of(gallery.scores, 0, column) for column in range(1, 5)]
    assert f"{first['psnr_db']:.2f} / {first['ssim']:.4f}" in texts
    gallery.method.setCurrentText("other")
    assert gallery.panes[1].accessibleName() == "Output of other" and not gallery.panes[5].pixmap.isNull()
    qtbot.waitUntil(lambda: not gallery.cases.item(2).icon().isNull(), timeout=3000)
    qtbot.waitUntil(lambda: not gallery._thumbs.isActive(), timeout=3000)


def test_panes_zoom_together_and_read_large_pictures_when_needed(evaluated: Path, qtbot: QtBot) -> None:
    gallery, evaluation = Gallery(), read_evaluation(evaluated)
    qtbot.addWidget(gallery)
    gallery.resize(900, 600)
    gallery.show()
    gallery.show_evaluation(evaluation)
    wide = next(place for place, case in enumerate(evaluation.cases) if "001-" in case.image)
    gallery.cases.setCurrentRow(wide)
    pane = gallery.panes[2]
    assert pane.size_px.width() == WIDE[1] and pane.pixmap.width() < WIDE[1] and pane.zoom < 1
    qtbot.keyClick(gallery.panes[0], Qt.Key.Key_1)
    qtbot.waitUntil(lambda: pane.pixmap.width() == WIDE[1], timeout=3000)
    assert {each.zoom for each in gallery.panes} == {1.0}
    place = pane.rect().center()
    qtbot.mousePress(pane, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseMove(pane, place - QPoint(30, 0))
    qtbot.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=place)
    assert gallery.shared.centre.x() == pytest.approx(0.5 + 30 / WIDE[1])
    qtbot.keyClick(pane, Qt.Key.Key_F)
    assert pane.zoom < 1 and gallery.shared.centre.x() == 0.5


def test_one_to_one_shows_the_pixels_themselves(evaluated: Path, qtbot: QtBot) -> None:
    case = next(case for case in read_evaluation(evaluated).cases if "000-" in case.image)
    shared = SharedView()
    pane = Pane(shared)
    qtbot.addWidget(pane)
    pane.resize(200, 200)
    pane.show_picture(case.pictures["rainy", "picture"], "Rainy")
    shared.set_zoom(1.0)
    shot, whole = pane.grab().toImage(), pane.pixmap.toImage()
    corner = pane._target(pane._place()).topLeft().toPoint()
    for x, y in ((0, 0), (10, 20), (63, 63)):
        assert shot.pixelColor(corner + QPoint(x, y)) == whole.pixelColor(x, y)


def test_folders_that_are_none_or_damaged(panel: ResultsPanel, evaluated: Path, tmp_path: Path) -> None:
    panel.open_evaluation(tmp_path)
    assert "is not an evaluation" in panel.status.text() and not panel.gallery.isVisible()
    copy = shutil.copytree(evaluated, tmp_path / "copy")
    report = json.loads((copy / "report.json").read_text())
    for damage, words in (
        ({"cases": [{"image": 1}]}, "is damaged"),
        ({"methods": 3}, "is damaged"),
    ):
        (copy / "report.json").write_text(json.dumps({**report, **damage}))
        panel.open_evaluation(copy)
        assert words in panel.status.text()
    old = {key: value for key, value in report.items() if key != "cases"}
    (copy / "report.json").write_text(json.dumps(old))
    with pytest.raises(InputError, match="older version"):
        read_evaluation(copy)
    report["cases"][0]["pictures"][0]["file"] = "../../secret.png"
    (copy / "report.json").write_text(json.dumps(report))
    with pytest.raises(InputError, match="leads out"):
        read_evaluation(copy)


def test_a_picture_that_is_gone_is_said(panel: ResultsPanel, evaluated: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(evaluated, tmp_path / "copy")
    shutil.rmtree(copy / "gallery")
    panel.open_evaluation(copy)
    assert all(pane.pixmap.isNull() for pane in panel.gallery.panes)
    panel.grab()


def test_what_keeps_an_evaluation_from_beginning_is_said(
    panel: ResultsPanel, jobs: Jobs, dataset: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    panel.set_dataset(dataset)
    panel.form.output.set_path(dataset / "below")
    panel.form.evaluate_button.click()
    (job,) = jobs.all
    qtbot.waitUntil(lambda: job.is_over, timeout=PATIENCE)
    assert job.state is State.FAILED and "lies in the data set" in panel.status.text()
    assert panel.form.evaluate_button.isEnabled()


def test_without_an_evaluation_there_is_one_sentence_and_one_action(
    panel: ResultsPanel, evaluated: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert panel.empty.isVisible() and not panel.status.isVisible() and panel.form.isVisible()
    monkeypatch.setattr(dialogs, "choose", lambda *_: [evaluated])
    qtbot.mouseClick(panel.empty.button, Qt.MouseButton.LeftButton)
    assert not panel.empty.isVisible() and panel.gallery.isVisible()
    assert panel.status.text().startswith("Worst pairs first: those where the PSNR of")
    head = panel.summary.horizontalHeaderItem(1)
    assert head is not None and head.text().endswith("PSNR (dB) / SSIM")


def test_the_form_takes_the_place_of_the_gallery(panel: ResultsPanel, evaluated: Path, qtbot: QtBot) -> None:
    panel.open_evaluation(evaluated)
    for shown in (True, False):
        qtbot.mouseClick(panel.new_button, Qt.MouseButton.LeftButton)
        assert panel.form.isVisible() is shown and panel.gallery.isVisible() is not shown
        size = panel.minimumSizeHint()
        assert size.width() <= 1264 and size.height() <= 620
    panel.open_evaluation(evaluated / ("x" * 200))
    assert panel.status.property("look") == "bad" and panel.minimumSizeHint().width() <= 1264


def test_intervals_and_tests_are_in_the_tables(panel: ResultsPanel, evaluated: Path, tmp_path: Path) -> None:
    panel.open_evaluation(evaluated)
    report = json.loads((evaluated / "report.json").read_text())
    row = next(r for r in report["summary"] if r["method"] == "other" and r["protocol"] == "basicsr-rgb")
    place = list(report["protocols"]).index("basicsr-rgb") + 1
    first = text_of(panel.summary, 2, place).splitlines()[0]
    assert first == f"{row['psnr_db']:.2f} [{row['psnr_low']:.2f}, {row['psnr_high']:.2f}]"
    assert [panel.tables.isTabVisible(number) for number in range(3)] == [True] * 3
    found = {text_of(panel.comparisons, number, 0): number for number in range(3)}
    assert list(found) == ["rainy − simulated-rain", "rainy − other", "simulated-rain − other"]
    equal = [text_of(panel.comparisons, found["simulated-rain − other"], column) for column in range(1, 7)]
    assert equal == ["+0.00 [+0.00, +0.00]", "1.000", "+0.00", "+0.0000 [+0.0000, +0.0000]", "1.000", "+0.00"]
    assert panel.by_rain.rowCount() == 3 and panel.by_rain.columnCount() >= 2
    copy = shutil.copytree(evaluated, tmp_path / "copy")
    for key in ("statistics", "comparisons", "by_rain"):
        del report[key]
    for each in report["summary"]:
        for key in ("psnr_low", "psnr_high", "ssim_low", "ssim_high"):
            del each[key]
    (copy / "report.json").write_text(json.dumps(report))
    panel.open_evaluation(copy)  # of an older version
    assert "[" not in text_of(panel.summary, 2, place) and not panel.tables.isTabVisible(1)


def test_scores_of_many_protocols_are_scrolled_not_cut(panel: ResultsPanel, evaluated: Path, tmp_path: Path) -> None:
    report = json.loads((evaluated / "report.json").read_text())
    copy = shutil.copytree(evaluated, tmp_path / "copy")
    names = list(report["protocols"])
    for suffix in ("masked", "weighted"):
        for name in names:
            report["protocols"][f"{name}-{suffix}"] = report["protocols"][name]
            own = [row for row in report["summary"] if row["protocol"] == name]
            report["summary"] += [{**row, "protocol": f"{name}-{suffix}"} for row in own]
            for case in report["cases"]:
                for scores in case["scores"].values():
                    scores[f"{name}-{suffix}"] = scores[name]
    (copy / "report.json").write_text(json.dumps(report))
    panel.open_evaluation(copy)
    for table in (panel.summary, panel.gallery.scores):
        header = table.horizontalHeader()
        assert table.columnCount() == 13 and table.horizontalScrollBar().maximum() > 0
        assert all(header.sectionSize(column) >= table.sizeHintForColumn(column) for column in range(13))


def test_outputs_and_networks_are_methods(
    panel: ResultsPanel, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = panel.form
    panel.set_dataset(dataset)
    assert form.weights.edit.placeholderText() == "Shipped weights"
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(dialogs, "choose", lambda *_, chosen=tmp_path / name, **__: [chosen])
        form.outputs.browse.click()  # one after the other
    (tmp_path / "net.onnx").touch()
    form.networks.set_path(tmp_path / "net.onnx")
    assert form.problem() == "" and form.weights.edit.placeholderText() == ""
    wanted = ("--outputs", str(tmp_path / "a"), str(tmp_path / "b"), "--onnx", str(tmp_path / "net.onnx"))
    assert form.arguments()[4:] == wanted
    (tmp_path / "net.pt").touch()
    form.networks.set_path(tmp_path / "net.onnx", tmp_path / "net.pt")
    assert form.arguments()[4:] == (*wanted, "--torchscript", str(tmp_path / "net.pt"))
    form.masks.click()
    assert form.arguments()[-1] == "--masks"
    form.networks.set_path(tmp_path / "a")
    assert "is a folder" in form.errors["networks"].text() and not form.evaluate_button.isEnabled()
    form.networks.set_path()
    form.outputs.set_path(tmp_path / "net.onnx")
    assert "is a file" in form.errors["outputs"].text()


def test_pairs_of_other_data_sets_are_named_in_the_form(
    panel: ResultsPanel, jobs: Jobs, dataset: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    form, rows = panel.form, panel.form.pairing
    other = tmp_path / "other"
    shutil.copytree(dataset / "test" / "input", other / "wet")
    shutil.copytree(dataset / "test" / "target", other / "dry")
    panel.set_dataset(other)
    form.output.set_path(tmp_path / "out")
    assert not rows.rainy.isVisible() and not rows.pairs.isVisible()
    rows.way.setCurrentIndex(rows.way.findData("list"))
    assert rows.pairs.isVisible() and not rows.clean.isVisible() and not form.evaluate_button.isEnabled()
    assert form.errors["pairs"].property("look") == "faint" and form.errors["pairs"].isVisible()
    rows.pairs.set_path(tmp_path / "no.csv")
    assert "does not exist" in form.errors["pairs"].text() and form.errors["pairs"].property("look") == "bad"
    (tmp_path / "pairs.csv").touch()
    rows.pairs.set_path(tmp_path / "pairs.csv")
    assert form.arguments()[4:] == (f"--pairs={tmp_path / 'pairs.csv'}",)
    rows.way.setCurrentIndex(rows.way.findData("rule"))
    assert form.errors["rainy"].text() == "Type a pattern, such as rain/*.png."
    qtbot.keyClicks(rows.rainy, "wet/*.png")
    qtbot.keyClicks(rows.clean, "dry/{5}.png")
    assert "{5} stands for nothing" in form.errors["clean"].text() and not form.errors["rainy"].isVisible()
    rows.clean.setText("dry/{stem}.png")
    assert form.problem() == "" and form.arguments()[4:] == ("--rainy=wet/*.png", "--clean=dry/{stem}.png")
    form.evaluate_button.click()
    (job,) = jobs.all
    qtbot.waitUntil(lambda: job.is_over, timeout=PATIENCE)
    assert job.state is State.FINISHED and panel.gallery.cases.count() == 3, job.error


def test_code_of_weights_needs_a_yes(
    panel: ResultsPanel, jobs: Jobs, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    weights, network = tmp_path / "best.safetensors", NetworkRecord("/code/unet.py:unet", {}, {})
    write_network({"a": torch.zeros(1)}, weights, network, Origin(False, "made for a test"))
    panel.set_dataset(dataset)
    panel.set_weights(weights)
    started: list[Any] = []
    monkeypatch.setattr(jobs, "start", started.append)
    for word, count in (("Cancel", 0), ("Run", 1)):

        def answer(box: QMessageBox, word: str = word) -> int:
            assert "/code/unet.py:unet" in box.text()
            next(button for button in box.buttons() if button.text() == word).click()
            return 0

        monkeypatch.setattr(QMessageBox, "exec", answer)
        panel.form.evaluate_button.click()
        assert len(started) == count
    assert started[0].arguments[-2:] == ("--network", "/code/unet.py:unet")
