"""The stage behind ``rainclean check``: check that an export is complete and unchanged, and a project sound."""

import hashlib
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from pipeline.export.foreign_files import is_editable
from pipeline.export.report import REPORT, digest_of
from pipeline.project.analysis import wanted_artefacts
from pipeline.project.clips import clips, locate
from pipeline.project.storage import DATABASE, Project
from pipeline.stages import Progress, mapped
from pipeline.text_format import counted, few
from rainclean.confidence import ERROR, form_of, to_picture
from rainclean.dataset import (
    HARMLESS,
    KNOWN_NAMES,
    NAME,
    Files,
    Kind,
    Layout,
    Likeness,
    ManifestRow,
    Pairing,
    Problem,
    layout,
    layout_of,
    lint,
    read_manifest,
    verify,
)
from rainclean.errors import InputError, UsageError
from rainclean.json_text import parse_json
from rainclean.png import decode_png, pixels_sha256

_DONE = {Kind.CHANGED: "changed", Kind.MISSING_FILE: "removed"}
_AGAIN = "export again or restore the file"


@dataclass
class Findings:
    """The result of a check.

    Attributes:
        problems: One each.
        counts: Number of checked items, by kind.
        notes: Not damaged, but worth a look.
        added: Files that people put into the folder, which do no harm.
        edited: Files that people may change, and what they did with each.
        layout: Name of a data set's layout, or how its pairs were found; "" for a project.
        splits: Number of a data set's pairs, by split.
    """

    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _: KW_ONLY
    added: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    layout: str = ""
    splits: dict[str, int] = field(default_factory=dict)


def sound_text(added: Sequence[str], edited: Sequence[str], notes: Sequence[str]) -> str:
    """Return the result of a check without problems: what people added or edited is no fault.

    Args:
        added, edited, notes: As in `Findings`. The notes follow as lines of their own.
    """
    parts = ["nothing wrong"]
    if added:
        parts.append(f"{counted(len(added), 'added file')}: {few(added)}")
    if edited:
        parts.append(few(edited))
    return "; ".join(parts) + (f"; {counted(len(notes), 'note')}:" if notes else "")


def check(path: Path, pairing: Pairing = KNOWN_NAMES, *, quick: bool = False) -> Generator[Progress, None, Findings]:
    """Check an exported data set, another data set, or a project.

    Args:
        path: Folder of any of them.
        pairing: What a person says about the pairs of another data set.
        quick: Check names and lists of a data set, and open no image.

    Yields:
        Progress of the stage "check".

    Raises:
        InputError: The folder is none of them.
        UsageError: A flag does not fit the folder, or the pairing means nothing.
    """
    if (path / DATABASE).is_file():
        if quick or pairing.is_named:
            raise UsageError(f"{path} is a project: leave out --quick, --rainy, --clean and --pairs")
        return (yield from _check_project(path))
    if not path.is_dir():
        raise InputError(path, "is a file" if path.exists() else "no such folder", "give a data set or a project")
    if pairing.is_named or not ((path / REPORT).exists() or (path / NAME).exists()):
        return (yield from _check_foreign(path, pairing, quick=quick))
    return (yield from _check_export(path, quick=quick))


def _check_foreign(path: Path, pairing: Pairing, *, quick: bool) -> Generator[Progress, None, Findings]:
    """Check a data set that rainclean did not write."""
    linting = lint(path, layout_of(path, pairing), quick=quick)
    found = yield from mapped(linting, lambda step: Progress("check", step.done, step.total))
    if not found.splits and not found.problems:
        if pairing.is_named:
            raise InputError(path, "has no pairs by --rainy and --clean, or --pairs", "correct these")
        what = "is neither a finished export nor a project, nor a data set with names that are known"
        raise InputError(path, what, "name its pairs by --rainy and --clean, or by --pairs")
    counts = {"pair": sum(found.splits.values())} | ({"scene": found.scenes} if found.scenes else {})
    return Findings(found.problems, counts, found.notes, layout=found.layout, splits=found.splits)


def _check_project(path: Path) -> Generator[Progress, None, Findings]:
    """Check the database, the bytes of every artefact, and the places of the clips."""
    found = Findings()
    with Project(path) as project:
        found.problems += [Problem(DATABASE, Kind.DAMAGED, problem) for problem in project.problems()]
        names, known = sorted(wanted_artefacts(project)), clips(project)
        total = len(names) + len(known)
        for done, name in enumerate(names, 1):
            try:
                project.artefacts.read(name)
            except InputError as error:
                found.problems.append(_problem(error, project.folder, Kind.CHANGED))
            yield Progress("check", done, total)
        for done, clip in enumerate(known, len(names) + 1):
            try:
                locate(project, clip)
            except InputError as error:
                found.problems.append(_problem(error, project.folder, Kind.MISSING_FILE))
            yield Progress("check", done, total)
    found.counts = {"clip": len(known), "picture": len(names)}
    return found


@dataclass(frozen=True, kw_only=True)
class _Report:
    """What export.json says.

    Attributes:
        layout: The layout.
        max_error: Expected error from which on pixels are excluded, levels; None where none are.
        pairs: Number of pairs by split.
        files: SHA-256 of the files beside the pairs, by name.
        is_unchanged: Whether its digest is that of its content.
        document: All of it, as parsed.
    """

    layout: Layout
    max_error: float | None
    pairs: dict[str, int]
    files: dict[str, str]
    is_unchanged: bool
    document: object


def _check_export(path: Path, *, quick: bool) -> Generator[Progress, None, Findings]:
    """Check files by checksums, pairs by the manifest, and decode everything; read nothing outside the folder."""
    found = Findings()
    files = Files(path, contained=True)
    report = _read_report(files)
    chosen = report.layout
    if not report.is_unchanged:
        found.problems.append(Problem(REPORT, Kind.CHANGED, f"was changed after the export; {_AGAIN}"))
    changed = {name: problems for name, sum_ in report.files.items() if (problems := _judge(files, name, sum_))}
    # Databases whose file was changed are not opened: LMDB may crash on them.
    closed = {name.rpartition("/")[0] for name in changed}
    try:
        files.read(NAME)
        rows = read_manifest(path / NAME)
    except InputError as error:
        # Without it, check only what the folder itself shows.
        store = chosen.store(path, contained=True, closed=closed)
        found.problems += [_problem(error, path, Kind.DAMAGED), *chosen.problems_and_pairs(store)[0]]
        return found
    lists = set(chosen.lists(row for row in rows if row.split in chosen.splits))
    for name in sorted(changed.keys() - lists):  # lists are judged line by line
        problems = changed[name]
        if is_editable(name) and all(problem.kind in (Kind.CHANGED, Kind.MISSING_FILE) for problem in problems):
            found.edited += [f"{name} was {_DONE[problem.kind]} after the export" for problem in problems]
        else:
            found.problems += problems
    found.counts = {"pair": len(rows), "scene": len({row.scene for row in rows})}
    found.layout, found.splits = chosen.name, dict(Counter(row.split for row in rows))
    if quick:
        store = chosen.store(path, contained=True, closed=closed)
        found.problems += [*chosen.problems_and_pairs(store)[0], *_judge_counts(report, rows, chosen)]
        return found
    likeness = Likeness(rows)
    checking = verify(path, chosen, rows, [REPORT, *report.files], look=likeness.pair, closed=closed)
    problems = yield from mapped(checking, lambda step: Progress("check", step.done, step.total))
    found.problems += [problem for problem in problems if problem.kind not in HARMLESS]
    found.added = [problem.path for problem in problems if problem.kind in HARMLESS]
    found.problems += _judge_counts(report, rows, chosen)
    if not found.problems:
        found.problems += _judge_errors(chosen.store(path, contained=True, closed=closed), rows, report)
    found.notes += _equal_pictures(rows)
    found.notes += _far_targets(likeness, rows)
    return found


def _judge_errors(files: Files, rows: list[ManifestRow], report: _Report) -> Iterator[Problem]:
    """Yield pairs with pixels that are not excluded although their expected error exceeds ``--max-error``."""
    import numpy as np

    max_error = report.max_error
    if max_error is None or form_of(report.document, files.root / REPORT) != ERROR:
        return
    least = to_picture(np.array([max_error], np.float32))
    for row in rows:
        if row.confidence:
            beyond = decode_png(files.read(row.confidence), row.confidence) < least
            if row.exclude:
                beyond &= decode_png(files.read(row.exclude), row.exclude) == 0
            if beyond.any():
                text = f"has pixels with an expected error above {max_error:g} levels that are not excluded; {_AGAIN}"
                yield Problem(row.confidence, Kind.PIXELS, text)


def _equal_pictures(rows: list[ManifestRow]) -> Iterator[str]:
    """Yield one line if rainy pictures of a scene are equal pixel by pixel; all black or white ones do not count."""
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
        yield f"{counted(len(equal), 'rainy image')} equal to another one of the same scene ({one} to {other}, …)"


def _far_targets(likeness: Likeness, rows: list[ManifestRow]) -> Iterator[str]:
    """Yield a line for each sequence whose clean images lie far from all of their rainy pictures."""
    for name, fit in likeness.fits():
        if fit.is_far:
            own = [row for row in rows if row.sequence == name]
            yield (
                f"{name}: its {counted(len(own), 'clean image')} ({own[0].clean}, …) cannot belong to its rainy "
                f"images: mean grey level {fit.clean:.0f} beside {fit.rainy:.0f} in the rainy images, "
                f"{fit.description}; look at them"
            )


def _flat(width: int, height: int) -> set[str]:
    import numpy as np

    return {pixels_sha256(np.full((height, width, 3), level, np.uint8)) for level in (0, 255)}


def _problem(error: InputError, root: Path, kind: Kind) -> Problem:
    """Return an error as a problem of a file, named relative to the root where it lies below it."""
    place = error.path.relative_to(root) if error.path.is_relative_to(root) else error.path
    return Problem(place.as_posix(), kind, error.reason + (f"; {error.advice}" if error.advice else ""))


def _read_report(files: Files) -> _Report:
    """Read export.json. Raises InputError where there is none, or a damaged one."""
    path = files.root
    if not files.has(REPORT):
        what = f"is neither a finished export nor a project: it has no {REPORT}"
        raise InputError(path, what, "give the folder of an export or of a project")
    try:
        report = parse_json(files.read(REPORT))
        settings = report["settings"]
        chosen = layout(settings["layout"]).with_sides(settings.get("sides", ""))
        sound = "rainclean" in report
        sound &= isinstance(report["pairs"], dict) and isinstance(report["files"], dict)
    except (ValueError, KeyError, TypeError, RecursionError, UsageError):
        sound = False
    if not sound:
        raise InputError(path / REPORT, "is damaged", "restore it, or export again elsewhere")
    return _Report(
        layout=chosen,
        max_error=report["settings"].get("max_error"),
        pairs=report["pairs"],
        files=report["files"],
        is_unchanged=report.get("digest") == digest_of(report),
        document=report,
    )


def _judge(files: Files, name: str, digest: str) -> list[Problem]:
    """Check a file beside the pairs: it must exist and be unchanged."""
    if not files.inside(name):
        return [Problem(name, Kind.OUTSIDE, "leads out of the data set; it was not read")]
    if not files.has(name):
        return [Problem(name, Kind.MISSING_FILE, f"is missing; {_AGAIN}")]
    try:
        with (files.root / name).open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError as error:
        return [Problem(name, Kind.DAMAGED, f"cannot be read ({error.strerror}); {_AGAIN}")]
    return [] if same else [Problem(name, Kind.CHANGED, f"was changed after the export; {_AGAIN}")]


def _judge_counts(report: _Report, rows: list[ManifestRow], chosen: Layout) -> list[Problem]:
    problems = []
    for split in chosen.splits:
        number, promised = sum(row.split == split for row in rows), report.pairs.get(split)
        if number != promised:
            text = f"has {number} pairs of {split}, {REPORT} states {promised}; export again"
            problems.append(Problem(NAME, Kind.COUNT, text))
    return problems
