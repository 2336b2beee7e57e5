"""Every kind of damage is found, each as one line; a sound data set gives none."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from rainclean.dataset import Kind, Problem, layout
from rainclean.dataset.manifest import ManifestRow
from rainclean.dataset.verification import Checked, verify
from rainclean.png import encode_png
from tests.helpers.datasets import DataSet, picture, sha, write
from tests.helpers.steps import drained

BOTH = ("spa", "paired")


def check(data: DataSet, rows: list[ManifestRow] | None = None) -> list[Problem]:
    rows = data.rows if rows is None else rows
    progress, problems = drained(verify(data.root, layout(data.layout), rows, ["manifest.csv"]))
    assert progress == [Checked(n + 1, len(progress)) for n in range(len(progress))]
    assert all("\n" not in str(problem) for problem in problems)
    return problems


def kinds(problems: list[Problem]) -> list[Kind]:
    return [problem.kind for problem in problems]


def swap(first: Path, second: Path) -> None:
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)


def change_list(data: DataSet, name: str, change: Callable[[bytes], bytes]) -> None:
    path = data.path(name)
    before = path.read_bytes()
    path.write_bytes(change(before))
    assert path.read_bytes() != before


@pytest.mark.parametrize("name", BOTH)
def test_a_sound_data_set_has_no_problem(tmp_path: Path, name: str) -> None:
    assert check(write(tmp_path, name)) == []


def missing(d: DataSet) -> None:
    d.path(d.rows[1].rainy).unlink()


def missing_clean(d: DataSet) -> None:
    d.path(d.row("test").clean).unlink()


def missing_mask(d: DataSet) -> None:
    d.path(d.rows[0].exclude).unlink()


def extra(d: DataSet) -> None:
    path = d.path(d.rows[1].clean)
    path.with_stem(path.stem + "-2").write_bytes(path.read_bytes())


def extra_elsewhere(d: DataSet) -> None:
    d.path("notes.txt").write_text("x")


def changed(d: DataSet) -> None:
    other = picture(2)
    other[3, 3, 0] ^= 1
    d.path(d.rows[1].rainy).write_bytes(encode_png(other))


def changed_mask(d: DataSet) -> None:
    d.path(d.rows[0].exclude).write_bytes(encode_png(np.full((12, 16), 9, np.uint8)))


def re_encoded(d: DataSet) -> None:
    data = cv2.imencode(".png", picture(2)[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()
    d.path(d.rows[1].rainy).write_bytes(data)


def one_byte(d: DataSet) -> None:
    path = d.path(d.rows[1].rainy)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


def empty(d: DataSet) -> None:
    d.path(d.rows[1].rainy).write_bytes(b"")


def size(d: DataSet) -> None:
    d.path(d.rows[1].rainy).write_bytes(encode_png(picture(2)[:-1]))


def grey(d: DataSet) -> None:
    d.path(d.rows[1].rainy).write_bytes(encode_png(picture(2)[..., 0]))


def deep(d: DataSet) -> None:
    data = cv2.imencode(".png", picture(2).astype(np.uint16) * 256)[1].tobytes()
    d.path(d.rows[1].rainy).write_bytes(data)


def swapped(d: DataSet) -> None:
    swap(d.path(d.rows[1].rainy), d.path(d.rows[1].clean))


def pairs_exchanged(d: DataSet) -> None:
    for role in ("rainy", "clean"):
        swap(d.path(getattr(d.rows[1], role)), d.path(getattr(d.rows[2], role)))


def rainy_exchanged(d: DataSet) -> None:
    swap(d.path(d.rows[1].rainy), d.path(d.rows[2].rainy))


def copied_over(d: DataSet) -> None:
    d.path(d.rows[1].rainy).write_bytes(d.path(d.rows[2].rainy).read_bytes())


def moved(d: DataSet) -> None:
    path = d.path(d.rows[1].clean)
    path.rename(path.with_stem("elsewhere"))


def link_out(d: DataSet) -> None:
    path, target = d.path(d.rows[1].rainy), d.root.parent / "outside.png"
    path.rename(target)
    path.symlink_to(target)


def extra_link_out(d: DataSet) -> None:
    (d.root.parent / "folder").mkdir()
    (d.root.parent / "folder/a.png").touch()
    d.path("link").symlink_to(d.root.parent / "folder")


def odd_name(d: DataSet) -> None:
    Path(os.fsdecode(os.fsencode(d.root) + b"/a\nb\xff.txt")).touch()


DAMAGE: dict[Callable[[DataSet], None], Kind] = {
    missing: Kind.MISSING_FILE, missing_clean: Kind.MISSING_FILE, missing_mask: Kind.MISSING_FILE,
    extra: Kind.EXTRA_FILE, extra_elsewhere: Kind.ADDED, odd_name: Kind.ADDED, changed: Kind.CHANGED,
    changed_mask: Kind.CHANGED, re_encoded: Kind.RE_ENCODED, one_byte: Kind.UNDECODABLE, empty: Kind.UNDECODABLE,
    size: Kind.SIZE, grey: Kind.FORMAT, deep: Kind.FORMAT, swapped: Kind.SWAPPED, pairs_exchanged: Kind.EXCHANGED,
    rainy_exchanged: Kind.EXCHANGED, copied_over: Kind.EXCHANGED, moved: Kind.MOVED, link_out: Kind.OUTSIDE,
    extra_link_out: Kind.OUTSIDE,
}  # fmt: skip


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_each_damage_is_one_line(tmp_path: Path, name: str, damage: Callable[[DataSet], None]) -> None:
    data = write(tmp_path / "set", name)
    damage(data)
    problems = check(data)
    assert kinds(problems) == [DAMAGE[damage]], [str(p) for p in problems]


@pytest.mark.parametrize("name", BOTH)
def test_several_kinds_at_once_are_several_lines(tmp_path: Path, name: str) -> None:
    data = write(tmp_path / "set", name, None)
    size(data)
    missing_clean(data)
    missing_mask(data)
    extra_elsewhere(data)
    assert sorted(kinds(check(data))) == sorted([Kind.SIZE, Kind.MISSING_FILE, Kind.MISSING_FILE, Kind.ADDED])


LISTS = {
    "newline": (lambda t: t[:-1], Kind.LAST_NEWLINE),
    "crlf": (lambda t: t.replace(b"\n", b"\r\n"), Kind.CRLF),
    "spaces": (lambda t: t.replace(b" ", b"  "), Kind.SPACE),
    "slash": (lambda t: b"/" + t, Kind.SLASH),
    "root": (lambda t: b"/data/" + t, Kind.OTHER_ROOT),
    "line removed": (lambda t: t.partition(b"\n")[2], Kind.NOT_LISTED),
    "line repeated": (lambda t: t + t.partition(b"\n")[0] + b"\n", Kind.REPEATED_LINE),
    "wrong name": (lambda t: t.replace(b"real_world/000/000-1/", b"real_world/000/000-7/"), Kind.MISSING_FILE),
    "half a line": (lambda t: t.replace(b" real_world_gt/000/000-1/000-1_4_0.png", b""), Kind.BAD_LINE),
    "mixed": (lambda t: t.replace(b"_gt/000/000-1/000-1_4", b"_gt/000/000-2/000-2_8"), Kind.STEMS),
    "another order": (lambda t: b"".join(sorted(t.splitlines(keepends=True), reverse=True)), Kind.CHANGED),
    "empty": (lambda t: b"", Kind.BAD_LINE),
}


@pytest.mark.parametrize("damage", LISTS)
def test_damage_of_a_list_is_one_line(tmp_path: Path, damage: str) -> None:
    data = write(tmp_path / "set", "spa")
    change, kind = LISTS[damage]
    change_list(data, "real_world.txt", change)
    problems = check(data)
    assert kinds(problems) == [kind], [str(p) for p in problems]
    assert str(problems[0]).startswith("real_world.txt: ")


def test_a_missing_list_is_one_line(tmp_path: Path) -> None:
    data = write(tmp_path / "set", "spa")
    data.path("real_test_1000.txt").unlink()
    assert [str(p).split(",")[0] for p in check(data)] == ["real_test_1000.txt: is missing"]


def test_a_list_line_in_the_other_list_is_one_line(tmp_path: Path) -> None:
    data = write(tmp_path / "set", "spa")
    line = data.path("real_test_1000.txt").read_bytes().splitlines(keepends=True)[0]
    change_list(data, "real_test_1000.txt", lambda t: t.replace(line, b""))
    change_list(data, "real_world.txt", lambda t: t + line.replace(b"/real", b"real"))
    (problem,) = check(data)
    assert problem.kind == Kind.OTHER_SPLIT and problem.path == data.row("test").rainy


def test_a_pair_in_another_split_is_one_line(tmp_path: Path) -> None:
    data = write(tmp_path / "set", "paired")
    for name in (data.rows[1].rainy, data.rows[1].clean):
        data.path(name).rename(data.path(name.replace("train", "test")))
    (problem,) = check(data)
    assert problem.kind == Kind.OTHER_SPLIT and "is read as test" in str(problem)


@pytest.mark.parametrize("name", BOTH)
def test_damage_of_the_manifest(tmp_path: Path, name: str) -> None:
    data = write(tmp_path / "set", name)
    rows = [replace(row, scene="yard") for row in data.rows]
    (problem,) = check(data, rows)
    assert problem.kind == Kind.SCENE_SPLIT and "scene yard is in splits test, train" in str(problem)
    assert kinds(check(data, [*data.rows, data.rows[0]])) == [Kind.DUPLICATE_ROW]
    changed = [replace(data.rows[0], rainy_pixels_sha256="0" * 64), *data.rows[1:]]
    assert kinds(check(data, changed)) == [Kind.PIXELS]
    unknown = [replace(data.rows[0], split="holdout"), *data.rows[1:]]
    assert Kind.OTHER_SPLIT in kinds(check(data, unknown))
    assert {p.path for p in check(data, data.rows[1:])} >= {data.rows[0].rainy}


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret.png", "a/../../secret.png", "C:\\a.png"])
def test_a_manifest_that_leads_out_is_not_followed(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write(tmp_path / "set", "paired")
    secret = tmp_path / "secret.png"
    secret.write_bytes(encode_png(picture(0)))
    opened: list[Path] = []
    real = Path.read_bytes

    def noted(self: Path) -> bytes:
        opened.append(self.resolve())
        return real(self)

    monkeypatch.setattr(Path, "read_bytes", noted)
    problems = check(data, [replace(data.rows[0], rainy=name), *data.rows[1:]])
    assert (name, Kind.OUTSIDE) in [(p.path, p.kind) for p in problems]
    assert opened and all(path.is_relative_to(data.root) for path in opened)


def test_equal_clean_images_are_no_exchange(tmp_path: Path) -> None:
    data = write(tmp_path / "set", "paired")
    first = data.path(data.rows[0].clean).read_bytes()
    data.path(data.rows[1].clean).write_bytes(first)
    same = replace(data.rows[1], clean_sha256=sha(first), clean_pixels_sha256=data.rows[0].clean_pixels_sha256)
    assert check(data, [data.rows[0], same, *data.rows[2:]]) == []


def test_mixed_extensions_and_unsafe_names_go_with_the_move(tmp_path: Path) -> None:
    data = write(tmp_path / "set", "paired")
    path = data.path(data.rows[1].rainy)
    path.rename(path.with_name("a b.png"))
    assert kinds(check(data)) == [Kind.MOVED]


def test_the_check_may_be_closed_at_any_yield(tmp_path: Path) -> None:
    data = write(tmp_path / "set", "paired")
    check = verify(data.root, layout("paired"), data.rows, workers=3)
    assert next(check) == Checked(1, 6)
    check.close()


def test_an_empty_folder(tmp_path: Path) -> None:
    data = write(tmp_path / "set", "spa")
    other = DataSet(tmp_path / "empty", "spa", data.rows)
    other.root.mkdir()
    problems = check(other)
    assert kinds(problems).count(Kind.MISSING_FILE) == 14  # 12 pictures, 2 masks
