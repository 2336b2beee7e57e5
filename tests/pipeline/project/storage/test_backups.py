"""Backups: made as a project changes, of sound stores alone, and which of them are kept."""

import gzip
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.project.storage import backup_files
from pipeline.project.storage.backup_files import Backup, back_up, kept_backups
from pipeline.project.storage.database import DATABASE, Project
from rainclean.errors import InputError, ResourceError
from tests.conftest import Run
from tests.helpers.judged_projects import fill, judged_project


def change(project: Project, times: int = 1) -> None:
    for _ in range(times):
        with project.transaction():
            project.execute("UPDATE project SET rainclean = rainclean || '.'")


def made(project: Project) -> list[int]:
    return [backup.changes for backup in backup_files.backups(project.folder)]


# Which are kept.

MOMENTS = st.integers(0, 90 * 86_400).map(lambda second: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(MOMENTS, max_size=80), st.booleans())
def test_the_last_ten_and_one_a_day_are_kept(moments: list[datetime], clock_goes_right: bool) -> None:
    moments = sorted(moments) if clock_goes_right else moments
    there = [Backup(Path(f"{n}"), at, n) for n, at in enumerate(moments)]
    # Reckoned otherwise: from the newest back, a backup is needed if few are newer, or it is the first seen of a day.
    wanted, days = set(), []
    for newer, backup in enumerate(reversed(there)):
        if backup.at.date() not in days:
            days.append(backup.at.date())
        first_of_day = not any(b.at.date() == backup.at.date() for b in there[len(there) - newer :])
        if newer < 10 or (first_of_day and sum(day > backup.at.date() for day in {b.at.date() for b in there}) < 30):
            wanted.add(backup)
    assert kept_backups(there) == wanted and len(wanted) <= 40
    assert not there or there[-1] in kept_backups(there)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.integers(0, 90_000), min_size=1, max_size=80))
def test_what_was_let_go_is_never_missed_later(gaps: list[int]) -> None:
    """Rotating after each backup keeps what rotating once in the end would keep."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    there: set[Backup] = set()
    everything: list[Backup] = []
    for number, gap in enumerate(gaps):
        at += timedelta(seconds=gap)
        everything.append(Backup(Path(f"{number}"), at, number))
        there = kept_backups({*there, everything[-1]})
    assert there == kept_backups(everything)


# When they are made.


def test_an_opening_that_follows_changes_makes_one(project: Project) -> None:
    assert made(project) == []  # nothing is in it yet
    change(project, 3)
    assert made(project) == []
    for _ in range(2):
        with Project(project.folder):
            assert made(project) == [3]


def test_fifty_changes_make_one(project: Project) -> None:
    change(project, 49)
    assert made(project) == []
    change(project, 52)
    assert made(project) == [100, 50]


def test_a_backup_is_the_store_of_that_moment(project: Project) -> None:
    judged_project(project, 3)
    before = project.serialized()
    with Project(project.folder):
        pass
    change(project)
    (one,) = backup_files.backups(project.folder)
    data = backup_files.unpack(one.path)
    with closing(backup_files.in_memory(data)) as copy, closing(backup_files.in_memory(before)) as store:
        assert list(copy.iterdump()) == list(store.iterdump())
    found = backup_files.examine(one.path, data)
    assert (found.project, found.decisions, found.sequences) == (project.uuid, 3, 3)


def test_many_changes_leave_few_files(project: Project) -> None:
    for number in range(30):
        data = project.serialized()
        back_up(project.folder, data)
        change(project)
        assert len(made(project)) == min(10, number + 1)  # all of one day
    assert sorted(p.suffix for p in (project.folder / "backups").iterdir() if p.name != ".lock") == [".gz"] * 10


def test_a_clock_that_is_set_back_does_not_bring_old_backups_before_new_ones(project: Project) -> None:
    change(project)
    back_up(project.folder, project.serialized())
    (first,) = backup_files.backups(project.folder)
    ahead = first.path.with_name(first.path.name.replace("2", "3", 1))  # a thousand years ahead
    first.path.rename(ahead)
    change(project)
    back_up(project.folder, project.serialized())
    assert made(project) == [2, 1] and backup_files.backups(project.folder)[1].path == ahead


# What must not happen.


def destroy(project: Project) -> bytes:
    """The bytes of its store with a page of candidates destroyed."""
    page = project.value("SELECT rootpage FROM sqlite_master WHERE name = 'sequence'")
    data = bytearray(project.serialized())
    size = int.from_bytes(data[16:18], "big")
    data[(page - 1) * size : page * size] = b"\xa5" * size
    return bytes(data)


def test_a_damaged_store_replaces_no_backup(project: Project) -> None:
    fill(project, 2)
    for _ in range(12):
        change(project)
        back_up(project.folder, project.serialized())
    there = {p: p.read_bytes() for p in (project.folder / "backups").iterdir()}
    change(project)
    with pytest.raises(InputError, match="no backup was made: the store is damaged"):
        back_up(project.folder, destroy(project))
    assert {p: p.read_bytes() for p in (project.folder / "backups").iterdir()} == there


def test_what_cannot_be_written_is_a_note_and_keeps_nobody_from_deciding(project: Project) -> None:
    change(project)
    (project.folder / "backups").write_text("in the way")
    with Project(project.folder) as again:
        assert [note for note in again.notes if "no backup was made" in note]
        change(again, 60)
        assert len(again.notes) == 1
        assert again.changes == 61


def test_a_full_disk_leaves_no_half_backup(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    change(project)
    back_up(project.folder, project.serialized())
    there = sorted((project.folder / "backups").iterdir())
    change(project)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match="no backup was made: No space left"):
        back_up(project.folder, project.serialized())
    assert sorted((project.folder / "backups").iterdir()) == there


def test_files_of_others_stay(project: Project) -> None:
    (project.folder / "backups").mkdir()
    names = ["mine.txt", "2026-01-01T00-00-00Z.sqlite.gz", "2026-13-01T00-00-00Z-4.sqlite.gz", ".mine.partial"]
    for name in names:
        (project.folder / "backups" / name).write_text("mine")
    for _ in range(15):
        change(project)
        back_up(project.folder, project.serialized())
    assert all((project.folder / "backups" / name).read_text() == "mine" for name in names)


def test_what_a_killed_process_left_goes(project: Project) -> None:
    change(project)
    back_up(project.folder, project.serialized())
    left = project.folder / "backups" / ".2026-01-01T00-00-00Z-7.sqlite.gz.partial"
    left.write_bytes(b"half")
    change(project)
    back_up(project.folder, project.serialized())
    assert not left.exists() and made(project) == [2, 1]


# An older store in the place of the newest one.


@pytest.mark.parametrize("by", ["backup", "note"])
def test_an_older_store_is_refused_with_the_way_back(project: Project, by: str, here: Run) -> None:
    fill(project, 2)
    old = project.serialized()
    change(project, 2)
    if by == "backup":
        back_up(project.folder, project.serialized())
    else:
        project.close()
    (project.folder / DATABASE).write_bytes(old)
    for command in (["status", project.folder], ["analyze", project.folder], ["export", project.folder, "-o", "out"]):
        done = here(*command)
        assert done.returncode == 1 and "is older than the project was" in done.stderr
        assert "rainclean restore" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_gz_that_holds_no_store_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    for data in (b"", b"none", gzip.compress(b"none")[:-3], gzip.compress(b"none"), gzip.compress(b"")):
        path.write_bytes(data)
        with pytest.raises(InputError):
            backup_files.examine(path, backup_files.unpack(path))


def test_a_store_of_another_program_is_none(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs")) as db:
        db.execute("CREATE TABLE theirs (a)")
    with pytest.raises(InputError, match="is not the store of a project"):
        backup_files.examine(tmp_path, (tmp_path / "theirs").read_bytes())
