"""Exports in layouts for other people's readers: whole or not there, the same bytes, checked."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.export.run import export
from pipeline.export.verification import check
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import decisions
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from pipeline.training.snapshot import take_snapshot
from rainclean.dataset import read_dataset, read_mask, read_pair
from rainclean.dataset.manifest import read_manifest
from rainclean.errors import RaincleanError
from rainclean.png import encode_png, pixels_sha256
from tests.helpers.rainy_clips import SIZE
from tests.pipeline.export.conftest import Write, contents, settings

LAYOUTS = ("basicsr", "basicsr-lmdb", "gtrain", "huggingface", "webdataset")


@pytest.fixture
def masked(home: Path) -> Path:
    """The project with an exclusion mask on one of its clean images."""
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[:20, :30] = 255
    with Project(home) as project:
        (sequence,) = sequences(project, ["place0"])
        decisions.accept(project, sequence, "n24-p50", "Ann", exclude=project.artefacts.put(encode_png(mask), ".png"))
    return home


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_export_is_whole_and_its_bytes_are_the_same(masked: Path, tmp_path: Path, write: Write, name: str) -> None:
    written = write(layout=name)
    assert finish(check(tmp_path / "out")).problems == []
    found = read_dataset(tmp_path / "out")
    rows = {row.rainy: row for row in read_manifest(tmp_path / "out/manifest.csv")}
    assert found.layout == name and len(found.pairs) == len(rows) == sum(written.pairs.values()) == 12
    assert sum(pair.exclude is not None for pair in found.pairs) == 3
    for pair in found.pairs:
        row = rows[pair.rainy.relative_to(found.root).as_posix()]
        rainy, clean = read_pair(pair)
        assert (pixels_sha256(rainy), pixels_sha256(clean)) == (row.rainy_pixels_sha256, row.clean_pixels_sha256)
        assert (pair.scene, pair.split) == (row.scene, row.split)
        if pair.exclude is not None:
            assert read_mask(pair.exclude, rainy, pair.rainy)[0, 0] == 255
    copy = finish(take_snapshot(tmp_path / "out", tmp_path / "copy"))
    assert read_dataset(copy).pairs_sha256 == found.pairs_sha256
    write("anew", layout=name)
    assert contents(tmp_path / "anew") == contents(tmp_path / "out")


@pytest.mark.parametrize("name", ["gtrain", "basicsr-lmdb", "huggingface", "webdataset"])
def test_an_interrupted_export_goes_on(home: Path, tmp_path: Path, write: Write, name: str) -> None:
    write(frames="every:12")
    earlier = contents(tmp_path / "out")
    with Project(home) as project:
        stage = export(project, settings(name, crops="grid:24"), tmp_path / "out")
        for step in stage:
            if step.stage == "name":
                break
        stage.close()
        assert contents(tmp_path / "out") == earlier
        steps = list(export(project, settings(name, crops="grid:24"), tmp_path / "out"))
    assert not [step for step in steps if step.stage == "write"]  # every picture was there
    write("anew", layout=name, crops="grid:24")
    assert contents(tmp_path / "out") == contents(tmp_path / "anew")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["anew", "out", "project"]
    write()  # an export of another layout takes its place
    assert (tmp_path / "out/real_world.txt").is_file() and finish(check(tmp_path / "out")).problems == []


@pytest.mark.parametrize(
    ("name", "columns"),
    [("huggingface", '["rainy"], pair["clean"]'), ("webdataset", '["input.png"], pair["target.png"]')],
)
def test_the_card_names_the_columns_of_a_pair(tmp_path: Path, write: Write, name: str, columns: str) -> None:
    write(layout=name, frames="every:12")
    assert f"rainy, clean = pair{columns}\n" in (tmp_path / "out/README.md").read_text(encoding="utf-8")


def test_names_of_the_two_folders_are_checked(tmp_path: Path, write: Write) -> None:
    write(layout="paired", sides="rain,norain")
    assert {path.name for path in (tmp_path / "out/train").iterdir()} == {"rain", "norain"}
    assert json.loads((tmp_path / "out/export.json").read_text())["settings"]["sides"] == "rain,norain"
    assert finish(check(tmp_path / "out")).problems == []
    assert len(read_dataset(tmp_path / "out").pairs) == 12
    for path in (tmp_path / "out/train/norain").iterdir():
        path.unlink()
    problems = [str(problem) for problem in finish(check(tmp_path / "out")).problems]
    assert len(problems) == 6 and all("train/norain/" in problem and "is missing" in problem for problem in problems)
    with pytest.raises(RaincleanError, match="leave out --sides"):
        write(sides="input,gt")


def test_a_changed_database_is_one_line_and_not_opened(tmp_path: Path, write: Write) -> None:
    write(layout="basicsr-lmdb")
    path = tmp_path / "out/train/lq.lmdb/data.mdb"
    data = bytearray(path.read_bytes())
    for place in range(2 * 4096, len(data), 64):
        data[place] ^= 255  # LMDB may crash on such pages
    path.write_bytes(data)
    (problem,) = finish(check(tmp_path / "out")).problems
    assert str(problem).startswith("train/lq.lmdb/data.mdb: was changed after the export")
    (tmp_path / "out/manifest.csv").unlink()
    assert len(finish(check(tmp_path / "out")).problems) > 1
    path.unlink()
    write(layout="basicsr-lmdb")  # what is left of an export can be replaced
    assert finish(check(tmp_path / "out")).problems == []
