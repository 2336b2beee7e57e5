"""The stage behind ``rainclean check``: is an export whole and unchanged, is a project sound?"""

import hashlib
import json
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.export.workplace import REPORT
from pipeline.project.analyses import wanted_artefacts
from pipeline.project.clips import clips, locate
from pipeline.project.store import DATABASE, Project
from pipeline.stages import Progress
from rainclean.errors import InputError
from rainclean.formats import Layout, layout
from rainclean.formats.manifest import NAME, ManifestRow, read_manifest
from rainclean.formats.verify import verify


@dataclass
class Findings:
    """What was found. problems: one line each; counts: how many of what were looked at, by name."""

    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def check(path: Path) -> Generator[Progress, None, Findings]:
    """Check an exported data set, or a project. Raises InputError for what is neither."""
    if (path / DATABASE).is_file():
        return (yield from _check_project(path))
    if not path.is_dir():
        raise InputError(path, "no such folder")
    return (yield from _check_export(path))


def _check_project(path: Path) -> Generator[Progress, None, Findings]:
    """The store, every artefact's bytes, and whether each clip is where it was."""
    found = Findings()
    with Project(path) as project:
        found.problems += [f"{DATABASE}: {problem}" for problem in project.problems()]
        names, there = sorted(wanted_artefacts(project)), clips(project)
        total = len(names) + len(there)
        for done, name in enumerate(names, 1):
            try:
                project.artefacts.read(name)
            except InputError as error:
                found.problems.append(str(error))
            yield Progress("check", done, total)
        for done, clip in enumerate(there, len(names) + 1):
            try:
                locate(project, clip)
            except InputError as error:
                found.problems.append(str(error))
            yield Progress("check", done, total)
    found.counts = {"clip": len(there), "picture": len(names)}
    return found


def _check_export(path: Path) -> Generator[Progress, None, Findings]:
    """Files by their check sums, pairs by the manifest, and everything read back."""
    found = Findings()
    report = _read_report(path)
    chosen = layout(report["settings"]["layout"])
    rows = read_manifest(path / NAME)
    lists = set(chosen.lists(rows))
    for name, digest in sorted(report["files"].items()):
        if name not in lists:  # those are judged line by line
            found.problems += _judge(path, name, digest)
    checking = verify(path, chosen, rows, [REPORT, *report["files"]])
    while True:
        try:
            step = next(checking)
        except StopIteration as end:
            found.problems += [str(problem) for problem in end.value]
            break
        yield Progress("check", step.done, step.total)
    found.problems += _judge_counts(report, rows, chosen)
    found.counts = {"pair": len(rows), "scene": len({row.scene for row in rows})}
    return found


def _read_report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads((path / REPORT).read_text(encoding="utf-8"))
        if "rainclean" not in report or not isinstance(report["files"], dict):
            raise ValueError
        str(report["settings"]["layout"]), dict(report["pairs"])
    except FileNotFoundError:
        raise InputError(
            path, f"is neither a finished export nor a project: it has no {REPORT}", "export again"
        ) from None
    except OSError as error:
        raise InputError(path / REPORT, f"cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError):
        raise InputError(path / REPORT, "is not as rainclean writes it", "restore it, or export again") from None
    return dict(report)


def _judge(path: Path, name: str, digest: str) -> list[str]:
    """A file that stands beside the pairs: is it there, and as it was written?"""
    try:
        data = (path / name).read_bytes()
    except OSError:
        return [f"{name}: is missing; export again or restore the file"]
    same = hashlib.sha256(data).hexdigest() == digest
    return [] if same else [f"{name}: was changed after the export; export again or restore the file"]


def _judge_counts(report: dict[str, Any], rows: list[ManifestRow], chosen: Layout) -> list[str]:
    said = []
    for split in chosen.splits:
        number = sum(row.split == split for row in rows)
        if number != report["pairs"].get(split):
            said.append(
                f"{NAME}: has {number} pairs of {split}, {REPORT} says {report['pairs'].get(split)}; export again"
            )
    return said
