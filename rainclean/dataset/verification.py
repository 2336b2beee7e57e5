"""Check an exported data set against its manifest: every file, byte and pixel, and that it can be read back.

A few threads read the pictures one after another and keep only their checksums. In the end, each problem is reported
once, in the most specific form.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from rainclean.dataset.container_base import ROLES
from rainclean.dataset.containers import PackedFiles
from rainclean.dataset.files import Files
from rainclean.dataset.layout_base import Layout, StoredPair
from rainclean.dataset.manifest import NAME, ManifestRow
from rainclean.dataset.problems import Kind, Problem
from rainclean.dataset.threaded import in_threads
from rainclean.errors import InputError
from rainclean.png import decode_png, pixels_sha256, png_header

_ORDER = ("exclude", "rainy", "clean", "confidence")
"""Order in which pictures of a pair are read."""

_COLOURS = {"rainy": "RGB", "clean": "RGB", "exclude": "grey", "confidence": "grey"}
_AGAIN = "export again or restore the file"


@dataclass(frozen=True, slots=True)
class Checked:
    """Progress of the check, in pairs."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class _State:
    """The state of one file of a pair. problem: of the file on its own; digest: None if unreadable."""

    name: str
    digest: str | None
    expected: str
    problem: Problem | None


_States = dict[str, _State]

Take = Callable[[str, NDArray[np.uint8]], None]
"""Takes a picture by its role."""

Look = Callable[[ManifestRow], Take]
"""Returns a function that takes the decodable pictures of a pair, the exclusion mask first."""


def verify(
    root: Path | str,
    layout: Layout,
    rows: Sequence[ManifestRow],
    others: Collection[str] = (),
    *,
    workers: int = 2,
    look: Look | None = None,
    closed: Collection[str] = (),
) -> Generator[Checked, None, list[Problem]]:
    """Check the data set below a root. May be closed at any yield. Reads nothing outside the root.

    Args:
        root: Folder of the data set.
        layout: Its layout.
        rows: Of its manifest.
        others: Names of files beside the pairs (manifest.csv, a report, …), without the lists of the layout.
        workers: Number of threads, each with one picture in memory.
        look: Called in those threads for each pair; its result receives the pictures.
        closed: Containers that must not be opened; nothing in them is checked.

    Yields:
        Number of checked pairs.

    Returns:
        All problems, sorted by path; they are never raised.
    """
    files = layout.store(root, contained=True, closed=closed)
    found = _Found()
    rows = list(_sound_rows(layout, rows, found))
    if isinstance(files, PackedFiles):
        _judge_containers(files, layout, rows, closed, found)
    states = []
    further: list[Problem] = []
    look_at = partial(_look_at, files, layout, look)
    for state, problems in in_threads(look_at, rows, workers, "rainclean-verify"):
        states.append(state)
        further += problems
        yield Checked(len(states), len(rows))
    _judge(rows, states, found)
    for problem in further:
        found.add(problem)
    _judge_places(files, layout, rows, states, others=others, found=found)
    return sorted(found.problems, key=lambda problem: (problem.path, problem.kind, problem.text))


class _Found:
    """Problems so far. A later, less specific problem of an explained file is not added."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.explained: set[str] = set()

    def add(self, problem: Problem) -> None:
        if self.explained.isdisjoint(problem.about):
            self.problems.append(problem)
            self.explained.update(problem.about)

    def file(self, name: str, kind: Kind, text: str, *about: str) -> None:
        self.add(Problem(name, kind, text, (name, *about)))


def _names(row: ManifestRow) -> dict[str, str]:
    """Return the names of a pair's files, by role."""
    return {role: name for role in ROLES if (name := getattr(row, role))}


def _sound_rows(layout: Layout, rows: Iterable[ManifestRow], found: _Found) -> Iterator[ManifestRow]:
    """Yield rows that can be checked; report the others, and scenes in several splits."""
    owner: dict[str, int] = {}
    shared: dict[str, str] = {}
    splits: dict[str, set[str]] = defaultdict(set)
    for number, row in enumerate(rows, 1):
        splits[row.scene].add(row.split)
        if row.split not in layout.splits:
            text = f"the manifest has it in split {row.split!r}, which layout {layout.name} does not have"
            found.file(row.rainy, Kind.OTHER_SPLIT, text, *_names(row).values())
            continue
        again = shared.setdefault(row.clean, row.clean_sha256) == row.clean_sha256 and layout.shares_clean
        names = [name for role, name in _names(row).items() if not (role == "clean" and again)]
        twice = next((name for name in names if name in owner), None)
        if twice is not None:
            text = f"pairs {owner[twice]} and {number} of the manifest both name it; export again"
            found.add(Problem(twice, Kind.DUPLICATE_ROW, text))
            continue
        owner.update(dict.fromkeys(_names(row).values(), number))
        yield row
    for scene, each in splits.items():
        if len(each) > 1:
            text = f"scene {scene} is in splits {', '.join(sorted(each))}; a scene belongs to one split only"
            found.add(Problem(NAME, Kind.SCENE_SPLIT, text))


def _look_at(files: Files, layout: Layout, look: Look | None, row: ManifestRow) -> tuple[_States, list[Problem]]:
    """Return the states of a pair's pictures, and the problems of other values that belong to it."""
    names, take = _names(row), _nothing if look is None else look(row)
    states = {role: _state(files, row, role, names[role], take) for role in _ORDER if role in names}
    further = []
    for name, content in layout.further(row).items():
        try:
            if files.read(name) != content:
                further.append(Problem(name, Kind.CHANGED, f"does not say what the manifest says; {_AGAIN}", (name,)))
        except InputError as error:
            further.append(Problem(name, Kind.MISSING_FILE, f"cannot be read ({error.reason}); {_AGAIN}", (name,)))
    return {role: states[role] for role in names}, further


def _judge_containers(
    files: PackedFiles, layout: Layout, rows: Sequence[ManifestRow], closed: Collection[str], found: _Found
) -> None:
    """Report each container that is missing or cannot be read once, instead of everything in it."""
    inside: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for name in (*_names(row).values(), *layout.further(row)):
            inside[files.container_of(name)].append(name)
    for container, names in inside.items():
        reason = files.fault(container) if container else ""
        if not reason:
            continue
        missing = not (files.root / container).exists()
        if container in closed:
            found.explained.update((container, *names))  # its file was reported already
        elif missing:
            found.add(Problem(container, Kind.MISSING_FILE, f"is missing; {_AGAIN}", (container, *names)))
        else:
            text = f"cannot be read ({reason}); {_AGAIN}"
            found.add(Problem(container, Kind.DAMAGED, text, (container, *names)))


def _nothing(role: str, picture: NDArray[np.uint8]) -> None:
    """Ignore a picture."""


def _state(files: Files, row: ManifestRow, role: str, name: str, take: Take) -> _State:
    expected: str = getattr(row, f"{role}_sha256")

    def bad(kind: Kind, text: str, digest: str | None = None) -> _State:
        return _State(name, digest, expected, Problem(name, kind, text, (name,)))

    if not files.inside(name):
        return bad(Kind.OUTSIDE, "leads out of the data set; it was not read")
    if not files.has(name):
        return bad(Kind.MISSING_FILE, f"is missing; {_AGAIN}")
    try:
        data = files.read(name)
    except InputError as error:
        return bad(Kind.UNDECODABLE, f"cannot be read ({error.reason}); {_AGAIN}")
    digest = hashlib.sha256(data).hexdigest()
    try:
        header = png_header(data, name)
        if (header.width, header.height) != (row.width, row.height):
            text = f"is {header.width}x{header.height} px, not {row.width}x{row.height} as in the manifest; {_AGAIN}"
            return bad(Kind.SIZE, text, digest)
        if (header.depth, header.colour) != (8, _COLOURS[role]):
            text = f"is {header.depth}-bit {header.colour}, not 8-bit {_COLOURS[role]}; {_AGAIN}"
            return bad(Kind.FORMAT, text, digest)
        picture = decode_png(data, name)
        pixels = pixels_sha256(picture)
        take(role, picture)
    except InputError as error:
        return bad(Kind.UNDECODABLE, f"{error.reason}; {_AGAIN}", digest)
    same_pixels = pixels == getattr(row, f"{role}_pixels_sha256", None)
    if digest != expected and same_pixels:
        return bad(Kind.RE_ENCODED, "holds the same pixels in other bytes (encoded again); restore the file", digest)
    if digest != expected:
        return bad(Kind.CHANGED, f"was changed after the export; {_AGAIN}", digest)
    if not same_pixels and hasattr(row, f"{role}_pixels_sha256"):
        return bad(Kind.PIXELS, "has other pixels than in the manifest, in the same bytes; export again", digest)
    return _State(name, digest, expected, None)


def _judge(rows: Sequence[ManifestRow], states: Sequence[_States], found: _Found) -> None:
    """Report problems of existing files: first those that several of them share."""
    home: dict[str, tuple[int, str]] = {}
    for number, pair in enumerate(states):
        for role, state in pair.items():
            # Clean images of one sequence are often equal: any pair with this content will do.
            home.setdefault(state.expected, (number, role))
    for row, pair in zip(rows, states, strict=True):
        rainy, clean = pair["rainy"], pair["clean"]
        if rainy.digest != rainy.expected and (rainy.digest, clean.digest) == (clean.expected, rainy.expected):
            text = f"rainy and clean image are swapped with each other (see {clean.name}); swap them back"
            found.file(row.rainy, Kind.SWAPPED, text, row.clean)
    for pair in states:
        for role, state in pair.items():
            if state.digest is None or state.digest == state.expected or state.name in found.explained:
                continue
            if state.digest in home:
                number, other = home[state.digest]
                _exchanged(pair, role, states[number], other, found)
    for pair in states:
        for state in pair.values():
            if state.problem is not None and state.problem.kind != Kind.MISSING_FILE:
                found.add(state.problem)


def _exchanged(pair: _States, role: str, twins: _States, other: str, found: _Found) -> None:
    """Report a file with the content of another one, with all files that are exchanged along with it.

    twins, other: The pair that the content belongs to, and its role there.
    """
    state, twin = pair[role], twins[other]
    about = {state.name, twin.name} if twin.digest == state.expected else {state.name}
    if len(about) > 1 and role == other:
        for each in pair.keys() & twins.keys():
            one, two = pair[each], twins[each]
            same = one.expected == two.expected
            if not same and (one.digest, two.digest) == (two.expected, one.expected):
                about |= {one.name, two.name}
    text = f"has the content of {twin.name}"
    if len(about) > 1:
        text = f"is exchanged with {twin.name}" + (
            ", and so are the files that belong to them" if len(about) > 2 else ""
        )
    found.file(state.name, Kind.EXCHANGED, f"{text}; {_AGAIN}", *sorted(about - {state.name}))


def _judge_places(
    files: Files,
    layout: Layout,
    rows: Sequence[ManifestRow],
    states: Sequence[_States],
    *,
    others: Collection[str],
    found: _Found,
) -> None:
    """Report moved, missing and extra files, wrong splits, and problems of the layout's reader."""
    lists = layout.lists(rows)
    problems, pairs = layout.problems_and_pairs(files)
    known = {name for row in rows for name in (*_names(row).values(), *layout.further(row))}
    known |= lists.keys() | set(others)
    extra = [name for name in files.names() if name not in known]
    absent = [state for pair in states for state in pair.values() if _is_missing(state)]
    moved = _moved(files, extra, absent)
    _judge_splits(rows, pairs, moved, found)
    for old, new in moved.items():
        found.file(old, Kind.MOVED, f"is at {new} instead; move it back", new)
    for state in absent:
        assert state.problem is not None
        found.add(state.problem)
    folders, read = _folders(rows), {name for pair in pairs for name in (pair.rainy, pair.clean)}
    for name in extra:
        if not files.inside(name):
            found.file(name, Kind.OUTSIDE, "is a link that leads out of the data set; remove it")
        elif name.split("/")[0] in folders or name in read:
            found.file(name, Kind.EXTRA_FILE, "is not in the manifest; remove it")
        else:
            found.file(name, Kind.ADDED, "was added beside the pairs")
    for problem in problems:
        found.add(problem)
    _judge_lists(files, lists, rows, pairs, found)


def _folders(rows: Sequence[ManifestRow]) -> set[str]:
    """Return the folders at the root that hold pictures of pairs: a trainer may list all that is below them."""
    return {name.split("/")[0] for row in rows for name in _names(row).values() if "/" in name}


def _is_missing(state: _State) -> bool:
    return state.problem is not None and state.problem.kind == Kind.MISSING_FILE


def _moved(files: Files, extra: Sequence[str], absent: Sequence[_State]) -> dict[str, str]:
    """Match missing files to extra ones with their content: old → new name."""
    places: dict[str, list[str]] = defaultdict(list)
    for name in extra if absent else ():
        if PurePosixPath(name).suffix.lower() == ".png" and files.has(name):
            with suppress(InputError):  # unreadable: it is reported as an extra file
                places[hashlib.sha256(files.read(name)).hexdigest()].append(name)
    moved = {}
    for state in absent:
        candidates = places.get(state.expected, [])
        # Of several equal files the one that kept its name.
        candidates.sort(key=lambda name: PurePosixPath(name).name != PurePosixPath(state.name).name)
        if candidates and state.name not in moved:
            moved[state.name] = candidates.pop(0)
    return moved


def _judge_splits(
    rows: Sequence[ManifestRow], pairs: Sequence[StoredPair], moved: dict[str, str], found: _Found
) -> None:
    """Report pairs that the reader finds in another split than the manifest."""
    read = {pair.rainy: pair for pair in pairs}
    for row in rows:
        pair = read.get(moved.get(row.rainy, row.rainy))
        if pair is not None and pair.split != row.split:
            text = f"is read as {pair.split}, but the manifest has it in {row.split}; a scene belongs to one split only"
            found.file(row.rainy, Kind.OTHER_SPLIT, text, row.clean, pair.rainy, pair.clean)


def _judge_lists(
    files: Files, lists: dict[str, bytes], rows: Sequence[ManifestRow], pairs: Sequence[StoredPair], found: _Found
) -> None:
    """Report changed lists and unread pairs, unless a more specific problem explains them."""
    if any(problem.kind == Kind.OTHER_SPLIT for problem in found.problems):
        return  # a line is in the wrong list
    reported = {problem.path for problem in found.problems}
    for name, content in lists.items():
        if name not in reported and files.has(name) and files.read(name) != content:
            found.add(Problem(name, Kind.CHANGED, "was changed after the export; restore the file"))
            reported.add(name)
    read = {(pair.rainy, pair.clean) for pair in pairs}
    lost = [row for row in rows if (row.rainy, row.clean) not in read]
    lost = [row for row in lost if found.explained.isdisjoint((row.rainy, row.clean))]
    if lost and reported.isdisjoint(lists):
        text = f"is not read back as a pair, nor are {len(lost) - 1} more of {len(rows)}; export again"
        found.add(Problem(lost[0].rainy, Kind.COUNT, text))
