"""Jobs: real commands and short fakes; how they end, what is said of it, and that nothing is left behind."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from gui.jobs import duration_text, outcome_of
from gui.jobs.messages import advice_for, retry_arguments
from gui.jobs.progress import JobProgress, left_in_words
from gui.jobs.queue import Job, Jobs, State
from gui.pages.jobs import JobsPanel
from pipeline.project.decisions import person
from pipeline.stages import Progress
from tests.conftest import SAMPLE, Run
from tests.gui.conftest import Open
from tests.helpers.hands import PATIENCE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

PATIENT = "import time, signal\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    raise SystemExit(130)"
DEAF = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('{}', flush=True); time.sleep(60)"


@pytest.fixture
def jobs(qtbot: QtBot) -> Any:
    made = Jobs()
    yield made
    made.shutdown(1)
    assert not [job for job in made.all if job.pid is not None]


def fake(script: str, kind: str = "analyze", project: str = "p") -> Job:
    return Job(f"A {kind}", [kind, project], Path(project), program=(sys.executable, "-c", script))


def over(qtbot: QtBot, *jobs: Job, within: int = PATIENCE) -> None:
    qtbot.waitUntil(lambda: all(job.is_over for job in jobs), timeout=within)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_jobs_work_in_the_name_of_the_person(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(None)
    window.session.set_user("anna")
    says = "import sys\nfrom pipeline.project.decisions import person\nsys.stderr.write(person() + '\\n')"
    job = window.jobs.start(fake(says))
    over(qtbot, job)
    assert "anna" in job.log
    assert person() != "anna"


def test_clips_are_added_and_analysed(jobs: Jobs, qtbot: QtBot, rainclean: Run, tmp_path: Path) -> None:
    project = tmp_path / "a project"
    assert rainclean("new", project).returncode == 0
    add = jobs.start(Job("Add clips", ["add", str(project), str(SAMPLE)], project))
    over(qtbot, add)
    assert add.state is State.FINISHED, add.error
    assert add.result["sequences"] == ["table"]
    analyze = Job("Analyse", ["analyze", str(project), "--frames", "12"], project)
    seen: list[tuple[str, float | None]] = []
    analyze.changed.connect(lambda: seen.append((analyze.doing(), analyze.fraction)))
    jobs.start(analyze)
    over(qtbot, analyze)
    assert analyze.state is State.FINISHED, analyze.error
    assert analyze.result["done"] == ["table"] and analyze.fraction == 1
    assert any(text == "table: decoding frames" for text, _ in seen)
    shares = [share for _, share in seen if share is not None]
    assert shares == sorted(shares) and any(0 < share < 1 for share in shares)
    assert f"'{project}'" in analyze.command and "--json" not in analyze.command


def test_what_fails_says_why_and_what_to_do(jobs: Jobs, qtbot: QtBot, tmp_path: Path) -> None:
    job = jobs.start(Job("Check", ["check", str(tmp_path)], tmp_path))
    over(qtbot, job)
    assert job.state is State.FAILED and str(tmp_path) in job.error and not job.error.startswith("rainclean")
    assert job.advice
    usage = jobs.start(Job("Export", ["export", str(tmp_path)]))
    over(qtbot, usage)
    assert usage.state is State.FAILED and usage.error
    nothing = jobs.start(Job("Nothing", ["x"], program=(str(tmp_path / "no program"),)))
    over(qtbot, nothing)
    assert nothing.state is State.FAILED and "could not be started" in nothing.error


def test_a_stopped_job_ends_cleanly(jobs: Jobs, qtbot: QtBot) -> None:
    job = jobs.start(fake("import sys; sys.stderr.write('ready\\n'); sys.stderr.flush()\n" + PATIENT))
    qtbot.waitUntil(lambda: bool(job.log), timeout=PATIENCE)
    pid = job.pid
    assert pid is not None
    job.cancel()
    assert job.doing() == "stopping"
    over(qtbot, job)
    assert job.state is State.CANCELLED and not is_alive(pid)


def test_one_that_does_not_listen_is_killed(jobs: Jobs, qtbot: QtBot) -> None:
    job = fake(DEAF.replace("print", "import sys; print").replace("flush=True", "file=sys.stderr, flush=True"))
    job.grace = 0.2
    jobs.start(job)
    qtbot.waitUntil(lambda: bool(job.log), timeout=PATIENCE)
    job.cancel()
    over(qtbot, job, within=5000)
    assert job.state is State.CANCELLED


def test_a_killed_job_says_that_what_was_finished_is_kept(jobs: Jobs, qtbot: QtBot) -> None:
    job = jobs.start(fake(PATIENT))
    qtbot.waitUntil(lambda: job.pid is not None, timeout=PATIENCE)
    os.kill(job.pid or 0, signal.SIGKILL)
    over(qtbot, job)
    assert job.state is State.FAILED and job.error == "The job died (signal 9)"
    assert "Finished sequences are saved. Start the job again" in job.advice
    again = jobs.again(job)
    assert again.state is State.RUNNING and job not in jobs.all


def test_one_of_a_kind_on_a_project_and_two_in_all(jobs: Jobs, qtbot: QtBot) -> None:
    first, second, other, third = (fake(PATIENT), fake("pass"), fake("pass", "export"), fake(PATIENT, project="q"))
    for job in (first, second, other, third):
        jobs.start(job)
    assert [job.state for job in jobs.all] == [State.RUNNING, State.QUEUED, State.RUNNING, State.QUEUED]
    over(qtbot, other)
    assert [second.state, third.state] == [State.QUEUED, State.RUNNING]
    first.cancel()
    over(qtbot, second)
    assert second.state is State.FINISHED
    jobs.cancel_all()
    over(qtbot, third)


def test_nothing_is_left_when_the_window_goes(qtbot: QtBot) -> None:
    jobs = Jobs()
    deaf = jobs.start(fake(DEAF))
    jobs.start(fake(PATIENT, "export"))
    waiting = jobs.start(fake(PATIENT))
    pids = [job.pid for job in jobs.running()]
    assert len(pids) == 2
    began = time.monotonic()
    jobs.shutdown(1.0)
    assert time.monotonic() - began < 8
    assert not any(is_alive(pid) for pid in pids if pid) and not jobs.running()
    assert waiting.state is State.CANCELLED and deaf.is_over


def test_lines_in_pieces_and_results_that_are_no_json(jobs: Jobs, qtbot: QtBot) -> None:
    pieces = (b'{"stage": "look", "do', b'ne": 1, "total": 4, "note": "\xce', b'\xb7"}\nhalf ', b"line\n\xff last")
    script = (
        f"import sys, time\nfor piece in {pieces!r}:\n"
        "    sys.stderr.buffer.write(piece), sys.stderr.flush(), time.sleep(.05)\nprint('no json')"
    )
    job = jobs.start(fake(script, "export"))
    over(qtbot, job)
    assert job.progress is not None and job.progress.done == 1
    assert list(job.log) == ["note: η", "half line", "\ufffd last", "no json"]
    assert job.result is None


def test_a_flood_of_lines_is_bounded(jobs: Jobs, qtbot: QtBot) -> None:
    job = jobs.start(fake("import sys\nfor i in range(20000): sys.stderr.write(f'line {i}\\n')"))
    over(qtbot, job)
    assert len(job.log) == 2000 and job.log[-1] == "line 19999"


def test_words_that_go_on(tmp_path: Path) -> None:
    words = ("train", "data", "-o", str(tmp_path / "run"), "--snapshot", "copy")
    assert retry_arguments(words) == words
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    assert retry_arguments(words) == ("train", "--resume", str(tmp_path / "run"))
    named = ("--network", "unet.py:unet")
    assert retry_arguments((*words, *named)) == ("train", "--resume", str(tmp_path / "run"), *named)
    assert retry_arguments(("analyze", "p")) == ("analyze", "p")
    assert "pip install 'rainclean[spanet]'" in advice_for(
        "train", "SPANet needs torch: pip install 'rainclean[spanet]'"
    )


def test_the_time_left_is_told_when_it_is_known() -> None:
    progress = JobProgress("analyze")
    progress.add_step(Progress("decode", 0, 100).as_part("cat", 0, 4), 0.0)
    assert progress.seconds_left(2.0) is None and progress.description(2.0) == "cat: decoding frames, 1 of 4 sequences"
    for second in range(1, 101):  # one sequence takes 100 s
        stage = ("decode", second, 50) if second <= 50 else ("rain", second - 50, 50)
        progress.add_step(Progress(*stage).as_part("cat", 0, 4), float(second))
        progress.seconds_left(float(second))
    left = progress.seconds_left(100.0)
    assert left is not None and 200 < left < 420
    stalled = progress.seconds_left(200.0)
    assert stalled is not None and stalled > left
    assert [left_in_words(s) for s in (3, 41, 125, 3 * 3600, 4 * 86400)] == [
        "a few seconds left", "about 40 s left", "about 2 min left", "about 3 h left", "about 4 days left",
    ]  # fmt: skip


def test_a_run_that_goes_on_counts_from_where_it_was() -> None:
    progress = JobProgress("train")
    progress.add_step(Progress("train", 300, 400), 0.0)
    for second in range(1, 21):
        progress.add_step(Progress("train", 300 + second, 400), float(second))
    left = progress.seconds_left(20.0)
    assert left is not None and 75 < left < 85
    unknown = JobProgress("something")
    unknown.add_step(Progress("work", 1, 2), 0.0)
    assert unknown.fraction is None and unknown.description(0.0) == "work 1 of 2"


def test_the_panel_shows_stops_and_tries_again(jobs: Jobs, qtbot: QtBot) -> None:
    panel = JobsPanel(jobs)
    qtbot.addWidget(panel)
    panel.show()
    assert panel._empty.isVisible()
    script = (
        "import sys, json, time; sys.stderr.write(json.dumps(dict(stage='decode', done=1, total=2, part='cat',"
        "parts_done=2, parts_total=12)) + '\\nnote: look\\n'); sys.stderr.flush()\n" + PATIENT
    )
    job = jobs.start(fake(script))
    card = panel.card(job)
    qtbot.waitUntil(lambda: bool(job.log), timeout=PATIENCE)
    assert card.doing.text() == "cat: decoding frames, 3 of 12 sequences" and card.bar.value() == round(
        1000 * 2.25 / 12
    )
    assert not panel._empty.isVisible() and card.stop.isVisible() and not card.again.isVisible()
    card.show_log.click()
    assert card.log.toPlainText() == "note: look" and card.command.text() == "rainclean analyze p"
    card.stop.click()
    assert card.stop.text() == "End now"
    over(qtbot, job)
    assert card.again.isVisible() and not card.stop.isVisible() and not card.bar.isVisible()
    card.again.click()
    assert [j.state for j in jobs.all] == [State.RUNNING] and jobs.all[0] is not job
    jobs.all[0].cancel()
    over(qtbot, *jobs.all)
    panel._clear.click()
    assert panel._empty.isVisible() and not jobs.all


def test_the_panel_tells_a_failure_and_copies(jobs: Jobs, qtbot: QtBot) -> None:
    panel = JobsPanel(jobs)
    qtbot.addWidget(panel)
    panel.show()
    job = jobs.start(fake("import sys; sys.stderr.write('rainclean: p: <b>no</b> project\\n'); sys.exit(1)"))
    over(qtbot, job)
    card = panel.card(job)
    assert card.reason.isVisible() and card.reason.text().startswith("p: <b>no</b> project\n")
    card.show_log.click()
    copies = {button.text(): button for button in card.findChildren(type(card.stop))}
    copies["Copy log"].click()
    assert QGuiApplication.clipboard().text() == "rainclean: p: <b>no</b> project"
    copies["Copy command"].click()
    assert QGuiApplication.clipboard().text() == "rainclean analyze p"


def test_a_finished_job_says_how_many_how_long_and_where(
    jobs: Jobs, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = JobsPanel(jobs)
    qtbot.addWidget(panel)
    panel.show()
    document = {"pairs": {"train": 100, "test": 20}, "scenes": {}, "notes": [], "folder": str(tmp_path)}
    job = jobs.start(fake(f"import json; print(json.dumps({document!r}))", "export"))
    over(qtbot, job)
    card = panel.card(job)
    assert card.result.isVisible() and not card.reason.isVisible() and not card.bar.isVisible()
    assert card.result.text().startswith("Exported 120 pairs in ") and card.result.text().endswith(f" to {tmp_path}")
    shown: list[str] = []
    monkeypatch.setattr("gui.pages.job_card.QDesktopServices.openUrl", lambda url: shown.append(url.toLocalFile()))
    qtbot.mouseClick(card.show_folder, Qt.MouseButton.LeftButton)
    assert shown == [str(tmp_path)]
    with qtbot.waitSignal(panel.opened) as opened:
        qtbot.keyClick(card.open, Qt.Key.Key_Space)
    assert opened.args == ["pairs", job]


def test_a_failed_job_names_the_files(jobs: Jobs, qtbot: QtBot) -> None:
    panel = JobsPanel(jobs)
    qtbot.addWidget(panel)
    panel.show()
    lines = [f"failed: clip{number}.mp4: is damaged" for number in range(7)]
    lines.append("rainclean: 7 of 9 clips could not be added")
    script = f"import sys; print(*{lines!r}, sep=chr(10), file=sys.stderr); sys.exit(1)"
    job = jobs.start(fake(script, "add"))
    over(qtbot, job)
    shown = panel.card(job).reason.text().splitlines()
    assert shown[0] == "7 of 9 clips could not be added" and shown[1] == "• clip0.mp4: is damaged"
    assert shown[6] == "• and 2 more, which the log names" and shown[7] == "Replace these files, then try again."
    assert panel.card(job).again.text() == "Try again" and panel.card(job).again.isVisible()


@pytest.mark.parametrize(
    ("arguments", "result", "text", "page"),
    [
        (("add", "p", "x"), {"sequences": ["a", "b"], "known": []}, "Added 2 sequences", "desk"),
        (
            ("analyze", "p"),
            {"done": ["a"], "skipped": ["b"]},
            "Analysed 1 sequence; 1 had been analysed before",
            "desk",
        ),
        (("check", "/x"), {"counts": {"pair": 3, "file": 4}}, "Checked 7 items, no problems", "pairs"),
        (("find", "/p", "/x"), {"found": {"a": "/x/a"}, "asked": 3}, "Found 1 of 3 missing clips", "desk"),
        (
            ("train", "d", "-o", "/run"),
            {"steps": 400, "best_psnr": 28.0, "best_step": 200, "folder": "/run"},
            "Trained 400 steps, best validation 28.00 dB at step 200",
            "training",
        ),
        (("evaluate", "d", "-o", "/e"), {"dataset": {"pairs": 12}}, "Evaluated on 12 pairs", "results"),
        (("select", "p", "--auto"), {"words": ["4 accepted", "1 skipped"]}, "4 accepted; 1 skipped", "desk"),
        (("decisions", "export", "p", "-o", "/f.jsonl"), {}, "Exported the decisions", ""),
        (("export", "p"), {"of": "another version"}, "Finished", ""),
        (("derain", "x"), None, "Finished", ""),
    ],
)
def test_outcomes_in_words(arguments: tuple[str, ...], result: object, text: str, page: str) -> None:
    outcome = outcome_of(arguments, result)
    assert (outcome.text, outcome.page) == (text, page)


def test_durations_in_words() -> None:
    assert [duration_text(seconds) for seconds in (0.2, 59, 130, 3900)] == ["1 s", "59 s", "2 min 10 s", "1 h 5 min"]


def test_cards_are_listed_newest_first_and_finished_ones_cleared(jobs: Jobs, qtbot: QtBot) -> None:
    panel = JobsPanel(jobs)
    qtbot.addWidget(panel)
    panel.show()
    first, second = jobs.start(fake("pass")), jobs.start(fake(PATIENT, "export"))
    over(qtbot, first)
    tops = [panel.card(job).mapTo(panel, panel.card(job).rect().topLeft()).y() for job in (second, first)]
    assert tops == sorted(tops)
    qtbot.mouseClick(panel._clear, Qt.MouseButton.LeftButton)
    assert jobs.all == (second,) and not panel._empty.isVisible() and not panel._clear.isVisible()
    jobs.cancel_all()
    over(qtbot, second)
