"""The store: what it promises of transactions, journals, versions and other processes."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.storage import database as store
from pipeline.project.storage import locks, schema
from pipeline.project.storage.database import Project
from rainclean.errors import InputError, RaincleanError, ResourceError, StoreError


def pragma(project: Project, name: str) -> object:
    return project.value(f"PRAGMA {name}")


def test_a_new_project_is_safe_against_power_cuts_and_dangling_rows(project: Project) -> None:
    assert pragma(project, "journal_mode") == "delete"
    assert pragma(project, "synchronous") == 3  # EXTRA
    assert pragma(project, "foreign_keys") == 1
    assert pragma(project, "user_version") == len(schema.MIGRATIONS)
    with pytest.raises(sqlite3.IntegrityError), project.transaction():
        project.insert("decision", uuid="", sequence_id=99, kind="person", verdict="rejected", exclude="", note="",
                       who="", at="")  # fmt: skip


def test_a_project_keeps_its_identity(project: Project) -> None:
    with Project(project.folder) as again:
        assert again.uuid == project.uuid


@pytest.mark.parametrize("what", ["project", "file in it", "file"])
def test_new_refuses_what_is_not_empty(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "there"
    if what == "project":
        Project.create(folder).close()
    elif what == "file in it":
        folder.mkdir()
        (folder / "mine.txt").write_text("kept")
    else:
        folder.write_text("kept")
    with pytest.raises(InputError, match=r"is a project already|is not an empty folder"):
        Project.create(folder)


def test_new_goes_on_where_a_killed_one_stopped(tmp_path: Path) -> None:
    (tmp_path / store.DATABASE).touch()
    with Project.create(tmp_path) as project:
        assert project.uuid


@pytest.mark.parametrize("place", ["missing", "empty"])
def test_what_is_no_project_is_said(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="rainclean new"):
        Project(tmp_path / place)


def test_other_files_under_the_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / store.DATABASE).write_bytes(b"no database at all, but long enough to be read as one" * 30)
    with pytest.raises(StoreError, match="is damaged or no store"):
        Project(tmp_path)
    for made in ("PRAGMA user_version = 1", "CREATE TABLE theirs (a INTEGER)"):
        (tmp_path / store.DATABASE).unlink()
        with sqlite3.connect(tmp_path / store.DATABASE) as other:
            other.execute(made)
        other.close()
        before = (tmp_path / store.DATABASE).read_bytes()
        with pytest.raises(InputError, match="another program"):
            Project(tmp_path)
        assert (tmp_path / store.DATABASE).read_bytes() == before


def test_a_newer_store_is_refused_and_left_alone(project: Project) -> None:
    project.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    with pytest.raises(InputError, match="newer rainclean"):
        Project(project.folder)
    assert pragma(project, "user_version") == len(schema.MIGRATIONS) + 1


def test_an_older_store_is_brought_up_to_date_whole_or_not_at_all(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = len(schema.MIGRATIONS)
    better = "ALTER TABLE sequence ADD COLUMN weather TEXT NOT NULL DEFAULT 'rain';"
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, better + "\nCREATE TABLE clip (again INTEGER);"])
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        Project(project.folder)
    assert pragma(project, "user_version") == known
    assert "weather" not in {row["name"] for row in project.rows("PRAGMA table_info(sequence)")}
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS[:known], better])
    with Project(project.folder) as upgraded:
        assert pragma(upgraded, "user_version") == known + 1
        assert upgraded.rows("SELECT weather FROM sequence") == []
        assert upgraded.uuid == project.uuid


def test_a_network_share_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Project.create(tmp_path / "moved").close()
    monkeypatch.setattr(store, "network_share", lambda folder: "nfs4")
    with Project(tmp_path / "moved") as project:
        assert any("network share (nfs4)" in note for note in project.notes)
    monkeypatch.undo()
    with Project(tmp_path / "moved") as project:
        assert not project.notes


def test_a_project_that_cannot_be_written_to_can_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Project.create(tmp_path / "archive") as project:
        identity = project.uuid
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with Project(tmp_path / "archive") as project:
        assert project.uuid == identity and "cannot be written to" in project.notes[0]
        with project.snapshot():
            assert project.problems() == []
        with pytest.raises(ResourceError, match="readonly"), project.transaction():
            project.execute("UPDATE project SET uuid = 'x'")


def test_what_others_write_is_seen_where_one_may_only_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: False)
        reader = Project(project.folder)
    with reader:
        assert reader.read_only
        project.execute("UPDATE project SET rainclean = 'later'")
        assert reader.value("SELECT rainclean FROM project") == "later"
        with pytest.raises(ResourceError, match="readonly"):
            reader.execute("UPDATE project SET rainclean = 'not'")
        left = project.folder / f"{store.DATABASE}-journal"
        left.write_bytes(b"of a killed process")
        with pytest.raises(ResourceError, match="is read-only, and in use or left unfinished by a killed process"):
            sequences(reader)
        left.unlink()


def test_a_transaction_that_raises_leaves_nothing(project: Project) -> None:
    with pytest.raises(KeyError), project.transaction():
        project.execute("UPDATE project SET uuid = 'lost'")
        raise KeyError
    assert project.uuid != "lost"


def test_a_second_writer_waits_for_the_first(project: Project) -> None:
    order = []

    def write() -> None:
        with Project(project.folder) as other, other.transaction():
            order.append("second")

    second = threading.Thread(target=write)
    with project.transaction():
        second.start()
        second.join(0.3)
        order.append("first")
    second.join(10)
    assert order == ["first", "second"]


def test_a_writer_that_waited_in_vain_says_so(project: Project) -> None:
    waited = pytest.raises(RaincleanError, match="another process has been using it")
    with Project(project.folder, wait=0.05) as other, project.transaction(), waited, other.transaction():
        pass


def test_a_writer_waits_for_a_snapshot(project: Project) -> None:
    order = []

    def write() -> None:
        with Project(project.folder) as other:
            other.execute("UPDATE project SET uuid = 'later'")
            order.append("written")

    writer = threading.Thread(target=write)
    with project.snapshot():
        before = project.uuid
        writer.start()
        writer.join(0.3)
        with project.snapshot():
            assert project.uuid == before
        order.append("read")
    writer.join(10)
    assert order == ["read", "written"] and project.uuid == "later"


def test_long_work_of_one_kind_is_done_by_one_process(project: Project) -> None:
    script = (
        "import sys, pathlib\nfrom pipeline.project.storage.database import Project\n"
        f"with Project(pathlib.Path({str(project.folder)!r})) as p, p.job('analyze'):\n"
        "    print('at it', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1)
    assert other.stdin and other.stdout
    assert other.stdout.readline().strip() == b"at it"
    with pytest.raises(RaincleanError, match="another rainclean is running `analyze`"), project.job("analyze"):
        pass
    with project.job("something else"):
        pass
    other.kill()
    other.wait()
    other.stdin.close()
    other.stdout.close()
    with project.job("analyze"):  # free again, whatever became of the other one
        pass


def test_a_damaged_store_is_found(project: Project) -> None:
    assert project.problems() == []
    with sqlite3.connect(project.folder / store.DATABASE) as raw:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("INSERT INTO sequence (clip_id, name, first, last, scene, scene_by, background) "
                    "VALUES (77, 'a', 0, 2, 'a', 'name', x'00')")  # fmt: skip
    raw.close()
    assert project.problems() == ["sequence: row 1 refers to a missing clip"]


def held(folder: Path) -> list[str]:
    """Locks of any kind that any process holds on files of a folder, as the system lists them."""
    inodes = {str(path.stat().st_ino) for path in folder.iterdir()}
    lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    return [line for line in lines if line.split(":")[4 if "->" in line else 3].split()[0] in inodes]


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="this system does not list locks")
def test_nothing_is_held_while_idle(project: Project) -> None:
    sequences(project)
    project.execute("UPDATE project SET rainclean = 'x'")
    assert held(project.folder) == []
    with project.snapshot():
        sequences(project)
        assert any("FLOCK" in line and "READ" in line for line in held(project.folder))
    with project.transaction():
        assert any("FLOCK" in line and "WRITE" in line for line in held(project.folder))
    assert held(project.folder) == []


def test_what_others_open_and_close_drops_no_lock(project: Project) -> None:
    with Project(project.folder, wait=0.1) as other, project.transaction():
        project.execute("UPDATE project SET rainclean = 'x'")
        for path in project.folder.iterdir():
            if path.is_file():
                path.read_bytes()
        with pytest.raises(RaincleanError, match="another process has been using it"):
            other.execute("UPDATE project SET rainclean = 'y'")
        with pytest.raises(RaincleanError, match="another process has been using it"):
            sequences(other)


@pytest.mark.parametrize("how", ["replaced", "removed", "moved away"])
def test_a_store_that_is_taken_away_is_told_and_nothing_is_pretended(project: Project, how: str) -> None:
    database = project.folder / store.DATABASE
    before = database.read_bytes()
    if how == "replaced":
        shutil.copyfile(database, database.with_name("copy"))
        database.with_name("copy").replace(database)
    elif how == "removed":
        database.unlink()
    else:
        project.folder.rename(project.folder.with_name("elsewhere"))
    for attempt in (lambda: sequences(project), lambda: project.execute("UPDATE project SET rainclean = 'x'")):
        with pytest.raises(StoreError, match="replaced or removed while it was open"):
            attempt()
    if how == "replaced":
        assert database.read_bytes() == before


def test_a_store_that_is_replaced_during_a_transaction_is_told(project: Project) -> None:
    database = project.folder / store.DATABASE
    with pytest.raises(StoreError, match="replaced or removed"), project.transaction():
        project.execute("UPDATE project SET rainclean = 'x'")
        database.rename(database.with_name("away"))


def test_a_lock_file_that_is_taken_away_locks_nobody_out_and_nobody_in(project: Project) -> None:
    with Project(project.folder, wait=0.1) as other:
        sequences(other)
        for name in (locks.LOCK, locks.TURN):
            (project.folder / name).unlink()
        with project.transaction():
            with pytest.raises(RaincleanError, match="another process has been using it"):
                sequences(other)
            project.execute("UPDATE project SET rainclean = 'x'")
        assert other.value("SELECT rainclean FROM project") == "x"


def test_a_writer_is_not_kept_waiting_by_readers_that_take_turns(project: Project) -> None:
    ended = threading.Event()

    def read() -> None:
        with Project(project.folder) as other:
            while not ended.is_set():
                with other.snapshot():
                    ended.wait(0.02)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for number in range(20):
            project.execute("UPDATE project SET rainclean = ?", str(number))
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    assert project.value("SELECT rainclean FROM project") == "19"


def test_what_a_killed_writer_left_half_done_is_taken_back(project: Project, tmp_path: Path) -> None:
    killed, database = tmp_path / "killed", project.folder / store.DATABASE
    whole = database.read_bytes()
    project._connection._db.execute("PRAGMA cache_size = 5")  # pages are written before the transaction ends
    with pytest.raises(KeyError), project.transaction():
        project.execute("UPDATE project SET rainclean = 'half'")
        project.execute("CREATE TABLE much AS SELECT zeroblob(50000) AS data")
        shutil.copytree(project.folder, killed)  # as a kill at this moment leaves it
        raise KeyError
    assert (killed / store.DATABASE).read_bytes() != whole
    assert (killed / f"{store.DATABASE}-journal").stat().st_size
    readers = [threading.Thread(target=lambda: Project(killed).close()) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert (killed / store.DATABASE).read_bytes() == whole
    with Project(killed) as again:
        assert again.value("SELECT rainclean FROM project") != "half" and again.problems() == []


def test_of_several_that_make_a_project_at_a_time_one_does(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom pipeline.project.storage.database import Project\n"
        "from rainclean.errors import RaincleanError\nsys.stdin.readline()\nfor name in sys.argv[1:]:\n"
        "    try:\n        Project.create(Path(name)).close()\n        print('made')\n"
        "    except RaincleanError as error:\n        print(error)"
    )
    folders = [tmp_path / f"same{number}" for number in range(8)]
    several = [
        subprocess.Popen([sys.executable, "-c", script, *folders], stdin=-1, stdout=-1, stderr=-1, text=True)
        for _ in range(4)
    ]
    for one in several:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.communicate() for one in several]
    assert all(not err for _, err in said), said
    for folder, lines in zip(folders, zip(*(out.splitlines() for out, _ in said), strict=True), strict=True):
        assert sorted(lines) == sorted([*[f"{folder}: is a project already"] * 3, "made"])
        with Project(folder) as project:
            assert project.problems() == []


@pytest.mark.parametrize("beside", ["artefacts", "clips", "backups", ""])
@pytest.mark.parametrize("left", ["nothing", "no tables"])
def test_an_empty_store_is_no_empty_project(tmp_path: Path, beside: str, left: str) -> None:
    with sqlite3.connect(tmp_path / store.DATABASE) as db:
        if left == "no tables":
            db.execute("CREATE TABLE t (a)")
            db.execute("DROP TABLE t")
    db.close()
    if beside:
        (tmp_path / beside).mkdir()
    with pytest.raises(StoreError, match="is empty.*rainclean " + ("restore" if beside else "new")):
        Project(tmp_path)
    if beside:
        with pytest.raises(InputError, match=r"not an empty folder|is a project already"):
            Project.create(tmp_path)


def test_no_command_takes_an_empty_store_for_an_empty_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / store.DATABASE).touch()
    (tmp_path / store.ARTEFACTS).mkdir()
    for words in (["status"], ["check"], ["analyze"], ["select", "--auto"], ["agreement"]):
        assert main([words[0], str(tmp_path), *words[1:]]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "is empty" in line and "rainclean restore" in line and store.DATABASE in line


def test_changes_are_counted_by_the_transaction(project: Project) -> None:
    before = project.changes
    with project.transaction():
        project.execute("UPDATE project SET rainclean = 'x'")
        project.execute("UPDATE project SET rainclean = 'y'")
    with project.transaction():
        pass
    with project.snapshot():
        sequences(project)
    assert project.changes == before + 1


def test_the_bytes_of_a_store_are_a_store(project: Project, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / store.DATABASE).write_bytes(project.serialized())
    with Project(tmp_path / "copy") as copy:
        assert copy.uuid == project.uuid and copy.problems() == []


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_where_nothing_can_be_written_a_project_is_read_and_a_change_says_why(project: Project) -> None:
    script = (
        "import resource, sys\nfrom pipeline.cli.main import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"  # as a full disk: no file may grow
        "sys.exit(main(sys.argv[1:]))"
    )
    project.execute(
        "INSERT INTO clip VALUES (1, 'c', '/c', '', 0, 1, 1, 8, 8, 9, 1.0, 'none', 0, '[]', '2026-01-01T00:00:00Z',"
        " '', '')"
    )
    project.insert("sequence", clip_id=1, name="cat", first=0, last=9, scene="cat", scene_by="name", background=b"")
    folder, whole = project.folder, (project.folder / store.DATABASE).read_bytes()

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", script, *map(str, words)], capture_output=True, text=True, check=False
        )

    done = run("status", folder)
    assert done.returncode == 0 and "1 sequence" in done.stdout
    done = run("describe", folder, "cat", "--scene", "there")
    *notes, line = done.stderr.splitlines()
    assert done.returncode == 1 and all("no backup was made" in note for note in notes)
    assert store.DATABASE in line and "is the disk full" in line
    assert project.value("SELECT scene FROM sequence") == "cat"
    assert (folder / store.DATABASE).read_bytes() == whole
