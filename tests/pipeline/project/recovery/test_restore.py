"""Restoring: what a damaged, empty or older store comes back with, and what is left when that is interrupted."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.project.analysis.records import candidates, wanted_artefacts
from pipeline.project.clips.properties import Properties
from pipeline.project.clips.sequence_records import describe, sequences
from pipeline.project.decisions import decisions
from pipeline.project.editing.editor import Editor
from pipeline.project.recovery import restoration as restoring
from pipeline.project.recovery.condition import Present
from pipeline.project.recovery.restoration import condition, restore
from pipeline.project.recovery.sqlite_pages import Pages
from pipeline.project.storage import backup_files
from pipeline.project.storage.backup_files import back_up
from pipeline.project.storage.database import DATABASE, Project
from pipeline.stages import finish
from rainclean.compositing.composite import Shape
from rainclean.errors import InputError, RaincleanError, UsageError
from tests.conftest import Run
from tests.helpers.judged_projects import fill, judge, line_up

TABLES = ("clip", "sequence", "analysis", "candidate", "decision", "opinion", "edit")


def rows(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in a store but how often it was changed."""
    with closing(sqlite3.connect(folder / DATABASE)) as db:
        return {table: db.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in TABLES}


def states(folder: Path) -> str:
    return finish(condition(folder)).state


def pages_of(folder: Path, table: str) -> list[int]:
    """Numbers of the pages that hold a table's rows, as SQLite says."""
    with closing(sqlite3.connect(folder / DATABASE)) as db:
        try:
            found = db.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,)).fetchall()
        except sqlite3.OperationalError:  # built without: then by the root alone
            found = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchall()
    return [row[0] for row in found]


def destroy(folder: Path, *pages: int) -> None:
    with (folder / DATABASE).open("rb+") as file:
        for page in pages:
            file.seek(4096 * (page - 1))
            file.write(b"\xa5" * 4096)


@pytest.fixture
def worked(tmp_path: Path) -> Path:
    """A project of made-up sequences, a backup, and then 30 decisions, an opinion, a star and descriptions."""
    folder = tmp_path / "worked"
    with Project.create(folder) as project:
        made = fill(project, 40)
        for sequence in made[:5]:
            judge(project, sequence, line_up(project, sequence)[0])
        back_up(project.folder, project.serialized())
        ann, ben = Editor(project, "Ann"), Editor(project, "Ben")
        for sequence in made[5:33]:
            ann.accept(sequence, line_up(project, sequence)[1].id, "good " * 10)
        ann.reject(made[33], ["streaks"], "bad")
        ann.unset(made[5])
        ben.opine(made[6], line_up(project, made[6])[0].id)
        ann.star(made[7], on=True)
        ann.note(made[8], "ask Ben – über η")
        describe(project, [made[9].name], Properties(scene="corner", author="A. Nyone"))
        assert len(backup_files.backups(folder)) == 1
    return folder


# What comes back.


def test_all_decisions_since_the_backup_come_back(worked: Path) -> None:
    before = rows(worked)
    destroy(worked, pages_of(worked, "candidate")[0])
    assert states(worked) == "damaged"
    result = finish(restore(worked))
    assert result.was == "damaged" and result.salvaged.added["decision"] == 30 and result.unreadable > 0
    assert rows(worked) == before
    assert states(worked) == "sound"
    assert result.kept is not None and result.kept.is_file()
    with Project(worked) as project:
        assert project.problems() == [] and not project.notes


@pytest.mark.parametrize("table", ["clip", "sequence", "analysis", "project"])
def test_whatever_other_page_is_destroyed(worked: Path, table: str) -> None:
    before = rows(worked)
    destroy(worked, *pages_of(worked, table))
    finish(restore(worked))
    after = rows(worked)
    assert after["decision"] == before["decision"] and after["edit"] == before["edit"]
    assert after["opinion"] == before["opinion"]


def test_each_page_of_decisions_in_turn(worked: Path, tmp_path: Path) -> None:
    """What is on other pages comes back, and so does what was in the backup."""
    before = rows(worked)
    cells = list(Pages((worked / DATABASE).read_bytes()).cells())
    with closing(sqlite3.connect(worked / DATABASE)) as db:
        first = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'decision'").fetchone()[0]
    pages = [first, 1, *(n for n, page in enumerate(cells, 1) if any(c and len(c[1]) == 12 for c in page))]
    assert len(pages) > 3
    for page in pages:
        folder = Path(shutil.copytree(worked, tmp_path / f"page{page}", dirs_exist_ok=True))
        destroy(folder, page)
        assert states(folder) == "damaged"
        result = finish(restore(folder))
        after = rows(folder)
        gone = [row for row in before["decision"] if row not in after["decision"]]
        on_page = {cell[0] for cell in cells[page - 1] if cell is not None and len(cell[1]) == 12}
        lost = {row[0] for row in gone}
        # And those that take back what is gone.
        assert lost == {n for n in on_page if n > 5} | {row[0] for row in before["decision"] if row[6] in lost}
        # The last page's rows leave no gap in the numbers; edits still tell of them.
        assert not gone or any("cannot be read" in note for note in result.salvaged.notes)
        assert after["opinion"] == before["opinion"] and states(folder) == "sound"


def test_without_a_backup_what_can_be_read_makes_a_new_store(worked: Path) -> None:
    before = rows(worked)
    shutil.rmtree(worked / "backups")
    with Project(worked) as project:
        identity = project.uuid
    shutil.rmtree(worked / "backups")
    destroy(worked, 1)  # the schema: SQLite opens nothing of it any more
    result = finish(restore(worked))
    assert result.backup is None and any("no sound backup" in note for note in result.notes)
    after = rows(worked)
    assert {table: len(found) for table, found in after.items()} == {t: len(found) for t, found in before.items()}
    assert after == before
    with Project(worked) as project:
        assert project.uuid == identity and project.problems() == []


@pytest.mark.parametrize("how", ["no bytes", "tables without rows"])
def test_an_empty_store_comes_back_whole_and_nothing_is_deleted(
    home: Path, here: Run, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.project.storage.artefacts._ABANDONED", -1.0)
    with Project(home) as project:
        judge(project, sequences(project)[0], line_up(project, sequences(project)[0])[0])
    with Project(home):  # an opening that follows the change
        pass
    before = rows(home)
    pictures = sorted((home / "artefacts").rglob("*.*"))
    Project.create(tmp_path / "new").close()
    (home / DATABASE).write_bytes(b"" if how == "no bytes" else (tmp_path / "new" / DATABASE).read_bytes())
    for command in (["status", home], ["check", home], ["analyze", home], ["export", home, "-o", home / "out"]):
        done = here(*command)
        assert done.returncode == 1 and "is empty" in done.stderr and "rainclean restore" in done.stderr
        assert len(done.stderr.splitlines()) == 1 and not done.stdout
    assert sorted((home / "artefacts").rglob("*.*")) == pictures
    report = run(here, home)
    assert report["was"] == "empty" and report["decisions"] == 1
    assert rows(home) == before and not here("check", home).returncode
    assert sorted((home / "artefacts").rglob("*.*")) == pictures


def test_a_store_that_is_not_there_comes_back(worked: Path) -> None:
    (worked / DATABASE).unlink()
    assert states(worked) == "missing"
    result = finish(restore(worked))
    assert (result.was, result.decisions, result.kept) == ("missing", 5, None)


def test_an_older_store_gives_way_to_the_newest_backup(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.project.storage.artefacts._ABANDONED", -1.0)
    old = (home / DATABASE).read_bytes()
    with Project(home) as project:
        sequence = sequences(project)[0]
        Editor(project, "Ann").accept(sequence, line_up(project, sequence)[0].id)
        back_up(home, project.serialized())
    before = rows(home)
    (home / DATABASE).write_bytes(old)
    with pytest.raises(InputError, match="is older than the project was"):
        Project(home)
    result = finish(restore(home))
    assert result.was == "older" and rows(home) == before and result.kept is not None
    with Project(home) as project:
        project.artefacts.sweep(wanted_artefacts(project))
        assert all(project.artefacts.path(name).is_file() for name in wanted_artefacts(project))


def test_an_older_store_can_be_gone_on_with(worked: Path, here: Run) -> None:
    with Project(worked) as project:
        old = backup_files.unpack(backup_files.backups(worked)[-1].path)
        changes = project.changes
    (worked / DATABASE).write_bytes(old)
    assert here("restore", worked, "--as-it-is").returncode == 0
    with Project(worked) as project:
        assert project.changes > changes and len(decisions.journal(project)) == 5
    assert here("restore", worked, "--as-it-is").returncode == 2  # it is no longer older


def test_a_sound_store_is_replaced_only_when_a_time_is_named_and_can_be_had_back(worked: Path, here: Run) -> None:
    with Project(worked):
        pass
    done = here("restore", worked)
    assert done.returncode == 1 and "the store is sound" in done.stderr and "--at" in done.stderr
    before = rows(worked)
    newest, oldest = backup_files.backups(worked)
    # Both were made within a second or two: their times are set back, as if they were of last year.
    in_june = newest.path.rename(newest.path.with_name(f"2025-06-06T07-08-09Z-{newest.changes}.sqlite.gz"))
    in_may = oldest.path.rename(oldest.path.with_name(f"2025-05-06T07-08-09Z-{oldest.changes}.sqlite.gz"))
    report = run(here, worked, "--at", "2025-05-06T07:08:09Z")
    assert (report["was"], report["decisions"], report["backup"]) == ("sound", 5, str(in_may))
    assert report["kept"] == str(in_june) and len(rows(worked)["decision"]) == 5
    run(here, worked, "--at", "2025-06")
    assert len(rows(worked)["decision"]) == 35 and rows(worked) == before


def test_times_are_said_as_they_are_printed_or_in_part(worked: Path, here: Run) -> None:
    (made,) = backup_files.backups(worked)
    last_year = made.path.rename(made.path.with_name(f"2025-05-06T07-08-09Z-{made.changes}.sqlite.gz"))
    (listed,) = json.loads(here("restore", worked, "--list", "--json").stdout)["backups"]
    printed = here("restore", worked, "--list").stdout.splitlines()
    assert len(printed) == 2 and listed["sound"] and listed["decisions"] == 5 and listed["file"] == str(last_year)
    time = printed[1][:19]
    for said in (time, time.replace(" ", "T"), time[:16], time[:13], time[:10], time[:7], time[:4], listed["at"]):
        assert run(here, worked, "--at", said)["backup"] == str(last_year), said
    assert "no sound backup at or before" in here("restore", worked, "--at", "2001").stderr
    for said in ("yesterday", "2026-13", "2026-05-01T25", "20260501"):
        assert here("restore", worked, "--at", said).returncode == 2


def test_a_damaged_backup_is_passed_over(worked: Path, here: Run) -> None:
    with Project(worked):
        pass
    newest, oldest = backup_files.backups(worked)
    newest.path.write_bytes(newest.path.read_bytes()[:-100])
    lines = here("restore", worked, "--list").stdout.splitlines()
    assert "is damaged" in lines[1] and lines[2].endswith("sound")
    before = rows(worked)
    destroy(worked, pages_of(worked, "candidate")[0])
    done = run(here, worked)
    assert done["backup"] == str(oldest.path) and any(newest.path.name in note for note in done["notes"])
    assert rows(worked) == before


def run(here: Run, folder: Path, *flags: str) -> dict[str, Any]:
    done = here("restore", folder, *flags, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# What is refused.


@pytest.mark.parametrize("place", ["missing", "empty", "file"])
def test_what_is_no_project_is_said(tmp_path: Path, place: str, here: Run) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for flags in ((), ("--list",), ("--at", "2026")):
        done = here("restore", tmp_path / place, *flags)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and not done.stdout


def test_nothing_to_restore_from_changes_nothing(project: Project) -> None:
    project.close()
    (project.folder / DATABASE).write_bytes(b"none of ours" * 1000)
    with pytest.raises(InputError, match="there is no sound backup"):
        finish(restore(project.folder))
    assert (project.folder / DATABASE).read_bytes() == b"none of ours" * 1000
    assert not list(project.folder.glob(".restoring-*"))


def test_a_store_of_another_project_gives_nothing(worked: Path, tmp_path: Path) -> None:
    with Project.create(tmp_path / "other") as other:
        fill(other, 3)
        judge(other, sequences(other)[0], line_up(other, sequences(other)[0])[0])
    shutil.copy(tmp_path / "other" / DATABASE, worked / DATABASE)
    destroy(worked, pages_of(worked, "candidate")[-1])
    result = finish(restore(worked))
    assert any("belongs to another project" in note for note in result.notes)
    assert not result.salvaged.added and result.decisions == 5


def test_while_another_process_analyses_nothing_is_restored(worked: Path, here: Run) -> None:
    with Project(worked) as project, project.job("analyze"):
        done = here("restore", worked, "--at", "2100")
    assert done.returncode == 1 and "another rainclean is running `analyze`" in done.stderr


def test_a_full_disk_changes_nothing(worked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    destroy(worked, pages_of(worked, "candidate")[0])
    damaged = (worked / DATABASE).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restoring, "copy_of", full)
    with pytest.raises(RaincleanError, match="nothing was restored: No space left"):
        finish(restore(worked))
    assert (worked / DATABASE).read_bytes() == damaged and not list(worked.glob(".restoring-*"))


def test_ctrl_c_changes_nothing(worked: Path) -> None:
    destroy(worked, pages_of(worked, "candidate")[0])
    damaged = (worked / DATABASE).read_bytes()
    steps = len(list(restore_all(worked)))
    (worked / DATABASE).write_bytes(damaged)
    assert steps > 5
    for stop in range(1, steps):
        stage = restore(worked)
        for _ in range(stop):
            next(stage)
        stage.close()
        assert (worked / DATABASE).read_bytes() == damaged and not list(worked.glob(".restoring-*"))
    assert finish(restore(worked)).decisions == 35


def restore_all(folder: Path) -> Any:
    return (step for step in restore(folder))


# Killed in the midst of it.

KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from pipeline.project.recovery import restoration as restoring
from pipeline.stages import finish

def counted(do):
    def run(*args, **kwargs):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = do(*args, **kwargs)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return run

for name in ("replace", "unlink"):
    setattr(Path, name, counted(getattr(Path, name)))
for point in range(1, 100):
    folder = Path(sys.argv[2]) / str(point)
    shutil.copytree(sys.argv[1], folder)
    child = os.fork()
    if child == 0:
        left = point
        finish(restoring.restore(folder))
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
print(point)
"""
"""Kills one restoring after another before or after it changes a name, each a step later, until one is through."""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_killed_at_any_name_that_it_changes_it_leaves_the_old_store_or_the_new_one(
    worked: Path, tmp_path: Path
) -> None:
    whole = rows(worked)
    destroy(worked, pages_of(worked, "candidate")[0])
    damaged = (worked / DATABASE).read_bytes()
    # A journal that a killed writer left would be played back into whatever stands beside it.
    (worked / f"{DATABASE}-journal").write_bytes(hot_journal(tmp_path, damaged))
    killed = tmp_path / "killed"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(worked), str(killed)], check=True, capture_output=True, text=True
    )
    points = int(done.stdout)
    assert 8 < points < 99
    old = 0
    for point in range(1, points + 1):
        folder = killed / str(point)
        if states(folder) == "damaged":
            old += 1
            finish(restore(folder))
        assert states(folder) == "sound" and rows(folder) == whole, point
        with Project(folder) as project:
            assert project.problems() == []
    assert 0 < old < points


def hot_journal(folder: Path, data: bytes) -> bytes:
    """A journal as a writer leaves it that was killed after it had synced it: it leads back to the same bytes."""
    path = folder / "hot.sqlite"
    path.write_bytes(data)
    script = (
        "import os, signal, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA cache_size = 1')\ndb.execute('PRAGMA cache_spill = 1')\ndb.execute('BEGIN IMMEDIATE')\n"
        'db.execute("UPDATE sequence SET notes = hex(zeroblob(900))")\n'
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    return Path(f"{path}-journal").read_bytes()


# Rows that could mislead.


def test_rows_that_cannot_be_are_left_out(worked: Path) -> None:
    """A flipped byte is not always noticed by SQLite; a row that makes no sense is not taken."""
    with closing(sqlite3.connect(worked / DATABASE, isolation_level=None)) as db:
        db.execute("DROP TRIGGER decisions_stay_as_they_are")
        db.execute("PRAGMA ignore_check_constraints = ON")
        for number, change in enumerate(
            ("reasons = '[\"streaks'", "uuid = 'none'", "at = 'yesterday'", "verdict = 'maybe'",
             "exclude = '../../etc/passwd'", "candidate_id = 99999", "note = CAST(x'ff' AS TEXT)", "reasons = '[1]'")
        ):  # fmt: skip
            db.execute(f"UPDATE decision SET {change} WHERE id = ?", (number + 10,))
    assert states(worked) == "damaged"
    result = finish(restore(worked))
    there = {row[0] for row in rows(worked)["decision"]}
    assert there == set(range(1, 36)) - set(range(10, 18))
    assert states(worked) == "sound"
    assert any("cannot be read" in note for note in result.salvaged.notes)


def test_a_stroke_that_cannot_be_drawn_is_left_out(worked: Path) -> None:
    with Project(worked) as project:
        sequence = sequences(project)[3]
        one, other = (c.id for c in line_up(project, sequence)[:2])
        editor = Editor(project, "Ann")
        for x in (5.0, 9.0):
            editor.paint(sequence, one, other, Shape("brush", ((x, 10.0), (x, 30.0)), radius=3.0))
    with closing(sqlite3.connect(worked / DATABASE, isolation_level=None)) as db:
        db.execute("DROP TRIGGER edits_stay_as_they_are")
        db.execute("UPDATE edit SET value = json_set(value, '$.shape.points', 7) WHERE id = (SELECT max(id) FROM edit)")
    assert states(worked) == "damaged"
    finish(restore(worked))
    with Project(worked) as project:
        assert project.problems() == []
        assert len(Editor(project, "Ann").draft(sequence).layers[0].shapes) == 1


def test_a_number_that_was_used_again_leads_to_no_other_candidate(tmp_path: Path) -> None:
    """Analyze gives ids of removed candidates to others; a decision on one that is lost must not go to its namesake."""
    folder = tmp_path / "again"
    with Project.create(folder) as project:
        (sequence,) = fill(project, 1)
        back_up(folder, project.serialized())
        old = line_up(project, sequence)
        with project.transaction():
            rows_of = [dict(row) for row in project.rows("SELECT * FROM candidate ORDER BY id")]
            (analysis,) = project.rows("SELECT * FROM analysis")
            project.execute("DELETE FROM analysis")
            project.insert("analysis", **{**dict(analysis), "finished": "2026-02-02T00:00:00Z"})
            for row, like in zip(rows_of, reversed(rows_of), strict=True):
                project.insert("candidate", **{**like, "id": row["id"], "rank": row["rank"]})
        chosen = candidates(project, analysis["id"])[0]
        assert chosen.id in {one.id for one in old} and chosen.name != old[0].name
        judge(project, sequence, chosen)
    destroy(folder, *pages_of(folder, "candidate"))
    result = finish(restore(folder))
    assert result.decisions == 0 and any("its candidate cannot be read" in note for note in result.salvaged.notes)


def test_clips_sequences_and_analyses_since_the_backup_come_back_whole(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    with Project.create(folder) as project:
        fill(project, 2)
        back_up(folder, project.serialized())
        later = fill(project, 3, seed=4)
        for sequence in later:
            judge(project, sequence, line_up(project, sequence)[0])
    before = rows(folder)
    destroy(folder, pages_of(folder, "project")[0])
    result = finish(restore(folder))
    assert rows(folder) == before
    added = result.salvaged.added
    assert (added["sequence"], added["analysis"], added["candidate"], added["decision"]) == (3, 3, 15, 3)


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bytes_lose_no_more_than_their_rows(worked: Path, tmp_path: Path, seed: int) -> None:
    import random

    before, data = rows(worked), (worked / DATABASE).read_bytes()
    draw = random.Random(seed)
    for number in range(8):
        folder = Path(shutil.copytree(worked, tmp_path / f"flipped{number}"))
        flipped = bytearray(data)
        for _ in range(3):
            flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
        (folder / DATABASE).write_bytes(flipped)
        if states(folder) == "sound":
            continue
        finish(restore(folder))
        after = rows(folder)
        kept = [row for row in before["decision"] if row in after["decision"]]
        assert len(kept) >= len(before["decision"]) - 12 and states(folder) == "sound"  # a page holds as many


def test_a_store_is_looked_at_without_changing_it(worked: Path) -> None:
    there = {p: p.read_bytes() for p in worked.rglob("*") if p.is_file()}
    present = finish(condition(worked))
    assert isinstance(present, Present) and present.state == "sound" and present.contents is not None
    assert present.contents.decisions == 35
    assert {p: p.read_bytes() for p in worked.rglob("*") if p.is_file()} == there


def test_as_it_is_and_at_exclude_each_other(worked: Path, here: Run) -> None:
    assert here("restore", worked, "--at", "2026", "--as-it-is").returncode == 2
    assert here("restore", worked, "--list", "--at", "2026").returncode == 2
    with pytest.raises(UsageError):
        finish(restore(worked, as_it_is=True))
