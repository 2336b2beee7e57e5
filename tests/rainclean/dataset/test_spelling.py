"""Names as other systems write them: byte order marks, backslashes, capitals, Unicode forms, and what they leave."""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.export.verification import check
from rainclean.dataset import Files, Kind, layout
from rainclean.dataset.reader import read_dataset
from rainclean.errors import InputError
from rainclean.png import encode_png
from rainclean.video import open_source
from rainclean.video.images import images_in

PICTURE = encode_png(np.zeros((8, 8, 3), np.uint8))
NFC, NFD = (unicodedata.normalize(form, "Ströme") for form in ("NFC", "NFD"))


def spa(root: Path, text: bytes, stems: tuple[str, ...] = ("001-1_0_0", "002-1_0_0"), suffix: str = ".png") -> None:
    for stem in stems:
        for folder in ("real_world", "real_world_gt"):
            Files(root).write(f"{folder}/{stem[:3]}/{stem}{suffix}", PICTURE)
    (root / "real_world.txt").write_bytes(text)


def lines(stems: tuple[str, ...] = ("001-1_0_0", "002-1_0_0"), suffix: str = ".png") -> str:
    return "".join(f"real_world/{stem[:3]}/{stem}{suffix} real_world_gt/{stem[:3]}/{stem}{suffix}\n" for stem in stems)


LISTS: dict[str, tuple[Callable[[str], bytes], set[Kind]]] = {
    "UTF-8 with a mark": (lambda t: b"\xef\xbb\xbf" + t.encode(), {Kind.BYTE_ORDER_MARK}),
    "UTF-16": (lambda t: t.encode("utf-16"), {Kind.BYTE_ORDER_MARK}),
    "UTF-16, big endian": (lambda t: b"\xfe\xff" + t.encode("utf-16-be"), {Kind.BYTE_ORDER_MARK}),
    "backslashes": (lambda t: t.replace("/", "\\").encode(), {Kind.BACKSLASH}),
    "a drive": (
        lambda t: t.replace("real_world", "D:\\data\\real_world").replace("/", "\\").encode(),
        {Kind.BACKSLASH, Kind.OTHER_ROOT},
    ),
    "tabs": (lambda t: t.replace(" ", " \t  ").encode(), {Kind.SPACE}),
    "CRLF": (lambda t: t.replace("\n", "\r\n").encode(), {Kind.CRLF}),
    "no last newline": (lambda t: t.rstrip("\n").encode(), {Kind.LAST_NEWLINE}),
    "capitals": (lambda t: t.replace(".png", ".PNG").encode(), {Kind.SPELLING}),
    "all of Windows": (
        lambda t: b"\xef\xbb\xbf" + t.replace("/", "\\").replace(".png", ".PNG").replace("\n", "\r\n").encode(),
        {Kind.BYTE_ORDER_MARK, Kind.BACKSLASH, Kind.CRLF, Kind.SPELLING},
    ),
}


@pytest.mark.parametrize("kind", LISTS)
def test_lists_made_elsewhere_are_read_and_said(kind: str, tmp_path: Path) -> None:
    written, said = LISTS[kind]
    spa(tmp_path, written(lines()))
    assert [pair.stem for pair in read_dataset(tmp_path).pairs] == ["001-1_0_0", "002-1_0_0"]
    assert {problem.kind for problem in layout("spa").problems(tmp_path)} == said


@pytest.mark.parametrize(("listed", "stored"), [(NFC, NFD), (NFD, NFC)])
def test_lists_and_folders_in_different_unicode_forms(listed: str, stored: str, tmp_path: Path) -> None:
    spa(tmp_path, lines((listed,)).encode(), (stored,))
    if (tmp_path / lines((listed,)).split()[0]).exists():
        pytest.skip("this file system takes both forms for one")
    (pair,) = read_dataset(tmp_path).pairs
    assert pair.rainy.is_file() and pair.stem == stored
    assert Kind.SPELLING in {problem.kind for problem in layout("spa").problems(tmp_path)}


def test_a_name_that_may_mean_two_files_means_none(tmp_path: Path) -> None:
    spa(tmp_path, lines(("001-A",)).encode(), ("001-a", "001-á".upper(), "001-á"))
    assert Files(tmp_path).find("real_world/001/001-Á.png") == "real_world/001/001-Á.png"
    (tmp_path / "real_world/001/001-A.PNG").write_bytes(PICTURE)
    if len(list((tmp_path / "real_world/001").iterdir())) < 4:
        pytest.skip("this file system takes capitals and small letters for one")
    assert Files(tmp_path).find("real_world/001/001-A.png") is None


def test_pairs_whose_sides_differ_in_unicode_form_or_capitals(tmp_path: Path) -> None:
    for one, other in ((NFC, NFD), ("IMG_1", "img_1")):
        Files(tmp_path).write(f"train/input/{one}.png", PICTURE)
        Files(tmp_path).write(f"train/target/{other}.png", PICTURE)
    assert len(read_dataset(tmp_path).pairs) == 2
    said = {p.path: p.text for p in layout("paired").problems(tmp_path) if p.kind is Kind.SPELLING}
    assert "the two look alike but differ in Unicode form" in said[f"train/input/{NFC}.png"]
    assert "NFC" in said[f"train/input/{NFC}.png"] and "NFD" in said[f"train/input/{NFC}.png"]
    assert "differ in upper and lower case" in said["train/input/IMG_1.png"]
    Files(tmp_path).write("train/target/Img_1.png", PICTURE)
    with pytest.raises(InputError, match="has no partner"):
        read_dataset(tmp_path)


LITTER = ("._1.png", ".DS_Store", "Thumbs.db", "desktop.ini", "@eaDir/1.png", "__MACOSX/._1.png", ".hidden.png")


def test_what_systems_leave_is_passed_over(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for side in ("input", "target"):
            Files(tmp_path).write(f"{split}/{side}/{split}1.png", PICTURE)
            for name in LITTER[:-1]:
                Files(tmp_path).write(f"{split}/{side}/{name}", b"\0\5\x16\7")
    for name in LITTER[:-1]:
        Files(tmp_path).write(name, b"\0\5\x16\7")
    assert [pair.stem for pair in read_dataset(tmp_path).pairs] == ["train1", "val1"]
    assert layout("paired").problems(tmp_path) == []
    assert len(Files(tmp_path).names()) == 4
    Files(tmp_path).write("train/input/.hidden.png", PICTURE)
    assert len(read_dataset(tmp_path).pairs) == 2


def test_the_same_in_lists_and_folders_of_images(tmp_path: Path) -> None:
    spa(tmp_path / "data", lines().encode())
    Files(tmp_path).write("data/__MACOSX/real_world.txt", b"real_world/1.png real_world_gt/1.png\n")
    for folder in ("real_world/001", "real_world_gt/001"):
        Files(tmp_path).write(f"data/{folder}/._001-1_0_0.png", b"\0\5\x16\7")
    assert len(read_dataset(tmp_path / "data").pairs) == 2
    assert layout("spa").problems(tmp_path / "data") == []
    for name in (*LITTER, "1.png", "2.png"):
        Files(tmp_path / "frames").write(name, PICTURE if name[0].isdigit() else b"\0\5\x16\7")
    found, others = images_in(tmp_path / "frames")
    assert [path.name for path in found] == ["1.png", "2.png"] and others == 1  # the hidden one
    with open_source(tmp_path / "frames") as source:
        assert source.info.frame_count == 2


@pytest.mark.parametrize("name", ["a" * 300 + ".png", "a/" * 3000 + "b.png", "\ud800.png", "a\0.png"])
def test_names_that_no_file_system_takes_are_nowhere(name: str, tmp_path: Path) -> None:
    for files in (Files(tmp_path), Files(tmp_path, contained=True)):
        assert not files.inside(name) or not files.has(name)
        assert files.find(name) is None
        with pytest.raises(InputError):
            files.read(name)
    spa(tmp_path, f"real_world/{name} real_world_gt/{name}\n".encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    assert str(caught.value).isprintable() and json.dumps(str(caught.value))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"rainclean": "", "settings": {"layout": "spa"}, "pairs": [], "files": []}']
)
def test_reports_of_other_shapes_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text(text)
    with pytest.raises(InputError, match=r"export.json: is damaged"):
        list(check(tmp_path))
