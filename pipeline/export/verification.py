"""The stage behind ``rainclean check``: is an export whole and unchanged, is a project sound?"""

import hashlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.export.report import REPORT, digest_of
from pipeline.project.analysis import wanted_artefacts
from pipeline.project.clips import clips, locate
from pipeline.project.storage import DATABASE, Project
from pipeline.stages import Progress
from pipeline.words import counted
from rainclean.confidence import ERROR, form_of, to_picture
from rainclean.dataset import (
    LAYOUTS,
    NAME,
    Files,
    Kind,
    Layout,
    Likeness,
    ManifestRow,
    Problem,
    layout,
    read_manifest,
    verify,
)
from rainclean.errors import InputError
from rainclean.json_text import parse_json
from rainclean.png import decode_png, pixels_sha256

_AGAIN = "export again or restore the file"


@dataclass
class Findings:
    """What was found. counts: how many of what were looked at, by name. notes: what is whole, but should be known."""

    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def check(path: Path) -> Generator[Progress, None, Findings]:
    """Check an exported data set, or a project. Raises InputError for what is neither."""
    if (path / DATABASE).is_file():
        return (yield from _check_project(path))
    if not path.is_dir():
        raise InputError(path, "is a file" if path.exists() else "no such folder", "give an export or a project")
    return (yield from _check_export(path))


def _check_project(path: Path) -> Generator[Progress, None, Findings]:
    """The store, every artefact's bytes, and whether each clip is where it was."""
    found = Findings()
    with Project(path) as project:
        found.problems += [Problem(DATABASE, Kind.DAMAGED, problem) for problem in project.problems()]
        names, there = sorted(wanted_artefacts(project)), clips(project)
        total = len(names) + len(there)
        for done, name in enumerate(names, 1):
            try:
                project.artefacts.read(name)
            except InputError as error:
                found.problems.append(_told(error, project.folder, Kind.CHANGED))
            yield Progress("check", done, total)
        for done, clip in enumerate(there, len(names) + 1):
            try:
                locate(project, clip)
            except InputError as error:
                found.problems.append(_told(error, project.folder, Kind.MISSING_FILE))
            yield Progress("check", done, total)
    found.counts = {"clip": len(there), "picture": len(names)}
    return found


def _check_export(path: Path) -> Generator[Progress, None, Findings]:
    """Files by their check sums, pairs by the manifest, and everything read back; nothing outside is looked at."""
    found = Findings()
    files = Files(path, contained=True)
    report = _read_report(files)
    chosen = layout(report["settings"]["layout"])
    if report.get("digest") != digest_of(report):
        found.problems.append(Problem(REPORT, Kind.CHANGED, f"was changed after the export; {_AGAIN}"))
    try:
        files.read(NAME)
        rows = read_manifest(path / NAME)
    except InputError as error:
        # Without it, what can be said is what the folder itself says.
        found.problems += [_told(error, path, Kind.DAMAGED), *chosen.problems_and_pairs(files)[0]]
        return found
    lists = set(chosen.lists(row for row in rows if row.split in chosen.splits))
    for name, digest in sorted(report["files"].items()):
        if name not in lists:  # those are judged line by line
            found.problems += _judge(files, name, digest)
    likeness = Likeness(rows)
    checking = verify(path, chosen, rows, [REPORT, *report["files"]], look=likeness.pair)
    while True:
        try:
            step = next(checking)
        except StopIteration as end:
            found.problems += end.value
            break
        yield Progress("check", step.done, step.total)
    found.problems += _judge_counts(report, rows, chosen)
    if not found.problems:
        found.problems += _judge_errors(files, rows, report)
    found.counts = {"pair": len(rows), "scene": len({row.scene for row in rows})}
    found.notes += _equal_pictures(rows)
    found.notes += _far_targets(likeness, rows)
    return found


def _judge_errors(files: Files, rows: list[ManifestRow], report: dict[str, Any]) -> Iterator[Problem]:
    """Pairs in which a pixel counts although its confidence says more than ``--max-error``."""
    import numpy as np

    max_error = report["settings"].get("max_error")
    if max_error is None or form_of(report, files.root / REPORT) != ERROR:
        return
    least = to_picture(np.array([max_error], np.float32))
    for row in rows:
        if row.confidence:
            beyond = decode_png(files.read(row.confidence), row.confidence) < least
            if row.exclude:
                beyond &= decode_png(files.read(row.exclude), row.exclude) == 0
            if beyond.any():
                text = f"has pixels of more than {max_error:g} levels expected error that nothing excludes; {_AGAIN}"
                yield Problem(row.confidence, Kind.PIXELS, text)


def _equal_pictures(rows: list[ManifestRow]) -> Iterator[str]:
    """One line on rainy pictures of one scene that are equal pixel by pixel; all black or white ones are no wonder."""
    seen: dict[tuple[str, str], str] = {}
    equal: dict[str, str] = {}
    flat = {size: _flat(*size) for size in {(row.width, row.height) for row in rows}}
    for row in rows:
        if row.rainy_pixels_sha256 not in flat[row.width, row.height]:
            first = seen.setdefault((row.scene, row.rainy_pixels_sha256), row.rainy)
            if first != row.rainy:
                equal[row.rainy] = first
    if equal:
        one, other = next(iter(equal.items()))
        yield f"{counted(len(equal), 'rainy picture')} equal to another one of the same scene ({one} to {other}, …)"


def _far_targets(likeness: Likeness, rows: list[ManifestRow]) -> Iterator[str]:
    """One line on each sequence whose clean images lie far from all of their rainy pictures."""
    for name, fit in likeness.fits():
        if fit.is_far:
            own = [row for row in rows if row.sequence == name]
            yield (
                f"{name}: its {counted(len(own), 'target')} ({own[0].clean}, …) cannot be its rainy pictures without "
                f"rain: mean level {fit.clean:.0f} beside {fit.rainy:.0f}, {fit.words}; look at them"
            )


def _flat(width: int, height: int) -> set[str]:
    import numpy as np

    return {pixels_sha256(np.full((height, width, 3), level, np.uint8)) for level in (0, 255)}


def _told(error: InputError, root: Path, kind: Kind) -> Problem:
    """An error as a problem of a file, named below the root where it lies there."""
    place = error.path.relative_to(root) if error.path.is_relative_to(root) else error.path
    return Problem(place.as_posix(), kind, error.reason + (f"; {error.advice}" if error.advice else ""))


def _read_report(files: Files) -> dict[str, Any]:
    path = files.root
    if not files.has(REPORT):
        what = f"is neither a finished export nor a project: it has no {REPORT}"
        raise InputError(path, what, "give the folder of either")
    try:
        report = parse_json(files.read(REPORT))
        sound = "rainclean" in report and report["settings"]["layout"] in LAYOUTS
        sound &= isinstance(report["pairs"], dict) and isinstance(report["files"], dict)
    except (ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if not sound:
        raise InputError(path / REPORT, "is not as rainclean writes it", "restore it, or export anew elsewhere")
    return dict(report)


def _judge(files: Files, name: str, digest: str) -> list[Problem]:
    """A file that stands beside the pairs: is it there, and as it was written?"""
    if not files.inside(name):
        return [Problem(name, Kind.OUTSIDE, "leads out of the data set; it was not looked at")]
    if not files.has(name):
        return [Problem(name, Kind.MISSING_FILE, f"is missing; {_AGAIN}")]
    same = hashlib.sha256(files.read(name)).hexdigest() == digest
    return [] if same else [Problem(name, Kind.CHANGED, f"was changed after the export; {_AGAIN}")]


def _judge_counts(report: dict[str, Any], rows: list[ManifestRow], chosen: Layout) -> list[Problem]:
    said = []
    for split in chosen.splits:
        number, promised = sum(row.split == split for row in rows), report["pairs"].get(split)
        if number != promised:
            text = f"has {number} pairs of {split}, {REPORT} says {promised}; export again"
            said.append(Problem(NAME, Kind.COUNT, text))
    return said
