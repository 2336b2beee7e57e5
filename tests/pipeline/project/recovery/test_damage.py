"""A damaged store is told as that, in one line that names the file and the way back; a bug stays a bug."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.editing.editor import Editor
from pipeline.project.storage.database import DATABASE, Project
from rainclean.errors import RaincleanError, StoreError

Damage = Callable[[sqlite3.Connection], object]


def change(text: str, *values: object) -> Damage:
    return lambda db: db.execute(text, values)


DAMAGES: dict[str, Damage] = {
    "no JSON": change("UPDATE candidate SET recipe = replace(recipe, '{', '(')"),
    "JSON of another kind": change("UPDATE candidate SET merged = '7'"),
    "JSON that SQLite reads": change("UPDATE analysis SET settings = '{'"),
    "JSON too deep": change("UPDATE analysis SET warnings = ?", "[" * 20_000),
    "settings without what is asked for": change("UPDATE analysis SET settings = '{}'"),
    "no text": change("UPDATE sequence SET scene = CAST(x'ff80' AS TEXT)"),
    "frames the wrong way round": change("UPDATE sequence SET first = -4"),
    "a region of three": change("UPDATE analysis SET region = '[0, 0, 9]'"),
    "a picture that is no name": change("UPDATE candidate SET picture = 'a' || char(0) || '/../b'"),
    "a reference to nothing": change("UPDATE sequence SET clip_id = 99 WHERE id = 1"),
    "no clips": change("DELETE FROM clip"),
    "a table is gone": change("DROP TABLE candidate"),
    "a column is gone": change("ALTER TABLE clip DROP COLUMN codec"),
    "no row": change("DELETE FROM project"),
    "an edit without what it did": change("UPDATE edit SET value = '{}'"),
    "an edit of no kind": change("UPDATE edit SET value = '[]'"),
    "a time that is none": change("UPDATE decision SET at = 'yesterday'"),
    "an older version than it is": change("PRAGMA user_version = 3"),
    "no version": change("PRAGMA user_version = 0"),
}

UNASKED = {
    "a picture that is no name",
    "settings without what is asked for",
    "an edit without what it did",
    "a time that is none",
}
"""What none of these commands needs; whoever asks whether the store is sound hears of it."""


def damaged(home: Path, damage: Damage) -> None:
    with closing(sqlite3.connect(home / DATABASE, isolation_level=None)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("PRAGMA ignore_check_constraints = ON")
        damage(db)
        for _, sql in triggers:
            db.execute(sql)


@pytest.fixture
def judged(home: Path) -> Path:
    """The project, decided on and painted in."""
    with Project(home) as project:
        editor, cat = Editor(project, "Ann"), sequences(project)[0]
        editor.accept(cat, candidates(project, analyses(project, cat.id)[0].id)[0].id)
        editor.star(cat, on=True)
        editor.note(cat, "seen")
    return home


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_told_in_one_line(judged: Path, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    damaged(judged, DAMAGES[what])
    out = judged.parent / "said.jsonl"
    told = 0
    for words in (
        ["status", judged], ["status", judged, "place0"], ["select", judged, "--auto"], ["agreement", judged],
        ["decisions", "export", judged, "-o", out], ["describe", judged, "place0", "--scene", "x"],
        ["export", judged, "--estimate"], ["analyze", judged],
    ):  # fmt: skip
        code = main([str(word) for word in words])
        (*notes, last) = capsys.readouterr().err.splitlines() or [""]
        assert not any("unexpected" in line or "failed:" in line for line in (*notes, last))
        if code:
            told += 1
            assert str(judged / DATABASE) in last and "rainclean restore" in last, last
    assert told or what in UNASKED
    assert main(["check", str(judged)]) == 1


def test_a_bug_stays_a_bug(judged: Path) -> None:
    bugs: tuple[Callable[[Project], object], ...] = (
        lambda project: project.rows("SELECT nothing FROM nowhere"),
        lambda project: project.execute("INSERT INTO clip (id) VALUES (1)"),
        lambda project: dict[str, object]()["missing"],
    )
    for bug in bugs:
        with pytest.raises((sqlite3.OperationalError, sqlite3.IntegrityError, KeyError)), Project(judged) as project:
            bug(project)


def test_a_store_that_others_hold_is_not_called_damaged(judged: Path) -> None:
    with Project(judged) as other, Project(judged, wait=0.05) as project, other.transaction():
        with pytest.raises(RaincleanError, match="another process has been using it"):
            project.problems()
        project.explain(KeyError())  # what went wrong stays that


def test_what_goes_wrong_in_a_damaged_store_is_put_down_to_that(judged: Path) -> None:
    damaged(judged, DAMAGES["a table is gone"])
    with pytest.raises(StoreError, match=r"candidate.*rainclean restore"), Project(judged) as project:
        raise KeyError("what a reader of the rows may come to")
    assert project.folder == judged.resolve()


def test_a_header_that_says_read_only_is_damage(judged: Path) -> None:
    data = bytearray((judged / DATABASE).read_bytes())
    data[18] = 9  # the format to write in, which no SQLite knows
    (judged / DATABASE).write_bytes(data)
    with Project(judged) as project, pytest.raises(StoreError, match="rainclean restore"):
        project.execute("UPDATE project SET rainclean = 'x'")
