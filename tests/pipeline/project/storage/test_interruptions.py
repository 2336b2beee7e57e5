"""Each kind of work broken off at random moments, many times: what was there stays, and the work can be gone on with.

    python -m pytest tests/pipeline/project/storage/test_interruptions.py -m slow -s

RAINCLEAN_KILLS: how often each kind is killed (SIGKILL), 60 by default; it is asked to end (SIGTERM, SIGHUP, SIGINT)
half as often. Only what was still at work when the signal came counts. docs/reliability.md has the figures.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.export.verification import check
from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.editing.editor import Editor
from pipeline.project.exchange.export_file import export_decisions
from pipeline.project.storage.database import DATABASE, Project
from pipeline.stages import finish
from tests.helpers.loaded import Loaded
from tests.helpers.training_pairs import write_dataset

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="these signals are POSIX"),
]

KILLS = int(os.environ.get("RAINCLEAN_KILLS", "60"))

HOW = {
    "killed": (KILLS, [signal.SIGKILL]),
    "asked": (max(3, KILLS // 2), [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]),
}

Sent = Callable[..., int]


@pytest.fixture(scope="module")
def sent() -> Iterator[Sent]:
    """Runs a command and sends it a signal after some seconds, if any; returns its exit code, -9: killed."""
    with Loaded(training=True) as loaded:
        yield lambda words, after=None, number=signal.SIGKILL: loaded.run(*words, after=after, number=number)


class Work:
    """One kind of work: how it is begun anew, which command does it, and what must hold whenever it was broken off.

    look: raises AssertionError; told whether the command has come to its end.
    """

    def __init__(self, fresh: Callable[[], object], words: list[object], look: Callable[[bool], object]) -> None:
        self.fresh, self.words, self.look = fresh, words, look

    def break_off(self, sent: Sent, how: str, kind: str) -> None:
        wanted, numbers = HOW[how]
        self.fresh()
        began = time.monotonic()
        assert sent(self.words) == 0
        whole = time.monotonic() - began
        self.look(True)
        self.fresh()
        draw, hit, ends = random.Random(7), 0, 0
        for n in range(6 * wanted):
            number = numbers[n % len(numbers)]
            code = sent(self.words, draw.uniform(0, whole), number)
            broken = code in (-number, 128 + number)  # the first where it came before the command had begun
            assert broken or code == 0, f"exit code {code}"
            self.look(not broken)
            hit += broken
            if not broken:
                ends += 1
                self.fresh()
            if hit == wanted:
                break
        assert sent(self.words) == 0
        self.look(True)
        sys.stderr.write(f"\n{kind}: {hit} times {how} in the midst, {ends} times too late; nothing lost\n")
        assert hit >= 0.8 * wanted, "most came too late"


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory, clips: Path, sent: Sent) -> Path:
    folder = tmp_path_factory.mktemp("added") / "project"
    assert sent(["new", folder]) == 0 and sent(["add", folder, clips]) == 0
    return folder


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory, added: Path, sent: Sent) -> Path:
    folder = Path(shutil.copytree(added, tmp_path_factory.mktemp("decided") / "project"))
    assert sent(["analyze", folder, "--recipe", "median"]) == 0 and sent(["select", folder, "--auto"]) == 0
    return folder


def again(source: Path, target: Path) -> Callable[[], object]:
    def fresh() -> None:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)

    return fresh


def rows(project: Path, query: str) -> list[tuple[object, ...]]:
    """By SQLite alone, after it has found the store sound."""
    db = sqlite3.connect(project / DATABASE)
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        return db.execute(query).fetchall()
    finally:
        db.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


how = pytest.mark.parametrize("how", list(HOW))


@pytest.mark.parametrize("command", [["analyze"], ["batch", "--workers", "2"]], ids=lambda words: words[0])
@how
def test_analyze(how: str, command: list[object], tmp_path: Path, added: Path, sent: Sent) -> None:
    home, most = tmp_path / "project", 0
    reference: dict[str, list[str]] = {}

    def look(ended: bool) -> None:
        nonlocal most
        found = {number: str(name) for number, name in rows(home, "SELECT candidate.id, picture FROM candidate")}
        for name in found.values():
            data = (home / "artefacts" / name[:2] / name).read_bytes()
            assert hashlib.sha256(data).hexdigest() == name.partition(".")[0]
        done = len(rows(home, "SELECT DISTINCT sequence_id FROM analysis WHERE error = ''"))
        assert done >= most, "a finished sequence was lost"
        most = 0 if ended else done
        if ended:
            assert done == 4
            assert reference.setdefault("pictures", sorted(found.values())) == sorted(found.values())
            assert not (home / "batch").exists()

    Work(again(added, home), [*command, home], look).break_off(sent, how, str(command[0]))


@how
def test_export(how: str, tmp_path: Path, decided: Path, sent: Sent) -> None:
    out = tmp_path / "out"
    reference: dict[str, dict[str, bytes]] = {}

    def look(ended: bool) -> None:
        rows(decided, "SELECT 1")
        if out.exists():  # whole, or not there
            assert finish(check(out)).problems == []
            assert reference.setdefault("files", contents(out)) == contents(out)
        if ended:
            assert out.exists() and not list(tmp_path.glob(".out*"))

    words = ["export", decided, "--crops", "grid:24", "--frames", "every:4", "-o", out]
    Work(lambda: shutil.rmtree(out, ignore_errors=True), words, look).break_off(sent, how, "export")


@how
def test_decisions_import(how: str, tmp_path: Path, decided: Path, sent: Sent) -> None:
    home, lines, others = tmp_path / "project", tmp_path / "ann.jsonl", tmp_path / "others"
    again(decided, others)()
    with Project(others) as project:
        editor, sequence = Editor(project, "Ann"), sequences(project)[0]
        chosen = candidates(project, analyses(project, sequence.id)[0].id)[0].id
        for number in range(60):
            editor.accept(sequence, chosen, f"number {number}")
        export_decisions(project, lines)
    before = len(rows(decided, "SELECT id FROM decision"))

    def look(ended: bool) -> None:
        made = len(rows(home, "SELECT id FROM decision")) - before
        assert made == 60 if ended else made in (0, 60)

    Work(again(decided, home), ["decisions", "import", home, lines], look).break_off(sent, how, "decisions import")


@how
def test_add_copy(how: str, tmp_path: Path, clips: Path, sent: Sent) -> None:
    home, empty, most = tmp_path / "project", tmp_path / "empty", 0
    assert sent(["new", empty]) == 0

    def look(ended: bool) -> None:
        nonlocal most
        found = rows(home, "SELECT content, relative FROM clip")
        assert len(found) >= most, "an added clip was lost"
        most = 0 if ended else len(found)
        copies = {p.name: p for p in (home / "clips").glob("[!.]*")} if (home / "clips").exists() else {}
        assert {p.read_bytes() for p in copies.values()} <= {p.read_bytes() for p in clips.iterdir()}
        assert all(any(name.startswith(str(content)) for name in copies) for content, _ in found)
        if ended:
            assert len(found) == 4 and not list((home / "clips").glob(".*"))

    Work(again(empty, home), ["add", home, clips, "--copy"], look).break_off(sent, how, "add --copy")


@how
def test_clean(how: str, tmp_path: Path, clips: Path, sent: Sent) -> None:
    out = tmp_path / "out"
    reference: dict[str, dict[str, bytes]] = {}

    def look(ended: bool) -> None:
        if (out / "report.json").exists():  # whole
            files = {name: data for name, data in contents(out).items() if not name.startswith(".rainclean")}
            assert set(json.loads(files["report.json"])["files"]) == set(files)
            files.pop("report.json")  # holds times
            assert reference.setdefault("files", files) == files
        assert not ended or not list(out.glob(".rainclean*"))

    words = ["clean", clips / "place0.mkv", "-o", out]
    Work(lambda: shutil.rmtree(out, ignore_errors=True), words, look).break_off(sent, how, "clean")


@how
def test_train(how: str, tmp_path: Path, sent: Sent) -> None:
    data, run = write_dataset(tmp_path / "pairs"), tmp_path / "run"
    reference: dict[str, dict[str, bytes]] = {}
    flags = (
        "--preset", "quick", "--steps", 12, "--batch", 2, "--size", 16, "--validate-every", 6, "--checkpoint-every", 4,
        "--validation-pictures", 2, "--accelerator", "cpu", "--threads", 1,
    )  # fmt: skip

    def fresh() -> None:
        shutil.rmtree(run, ignore_errors=True)
        work.words = ["train", data, "-o", run, *flags]

    def look(ended: bool) -> None:
        if (run / "run.json").exists():
            work.words = ["train", "--resume", run, "--accelerator", "cpu"]
        if ended:
            kept = {name: (run / name).read_bytes() for name in ("last.safetensors", "best.safetensors", "metrics.csv")}
            assert reference.setdefault("kept", kept) == kept, "it did not end as the run that was not disturbed"
            assert not list(run.glob(".*partial*"))

    work = Work(fresh, [], look)
    work.break_off(sent, how, "train")
