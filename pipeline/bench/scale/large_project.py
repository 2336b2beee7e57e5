"""Make a project of thousands of clips from one of a few, for measuring: its rows share their pictures."""

import hashlib
import shutil
import uuid
from pathlib import Path

from pipeline.project.storage import Project
from rainclean.errors import UsageError


def make_large_project(project: Path, folder: Path, sequences: int) -> None:
    """Copy a project and add clips, each with one analysed sequence, until it has a number of sequences.

    Each new clip is one of those there are under a content of its own: an eighth of the sequences share a scene of
    eight. Candidates and masks are shared, so that the folder stays small. Nothing is decided on.

    Args:
        project: Folder of a project whose sequences are analysed.
        folder: Does not exist yet.
        sequences: Number of sequences, those of the project included.

    Raises:
        UsageError: The project has no sequence, or the folder exists.
    """
    if folder.exists():
        raise UsageError(f"{folder} exists: choose another folder")
    shutil.copytree(project, folder)
    with Project(folder) as large, large.transaction():
        there = [dict(row) for row in large.rows("SELECT * FROM sequence ORDER BY id")]
        if not there:
            raise UsageError(f"{project}: has no sequence; add a clip first")
        for number in range(len(there), sequences):
            _copy_sequence(large, there[number % len(there)], number)


def _copy_sequence(large: Project, like: dict[str, object], number: int) -> None:
    """Add a clip with one sequence that has the analyses of another."""
    (clip,) = map(dict, large.rows("SELECT * FROM clip WHERE id = ?", like["clip_id"]))
    content = hashlib.sha256(uuid.uuid5(uuid.NAMESPACE_OID, f"{clip['content']} {number}").bytes).hexdigest()
    clip_id = large.insert("clip", **(_without_id(clip) | {"content": content}))
    scene = f"scene {number // 8}" if number % 64 < 8 else f"scene of clip {number}"
    own = {"clip_id": clip_id, "name": f"clip-{number}", "scene": scene, "scene_by": "person", "looks_like": None}
    sequence = large.insert("sequence", **(_without_id(like) | own))
    for row in large.rows("SELECT * FROM analysis WHERE sequence_id = ?", like["id"]):
        analysis = large.insert("analysis", **(_without_id(dict(row)) | {"sequence_id": sequence}))
        for candidate in large.rows("SELECT * FROM candidate WHERE analysis_id = ?", row["id"]):
            large.insert("candidate", **(_without_id(dict(candidate)) | {"analysis_id": analysis}))


def _without_id(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "id"}
