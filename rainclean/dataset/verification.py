"""Checking an exported data set against its manifest: every file, byte and pixel, and whether it can be read back.

Pictures are read one after another by a few threads and only their sums are kept; when all are known, each piece
of damage is named once, by the most specific thing that can be said of it.
"""

import hashlib
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from rainclean.dataset.files import Files
from rainclean.dataset.layout_base import Layout, StoredPair
from rainclean.dataset.manifest import NAME, ManifestRow
from rainclean.dataset.problems import Kind, Problem
from rainclean.errors import InputError
from rainclean.png import decode_png, pixels_sha256, png_header

ROLES = ("rainy", "clean", "exclude", "confidence")

_ORDER = ("exclude", "rainy", "clean", "confidence")
"""In which pictures are looked at."""

_COLOURS = {"rainy": "RGB", "clean": "RGB", "exclude": "grey", "confidence": "grey"}
_AGAIN = "export again or restore the file"


@dataclass(frozen=True, slots=True)
class Checked:
    """How far the check is, in pairs."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class _State:
    """One file of a pair as it was found. problem: what is wrong with it on its own; digest: None if unreadable."""

    name: str
    digest: str | None
    expected: str
    problem: Problem | None


_States = dict[str, _State]

Take = Callable[[str, NDArray[np.uint8]], None]
"""Takes a picture by its role."""

Look = Callable[[ManifestRow], Take]
"""Gives what takes the pictures of a pair: those that can be decoded, the exclusion mask first."""


def verify(
    root: Path | str,
    layout: Layout,
    rows: Sequence[ManifestRow],
    others: Collection[str] = (),
    *,
    workers: int = 2,
    look: Look | None = None,
) -> Generator[Checked, None, list[Problem]]:
    """Check the data set below a root; yields progress, returns all problems, sorted by path.

    rows: of its manifest. others: names of files that stand beside the pairs (manifest.csv, a report, …); the
    layout's lists need not be named. workers: threads, each with one picture in hand. Nothing outside the root is
    read, whatever manifest, lists and links say. look: sees the pictures as they pass, from those threads. May be
    closed at any yield. Problems are found, never raised.
    """
    files = layout.store(root, contained=True)
    found = _Found()
    rows = list(_sound_rows(layout, rows, found))
    states = []
    for state in _in_threads(files, rows, workers, look):
        states.append(state)
        yield Checked(len(states), len(rows))
    _judge(rows, states, found)
    _judge_places(files, layout, rows, states, others, found)
    return sorted(found.problems, key=lambda problem: (problem.path, problem.kind, problem.text))


class _Found:
    """Problems so far. What has been explained by one is not told again by a later, less specific one."""

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
    """Names of the files that a pair has, by role."""
    return {role: name for role in ROLES if (name := getattr(row, role))}


def _sound_rows(layout: Layout, rows: Iterable[ManifestRow], found: _Found) -> Iterator[ManifestRow]:
    """Rows that can be followed up; scenes that stand on both sides of a split."""
    owner: dict[str, int] = {}
    splits: dict[str, set[str]] = defaultdict(set)
    for number, row in enumerate(rows, 1):
        splits[row.scene].add(row.split)
        if row.split not in layout.splits:
            text = f"the manifest has it in split {row.split!r}, which layout {layout.name} does not know"
            found.file(row.rainy, Kind.OTHER_SPLIT, text, *_names(row).values())
            continue
        twice = next((name for name in _names(row).values() if name in owner), None)
        if twice is not None:
            text = f"pairs {owner[twice]} and {number} of the manifest both name it; export again"
            found.add(Problem(twice, Kind.DUPLICATE_ROW, text))
            continue
        owner.update(dict.fromkeys(_names(row).values(), number))
        yield row
    for scene, each in splits.items():
        if len(each) > 1:
            text = f"scene {scene} stands in splits {', '.join(sorted(each))}; a scene belongs to one split only"
            found.add(Problem(NAME, Kind.SCENE_SPLIT, text))


def _in_threads(files: Files, rows: Sequence[ManifestRow], workers: int, look: Look | None) -> Iterator[_States]:
    waiting: deque[Future[_States]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="rainclean-verify") as pool:
        try:
            for row in rows:
                waiting.append(pool.submit(_look_at, files, row, look))
                if len(waiting) > 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _look_at(files: Files, row: ManifestRow, look: Look | None) -> _States:
    names, take = _names(row), _nothing if look is None else look(row)
    states = {role: _state(files, row, role, names[role], take) for role in _ORDER if role in names}
    return {role: states[role] for role in names}


def _nothing(role: str, picture: NDArray[np.uint8]) -> None:
    """Nobody looks."""


def _state(files: Files, row: ManifestRow, role: str, name: str, take: Take) -> _State:
    expected: str = getattr(row, f"{role}_sha256")

    def bad(kind: Kind, text: str, digest: str | None = None) -> _State:
        return _State(name, digest, expected, Problem(name, kind, text, (name,)))

    if not files.inside(name):
        return bad(Kind.OUTSIDE, "leads out of the data set; it was not looked at")
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
        return bad(Kind.PIXELS, "holds other pixels than the manifest says, in the same bytes; export again", digest)
    return _State(name, digest, expected, None)


def _judge(rows: Sequence[ManifestRow], states: Sequence[_States], found: _Found) -> None:
    """Name what is wrong with files that are there: first what several of them have in common."""
    home: dict[str, tuple[int, str]] = {}
    for number, pair in enumerate(states):
        for role, state in pair.items():
            # Clean images of one sequence are often equal: any pair that should hold this content will do.
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
                _exchanged(states, pair, role, *home[state.digest], found)
    for pair in states:
        for state in pair.values():
            if state.problem is not None and state.problem.kind != Kind.MISSING_FILE:
                found.add(state.problem)


def _exchanged(states: Sequence[_States], pair: _States, role: str, number: int, other: str, found: _Found) -> None:
    """A file that holds what another one should hold: with all files that are exchanged along with it."""
    state, twin = pair[role], states[number][other]
    about = {state.name, twin.name} if twin.digest == state.expected else {state.name}
    if len(about) > 1 and role == other:
        for each in pair.keys() & states[number].keys():
            here, there = pair[each], states[number][each]
            same = here.expected == there.expected
            if not same and (here.digest, there.digest) == (there.expected, here.expected):
                about |= {here.name, there.name}
    text = f"holds what belongs into {twin.name}"
    if len(about) > 1:
        text = f"is exchanged with {twin.name}" + (", and so is what goes with them" if len(about) > 2 else "")
    found.file(state.name, Kind.EXCHANGED, f"{text}; {_AGAIN}", *sorted(about - {state.name}))


def _judge_places(
    files: Files,
    layout: Layout,
    rows: Sequence[ManifestRow],
    states: Sequence[_States],
    others: Collection[str],
    found: _Found,
) -> None:
    """What stands where: moved, missing and further files, other splits, and what the layout's reader trips over."""
    lists = layout.lists(rows)
    problems, pairs = layout.problems_and_pairs(files)
    known = {name for row in rows for name in _names(row).values()} | lists.keys() | set(others)
    extra = [name for name in files.names() if name not in known]
    absent = [state for pair in states for state in pair.values() if _is_missing(state)]
    moved = _moved(files, extra, absent)
    _judge_splits(rows, pairs, moved, found)
    for old, new in moved.items():
        found.file(old, Kind.MOVED, f"stands at {new} instead; move it back", new)
    for state in absent:
        assert state.problem is not None
        found.add(state.problem)
    for name in extra:
        if not files.inside(name):
            found.file(name, Kind.OUTSIDE, "is a link that leads out of the data set; remove it")
        found.file(name, Kind.EXTRA_FILE, "is not in the manifest; remove it")
    for problem in problems:
        found.add(problem)
    _judge_lists(files, lists, rows, pairs, found)


def _is_missing(state: _State) -> bool:
    return state.problem is not None and state.problem.kind == Kind.MISSING_FILE


def _moved(files: Files, extra: Sequence[str], absent: Sequence[_State]) -> dict[str, str]:
    """Where missing files went, as far as they are among the further ones: old → new name."""
    places: dict[str, list[str]] = defaultdict(list)
    for name in extra if absent else ():
        if PurePosixPath(name).suffix.lower() == ".png" and files.has(name):
            with suppress(InputError):  # unreadable: it is told as a further file
                places[hashlib.sha256(files.read(name)).hexdigest()].append(name)
    moved = {}
    for state in absent:
        candidates = places.get(state.expected, [])
        # Of several equal files the one that kept its name.
        candidates.sort(key=lambda name: PurePosixPath(name).name != PurePosixPath(state.name).name)
        if candidates:
            moved[state.name] = candidates.pop(0)
    return moved


def _judge_splits(
    rows: Sequence[ManifestRow], pairs: Sequence[StoredPair], moved: dict[str, str], found: _Found
) -> None:
    """Pairs that the reader finds in another split than the manifest has them, one problem a pair."""
    read = {pair.rainy: pair for pair in pairs}
    for row in rows:
        pair = read.get(moved.get(row.rainy, row.rainy))
        if pair is not None and pair.split != row.split:
            text = f"is read as {pair.split}, the manifest has it in {row.split}; scenes must not cross the split"
            found.file(row.rainy, Kind.OTHER_SPLIT, text, row.clean, pair.rainy, pair.clean)


def _judge_lists(
    files: Files, lists: dict[str, bytes], rows: Sequence[ManifestRow], pairs: Sequence[StoredPair], found: _Found
) -> None:
    """Where nothing more specific was said: lists with other bytes than the export wrote, pairs that are not read."""
    if any(problem.kind == Kind.OTHER_SPLIT for problem in found.problems):
        return  # a line stands in the wrong list
    told = {problem.path for problem in found.problems}
    for name, content in lists.items():
        if name not in told and files.has(name) and files.read(name) != content:
            found.add(Problem(name, Kind.CHANGED, "was changed after the export; restore the file"))
            told.add(name)
    read = {(pair.rainy, pair.clean) for pair in pairs}
    lost = [row for row in rows if (row.rainy, row.clean) not in read]
    lost = [row for row in lost if found.explained.isdisjoint((row.rainy, row.clean))]
    if lost and told.isdisjoint(lists):
        text = f"is not read back as a pair, nor are {len(lost) - 1} more of {len(rows)}; export again"
        found.add(Problem(lost[0].rainy, Kind.COUNT, text))
