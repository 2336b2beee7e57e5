"""`decisions import` of lines that mean nothing: each is refused or harmless, and nothing breaks afterwards."""

import json
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import decisions
from pipeline.project.exchange import lines as line_reader
from pipeline.project.exchange.export_file import export_decisions
from pipeline.project.exchange.import_files import import_decisions
from pipeline.project.exchange.unusable import faults
from pipeline.project.storage.database import Project
from rainclean.png import encode_png
from tests.conftest import Run
from tests.helpers.edited_projects import work
from tests.helpers.evil_lines import Line, by_hand, mutated

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def ann(desk: Project, tmp_path: Path) -> tuple[Path, list[Line]]:
    """A file of all kinds of lines, with its pictures beside it; and the lines."""
    work(desk, "Ann")
    path = tmp_path / "ann.jsonl"
    export_decisions(desk, path)
    return path, [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][1:]


def file_of(path: Path, lines: Iterable[bytes]) -> Path:
    path.write_bytes(b'{"rainclean_decisions": 1}\n' + b"\n".join(lines) + b"\n")
    return path


def used(project: Path, tmp_path: Path, here: Run) -> None:
    """Everything that reads decisions, as a person would: whatever fails is told in one line."""
    commands = [
        ("status", project), ("status", project, "--json"), *(("status", project, f"place{n}") for n in range(3)),
        ("agreement", project), ("select", project, "--auto"), ("analyze", project),
        ("decisions", "export", project, "-o", tmp_path / "back.jsonl", "--overwrite"),
        ("export", project, "-o", tmp_path / "out", "--frames", "every:8", "--split", "train=1"),
        ("export", project, "--estimate", "--crops", "grid:24"),
        ("check", project),
    ]  # fmt: skip
    for words in commands:
        result = here(*words)
        assert result.returncode in (0, 1, 3), (words, result)
        assert "unexpected" not in result.stderr and "Traceback" not in result.stderr, (words, result.stderr)
        assert not re.search("\x1b|\ud800", result.stdout + result.stderr), words
    if (tmp_path / "out").exists():
        assert here("check", tmp_path / "out").returncode == 0


@pytest.mark.parametrize("step", [13, pytest.param(1, marks=pytest.mark.slow)])
def test_lines_made_by_hand(ann: tuple[Path, list[Line]], analysed: Path, tmp_path: Path, here: Run, step: int) -> None:
    path, lines = ann
    evil = [json.dumps(line).encode() for line in by_hand(lines)][::step]
    assert len(evil) > 100
    evil += [b"[" * 100_000, b'{"type": "decision"', b"\xff\xfe", b"null", b"7", b'"a"', b"{}", b'{"type": "x"}']
    evil.append(json.dumps({**lines[0], "uuid": f"{7:08x}-1111-4111-8111-11111111111d", "note": "x" * 10**7}).encode())
    file_of(path, [*evil, *(json.dumps(line).encode() for line in lines)])
    home = Path(shutil.copytree(analysed, tmp_path / "taken"))
    with Project(home) as project:
        result = import_decisions(project, [path])
        assert project.problems() == [] and faults(project) == {}
        # What is sound is taken all the same.
        assert {uuid for line in lines if (uuid := line["uuid"])} <= {
            str(row[0])
            for table in ("decision", "opinion", "edit")
            for row in project.rows(f"SELECT uuid FROM {table}")
        }
    assert len(result.refused) > 0.6 * len(evil)
    assert not [line for line in result.refused if "unexpected" in line]
    assert all(re.match(rf"{path}: line \d+: .", line) and "\n" not in line for line in result.refused)
    used(home, tmp_path, here)


def test_lines_mutated_at_random(ann: tuple[Path, list[Line]], analysed: Path, tmp_path: Path, here: Run) -> None:
    fuzz(ann, analysed, tmp_path, here, rounds=1, count=300)


@pytest.mark.slow
def test_20_000_lines_mutated_at_random(
    ann: tuple[Path, list[Line]], analysed: Path, tmp_path: Path, here: Run
) -> None:
    fuzz(ann, analysed, tmp_path, here, rounds=10, count=2000)


def fuzz(ann: tuple[Path, list[Line]], analysed: Path, tmp_path: Path, here: Run, rounds: int, count: int) -> None:
    path, lines = ann
    for seed in range(rounds):
        home = Path(shutil.copytree(analysed, tmp_path / f"taken{seed}"))
        file_of(path, mutated(lines, seed, count))
        with Project(home) as project:
            result = import_decisions(project, [path])
            assert project.problems() == [] and faults(project) == {}
        assert not [line for line in result.refused if "unexpected" in line], seed
        used(home, tmp_path, here)


STORED = {
    "a mask of another size": "mask",
    "a region outside": "UPDATE analysis SET region = '[60, 50, 72, 56]' WHERE origin != 'analysis'",
    "a recipe that is none": "UPDATE candidate SET recipe = '[[[7]]]' "
    "WHERE name LIKE 'composite%' OR name LIKE '%p33_3'",
    "a lone surrogate": "UPDATE candidate SET recipe = json_set(recipe, '$.name', json('\"\\ud800\"')) "
    "WHERE name LIKE '%p33_3' OR name LIKE 'composite%'",
    "rain of other frames": "UPDATE analysis SET rain = '[1, 2]' WHERE origin != 'analysis'",
    "no reference": "UPDATE analysis SET reference_frame = 9999 WHERE origin != 'analysis'",
}


@pytest.mark.parametrize("kind", STORED)
def test_what_an_older_rainclean_took_in(desk: Project, tmp_path: Path, here: Run, kind: str) -> None:
    """Named with sequence and reason, left out, and taken back as any other decision."""
    work(desk, "Ann")
    broken = [0, 1]
    if STORED[kind] == "mask":
        (cat, *_) = sequences(desk)
        mask = desk.artefacts.put(encode_png(np.zeros((9, 9), np.uint8)), ".png")
        one = decisions.current(desk)[cat.id].candidate_id
        with desk.transaction():
            decisions.append(desk, cat.id, "accepted", "Ann", one, exclude=mask)
        broken = [0]
    else:
        desk.execute(STORED[kind])
    desk.close()
    told = here("status", desk.folder)
    assert told.returncode == 0
    for number in broken:
        assert f"place{number}: what was decided cannot be used" in told.stderr, told.stderr
        assert f"place{number} --undo" in told.stderr
    used(desk.folder, tmp_path, here)
    exported = here("export", desk.folder, "-o", tmp_path / "out2", "--split", "train=1")
    assert "place0: what was decided cannot be used" in exported.stderr
    for number in broken:
        for _ in range(2):
            here("select", desk.folder, f"place{number}", "--undo")
    assert "cannot be used" not in here("status", desk.folder).stderr
    assert here("select", desk.folder, "--auto").returncode == 0


def test_a_damaged_mask_does_not_keep_the_rest_from_being_exported(desk: Project, tmp_path: Path, here: Run) -> None:
    work(desk, "Ann")
    name = next(d.exclude for d in decisions.journal(desk) if d.exclude)
    desk.artefacts.path(name).write_bytes(b"nonsense")
    desk.close()
    result = here("decisions", "export", desk.folder, "-o", tmp_path / "ann.jsonl")
    assert result.returncode == 3 and "place0: decision by Ann" in result.stderr
    assert "1 opinion, 5 edits" in result.stdout
    assert len((tmp_path / "ann.jsonl").read_text().splitlines()) == 11


def test_pictures_go_through_no_link(desk: Project, tmp_path: Path, here: Run) -> None:
    work(desk, "Ann")
    desk.close()
    (tmp_path / "outside").mkdir()
    (tmp_path / "ann.jsonl.pictures").symlink_to(tmp_path / "outside")
    result = here("decisions", "export", desk.folder, "-o", tmp_path / "ann.jsonl")
    assert result.returncode == 1 and "is a link or a file" in result.stderr
    assert not list((tmp_path / "outside").iterdir()) and line_reader.FORMAT == 1
