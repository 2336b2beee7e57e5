"""Data sets of others: lists of pairs, names of files in paired folders, manifests, export.json."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pipeline.export.report import REPORT, digest_of
from pipeline.export.verification import check
from rainclean.dataset import layout
from rainclean.dataset.manifest import NAME
from rainclean.dataset.pairing import PAIRS_NAME, Pairing
from rainclean.dataset.reader import read_dataset, read_pair
from rainclean.errors import RaincleanError
from tests.fuzz.engine import Reader, is_clean
from tests.helpers.datasets import sha, write


def _spa(root: Path) -> Path:
    """A small data set in a folder, made where there is none yet."""
    if not root.is_dir():
        write(root, "spa")
        report = {
            "rainclean": "0", "project": "", "settings": {"layout": "spa"}, "splits": {}, "notes": [],
            "pairs": {"train": 3, "test": 3}, "files": {NAME: sha((root / NAME).read_bytes())},
        }  # fmt: skip
        report["digest"] = digest_of(report)
        (root / REPORT).write_text(json.dumps(report))
    return root


def _read(root: Path) -> None:
    """As training, scoring and checking read it."""
    for name in ("spa", "paired"):
        assert all(is_clean(str(problem)) for problem in layout(name).problems(root))
    with suppress(RaincleanError):
        for _ in check(root):
            pass
    read_dataset(root)


def lists(folder: Path) -> Mapping[str, bytes]:
    text = (_spa(folder / "set") / "real_world.txt").read_bytes()
    windows = b"\xef\xbb\xbf" + text.replace(b"/", b"\\").replace(b"\n", b"\r\n")
    return {"list.txt": text, "windows.txt": windows, "wide.txt": text.decode().encode("utf-16")}


def read_list(path: Path) -> None:
    root = _spa(path.parent / "set")
    (root / "real_world.txt").write_bytes(path.read_bytes())
    _read(root)


NAMES = ["001-0001_0_0.png", "IMG_1.PNG", "Ströme.jpg", "Ströme.jpg", "雨天.png", "._1.png", "a.b.png", ".hidden.png"]


def names(_: Path) -> Mapping[str, bytes]:
    return {"names.txt": "\n".join(NAMES).encode()}


def read_names(path: Path) -> None:
    """Paired folders with files of these names, every other one on both sides."""
    root = path.parent / "set"
    for place, name in enumerate(path.read_bytes().split(b"\n")):
        for side in ("input", "target")[: 1 + place % 2]:
            with suppress(OSError, ValueError):
                folder = root / "train" / side
                folder.mkdir(parents=True, exist_ok=True)
                (folder / os.fsdecode(name.replace(b"/", b"_"))).touch()
    try:
        _read(root)
    finally:
        for file in root.rglob("*"):
            if file.is_file():
                file.unlink()


def manifests(folder: Path) -> Mapping[str, bytes]:
    return {NAME: (_spa(folder / "set") / NAME).read_bytes()}


def read_manifest(path: Path) -> None:
    root = _spa(path.parent / "set")
    (root / NAME).write_bytes(path.read_bytes())
    _read(root)


def reports(folder: Path) -> Mapping[str, bytes]:
    return {REPORT: (_spa(folder / "set") / REPORT).read_bytes()}


def read_report(path: Path) -> None:
    root = _spa(path.parent / "set")
    (root / REPORT).write_bytes(path.read_bytes())
    for _ in check(root):
        pass


_LISTED = ("rain/1.png", "rain/b 2.jpg", "clean/1.png", "clean/Ströme.png")


def pair_lists(_: Path) -> Mapping[str, bytes]:
    rows = f"rainy,clean,scene,split\n{_LISTED[0]},{_LISTED[2]},a,train\n{_LISTED[1]},{_LISTED[3]},b,\n"
    return {PAIRS_NAME: rows.encode(), "quoted.csv": rows.replace(_LISTED[1], f'"{_LISTED[1]}"').encode("utf-8-sig")}


def read_pair_list(path: Path) -> None:
    root = path.parent / "listed"
    for name in _LISTED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / PAIRS_NAME).write_bytes(path.read_bytes())
    with suppress(RaincleanError):
        for _ in check(root):
            pass
    read_dataset(root, Pairing(pairs=root / PAIRS_NAME))


def rules(_: Path) -> Mapping[str, bytes]:
    return {"rule.txt": b"**/rain/*_*.*\n{1}/gt/../{2}.*", "short.txt": b"rain/*.png\n{dir}/{stem}.jpg"}


def read_rule(path: Path) -> None:
    root = path.parent / "listed"
    for name in _LISTED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    rainy, _, clean = os.fsdecode(path.read_bytes()).partition("\n")
    read_dataset(root, Pairing(rainy=rainy, clean=clean))


CONTAINERS = {".tar": "webdataset", ".mdb": "basicsr-lmdb", ".parquet": "huggingface"}


def _container(root: Path, suffix: str) -> Path:
    """The file of a container in a small data set, made where there is none yet."""
    if not root.is_dir():
        write(root, CONTAINERS[suffix])
    return next(path for path in sorted(root.rglob(f"*{suffix}")) if "train" in path.relative_to(root).as_posix())


def containers(folder: Path) -> Mapping[str, bytes]:
    return {f"values{suffix}": _container(folder / suffix[1:], suffix).read_bytes() for suffix in CONTAINERS}


def read_container(path: Path) -> None:
    """As checking, training and scoring read what is in it."""
    root = path.parent / f"set{path.suffix}"
    file = _container(root, path.suffix)
    file.unlink()  # a file of its own each time: an index is kept while the file is the same
    file.write_bytes(path.read_bytes())
    assert all(is_clean(str(problem)) for problem in layout(CONTAINERS[path.suffix]).problems(root))
    for pair in read_dataset(root).pairs:
        with suppress(RaincleanError):
            read_pair(pair)


TEXT = (b"\\", b"/", b"..", b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b"\t", b" ", b".png", b".PNG", b"\xcc\x88", b"\0",
        b"real_world", b"a" * 300, b"\xed\xa0\x80", b"\xe2\x80\xae", b"../", b"C:\\", b'"', b",", b"train",
        b"1e999")  # fmt: skip
RULE = (b"*", b"**", b"{1}", b"{dir}", b"{stem}", b"{", b"}", b"..", b"/", b".*", b"[", b"(", b"\\", b"\0",
        b"**/" * 40, b"*" * 300)  # fmt: skip
JSON = (b"null", b"{}", b"[]", b"-1", b"1e999", b"NaN", b'"\\ud800"', b'"', b":", b"{", b"}",
        b'"files":', b'"layout":', b'"../a"', b'"spa"', b"[" * 2000)  # fmt: skip

READERS = [
    Reader("SPA list", lists, read_list, TEXT, short=60),
    Reader("paired names", names, read_names, TEXT, short=60),
    Reader("list of pairs", pair_lists, read_pair_list, TEXT, short=60),
    Reader("pairing rule", rules, read_rule, RULE, short=60),
    Reader("manifest", manifests, read_manifest, TEXT, short=50),
    Reader("container", containers, read_container, (b"ustar", b"PAR1", b"\xde\xc0\xef\xbe"), short=40),
    Reader("export.json", reports, read_report, JSON, short=50),
]
