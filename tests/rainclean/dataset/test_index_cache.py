"""The kept index of a data set: used again, and made again after every change that matters."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from rainclean.dataset import index_cache, reader
from rainclean.dataset.pairing import Pairing
from rainclean.dataset.reader import Dataset, read_dataset
from rainclean.environment import CACHE
from tests.helpers.datasets import write
from tests.helpers.foreign_sets import write_replica

Read = Callable[[], Dataset]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    monkeypatch.setattr(index_cache, "SMALLEST", 1)
    return tmp_path / "cache" / "datasets"


def settle(root: Path) -> None:
    """Make all folders and lists an hour older than they are."""
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir() or path.suffix in (".txt", ".csv"))]:
        then = folder.stat().st_mtime_ns - 3600 * 10**9
        os.utime(folder, ns=(then, then))


def indexed(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Dataset, bool]:
    """Read a data set; return whether its index was made."""
    made: list[Path] = []
    whole = reader._indexed

    def noted(root: Path, pairing: Pairing) -> object:
        made.append(root)
        return whole(root, pairing)

    with monkeypatch.context() as patch:
        patch.setattr(reader, "_indexed", noted)
        return read_dataset(root), bool(made)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a picture more": lambda root: (root / "real_test_1000/rain/9.png").write_bytes(b"x"),
    "a picture less": lambda root: (root / "real_test_1000/rain/001.png").rename(root / "moved.png"),
    "a folder more": lambda root: (root / "exclude").mkdir(),
    "a line more": lambda root: (root / "real_world.txt").write_text(
        (root / "real_world.txt").read_text() + "real_test_1000/rain/000.png real_test_1000/gt/000gt.png\n"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_index_is_used_again_until_something_changes(
    change: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_replica(tmp_path / "data", "SPA-Data", side=16)
    if change == "a picture less":  # nor may a line name it
        (root / "real_test_1000.txt").unlink()
    settle(root)
    first, made = indexed(root, monkeypatch)
    assert made and len(list(cache.glob("*.pairs"))) == 1
    second, made = indexed(root, monkeypatch)
    assert not made and (second.layout, second.pairs_sha256) == (first.layout, first.pairs_sha256)
    assert second.pairs == first.pairs and second.splits == first.splits
    CHANGES[change](root)
    third, made = indexed(root, monkeypatch)
    assert made and (third.pairs == first.pairs) == (change in ("a picture more", "a folder more"))


def test_a_folder_that_has_just_changed_is_indexed_again(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_replica(tmp_path / "data", "DDN", side=16)
    assert indexed(root, monkeypatch)[1] and indexed(root, monkeypatch)[1]
    assert not cache.exists()


def test_pictures_written_again_change_the_check_sum_only(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_replica(tmp_path / "data", "DDN", side=16)
    settle(root)
    first, _ = indexed(root, monkeypatch)
    (root / "testing/ground_truth/1.jpg").write_bytes(b"other")
    second, made = indexed(root, monkeypatch)
    assert not made and second.pairs == first.pairs and second.pairs_sha256 != first.pairs_sha256
    monkeypatch.setattr(index_cache, "SMALLEST", 10**9)
    for path in cache.iterdir():
        path.unlink()
    assert read_dataset(root).pairs_sha256 == second.pairs_sha256


def test_a_manifest_that_changes_is_read_again(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "data", "paired").root
    settle(root)
    first, _ = indexed(root, monkeypatch)
    assert not indexed(root, monkeypatch)[1] and first.pairs[0].exclude is not None
    text = (root / "manifest.csv").read_text().replace("scene0", "yard")
    (root / "manifest.csv").write_text(text)
    second, made = indexed(root, monkeypatch)
    assert made and {pair.scene for pair in second.pairs} == {"yard", "scene1"}


@pytest.mark.parametrize("damage", [b"", b"other", None])
def test_a_damaged_index_is_made_again(
    damage: bytes | None, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_replica(tmp_path / "data", "DDN", side=16)
    settle(root)
    first, _ = indexed(root, monkeypatch)
    (path,) = cache.iterdir()
    content = path.read_bytes()
    path.unlink()  # the first one may be mapped
    path.write_bytes(content.replace(b"training", b"trainink") if damage is None else damage)
    second, made = indexed(root, monkeypatch)
    assert made and second.pairs == first.pairs and second.pairs_sha256 == first.pairs_sha256


def test_another_process_maps_the_same_file(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_replica(tmp_path / "data", "GT-RAIN", side=16)
    settle(root)
    data, _ = indexed(root, monkeypatch)
    sent = pickle.dumps(data.split("train"))
    assert next(cache.iterdir()).name.encode() in sent and b"Yangon" not in sent
    assert pickle.loads(sent) == data.split("train")


def test_few_indexes_are_kept(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_cache, "MOST_FILES", 2)
    for number in range(4):
        root = write_replica(tmp_path / f"data{number}", "bare root", side=16)
        settle(root)
        read_dataset(root)
    assert len(list(cache.glob("*"))) == 2
    monkeypatch.setenv(CACHE, str(root / "input" / "a.png"))  # a file: nothing can be kept
    assert len(read_dataset(root).pairs) == 3
