"""What goes out with an export: the card, metadata that Hugging Face reads, credits, previews."""

import csv
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image

from pipeline.export.licences import card_licence, licence_file
from pipeline.export.run import export
from pipeline.export.verification import check
from pipeline.project.clips.properties import Properties
from pipeline.project.clips.sequence_records import describe, sequences
from pipeline.project.decisions import decisions
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.dataset import Files, data_files, layout, metadata_files, read_manifest
from rainclean.errors import RaincleanError
from rainclean.png import encode_png
from tests.helpers.datasets import a_row
from tests.helpers.rainy_clips import SIZE
from tests.pipeline.export.conftest import Write, contents, settings


@pytest.fixture(scope="module")
def published(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports named by their layouts. Only one sequence has masks, one scene is named by a number; do not change it."""
    folder = tmp_path_factory.mktemp("published")
    home = Path(shutil.copytree(made / "project", folder / "project"))
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[:20, :30] = 255
    with Project(home) as project:
        (sequence,) = sequences(project, ["place0"])
        kept = project.artefacts.put(encode_png(mask), ".png")
        decisions.accept(project, sequence, "n24-p50", "Ann_Lee", exclude=kept)
        describe(project, ["place1"], Properties(scene="007", author="B | <b>", licence="CC BY 4.0"))
        for name in ("spa", "paired"):
            finish(export(project, settings(layout=name, preview=name == "paired"), folder / name))
    return folder


def opened(cell: Any) -> Any:
    return None if cell is None else np.asarray(cell)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["spa", "paired"])
def test_hugging_face_reads_all_splits_as_pairs(published: Path, tmp_path: Path, name: str) -> None:
    import datasets

    folder, cache = published / name, str(tmp_path / "cache")
    rows = read_manifest(folder / "manifest.csv")
    loaded = datasets.load_dataset(str(folder), cache_dir=cache)
    streamed = datasets.load_dataset(str(folder), cache_dir=cache, streaming=True)
    assert (
        set(loaded)
        == {row.split for row in rows}
        == ({"train", "val", "test"} if name == "paired" else {"train", "test"})
    )
    assert not all(any(row.exclude for row in rows if row.split == split) for split in loaded)
    for split, pairs in loaded.items():
        own = [row for row in rows if row.split == split]
        assert {"rainy", "clean", "exclude", "scene", "frame", "rain_share", "verdict"} <= set(pairs.column_names)
        pairs.to_parquet(str(tmp_path / f"{split}.parquet"))
        embedded = datasets.load_dataset("parquet", data_files=str(tmp_path / f"{split}.parquet"), cache_dir=cache)
        for read in (pairs, list(streamed[split]), embedded["train"]):
            assert len(read) == len(own)
            for row, pair in zip(own, read, strict=True):
                for side in ("rainy", "clean"):
                    np.testing.assert_array_equal(opened(pair[side]), imageio.imread(folder / getattr(row, side)))
                assert (pair["exclude"] is None) == (row.exclude == "")
                assert (pair["scene"], pair["frame"], pair["verdict"]) == (row.scene, row.frame, row.verdict)
    scenes = {pair["scene"] for pairs in loaded.values() for pair in pairs}
    assert scenes == {"place0", "007", "place2"}


def test_metadata_has_the_same_columns_in_every_split(tmp_path: Path) -> None:
    rows = [a_row(split="train", exclude="m.png", exclude_sha256="4" * 64), a_row(split="test", scene="7")]
    files = metadata_files(rows)
    assert sorted(files) == [f"metadata-{s}.{e}" for s in ("test", "train") for e in ("csv", "parquet")]
    assert len({files[f"metadata-{split}.csv"].split(b"\n")[0] for split in ("train", "test")}) == 1
    (line,) = csv.DictReader(files["metadata-test.csv"].decode().splitlines())
    assert (line["rainy_file_name"], line["exclude_file_name"], line["scene"]) == (rows[1].rainy, "", "7")


def test_the_card_says_what_is_in_the_data_set(published: Path) -> None:
    from huggingface_hub import DatasetCard

    read = DatasetCard.load(published / "paired" / "README.md")
    head = read.data.to_dict()
    assert head["license"] == ["cc-by-4.0", "cc0-1.0"] and head["task_categories"] == ["image-to-image"]
    assert head["size_categories"] == ["n<1K"] and "deraining" in head["tags"]
    assert [each["split"] for each in head["configs"][0]["data_files"]] == ["train", "val", "test"]
    for line in (
        "# Rain/clean image pairs of 3 scenes",
        "| CC BY 4.0 | B \\| \\<b\\> | not given | not given | 1 | 3 |",
        "| Ann\\_Lee | 1 |",
        "| automatic choice | 3 |",
        "| fit | the clean image can be used | 4 |",
        "| n24-p50 | 4 | 12 |",
        "| 007 | test | 1 | 3 |",
    ):
        assert line in read.text.splitlines() or line.replace("| test |", "| val |") in read.text.splitlines(), line
    assert "Wang, Tianyu" in read.text and "preview/000-007.webp" in read.text


def test_croissant_names_the_tables_with_their_checksums(published: Path) -> None:
    document = json.loads((published / "spa" / "croissant.json").read_bytes())
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.0" and document["@type"] == "sc:Dataset"
    for each in document["distribution"]:
        data = (published / "spa" / each["contentUrl"]).read_bytes()
        assert each["sha256"] == hashlib.sha256(data).hexdigest() and each["@type"] == "cr:FileObject"
    (records,) = document["recordSet"]
    header = (published / "spa" / "manifest.csv").read_text("utf-8").split("\n")[0].split(",")
    assert [field["source"]["extract"]["column"] for field in records["field"]] == header
    assert {field["source"]["fileObject"]["@id"] for field in records["field"]} == {"manifest.csv"}


def test_credits_join_sequences_of_one_origin(published: Path) -> None:
    lines = list(csv.DictReader((published / "spa" / "credits.csv").read_text("utf-8").splitlines()))
    assert [(line["licence"], line["author"], line["sequences"], line["pairs"]) for line in lines] == [
        ("CC BY 4.0", "B | <b>", "place1", "3"), ("CC0", "A. Nyone", "place0 place2 again", "9"),
    ]  # fmt: skip
    assert not (published / "spa" / "LICENSE").exists()  # there are two


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["CC BY 4.0", "cc-by-4.0"], {"license": "cc-by-4.0"}),
        (["CC0"], {"license": "cc0-1.0"}),
        (["CC BY-NC-SA 4.0", "MIT"], {"license": ["cc-by-nc-sa-4.0", "mit"]}),
        (["", ""], {"license": "unknown"}),
        (["", "MIT"], {"license": "other", "license_name": "given-in-part", "license_link": "credits.csv"}),
        (["Ask: the Author!"], {"license": "other", "license_name": "ask-the-author", "license_link": "LICENSE"}),
        (["Mine", "MIT"], {"license": "other", "license_name": "several", "license_link": "credits.csv"}),
        (["CC BY 1.0"], {"license": "other", "license_name": "cc-by-1.0", "license_link": "LICENSE"}),
    ],
)
def test_licences_as_hugging_face_names_them(texts: list[str], expected: dict[str, object]) -> None:
    assert card_licence(texts) == expected


def test_one_licence_for_all_makes_a_licence_file() -> None:
    written = licence_file(["CC BY 4.0"] * 2, ["Ann", "", "Bo"])
    assert written is not None and b"https://creativecommons.org/licenses/by/4.0/\n" in written
    assert b"    Ann\n    Bo\n" in written
    assert licence_file(["MIT", ""], []) is None and licence_file(["MIT", "CC0"], []) is None


def test_edited_cards_and_added_files_stay(tmp_path: Path, write: Write) -> None:
    write()
    out = tmp_path / "out"
    theirs = {
        "README.md": b"my words", "LICENSE": b"my terms", ".gitattributes": b"*.png filter=lfs",
        "pictures/banner.png": b"a picture", ".cache/huggingface/download/x.metadata": b"x",
    }  # fmt: skip
    for name, data in theirs.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
    (out / "large").symlink_to("pictures")
    (out / ".git" / "refs").mkdir(parents=True)
    checked = finish(check(out))
    assert checked.problems == []
    assert checked.added == [".cache/huggingface/download/x.metadata", ".gitattributes", "large", "pictures/banner.png"]
    assert checked.edited == ["LICENSE was changed after the export", "README.md was changed after the export"]
    times = {name: (out / name).stat().st_mtime_ns for name in theirs}
    for _ in range(2):
        result = write(frames="every:12", layout="paired")
        assert result.notes[-2:] == [
            "edited by a person, so kept: LICENSE, README.md",
            "not written by rainclean, kept: .cache/huggingface/download/x.metadata, .gitattributes, large, "
            "pictures/banner.png",
        ]
        assert {name: (out / name).read_bytes() for name in theirs} == theirs
        assert {name: (out / name).stat().st_mtime_ns for name in theirs} == times
        assert (out / "large").is_symlink() and (out / ".git" / "refs").is_dir() and not (out / "real_world").exists()
    assert finish(check(out)).problems == []


def test_an_added_folder_where_a_new_layout_needs_it_is_in_the_way(tmp_path: Path, write: Write) -> None:
    write()
    (tmp_path / "out" / "val").mkdir()
    (tmp_path / "out" / "val" / "notes.txt").write_text("mine")
    with pytest.raises(RaincleanError, match=r"holds val/notes.txt"):
        write(layout="paired")
    assert (tmp_path / "out" / "val" / "notes.txt").read_text() == "mine"


def test_a_removed_card_is_no_damage_and_comes_back(tmp_path: Path, write: Write) -> None:
    write()
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "README.md").unlink()
    checked = finish(check(tmp_path / "out"))
    assert (checked.problems, checked.edited) == ([], ["README.md was removed after the export"])
    write()
    assert contents(tmp_path / "out") == before


def test_exports_of_older_versions_are_checked_and_replaced(tmp_path: Path, write: Write) -> None:
    from pipeline.export.report import write_report

    write()
    out = tmp_path / "out"
    now = contents(out)
    report = json.loads((out / "export.json").read_bytes())
    for path in out.iterdir():
        if path.name in ("README.md", "LICENSE", "credits.csv", "croissant.json") or path.name.startswith("metadata-"):
            del report["files"][path.name]
            path.unlink()
    del report["settings"]["preview"], report["versions"]["pyarrow"], report["digest"]
    (out / "export.json").write_bytes(write_report(report))
    assert finish(check(out)).problems == []
    (out / "README.md").write_text("mine")  # before exports had one
    write()
    assert (out / "README.md").read_text() == "mine"
    (out / "README.md").unlink()
    write()
    assert contents(out) == now


def test_previews_of_each_scene(published: Path, tmp_path: Path) -> None:
    folder = published / "paired"
    names = sorted(path.name for path in (folder / "preview").iterdir())
    stems, endings = ("000-007", "001-place0", "002-place2"), ("gif", "jpg", "mp4", "webp")
    assert names == [f"{stem}.{ending}" for stem in stems for ending in endings]
    assert finish(check(folder)).problems == []
    for stem in ("000-007", "001-place0"):
        assert imageio.imread(folder / "preview" / f"{stem}.jpg").shape[1] <= 1280
        for ending in ("gif", "webp"):
            with Image.open(folder / "preview" / f"{stem}.{ending}") as moving:
                assert moving.n_frames > 10 and moving.info["loop"] == 0  # type: ignore[attr-defined]
                assert 400 <= moving.width <= 1280
        frames = imageio.imread(folder / "preview" / f"{stem}.mp4", plugin="pyav")
        assert frames.shape[1] % 2 == frames.shape[2] % 2 == 0
        # The picture in the middle of the loop is the clean image, at its beginning a rainy one.
        row = next(row for row in read_manifest(folder / "manifest.csv") if row.scene == stem[4:])
        times = frames.shape[2] // row.width
        clean = imageio.imread(folder / row.clean).repeat(times, 0).repeat(times, 1)
        middle, first = (np.abs(frames[at, 60 : len(clean) - 60] - clean[60:-60].astype(float)) for at in (15, 0))
        assert middle.mean() < 8 and first.mean() > 1.05 * middle.mean()


def test_previews_are_equal_each_time_and_replaced(tmp_path: Path, write: Write) -> None:
    for to in ("one", "two"):
        write(to, names=("place0",), preview=True, crops="grid:24:48")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    (tmp_path / "one" / "preview" / "000-place0.gif").write_bytes(b"my own")
    checked = finish(check(tmp_path / "one"))
    assert (checked.problems, checked.edited) == ([], ["preview/000-place0.gif was changed after the export"])
    write("one", names=("place0",))
    assert [path.name for path in (tmp_path / "one" / "preview").iterdir()] == ["000-place0.gif"]
    assert finish(check(tmp_path / "one")).added == ["preview/000-place0.gif"]


def test_archives_with_and_without_masks_are_no_files_for_hugging_face() -> None:
    class Packed(type(layout("paired"))):  # type: ignore[misc]
        def store(self, root: Path | str, *, contained: bool = False) -> Files:
            return super().store(root, contained=contained)

    rows = [a_row(rainy=f"train-000000.tar/{n}.input.png", clean=f"train-000000.tar/{n}.target.png") for n in range(2)]
    assert data_files(Packed(), rows) == {"train": ["train-000000.tar"]}
    rows[1] = replace(rows[1], exclude="train-000000.tar/1.exclude.png", exclude_sha256="4" * 64)
    assert data_files(Packed(), rows) == {}
    parquet = [replace(row, rainy=f"data/train-0.parquet/{n}") for n, row in enumerate(rows)]
    assert data_files(Packed(), parquet) == {"train": ["data/train-0.parquet"]}
    assert data_files(Packed(), [a_row(rainy="train/lq.lmdb/a", clean="train/gt.lmdb/a")]) == {}
