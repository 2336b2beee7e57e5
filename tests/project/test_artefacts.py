"""Content-addressed files: kept whole, found changed, swept when nothing wants them."""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.project.artefacts import Artefacts
from rainclean.errors import InputError


def test_a_file_stands_under_its_check_sum(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path)
    name = kept.put(b"picture", ".png")
    assert name == hashlib.sha256(b"picture").hexdigest() + ".png"
    assert kept.put(b"picture", ".png") == name
    assert kept.read(name) == kept.path(name).read_bytes() == b"picture"
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [name]


def test_changed_and_missing_files_are_said(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path)
    name = kept.put(b"picture", ".png")
    kept.path(name).write_bytes(b"pictuRe")
    with pytest.raises(InputError, match="have changed"):
        kept.read(name)
    assert kept.put(b"picture", ".png") == name and kept.read(name) == b"picture"  # made again, it is mended
    kept.path(name).unlink()
    with pytest.raises(InputError, match="No such file"):
        kept.read(name)


def test_threads_may_keep_equal_bytes_at_a_time(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: kept.put(bytes(100_000), ".png"), range(64)))
    assert len(names) == 1 and len([p for p in tmp_path.rglob("*") if p.is_file()]) == 1


def test_only_old_files_that_nothing_wants_are_swept(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path)
    wanted, old, new = (kept.put(text, ".png") for text in (b"wanted", b"old", b"new"))
    partial = kept.path(old).with_name(".partial.123")
    partial.write_bytes(b"killed")
    long_ago = time.time() - 2 * 3600
    for path in (kept.path(wanted), kept.path(old), partial):
        os.utime(path, (long_ago, long_ago))
    assert kept.sweep({wanted}) == 2
    assert kept.path(wanted).exists() and kept.path(new).exists()
    assert not kept.path(old).exists() and not partial.exists()
