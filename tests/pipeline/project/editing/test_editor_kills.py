"""Killed in the midst of work in the window: what a call has returned of is there, the store is sound."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.project.analysis.records import candidate
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import decisions
from pipeline.project.editing.editor import Editor
from pipeline.project.editing.edits import edits_of
from pipeline.project.editing.made_candidates import picture_of
from pipeline.project.storage.database import Project

KILLS = int(os.environ.get("RAINCLEAN_KILLS", "8"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")

SCRIPT = """
import sys
from pathlib import Path
from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.editing.editor import Editor
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.storage.database import Project
from rainclean.compositing.composite import Shape

with Project(Path(sys.argv[1])) as project:
    editor, cat = Editor(project, "Ann"), sequences(project)[0]
    base, other = (c.id for c in candidates(project, analyses(project, cat.id)[0].id)[:2])
    print("ready", flush=True)
    for number in range(100_000):
        x = number % 60 + 1.0
        editor.paint(cat, base, other, Shape("brush", ((x, 10.0), (x, 30.0)), radius=3.0))
        print("paint", flush=True)
        if number % 5 == 4:
            editor.accept(cat, base, f"number {number}")
            print("decision", flush=True)
        if number % 7 == 6:
            editor.undo()
            print("undo", flush=True)
"""


def test_what_was_returned_of_is_there(home: Path) -> None:
    draw = random.Random(6)
    expected = {"paint": 0, "decision": 0, "undo": 0}
    for _ in range(KILLS):
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(home)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        # By work done, not by the clock: on a busy machine nothing would have happened yet.
        told = [process.stdout.readline().strip() for _ in range(draw.randint(3, 20))]
        time.sleep(draw.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read().split()
        process.wait()
        process.stdout.close()
        with Project(home) as project:
            assert project.problems() == []
            for kind in expected:
                there = project.value("SELECT count(*) FROM edit WHERE kind = ?", kind)
                made = there - expected[kind]
                # One more may have come to its end without having been told of.
                assert 0 <= made - told.count(kind) <= 1, (kind, made, told.count(kind))
                expected[kind] = there
            cat = sequences(project)[0]
            assert sum(e.kind == "decision" for e in edits_of(project, cat.id)) == len(
                decisions.by_sequence(project)[cat.id]
            )
            for decision in decisions.by_sequence(project)[cat.id]:
                picture_of(project, candidate(project, decision.candidate_id or 0))  # whole, or it would raise
            assert Editor(project, "Ann").draft(cat).layers
    assert expected["paint"] > 3 * KILLS and expected["decision"]
