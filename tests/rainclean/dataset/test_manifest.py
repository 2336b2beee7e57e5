"""manifest.csv comes back as it was, and says line and column where it does not."""

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rainclean.dataset.manifest import COLUMNS, ManifestRow, read_manifest, write_manifest, write_parquet
from rainclean.errors import InputError
from tests.helpers.datasets import a_row

words = st.text(st.just(" ") | st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)
sums = st.text("0123456789abcdef", min_size=64, max_size=64)
amounts = st.floats(-1e9, 1e9)

rows = st.builds(
    a_row,
    sequence=words, scene=words, rainy=words, clean=words, recipe=words,
    frame=st.integers(0, 2**31 - 1), x=st.integers(0, 9999), width=st.integers(1, 9999),
    pts_seconds=amounts, rain_share=st.floats(0, 1), rain_amount=amounts,
    score=st.none() | amounts, disagreement=st.none() | amounts,
    decision=st.uuids().map(str), decision_kind=st.sampled_from(["person", "automatic"]), rainy_sha256=sums,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written=st.lists(rows, max_size=5))
def test_rows_come_back(tmp_path_factory: pytest.TempPathFactory, written: list[ManifestRow]) -> None:
    path = tmp_path_factory.getbasetemp() / "manifest.csv"
    path.write_bytes(write_manifest(written))
    assert read_manifest(path) == written
    assert write_manifest(read_manifest(path)) == path.read_bytes()
    # Any other reader of CSV sees the same columns.
    for row, line in zip(written, csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))), strict=True):
        assert line["recipe"] == row.recipe and float(line["rain_share"]) == row.rain_share


def test_numbers_are_written_the_same_way_everywhere() -> None:
    row = a_row(rain_share=np.float32(0.1), rain_amount=1 / 3, score=-1e-9, frame=np.int64(3))
    assert (row.rain_share, row.rain_amount, row.score, row.frame) == (0.1, 0.333333, 0.0, 3)
    assert b",0.1,0.333333,0.0," in write_manifest([row])
    assert write_manifest([row]).count(b"\n") == 2 and b"\r" not in write_manifest([row])


def test_crlf_bom_further_columns_and_another_order_are_read(tmp_path: Path) -> None:
    lines = list(csv.reader(io.StringIO(write_manifest([a_row()]).decode())))
    target = io.StringIO()
    csv.writer(target).writerows([[*reversed(line), "note"] for line in lines])
    (tmp_path / "m.csv").write_bytes(b"\xef\xbb\xbf" + target.getvalue().encode())
    assert read_manifest(tmp_path / "m.csv") == [a_row()]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("frame", "7.5", "'7.5' is not a whole number from 0"),
        ("frame", "-1", "'-1' is not a whole number"),
        ("x", "1_0", "'1_0' is not a whole number"),
        ("width", "0", "'0' is not a whole number from 1"),
        ("height", str(2**31), "is not a whole number from 1"),
        ("pts_seconds", "", "'' is not a number"),
        ("rain_amount", "nan", "'nan' is not a number"),
        ("rain_share", "1.5", "'1.5' is not a share from 0 to 1"),
        ("score", "good", "'good' is not a number"),
        ("split", "", "'' is not text in one line"),
        ("scene", "a\nb", "is not text in one line"),
        ("decision", "me", "'me' is not a UUID"),
        ("decision_kind", "robot", "'robot' is not person or automatic"),
        ("verdict", "good", "'good' is not fit, look or unfit"),
        ("recipe_hash", "xyz", "'xyz' is not a hash of 16"),
        ("rainy_sha256", "A" * 64, "is not a SHA-256"),
        ("exclude", "e.png", "column exclude_sha256: a name needs a checksum"),
    ],
)
def test_a_wrong_value_is_named_by_line_and_column(tmp_path: Path, column: str, value: str, words: str) -> None:
    lines = list(csv.reader(io.StringIO(write_manifest([a_row(), a_row()]).decode())))
    lines[2][COLUMNS.index(column)] = value
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows(lines)
    (tmp_path / "m.csv").write_text(target.getvalue(), encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_manifest(tmp_path / "m.csv")
    line = 4 if "\n" in value else 3
    assert f"m.csv: line {line}, column {column}" in str(error.value) and words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1: column split is missing"),
        (b"split,split\n", "line 1: column split appears twice"),
        (b"\xff\xfe", "is not UTF-8 (byte 0)"),
        (write_manifest([a_row()])[:-30] + b"\n", "line 2"),
        (write_manifest([])[:-1] + b"\ntrain,x\n", "line 2: 2 columns, not 31"),
        (write_manifest([]) + b'"a', "line 2: unexpected end of data"),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"m\.csv: ") as error:
        read_manifest(tmp_path / "m.csv")
    assert words in str(error.value)


def test_a_manifest_of_before_verdicts_is_read(tmp_path: Path) -> None:
    lines = [row[:-1] for row in csv.reader(io.StringIO(write_manifest([a_row(verdict="look")]).decode()))]
    assert "verdict" not in lines[0]
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows(lines)
    (tmp_path / "m.csv").write_text(target.getvalue(), encoding="utf-8")
    assert read_manifest(tmp_path / "m.csv") == [a_row(verdict="")]
    (tmp_path / "m.csv").write_bytes(write_manifest([a_row(verdict="look")]))
    assert read_manifest(tmp_path / "m.csv") == [a_row(verdict="look")]
    (tmp_path / "m.csv").write_text(target.getvalue().replace("confidence_sha256", "verdict,verdict", 1))
    with pytest.raises(InputError, match="confidence_sha256 is missing"):
        read_manifest(tmp_path / "m.csv")


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_manifest(tmp_path / "m.csv")


def test_parquet_holds_the_same_rows_in_the_same_bytes() -> None:
    written = [a_row(), a_row(frame=8, score=None)]
    assert write_parquet(written) == write_parquet(iter(written))
    table = parquet.read_table(pyarrow.BufferReader(write_parquet(written)))
    assert tuple(table.column_names) == COLUMNS
    assert [ManifestRow(**line) for line in table.to_pylist()] == written
    assert parquet.read_table(pyarrow.BufferReader(write_parquet([]))).num_rows == 0
