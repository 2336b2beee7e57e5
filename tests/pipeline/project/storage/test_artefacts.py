"""Content-addressed files: kept whole, found changed, moved aside when nothing wants them, back when wanted."""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipeline.project.storage import trash
from pipeline.project.storage.artefacts import Artefacts
from rainclean.errors import InputError

OLD = "0" * 64 + ".png"


@pytest.fixture
def kept(tmp_path: Path) -> Artefacts:
    return Artefacts(tmp_path / "artefacts")


def files(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.is_file()]


def age(*paths: Path) -> None:
    """As if written two hours ago."""
    long_ago = time.time() - 2 * 3600
    for path in paths:
        os.utime(path, (long_ago, long_ago))


def on(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    monkeypatch.setattr(trash, "_today", lambda: day)


def test_a_file_stands_under_its_check_sum(kept: Artefacts, tmp_path: Path) -> None:
    name = kept.put(b"picture", ".png")
    assert name == hashlib.sha256(b"picture").hexdigest() + ".png"
    assert kept.put(b"picture", ".png") == name
    assert kept.read(name) == kept.path(name).read_bytes() == b"picture"
    assert files(tmp_path) == [name]


def test_changed_and_missing_files_are_said(kept: Artefacts) -> None:
    name = kept.put(b"picture", ".png")
    kept.path(name).write_bytes(b"pictuRe")
    with pytest.raises(InputError, match="have changed"):
        kept.read(name)
    assert kept.put(b"picture", ".png") == name and kept.read(name) == b"picture"  # made again, it is mended
    kept.path(name).unlink()
    with pytest.raises(InputError, match="No such file"):
        kept.read(name)


def test_threads_may_keep_equal_bytes_at_a_time(kept: Artefacts, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: kept.put(bytes(100_000), ".png"), range(64)))
    assert len(names) == 1 and len(files(tmp_path)) == 1


def test_only_old_files_of_ours_that_nothing_wants_are_swept(kept: Artefacts, tmp_path: Path) -> None:
    wanted, old, new = (kept.put(text, ".png") for text in (b"wanted", b"old", b"new"))
    partial, note = (kept.path(old).with_name(name) for name in (f".{old}.123.456", "note.txt"))
    for path in (partial, note):
        path.write_bytes(b"killed")
    age(kept.path(wanted), kept.path(old), partial, note)
    assert kept.sweep({wanted}) == 2
    assert all(path.exists() for path in (kept.path(wanted), kept.path(new), note))
    assert not kept.path(old).exists() and not partial.exists()
    assert sorted(files(tmp_path / "trash")) == sorted([old, partial.name])


def test_what_is_wanted_again_comes_back(kept: Artefacts, tmp_path: Path) -> None:
    read, swept = (kept.put(text, ".png") for text in (b"read", b"swept"))
    age(kept.path(read), kept.path(swept))
    assert kept.sweep(set()) == 2
    assert kept.read(read) == b"read" and kept.path(read).is_file()
    assert kept.sweep({read, swept}) == 0
    assert kept.path(swept).read_bytes() == b"swept" and not files(tmp_path / "trash")


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_the_trash_is_read_where_nothing_can_be_moved(kept: Artefacts, tmp_path: Path) -> None:
    name = kept.put(b"picture", ".png")
    age(kept.path(name))
    kept.sweep(set())
    kept.path(name).parent.chmod(0o500)
    try:
        assert kept.read(name) == b"picture"
    finally:
        kept.path(name).parent.chmod(0o700)


def test_the_trash_keeps_for_30_days(kept: Artefacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = kept.put(b"picture", ".png")
    age(kept.path(name))
    first = date(2026, 1, 1)
    on(monkeypatch, first)
    kept.sweep(set())
    stranger = tmp_path / "trash" / str(first) / "mine.txt"
    stranger.write_text("kept")
    for days, left in ((30, True), (31, True), (31, True), (32, False)):  # said on the 31st day, gone on the next
        on(monkeypatch, first + timedelta(days))
        kept.sweep(set())
        assert (name in files(tmp_path / "trash")) == left
    assert files(tmp_path / "trash") == ["mine.txt"]


def test_a_clock_that_jumps_empties_nothing(kept: Artefacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = kept.put(b"picture", ".png")
    age(kept.path(name))
    first = date(2026, 1, 1)
    # A year ahead and back, several times; and a day before it all.
    for days in (0, 365, 1, 366, 2, 365, -1, 366, 3):
        on(monkeypatch, first + timedelta(days))
        kept.sweep(set())
        assert name in files(tmp_path / "trash")


def test_what_links_lead_to_is_another_projects(kept: Artefacts, tmp_path: Path) -> None:
    name = kept.put(b"picture", ".png")
    age(kept.path(name))
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "artefacts").symlink_to(tmp_path / "artefacts")
    assert Artefacts(mine / "artefacts").sweep(set()) == 0
    photographs = tmp_path / "photographs" / "2001-01-01"
    photographs.mkdir(parents=True)
    (photographs / OLD).write_bytes(b"a photograph")
    (mine / "trash").symlink_to(photographs.parent)
    for _ in range(3):
        Artefacts(mine / "artefacts").sweep(set())
    assert kept.path(name).is_file() and files(photographs) == [OLD]
