"""Snapshots: whole or not there, the bytes of their moment, and trained on by the command."""

import csv
import os
import shutil
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.stages import finish
from pipeline.training import snapshot
from pipeline.training.run_folder import read
from pipeline.training.snapshot import take_snapshot
from rainclean.dataset.reader import read_dataset
from rainclean.errors import RaincleanError
from tests.helpers.datasets import write
from tests.helpers.training_pairs import write_dataset


@pytest.mark.parametrize("layout", ["spa", "paired"])
def test_it_holds_every_pair_mask_and_list(layout: str, tmp_path: Path) -> None:
    write(tmp_path / "data", layout)
    (tmp_path / "data" / "notes.pdf").write_bytes(b"of no concern")
    folder = finish(take_snapshot(tmp_path / "data", tmp_path / "copy"))
    one, other = read_dataset(tmp_path / "data"), read_dataset(folder)
    assert one.pairs_sha256 == other.pairs_sha256 and one.layout == other.layout
    for pair, twin in zip(one.pairs, other.pairs, strict=True):
        assert pair.rainy.read_bytes() == twin.rainy.read_bytes()
        assert (pair.exclude is None) == (twin.exclude is None)
    assert not (folder / "notes.pdf").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_it_has_card_and_licence_of_its_own(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", scenes=1)
    for name in ("README.md", "LICENSE"):
        (data / name).write_text("first", encoding="utf-8")
    folder = finish(take_snapshot(data, tmp_path / "copy"))
    for name in ("README.md", "LICENSE"):
        with (data / name).open("w", encoding="utf-8") as file:  # as an editor that writes in place
            file.write("edited")
        assert (folder / name).read_text(encoding="utf-8") == "first"


def test_it_keeps_its_bytes_when_the_data_set_is_replaced(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", scenes=1)
    picture = next(data.rglob("*.png")).relative_to(data)
    before = (data / picture).read_bytes()
    folder = finish(take_snapshot(data, tmp_path / "copy"))
    assert (folder / picture).stat().st_ino == (data / picture).stat().st_ino
    shutil.rmtree(data)
    write_dataset(data, scenes=1, side=24)
    assert (folder / picture).read_bytes() == before != (data / picture).read_bytes()


def test_it_copies_where_links_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    data = write_dataset(tmp_path / "data", scenes=1)
    folder = finish(take_snapshot(data, tmp_path / "copy"))
    assert read_dataset(folder).pairs_sha256 == read_dataset(data).pairs_sha256


def test_it_follows_links_to_the_files_of_now(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", scenes=1)
    picture = next(data.rglob("*.png"))
    picture.rename(tmp_path / "elsewhere.png")
    picture.symlink_to(tmp_path / "elsewhere.png")
    folder = finish(take_snapshot(data, tmp_path / "copy"))
    assert not (folder / picture.relative_to(data)).is_symlink()


def test_the_same_one_is_used_again_and_another_is_refused(tmp_path: Path) -> None:
    data, other = write_dataset(tmp_path / "data", scenes=1), write_dataset(tmp_path / "other", scenes=2)
    folder = finish(take_snapshot(data, tmp_path / "copy"))
    inode = folder.stat().st_ino
    assert finish(take_snapshot(data, folder)).stat().st_ino == inode
    with pytest.raises(RaincleanError, match="not a snapshot of"):
        finish(take_snapshot(other, folder))
    with pytest.raises(RaincleanError, match="lies in the data set"):
        finish(take_snapshot(data, data / "copy"))
    with pytest.raises(RaincleanError, match="no such folder"):
        finish(take_snapshot(tmp_path / "nothing", tmp_path / "new"))


def test_an_export_in_between_is_noticed_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_dataset(tmp_path / "data", scenes=2)
    monkeypatch.setattr(snapshot, "_STEP", 1)
    stage = take_snapshot(data, tmp_path / "copy")
    next(stage)
    write_dataset(data, scenes=3)
    with pytest.raises(RaincleanError, match="changed while"):
        finish(stage)
    stage = take_snapshot(data, tmp_path / "copy")
    next(stage)
    stage.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


@pytest.mark.usefixtures("one_thread")
def test_the_command_trains_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rainclean.allocator.keep_freed_memory", lambda: True)  # a switch of the whole process

    def train(*words: object) -> int:
        return main(["train", *map(str, words)])

    data, run, copy = write_dataset(tmp_path / "data"), tmp_path / "run", tmp_path / "run-data"
    flags = ("--preset", "quick", "--steps", 2, "--batch", 1, "--size", 16, "--accelerator", "cpu", "--threads", 1)
    assert train(data, "-o", run, "--snapshot", copy, *flags) == 0
    assert read(run).dataset == copy.resolve()
    with (run / "metrics.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["0", "2"]
    assert train(data, "-o", run, "--snapshot", tmp_path / "second", *flags) == 1
    assert not (tmp_path / "second").exists()
    assert train("--resume", run, "--snapshot", copy) == 2
