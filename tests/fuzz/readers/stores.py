"""The store of a project, as commands read it and go on with it."""

import io
import os
import shutil
import zlib
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from pipeline.cli.main import main
from pipeline.export.plan import ExportSettings, plan_export
from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.editing.editor import Editor
from pipeline.project.storage.database import DATABASE, Project
from rainclean.compositing.composite import Shape
from rainclean.errors import RaincleanError
from tests.fuzz.engine import Reader, is_clean
from tests.helpers.rainy_clips import rainy_clip

TOKENS = (
    b'{"recipe": null', b'"on": true', b"accepted", b"rejected", b"analysis", b"composite", b"[]", b"{}", b"null", b'"',
    b"\xff", b"\0", b"CREATE TABLE", b"\x0d", b"\x05", b"9999999999",
)  # fmt: skip


def samples(folder: Path) -> Mapping[str, bytes]:
    """A project with everything that a store holds: decisions of all kinds, edits, opinions, a composite."""
    home = folder / "project"
    for seed in range(3):
        rainy_clip(folder / "rain" / f"place{seed}.mkv", seed)
    run("new", home)
    run("add", home, folder / "rain", "--licence", "CC0")
    run("analyze", home)
    run("analyze", home, "place0", "--recipe", "median")
    with Project(home) as project:
        one, two, three = sequences(project)
        for who in ("Ann", "Bea"):
            editor = Editor(project, who)
            first, second, *_ = candidates(project, analyses(project, one.id)[0].id)
            editor.paint(one, first.id, second.id, Shape("brush", ((9.0, 9.0), (30.0, 30.0)), radius=5.0))
            editor.exclude(one, Shape("rectangle", ((1.0, 1.0), (20.0, 9.0))))
            editor.accept(one, first.id, "sharp")
            editor.star(two, on=True)
            editor.note(two, f"of {who}")
            editor.choose_frames(two, [3, 5])
            editor.reject(two, ["light"], "too dark")
            editor.undo()
            editor.redo()
            editor.opine(three, None, ["streaks"])
    run("select", home, "--auto")
    run("select", home, "place2", "--undo")
    return {DATABASE: (home / DATABASE).read_bytes()}


def run(*words: object) -> None:
    """A command, in this process; its bugs are raised."""
    out, said = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, RAINCLEAN_DEBUG="1"), redirect_stdout(out), redirect_stderr(said):
        code = main([str(word) for word in words])
    if code:
        # What does not count, what was skipped, and in the end the error or how it went.
        *told, line = said.getvalue().removesuffix("\n").split("\n")
        assert all(is_clean(each) and each.startswith(("note: ", "failed: ")) for each in told), said.getvalue()
        assert is_clean(line) and not line.startswith(("note: ", "failed: ")), said.getvalue()
        raise RaincleanError(line)


def _plan(home: Path) -> None:
    with Project(home) as project:
        plan_export(project, ExportSettings("pairs"))


def _edit(home: Path) -> None:
    with Project(home) as project:
        editor = Editor(project, "Ann")
        for sequence in sequences(project):
            editor.draft(sequence)
            editor.star(sequence, on=True)
            editor.reject(sequence)
        while editor.undo() and editor.can_undo():
            pass


_WAYS: tuple[Callable[[Path], None], ...] = (
    lambda home: run("status", home, "place0"),
    lambda home: run("status", home, "place1", "--json"),
    lambda home: run("select", home, "--auto"),
    lambda home: run("describe", home, "place2", "--scene", "there"),
    lambda home: run("decisions", "export", home, "-o", home / "said.jsonl"),
    lambda home: run("agreement", home),
    lambda home: run("select", home, "place2", "--candidate", "released", "--who", "Cid"),
    _plan,
    _edit,
)


def read(path: Path) -> None:
    """Look at it, and go on with it in one of several ways."""
    home = path.parent / "home"
    data = path.read_bytes()
    shutil.rmtree(home, ignore_errors=True)  # backups of the store before would be newer than this one
    home.mkdir()
    (home / DATABASE).write_bytes(data)
    run("status", home)
    _WAYS[zlib.crc32(data) % len(_WAYS)](home)


READERS = [Reader("store", samples, read, TOKENS, short=40)]
