"""Layouts for other people's readers: what they read is what the manifest says; damage of a container is one line."""

import hashlib
import io
import json
import re
import tarfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rainclean.dataset import Files, Kind, PairKey, Problem, Widths, layout, layout_base, read_dataset, read_pair
from rainclean.dataset.containers import container, file_of, read_value
from rainclean.dataset.manifest import ManifestRow
from rainclean.dataset.verification import verify
from rainclean.errors import InputError, UsageError
from rainclean.png import decode_png, pixels_sha256
from tests.helpers.datasets import DataSet, keys, sha, store, write
from tests.helpers.steps import drained

PACKED = ("basicsr-lmdb", "huggingface", "webdataset")
NEW = ("basicsr", "gtrain", *PACKED)


def pixels(rows: list[ManifestRow], split: str) -> list[tuple[str, str]]:
    return sorted((row.rainy_pixels_sha256, row.clean_pixels_sha256) for row in rows if row.split == split)


def of(rainy: np.ndarray, clean: np.ndarray) -> tuple[str, str]:
    return pixels_sha256(rainy), pixels_sha256(clean)


def check(data: DataSet, **more: object) -> list[Problem]:
    return drained(verify(data.root, layout(data.layout), data.rows, ["manifest.csv"], **more))[1]  # type: ignore[arg-type]


def lmdb_reader(root: Path, split: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """As BasicSR does: names up to the first dot, equal in both lists, are keys in both databases."""
    import lmdb

    folders = [root / split / f"{side}.lmdb" for side in ("lq", "gt")]
    names = [[line.split(".")[0] for line in (folder / "meta_info.txt").read_text().splitlines()] for folder in folders]
    assert set(names[0]) == set(names[1])
    databases = [lmdb.open(str(folder), readonly=True, lock=False, readahead=False) for folder in folders]
    for key in names[0]:
        values = []
        for database in databases:
            with database.begin() as transaction:
                values.append(decode_png(bytes(transaction.get(key.encode("ascii")) or b""), key))
        yield values[0], values[1]
    for database in databases:
        database.close()


def webdataset_reader(root: Path, split: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    import webdataset

    shards = sorted(str(path) for path in root.glob(f"{split}-*.tar"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in webdataset.WebDataset(shards, shardshuffle=False, empty_check=False).decode("rgb8"):
            assert sample["json"]["rainy_pixels_sha256"] == pixels_sha256(sample["input.png"])
            yield sample["input.png"], sample["target.png"]


def datasets_reader(root: Path, split: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import datasets

        for row in datasets.load_dataset(str(root), split=split, streaming=True):
            yield np.array(row["rainy"]), np.array(row["clean"])


def gtrain_reader(root: Path, split: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """As GT-RAIN does: the last nine characters of each rainy name give way to those of the clean one."""
    for scene in sorted((root / split).iterdir()):
        for path in sorted(map(str, scene.glob("*R-*.png"))):
            rainy, clean = Path(path), Path(path[:-9] + "C-000.png")
            yield decode_png(rainy.read_bytes(), rainy), decode_png(clean.read_bytes(), clean)


def meta_info_reader(root: Path, split: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """As BasicSR does with `meta_info_file`; the size is checked, too."""
    for line in (root / split / "meta_info.txt").read_text().splitlines():
        name, size = line.strip().split(" ")
        sides = [decode_png((root / split / side / name).read_bytes(), name) for side in ("input", "target")]
        assert "({},{},{})".format(*sides[1].shape) == size
        yield sides[0], sides[1]


READERS: dict[str, Callable[[Path, str], Iterator[tuple[np.ndarray, np.ndarray]]]] = {
    "basicsr": meta_info_reader, "basicsr-lmdb": lmdb_reader, "gtrain": gtrain_reader, "huggingface": datasets_reader,
    "webdataset": webdataset_reader,
}  # fmt: skip


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Three pairs of a split make two shards."""
    monkeypatch.setattr(layout_base, "SHARD_PIXELS", 2 * 2**16)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.mark.parametrize("name", NEW)
def test_other_people_s_readers_find_all_pairs(tmp_path: Path, name: str) -> None:
    data = write(tmp_path / "set", name)
    for split in ("train", "test"):
        assert sorted(of(*pair) for pair in READERS[name](data.root, split)) == pixels(data.rows, split)


@pytest.mark.parametrize("name", NEW)
def test_ours_reads_them_and_finds_nothing_wrong(tmp_path: Path, name: str) -> None:
    data = write(tmp_path / "set", name)
    assert check(data) == [] == layout(name).problems(data.root)
    found = read_dataset(data.root)
    assert found.layout == ("paired" if name == "basicsr" else name)
    for split in ("train", "test"):
        assert sorted(of(*read_pair(pair)) for pair in found.split(split)) == pixels(data.rows, split)
    (masked,) = [pair for pair in found.pairs if pair.exclude is not None]
    assert masked.exclude is not None and sha(read_value(masked.exclude)) == data.rows[0].exclude_sha256
    assert all(pair.scene == {"train": "scene0", "test": "scene1"}[pair.split] for pair in found.pairs)
    (data.root / "manifest.csv").unlink()
    assert {pair.scene for pair in read_dataset(data.root).pairs} == {"000", "001"}


@pytest.mark.parametrize("name", PACKED)
def test_the_same_bytes_each_time(tmp_path: Path, name: str) -> None:
    sums = []
    for folder in ("one", "two"):
        root = write(tmp_path / folder, name).root
        sums.append({p.relative_to(root): sha(p.read_bytes()) for p in root.rglob("*") if p.is_file()})
    assert sums[0] == sums[1] and len(sums[0]) > 3


def test_tables_of_hugging_face(tmp_path: Path) -> None:
    data = write(tmp_path / "set", "huggingface")
    assert sorted(path.name for path in (data.root / "data").iterdir()) == [
        f"{split}-0000{number}-of-00002.parquet" for split in ("test", "train") for number in (0, 1)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import datasets

        found = datasets.load_dataset(str(data.root), cache_dir=str(tmp_path / "cache"))
        assert {split: len(rows) for split, rows in found.items()} == {"train": 3, "test": 3}
        first = found["train"][0]
        assert np.array(first["confidence"]).shape == (12, 16) and found["train"][1]["confidence"] is None
    assert (first["scene"], first["frame"], first["recipe"]) == ("scene0", 0, "100 frames, η*")


def test_a_clean_image_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """Two sequences and two crops of one place, and frames that share their last three digits."""
    form = layout("gtrain")
    numbers = [(7, 0, 0), (7, 0, 32), (8, 1, 0), (1007, 0, 0), (8, 0, 0)]
    pairs = [
        PairKey(split="train", scene=0, frame=frame, x=x, y=0, serial=serial, sequence=sequence)
        for serial, (frame, sequence, x) in enumerate(numbers)
    ]
    widths = Widths.for_pairs(pairs)
    names = [form.paths(key, widths) for key in pairs]
    assert names[0].rainy == "train/000-0-0_0_0/000-0-0_0_0-R-007.png"
    assert names[0].clean == names[4].clean == "train/000-0-0_0_0/000-0-0_0_0-C-000.png"
    assert len({each.clean for each in names}) == 4 and len({each.rainy for each in names}) == 5
    assert all(re.fullmatch(r".*R-\d{3}\.png", each.rainy) for each in names)


@pytest.mark.parametrize("sides", ["input,target", "input,gt", "rain,norain"])
def test_names_of_the_two_folders(tmp_path: Path, sides: str) -> None:
    form, widths = layout("paired").with_sides(sides), Widths()
    rows = [row for row in write(tmp_path / "other", "paired").rows if not row.exclude]
    pairs = []
    for key, row in zip(keys()[1:], rows, strict=True):
        paths = form.paths(key, widths)
        values = {role: (tmp_path / "other" / getattr(row, role)).read_bytes() for role in ("rainy", "clean")}
        pairs.append((replace(row, rainy=paths.rainy, clean=paths.clean), values))
    store(tmp_path / "set", form, widths, pairs)
    rainy, clean = sides.split(",")
    assert {path.name for path in (tmp_path / "set/train").iterdir()} == {rainy, clean}
    found = list(layout("paired").read(tmp_path / "set"))
    assert {(pair.rainy, pair.clean) for pair in found} == {(row.rainy, row.clean) for row, _ in pairs}
    assert layout("paired").problems(tmp_path / "set") == []


def test_layouts_with_fixed_names_have_no_sides() -> None:
    with pytest.raises(UsageError, match="leave out --sides"):
        layout("spa").with_sides("rain,norain")
    with pytest.raises(UsageError, match="use input,target or input,gt or rain,norain"):
        layout("paired").with_sides("a,b")
    assert layout("spa").with_sides("") is layout("spa")


def test_lists_of_basicsr_that_do_not_fit(tmp_path: Path) -> None:
    data = write(tmp_path / "set", "basicsr")
    path = data.path("train/meta_info.txt")
    lines = path.read_text().splitlines(keepends=True)
    for text, kind in (
        (lines[0] + lines[1], Kind.NOT_LISTED),
        ("".join(lines) + lines[0], Kind.REPEATED_LINE),
        ("".join(lines) + "000-0099_0_0.png (12,16,3)\n", Kind.MISSING_FILE),
        ("".join(lines) + "\n", Kind.BLANK_LINE),
        ("".join(lines).replace("\n", "\r\n"), Kind.CRLF),
        ("x" + "".join(lines).replace(" ", "", 1), Kind.BAD_LINE),
    ):
        path.write_bytes(text.encode())
        assert kind in [problem.kind for problem in check(data)]
    path.unlink()
    assert [problem.kind for problem in check(data)] == [Kind.NOT_LISTED]


def test_folders_of_gt_rain_that_do_not_match(tmp_path: Path) -> None:
    data = write(
        tmp_path / "set", "gtrain", [PairKey(split="train", scene=0, frame=f, x=0, y=0, serial=f) for f in (0, 1)]
    )
    folder = data.path(data.rows[0].clean).parent
    (folder / "notes.txt").touch()
    (folder / "a-R-00000.png").write_bytes(data.path(data.rows[0].rainy).read_bytes())
    kinds = [problem.kind for problem in layout("gtrain").problems(data.root)]
    assert kinds == [Kind.UNPAIRED, Kind.NOT_LISTED]
    (folder / "a-C-000.png").touch()
    assert [problem.kind for problem in layout("gtrain").problems(data.root)] == [Kind.STEMS, Kind.NOT_LISTED]
    data.path(data.rows[0].clean).write_bytes(b"")
    assert Kind.UNDECODABLE in [problem.kind for problem in check(data)]
    data.path(data.rows[0].clean).unlink()
    with pytest.raises(InputError, match=r"has no train/000-0-0_0_0/000-0-0_0_0-C-000\.png; add it"):
        list(layout("gtrain").read(data.root))


def rewrite_tar(path: Path, change: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]) -> None:
    with tarfile.open(path) as archive:
        members = [(m.name, archive.extractfile(m).read()) for m in archive]  # type: ignore[union-attr]
    with tarfile.open(path, "w") as archive:
        for name, data in change(members):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


TARS: dict[str, tuple[Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]], Kind, str]] = {
    "missing": (lambda m: m[1:], Kind.MISSING_FILE, "000-0000_0_0.input.png"),
    "extra": (lambda m: [*m, ("a.txt", b"")], Kind.EXTRA_FILE, "a.txt"),
    "changed": (lambda m: [(m[0][0], m[0][1][:-1]), *m[1:]], Kind.UNDECODABLE, "000-0000_0_0.input.png"),
    "swapped": (lambda m: [(m[0][0], m[1][1]), (m[1][0], m[0][1]), *m[2:]], Kind.SWAPPED, "000-0000_0_0.input.png"),
    "json": (lambda m: [(name, b"{}" if name == "000-0000_0_0.json" else data) for name, data in m], Kind.CHANGED,
             "000-0000_0_0.json"),
    "scattered": (lambda m: [*m[1:], m[0]], Kind.REPEATED_LINE, ""),
}  # fmt: skip


@pytest.mark.parametrize("damage", TARS)
def test_damage_in_a_tar_file_is_one_line(tmp_path: Path, damage: str) -> None:
    data = write(tmp_path / "set", "webdataset")
    change, kind, name = TARS[damage]
    rewrite_tar(data.path("train-000000.tar"), change)
    problems = check(data)
    assert [problem.kind for problem in problems] == [kind], [str(problem) for problem in problems]
    assert problems[0].path == "train-000000.tar" + (f"/{name}" if name else "")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def noise(path: Path) -> None:
    path.write_bytes(hashlib.sha512(b"").digest() * 200)


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("damage", [cut, noise, Path.unlink], ids=["cut", "noise", "missing"])
def test_a_damaged_container_is_one_line(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    data = write(tmp_path / "set", name)
    place = next(parent for parent in data.path(data.rows[0].rainy).parents if parent.suffix)
    file = file_of(data.path(data.rows[0].rainy))
    damage(file)
    kinds = [(problem.path, problem.kind) for problem in check(data)]
    kind = Kind.MISSING_FILE if damage is Path.unlink and name != "basicsr-lmdb" else Kind.DAMAGED
    assert kinds == [(place.relative_to(data.root).as_posix(), kind)]
    if kind == Kind.DAMAGED:
        with pytest.raises(InputError) as error:
            list(layout(name).read(data.root))
        assert "\n" not in str(error.value)


def test_a_database_that_must_not_be_opened_is_not(tmp_path: Path) -> None:
    data = write(tmp_path / "set", "basicsr-lmdb")
    assert check(data, closed=["train/lq.lmdb"]) == []  # its file was reported by whoever closed it
    data.path("train/lq.lmdb/lock.mdb").touch()  # other readers leave it there
    assert check(data) == []
    meta = data.path("train/gt.lmdb/meta_info.txt")
    meta.write_text("".join(meta.read_text().splitlines(keepends=True)[1:]))
    assert [(problem.path, problem.kind) for problem in check(data)] == [
        ("train/gt.lmdb/meta_info.txt", Kind.NOT_LISTED)
    ]


@pytest.mark.parametrize("name", PACKED)
def test_a_container_behind_a_link_is_not_read_by_the_check(tmp_path: Path, name: str) -> None:
    data = write(tmp_path / "set", name)
    file = file_of(data.path(data.rows[0].rainy))
    file.rename(tmp_path / "outside")
    file.symlink_to(tmp_path / "outside")
    assert "leads out of the data set" in " ".join(map(str, check(data)))
    assert len(list(layout(name).read(data.root))) == 6  # a person's own links are followed


def test_what_a_path_into_a_container_means(tmp_path: Path) -> None:
    data = write(tmp_path / "set", "webdataset")
    path = data.path(data.rows[0].rainy)
    assert file_of(path) == data.root / "train-000000.tar" and file_of(data.root / "a.png") == data.root / "a.png"
    assert sha(read_value(path)) == data.rows[0].rainy_sha256
    with pytest.raises(InputError, match=r"none\.png: is missing in its container"):
        read_value(path.with_name("none.png"))
    folder = tmp_path / "unpacked.tar"
    Files(folder).write("a.png", b"x")
    assert read_value(folder / "a.png") == b"x"
    known = container(data.root / "train-000000.tar")
    assert container(data.root / "train-000000.tar") is known
    rewrite_tar(data.root / "train-000000.tar", lambda members: members[:1])
    assert len(container(data.root / "train-000000.tar").names) == 1
    assert json.loads(read_value(data.path("train-000001.tar/000-0002_8_0.json")))["frame"] == 2
