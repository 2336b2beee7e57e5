"""Layouts: what is written is read back, by our readers and by other people's line logic."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rainclean.dataset import LAYOUTS, Files, Kind, PairKey, Widths, layout
from rainclean.dataset.layout_base import SAFE_STEM
from rainclean.dataset.problems import BLOCKING, Problem
from rainclean.errors import InputError, UsageError
from tests.helpers import datasets
from tests.helpers.datasets import a_row, keys, store, write


def write_empty(root: Path, name: str, pairs: list[PairKey]) -> list[tuple[str, str, str]]:
    """A data set whose pictures are empty files; returns split, rainy, clean of each."""
    form, widths, rows = layout(name), Widths.for_pairs(pairs), []
    for key in sorted(pairs, key=lambda pair: form.splits.index(pair.split)):
        paths = form.paths(key, widths)
        rows.append(a_row(split=key.split, rainy=paths.rainy, clean=paths.clean))
    store(root, form, widths, ((row, {"rainy": b"", "clean": b""}) for row in rows))
    return [(row.split, row.rainy, row.clean) for row in rows]


def read(root: Path, name: str) -> list[tuple[str, str, str]]:
    return [(pair.split, pair.rainy, pair.clean) for pair in layout(name).read(root)]


numbers = st.integers(0, 12) | st.integers(0, 10**6)
places = st.sets(st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=12)


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=places, data=st.data())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, name: str, places: set[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    splits = [data.draw(st.sampled_from(layout(name).splits)) for _ in places]
    pairs = [
        PairKey(split=split, scene=scene, frame=frame, x=x, y=y, serial=serial)
        for serial, (split, (scene, frame, x, y)) in enumerate(zip(splits, places, strict=True))
    ]
    root = tmp_path_factory.mktemp("set")
    written = write_empty(root, name, pairs)
    assert sorted(read(root, name)) == sorted(written)
    assert layout(name).problems(root) == []
    splits, stems = [split for split, _, _ in written], [layout(name).key_of(rainy) for _, rainy, _ in written]
    assert len(set(stems)) == len(stems) and all(map(SAFE_STEM.fullmatch, stems))
    assert len({len(stem.split("_")[0]) for stem, split in zip(stems, splits, strict=True) if split == "train"}) <= 1


@pytest.mark.parametrize("name", LAYOUTS)
def test_more_than_a_thousand_scenes(tmp_path: Path, name: str) -> None:
    pairs = [PairKey(split="train", scene=scene, frame=0, x=0, y=0, serial=scene) for scene in range(1003)]
    written = write_empty(tmp_path, name, pairs)
    assert read(tmp_path, name) == written
    assert [rainy for _, rainy, _ in written] == sorted(rainy for _, rainy, _ in written)
    assert "1002-0" in written[-1][1] and "/0999" in written[999][1]


def test_names() -> None:
    key = PairKey(split="train", scene=0, frame=12, x=256, y=0, serial=3)
    paths = layout("spa").paths(key, Widths.for_pairs([key]))
    assert paths.rainy == "real_world/000/000-12/000-12_256_0.png"
    assert paths.clean == "real_world_gt/000/000-12/000-12_256_0.png"
    assert paths.exclude == "exclude/000-12_256_0.png"
    test = layout("spa").paths(PairKey(split="test", scene=0, frame=12, x=256, y=0, serial=3), Widths())
    assert (test.rainy, test.clean) == ("real_test_1000/rain/003.png", "real_test_1000/gt/003gt.png")
    assert test.confidence == "confidence/003.png"
    paired = layout("paired").paths(PairKey(split="val", scene=0, frame=12, x=256, y=0, serial=3), Widths())
    assert (paired.rainy, paired.clean) == ("val/input/000-0012_256_0.png", "val/target/000-0012_256_0.png")


def test_what_layouts_do_not_know() -> None:
    with pytest.raises(UsageError, match="no split 'val': use train, test; or choose a layout that has it"):
        layout("spa").paths(PairKey(split="val", scene=0, frame=0, x=0, y=0, serial=0), Widths())
    with pytest.raises(UsageError, match="no layout 'voc': use spa, paired, basicsr"):
        layout("voc")
    with pytest.raises(ValueError, match="start at 0"):
        PairKey(split="train", scene=-1, frame=0, x=0, y=0, serial=0)


def test_other_readers_take_it(tmp_path: Path) -> None:
    spa = write(tmp_path / "spa", "spa")
    for split, reader in (("train", datasets.spa_training_reader), ("test", datasets.spa_test_reader)):
        expected = [(spa.path(r.rainy), spa.path(r.clean)) for r in spa.rows if r.split == split]
        assert [(a.resolve(), b.resolve()) for a, b in reader(spa.root)] == expected
    paired = write(tmp_path / "paired", "paired")
    for split in ("train", "test"):
        expected = [(paired.path(r.rainy), paired.path(r.clean)) for r in paired.rows if r.split == split]
        assert datasets.sorted_order_reader(paired.root, split) == expected


@pytest.mark.parametrize("name", LAYOUTS)
def test_masks_are_found(tmp_path: Path, name: str) -> None:
    written = write(tmp_path, name)
    first, *others = layout(name).read(tmp_path)
    assert (first.exclude, first.confidence) == (written.rows[0].exclude, written.rows[0].confidence)
    assert all(pair.exclude is pair.confidence is None for pair in others)


FRAGMENTS = [
    b"real_world/000/000-0/000-0_0_0.png", b"real_world_gt/000/000-0/000-0_0_0.png", b" ", b"\n", b"\r\n", b"/", b"../",
    b"real_world/000/000-0/000-0_0_0.png real_world_gt/000/000-0/000-0_0_0.png\n", b"\xff", b"\0", b"a" * 5000,
]  # fmt: skip


def rewrite(path: Path, change: object) -> None:
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]


QUIRKS = {
    "crlf": (Kind.CRLF, lambda t: t.replace(b"\n", b"\r\n")),
    "no last newline": (Kind.LAST_NEWLINE, lambda t: t[:-1]),
    "leading slash": (Kind.SLASH, lambda t: t.replace(b"real_world", b"/real_world")),
    "two spaces": (Kind.SPACE, lambda t: t.replace(b" ", b"  ")),
    "trailing space": (Kind.SPACE, lambda t: t.replace(b"\n", b" \n")),
    "tab": (Kind.SPACE, lambda t: t.replace(b" ", b"\t")),
    "blank line": (Kind.BLANK_LINE, lambda t: t + b"\n"),
    "other root": (Kind.OTHER_ROOT, lambda t: t.replace(b"real_world", b"/home/some body/SPA/real_world")),
    "dot": (None, lambda t: t.replace(b"real_world", b"./real_world")),
    "upwards": (Kind.OTHER_ROOT, lambda t: t.replace(b"real_world", b"../data/real_world")),
    "repeated": (Kind.REPEATED_LINE, lambda t: t + t.splitlines(keepends=True)[0]),
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_quirks_of_lists_are_read_and_told(tmp_path: Path, quirk: str) -> None:
    kind, change = QUIRKS[quirk]
    written = write_empty(tmp_path, "spa", keys())
    rewrite(tmp_path / "real_world.txt", change)
    assert read(tmp_path, "spa") == written
    problems = layout("spa").problems(tmp_path)
    if quirk == "other root":
        problems = [p for p in problems if p.kind != Kind.SPACE]
    assert [p.kind for p in problems] == ([kind] if kind else [])
    assert all(str(p).startswith("real_world.txt: ") for p in problems)


def test_quirks_of_folders(tmp_path: Path) -> None:
    """Archives unpacked each into a folder of its own, one of them a link to another disk."""
    written = write_empty(tmp_path / "disk", "spa", keys())
    root = tmp_path / "data"
    (root / "Training" / "rainy").mkdir(parents=True)
    (root / "Testing").mkdir()
    (tmp_path / "disk/real_world").rename(root / "Training/rainy/real_world")
    (tmp_path / "disk/real_world.txt").rename(root / "Training/real_world.txt")
    (root / "Training/real_world_gt").symlink_to(tmp_path / "disk/real_world_gt")
    for name in ("real_test_1000", "real_test_1000.txt"):
        (tmp_path / "disk" / name).rename(root / "Testing" / name)
    rewrite(root / "Testing/real_test_1000.txt", lambda t: t.replace(b"/real", b"real"))
    found = read(root, "spa")
    assert [(s, Path(r).name, Path(c).name) for s, r, c in found] == [
        (s, Path(r).name, Path(c).name) for s, r, c in written
    ]
    assert all((root / name).is_file() for _, *names in found for name in names)


def test_a_space_in_a_path(tmp_path: Path) -> None:
    write_empty(tmp_path, "spa", [PairKey(split="train", scene=0, frame=0, x=0, y=0, serial=0)])
    for folder in ("real_world", "real_world_gt"):
        (tmp_path / folder / "000").rename(tmp_path / folder / "0 0")
    rewrite(tmp_path / "real_world.txt", lambda t: t.replace(b"/000/", b"/0 0/"))
    assert len(read(tmp_path, "spa")) == 1
    assert [p.kind for p in layout("spa").problems(tmp_path)] == [Kind.SPACE]


def damage_missing_list(root: Path) -> None:
    (root / "real_world.txt").unlink()


def damage_both_lists(root: Path) -> None:
    for name in root.glob("real*"):
        name.rename(root / f"my-{name.name}")


def damage_line(root: Path) -> None:
    rewrite(root / "real_world.txt", lambda t: t.replace(b"real_world_gt/000/000-1/000-1_4_0.png\n", b"\n"))


def damage_file(root: Path) -> None:
    (root / "real_world_gt/000/000-1/000-1_4_0.png").unlink()


def damage_empty_list(root: Path) -> None:
    (root / "real_world.txt").write_text("")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damage_missing_list, "real_world.txt: is missing, but there is a folder real_world"),
        (damage_both_lists, "no real_world.txt nor real_test_1000.txt"),
        (damage_line, "real_world.txt: line 2 is not '<rainy path> <clean path>'"),
        (damage_file, "real_world.txt: line 2 names real_world_gt/000/000-1/000-1_4_0.png, which is missing"),
        (damage_empty_list, "real_world.txt: names no pair"),
    ],
)
def test_what_keeps_a_list_from_being_read(tmp_path: Path, damage: object, words: str) -> None:
    write_empty(tmp_path, "spa", keys())
    damage(tmp_path)  # type: ignore[operator]
    with pytest.raises(InputError) as error:
        read(tmp_path, "spa")
    assert words in str(error.value) and "\n" not in str(error.value)


def test_spa_files_that_no_list_names_and_lines_that_mix_pairs(tmp_path: Path) -> None:
    write_empty(tmp_path, "spa", keys())
    rewrite(tmp_path / "real_world.txt", lambda t: t.replace(b"_gt/000/000-1/000-1_4", b"_gt/000/000-2/000-2_8"))
    assert [str(p) for p in layout("spa").problems(tmp_path)] == [
        "real_world.txt: line 2 joins two images with different names; name those of one pair"
    ]
    rewrite(tmp_path / "real_test_1000.txt", lambda t: t.partition(b"\n")[2])
    assert Kind.NOT_LISTED in [p.kind for p in layout("spa").problems(tmp_path)]


def test_paired_folders_that_do_not_match(tmp_path: Path) -> None:
    form = layout("paired")
    with pytest.raises(InputError, match="no train/input"):
        read(tmp_path, "paired")
    (tmp_path / "empty").mkdir()
    assert [str(p)[:3] for p in form.problems(tmp_path / "empty")] == [".: "]
    write_empty(tmp_path, "paired", keys())
    (tmp_path / "train/target/000-0001_4_0.png").rename(tmp_path / "train/target/000-0001_4_0.jpg")
    (tmp_path / "train/input/notes.txt").touch()
    assert len(read(tmp_path, "paired")) == 6
    assert [p.kind for p in form.problems(tmp_path)] == [Kind.EXTENSIONS, Kind.NOT_LISTED]
    (tmp_path / "test/target/001-0001_4_0.png").unlink()
    with pytest.raises(InputError, match=r"test/input/001-0001_4_0.png: has no partner test/target/001-0001_4_0.png"):
        read(tmp_path, "paired")
    (tmp_path / "test/input/001-0001_4_0.bmp").touch()
    with pytest.raises(InputError, match="same stem"):
        read(tmp_path, "paired")


def test_unsafe_and_repeated_stems(tmp_path: Path) -> None:
    for split, stem in (("train", "a.b"), ("train", "c"), ("test", "c")):
        for side in ("input", "target"):
            Files(tmp_path).write(f"{split}/{side}/{stem}.png", b"")
    kinds = [p.kind for p in layout("paired").problems(tmp_path)]
    assert kinds == [Kind.UNSAFE_NAME, Kind.UNSAFE_NAME, Kind.DUPLICATE_STEM]


@settings(max_examples=80, deadline=None)
@given(pieces=st.lists(st.binary(max_size=12) | st.sampled_from(FRAGMENTS), max_size=12))
def test_any_list_is_read_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    root = tmp_path_factory.getbasetemp() / "fuzz"
    if not root.exists():
        write_empty(root, "spa", keys(1))
    (root / "real_world.txt").write_bytes(b"".join(pieces))
    problems = layout("spa").problems(root)
    assert all(str(problem).isprintable() for problem in problems)
    try:
        assert len(read(root, "spa")) >= 1
        assert not BLOCKING & {problem.kind for problem in problems}
    except InputError as error:
        assert str(error).isprintable()
        assert BLOCKING & {problem.kind for problem in problems}


@pytest.mark.parametrize("home", ["", "copy/"])
def test_lines_that_are_read_at_once_are_read_as_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    names = ["1/1-0/1-0_0_0.png", "1/1-0/1-0_0_1.png", "2/2-0/2-0_0_0.png", "2/2-0/ü.png", "2/a b.png"]
    for side in ("real_world", "real_world_gt", "real_test_1000/rain", "real_test_1000/gt"):
        for name in names:
            path = tmp_path / home / side / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    pairs = [(f"real_world/{one}", f"real_world_gt/{other}") for one in names for other in names]
    pairs += [(f"/real_test_1000/rain/{name}", f"/real_test_1000/gt/{name}") for name in names]
    lines = [
        change(f"{rainy}{gap}{clean}")
        for rainy, clean in pairs
        for gap in (" ", "  ", "\t")
        for change in (str, str.upper, lambda line: line + "\r", lambda line: "./" + line, lambda line: "/" + line)
    ]
    lines += [line.replace("/", mark) for line in lines[:5] for mark in ("\\", "//", "/../", "/./")]
    for split in ("real_world.txt", "real_test_1000.txt"):
        (tmp_path / home / split).write_text("\n".join(lines), encoding="utf-8")
    problems: list[list[Problem]] = [[], []]
    fast = list(layout("spa").scan(Files(tmp_path), problems[0].append))
    monkeypatch.setattr("rainclean.dataset.layout_spa._List._published", lambda *_: None)
    assert fast == list(layout("spa").scan(Files(tmp_path), problems[1].append))
    assert problems[0] == problems[1] and len(fast) > len(names)


def test_importing_formats_is_cheap() -> None:
    script = (
        "import sys, rainclean.dataset\nprint([m for m in ('numpy', 'cv2', 'numba', 'pyarrow') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


@pytest.mark.parametrize("name", ["", ".", "/a", "../a", "a/../b", "a//b", "a/", "./a", "a\\b", "a\0b"])
def test_names_that_lead_out_are_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        Files(tmp_path).write(name, b"")
