"""Whatever opens, reads and closes the store's files in a process that writes them: no decision is lost.

Closing any descriptor of a file drops the locks that SQLite holds on it for the process. Here a thread does nothing
else, as file dialogs and thumbnailers do now and then, while its process decides and others add, analyse and select.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from pipeline.project.storage.database import DATABASE
from tests.conftest import Run
from tests.helpers.rainy_clips import rainy_clip

SECONDS = float(os.environ.get("STORE_SECONDS", 4))
"""How long the others go on; the long form is run by hand."""

DECIDING = """
import json, sys, threading
from pathlib import Path
from pipeline.project.analysis.records import all_candidates
from pipeline.project.editing.editor import Editor
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.storage.database import Project

folder, ended, reads = Path(sys.argv[1]), threading.Event(), [0]

def read():
    while not ended.is_set():
        for path in [p for p in folder.iterdir() if p.is_file()]:
            try:
                with path.open("rb") as file:
                    file.read()
            except FileNotFoundError:
                continue
            reads[0] += 1

with Project(folder) as project:
    editor, made = Editor(project, "Ann"), []
    reader = threading.Thread(target=read)
    reader.start()
    print("ready", flush=True)
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    while not stop.wait(0.01):
        for sequence in sequences(project)[:3]:
            chosen = all_candidates(project, sequence.id)
            if chosen and len(made) % 3:
                made.append(editor.accept(sequence, chosen[len(made) % len(chosen)].id, f"number {len(made)}").uuid)
            else:
                made.append(editor.reject(sequence, note=f"number {len(made)}").uuid)
    ended.set()
    reader.join()
print(json.dumps([made, reads[0]]), flush=True)
"""

LOOK = """
import json, sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    print(json.dumps([
        [row[0] for row in db.execute("SELECT uuid FROM decision")],
        [row[0] for row in db.execute("PRAGMA integrity_check")],
        db.execute("SELECT count(*) FROM sequence").fetchone()[0],
    ]))
"""


def test_no_decision_is_lost_to_foreign_reads(tmp_path: Path, home: Path, rainclean: Run) -> None:
    deciding = subprocess.Popen([sys.executable, "-c", DECIDING, str(home)], stdin=-1, stdout=-1, text=True)
    assert deciding.stdin and deciding.stdout
    assert deciding.stdout.readline() == "ready\n"
    until, rounds = time.monotonic() + SECONDS, 0
    while time.monotonic() < until or not rounds:
        clip = rainy_clip(tmp_path / "more" / f"other{rounds}.mkv", 20 + rounds)
        for words in (["add", home, clip], ["analyze", home, f"other{rounds}", "--recipe", "median"],
                      ["select", home, "--auto"], ["status", home]):  # fmt: skip
            done = rainclean(*words)
            assert done.returncode == 0, done.stderr
        rounds += 1
    told, _ = deciding.communicate("")
    assert deciding.returncode == 0
    made, reads = json.loads(told)
    assert len(made) > 5 * rounds and reads > 10 * len(made)
    # By a process of its own, which knows nothing of ours.
    looked = subprocess.run([sys.executable, "-c", LOOK, home / DATABASE], capture_output=True, text=True, check=True)
    there, sound, clips = json.loads(looked.stdout)
    assert sound == ["ok"]
    assert set(made) <= set(there), f"{len(set(made) - set(there))} of {len(made)} decisions are lost"
    assert clips == 3 + rounds
    sys.stdout.write(f"{len(made)} decisions, {reads} reads, {rounds} rounds of add, analyze and select\n")
