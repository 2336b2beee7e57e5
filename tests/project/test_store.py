"""The store: what it promises of transactions, journals, versions and other processes."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.project import connection, schema, store
from pipeline.project.store import Project
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
    monkeypatch.setattr(connection.os, "access", lambda path, mode: False)  # root may write anywhere
    with Project(tmp_path / "archive") as project:
        assert project.uuid == identity and "cannot be written to" in project.notes[0]
        with project.snapshot():
            assert project.problems() == []
        with pytest.raises(ResourceError, match="readonly"), project.transaction():
            project.execute("UPDATE project SET uuid = 'x'")


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
        "import sys, pathlib\nfrom pipeline.project.store import Project\n"
        f"with Project(pathlib.Path({str(project.folder)!r})) as p, p.job('analyze'):\n"
        "    print('at it', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1)
    assert other.stdin and other.stdout
    assert other.stdout.readline().strip() == b"at it"
    with pytest.raises(RaincleanError, match="another rainclean is at `analyze`"), project.job("analyze"):
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
