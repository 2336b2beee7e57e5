"""The training panel: real trainings, small ones, begun, followed, paused, killed and gone on with."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from gui.jobs.queue import Jobs, State
from gui.pages.training import form
from gui.pages.training.form import TrainRequest
from gui.pages.training.page import TrainingPanel
from gui.pages.training.run_watch import RunWatch
from gui.widgets import dialogs
from pipeline.training.metrics_log import COLUMNS
from pipeline.training.network_record import NetworkRecord
from pipeline.training.recipe import preset
from pipeline.training.run_folder import RunRecord, create
from rainclean.errors import RaincleanError
from tests.helpers.hands import PATIENCE
from tests.helpers.training_pairs import write_dataset

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture
def jobs(qtbot: QtBot) -> Any:
    made = Jobs()
    yield made
    made.shutdown(10)


@pytest.fixture
def panel(jobs: Jobs, qtbot: QtBot) -> TrainingPanel:
    made = TrainingPanel(jobs)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    return made


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "pairs")


def a_run(folder: Path, steps: int = 40) -> Path:
    folder.mkdir(parents=True)
    create(folder, RunRecord(preset("quick", steps=steps), folder / "data", "0" * 64, {}))
    return folder


def row(step: int, **values: object) -> str:
    return ",".join(str({"step": step, **values}.get(column, "")) for column in COLUMNS) + "\n"


@pytest.mark.usefixtures("forked_jobs")
def test_a_run_is_begun_paused_and_gone_on_with(
    panel: TrainingPanel, jobs: Jobs, dataset: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    form = panel.form
    assert not form.start_button.isEnabled() and "data set" in form.errors["dataset"].text()
    panel.set_dataset(dataset)
    assert form.run.path == tmp_path / "pairs-run-1" and form.start_button.isEnabled()
    form.steps.setValue(2000)
    form.batch.setValue(1)
    form.example_size.setValue(16)
    form.start_button.click()
    (job,) = jobs.all
    assert job.arguments[0] == "train" and "--snapshot" in job.arguments and "--start" not in job.arguments
    qtbot.waitUntil(lambda: (panel.run is not None and panel.bar.value() > 1) or job.is_over, timeout=PATIENCE)
    state = job.state
    assert state is State.RUNNING, job.error
    assert (tmp_path / "pairs-run-1-data" / "train").is_dir()
    assert panel.pause.isVisible() and not panel.resume.isVisible() and not form.start_button.isEnabled()
    panel.pause.click()
    qtbot.waitUntil(lambda: job.is_over, timeout=PATIENCE)
    assert job.state is State.CANCELLED and panel.status.text().startswith("Paused at step")
    assert not panel.status.text().startswith("Paused at step 0")
    assert panel.resume.isVisible() and not panel.pictures.pixmap.isNull()
    panel.resume.click()
    (again,) = jobs.all
    assert again.arguments == ("train", "--resume", str(tmp_path / "pairs-run-1"))
    qtbot.waitUntil(lambda: again.pid is not None, timeout=PATIENCE)
    os.kill(again.pid or 0, signal.SIGKILL)
    qtbot.waitUntil(lambda: again.is_over, timeout=PATIENCE)
    assert "The job died (signal 9)" in panel.status.text() and "checkpoint" in panel.status.text()
    with qtbot.waitSignal(panel.log_asked):
        panel.log.click()  # shown, and leads to where the log is
    assert not panel.log.isHidden()
    assert panel.resume.isVisible()


def test_a_run_of_a_terminal_is_followed(panel: TrainingPanel, tmp_path: Path, qtbot: QtBot) -> None:
    run = a_run(tmp_path / "run")
    metrics = run / "metrics.csv"
    header = ",".join(COLUMNS) + "\n"
    psnr = {"validation_psnr_db": 25.5, "validation_rainy_psnr_db": 24.25, "validation_protocol": "basicsr-rgb"}
    metrics.write_text(header + row(0, **psnr))
    panel.open_run(run)
    panel.refresh()
    assert panel.run is not None and panel.bar.maximum() == 40
    with metrics.open("a") as file:
        file.write(row(10, loss=0.5, loss_l1=0.1) + row(20, loss=0.25)[:5])
    panel.refresh()
    assert panel.run.series("loss") == ([10], [0.5]) and panel.status.text().startswith("Step 10 of 40, last written")
    with metrics.open("a") as file:
        file.write(row(20, loss=0.25)[5:] + row(40, loss="nan", **{**psnr, "validation_psnr_db": 28}))
    panel.refresh()
    assert panel.run.series("validation_psnr_db") == ([0, 40], [25.5, 28.0])
    assert "best validation 28.00 dB at step 40, rainy input 24.25 dB" in panel.status.text()
    assert list(panel.curves._lines["loss"][0].getOriginalDataset()[1]) == [0.5, 0.25]
    assert not panel.resume.isVisible() and not panel.pause.isVisible()
    metrics.with_name("new").write_text(header + row(0) + row(10, loss=0.5))
    metrics.with_name("new").replace(metrics)  # what a run does that goes on from an earlier step
    panel.refresh()
    assert panel.run.step == 10


def test_the_picture_comes_again_when_it_changes(panel: TrainingPanel, tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    (run / "metrics.csv").write_text(",".join(COLUMNS) + "\n")
    panel.open_run(run)
    assert panel.pictures.pixmap.isNull()
    for width in (50, 60):
        picture = QPixmap(width, 20)
        picture.fill("red")
        picture.save(str(run / "new.png"))
        (run / "new.png").replace(run / "validation.png")
        panel.refresh()
        assert panel.pictures.pixmap.width() == width


def test_what_is_no_run_is_said(panel: TrainingPanel, tmp_path: Path) -> None:
    panel.open_run(tmp_path)
    assert "is not the folder of a training" in panel.status.text() and not panel.resume.isVisible()
    run = a_run(tmp_path / "damaged")
    (run / "run.json").write_text("{")
    panel.open_run(run)
    assert "is damaged" in panel.status.text()


def test_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    (run / "metrics.csv").write_bytes(b"step,\xff\n" + row(5, loss=1).encode() + b"x,y\n\0\n" + row(6).encode())
    watch = RunWatch(run)
    assert watch.poll() and not watch.poll() and watch.step == 6 and watch.series("loss") == ([5], [1.0])


def test_requests_say_what_is_in_the_way(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = TrainRequest(
        dataset=dataset, run=tmp_path / "run", preset="quick", start="identity", steps=400, batch=4, size=64
    )
    assert request.problem() == ""
    assert request.arguments()[:6] == (
        "train",
        str(dataset),
        "-o",
        str(tmp_path / "run"),
        "--snapshot",
        f"{tmp_path}/run-data",
    )
    assert request.arguments()[6:] == ("--preset", "quick")
    weights = replace(request, start="weights", steps=5, weights=tmp_path / "w.safetensors")
    assert "weights file" in weights.problem()
    assert weights.arguments()[8:] == ("--start", f"{tmp_path}/w.safetensors", "--steps", "5")
    assert replace(request, held_out=0.1).arguments()[8:] == ("--validation-share", "0.1")
    assert "already exists" in replace(request, run=a_run(tmp_path / "old")).problem()
    assert "days" in replace(request, preset="paper", steps=40_000, batch=16, size=256).effort()

    def missing() -> None:
        raise RaincleanError("SPANet needs torch: pip install 'rainclean[spanet]'")

    monkeypatch.setattr(form, "require_training", missing)
    monkeypatch.setattr(form, "missing_packages", form.missing_packages.__wrapped__)
    assert "pip install 'rainclean[spanet]'" in request.problem()


def test_a_problem_stands_below_its_field(panel: TrainingPanel, dataset: Path, tmp_path: Path) -> None:
    form = panel.form
    assert form.errors["dataset"].isVisible() and form.errors["dataset"].property("look") == "faint"
    panel.set_dataset(tmp_path / "missing")
    assert "does not exist" in form.errors["dataset"].text() and form.errors["dataset"].property("look") == "bad"
    panel.set_dataset(dataset)
    assert not form.errors["dataset"].isVisible() and "px" in form.status.text()
    form.run.set_path(a_run(tmp_path / "old"))
    assert "already exists" in form.errors["run"].text() and not form.start_button.isEnabled()
    form.run.set_path(tmp_path / "new")
    form.start.setCurrentIndex(form.start.findData("weights"))
    assert "weights file" in form.errors["weights"].text() and form.errors["weights"].isVisible()


def test_an_export_of_one_scene_is_refused_before_it_begins(panel: TrainingPanel, tmp_path: Path) -> None:
    export = tmp_path / "export"
    export.mkdir()
    (export / "export.json").write_text('{"splits": {"train": ["cat"], "test": ["table"]}}')
    panel.set_dataset(export)
    assert "of one scene" in panel.form.errors["dataset"].text() and not panel.form.start_button.isEnabled()
    (export / "export.json").write_text('{"splits": {"train": ["cat", "table"], "test": []}}')
    os.utime(export / "export.json", (1, 1))
    panel.form.refresh()
    assert not panel.form.errors["dataset"].text() and panel.form.start_button.isEnabled()
    panel.form.batch.setValue(1)
    assert panel.form.batch.text() == "1 example"


def test_the_next_free_folder_is_suggested_when_a_training_has_ended(
    panel: TrainingPanel, dataset: Path, tmp_path: Path
) -> None:
    form = panel.form
    panel.set_dataset(dataset)
    form.set_starting(form.run.path)
    assert "has started" in form.errors["run"].text() and not form.start_button.isEnabled()
    a_run(tmp_path / "pairs-run-1")
    form.set_starting(None)
    assert form.run.path == tmp_path / "pairs-run-2" and form.start_button.isEnabled()


def test_a_preset_is_explained(panel: TrainingPanel) -> None:
    texts = set()
    for index in range(panel.form.preset.count()):
        panel.form.preset.setCurrentIndex(index)
        texts.add(panel.form.explanation.text())
    assert len(texts) == panel.form.preset.count() and "" not in texts
    assert panel.form.steps.text().endswith(" steps") and panel.form.example_size.text().endswith(" px")


def test_without_a_training_there_is_one_sentence_and_one_action(
    panel: TrainingPanel, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(tmp_path / "run")
    (run / "metrics.csv").write_text(",".join(COLUMNS) + "\n")
    assert panel.empty.isVisible() and not panel.status.isVisible() and not panel.open_button.isVisible()
    monkeypatch.setattr(dialogs, "choose", lambda *_: [run])
    qtbot.mouseClick(panel.empty.button, Qt.MouseButton.LeftButton)
    assert panel.folder == run and panel.status.isVisible() and not panel.empty.isVisible()
    axes = [plot.getAxis(side).labelText for plot in (panel.curves.losses, panel.curves.validation)
            for side in ("bottom", "left")]  # fmt: skip
    assert axes == ["Step", "Loss (logarithmic)", "Step", "PSNR (dB)"]


def test_the_page_fits_a_small_window_whatever_names_are(panel: TrainingPanel, tmp_path: Path) -> None:
    panel.set_dataset(tmp_path / ("x" * 200) / ("y" * 200))
    panel.open_run(tmp_path / ("z" * 200))
    size = panel.minimumSizeHint()
    assert size.width() <= 1264 and size.height() <= 620


def test_pairs_of_other_data_sets_are_named_in_the_form(panel: TrainingPanel, tmp_path: Path, qtbot: QtBot) -> None:
    fields, rows = panel.form, panel.form.pairing
    panel.set_dataset(tmp_path)
    rows.way.setCurrentIndex(rows.way.findData("rule"))
    assert rows.rainy.isVisible() and not fields.start_button.isEnabled()
    qtbot.keyClicks(rows.rainy, "rain/?.png")
    qtbot.keyClicks(rows.clean, "norain/{stem}.png")
    assert "no other wildcards" in fields.errors["rainy"].text()
    rows.rainy.setText("rain/*.png")
    assert fields.start_button.isEnabled()
    assert fields.request().arguments()[-2:] == ("--rainy=rain/*.png", "--clean=norain/{stem}.png")
    rows.way.setCurrentIndex(0)
    assert not rows.rainy.isVisible() and not any("rain/" in each for each in fields.request().arguments())


def test_an_error_is_directly_below_its_field(panel: TrainingPanel, tmp_path: Path, qtbot: QtBot) -> None:
    fields = panel.form
    fields.dataset.set_path(tmp_path / "missing")
    line = fields.errors["dataset"]
    qtbot.waitUntil(lambda: line.isVisible() and line.height() > 0)
    field, below = (QRect(each.mapTo(fields, QPoint(0, 0)), each.size()) for each in (fields.dataset, line))
    assert below.left() == field.left() and below.right() == field.right()
    assert 0 < below.top() - field.bottom() <= 4


def test_a_network_of_the_user(panel: TrainingPanel, dataset: Path, tmp_path: Path) -> None:
    panel.set_dataset(dataset)
    fields, code = panel.form, tmp_path / "unet.py"
    fields.network.set_path(code)
    assert "add the function" in fields.errors["network"].text() and not fields.start_button.isEnabled()
    fields.network.edit.setText(f"{code}:unet")
    assert "does not exist" in fields.errors["network"].text()
    code.touch()
    fields.refresh()
    assert fields.start_button.isEnabled() and not fields.start.isVisible()
    assert "depends on the network" in fields.status.text()
    arguments = fields.request().arguments()
    assert arguments[-2:] == ("--network", f"{code}:unet") and "--start" not in arguments
    fields.network.edit.setText("package.module:unet")
    assert fields.request().arguments()[-1] == "package.module:unet"
    fields.network.edit.clear()
    assert fields.start.isVisible() and "--network" not in fields.request().arguments()


def test_code_of_a_stored_run_needs_a_yes(
    panel: TrainingPanel, jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    network = NetworkRecord("/code/unet.py:unet", {}, {})
    create(run, RunRecord(preset("quick"), run / "data", "0" * 64, {}, network=network))
    started: list[Any] = []
    monkeypatch.setattr(jobs, "start", started.append)
    panel.open_run(run)
    answers = iter(("Cancel", "Run"))
    asked = []

    def answer(box: QMessageBox) -> int:
        asked.append(box.text())
        word = next(answers)
        next(button for button in box.buttons() if button.text() == word).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", answer)
    panel.resume.click()
    assert not started
    panel.resume.click()
    assert asked == ["Run the code of /code/unet.py:unet?"] * 2
    assert started[0].arguments == ("train", "--resume", str(run), "--network", "/code/unet.py:unet")
