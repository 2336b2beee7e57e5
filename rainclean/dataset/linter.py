"""Check a data set that rainclean did not write: names, lists, sizes, and that every image can be read."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rainclean.dataset.files import Files
from rainclean.dataset.layout_base import SAFE_STEM, Layout, StoredPair, is_picture, stem_of
from rainclean.dataset.pairing import SPLITS
from rainclean.dataset.problems import Kind, Problem
from rainclean.dataset.reader import read_rgb
from rainclean.dataset.threaded import in_threads
from rainclean.dataset.verification import Checked
from rainclean.errors import InputError, printable

U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]

_ALIKE_BITS = 24
"""Bits of 256 in which two pictures of the same place differ at most; different ones differ in about 128."""

_FLAT = 3.0
"""Standard deviation of the structure, grey levels, below which a picture has too little of it to be compared."""

_LIGHT = 2.0
"""Sixteenths of a picture: slower variation is light, not objects."""

_MOST_COMPARED = 4000
"""Clean pictures of a split that are compared with those of the others, evenly spread."""

_WORKERS = 2


@dataclass(kw_only=True)
class Lint:
    """What was found.

    Attributes:
        layout: How the pairs were found.
        splits: Pairs by split.
        scenes: Number of scenes that names tell.
        images: Number of different images.
        problems: One each; wrong for every reader.
        notes: Worth a look.
    """

    layout: str = ""
    splits: dict[str, int] = field(default_factory=dict)
    scenes: int = 0
    images: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a pair shows: problems of its pictures, and the signature of the clean one, None where it is too flat."""

    problems: tuple[Problem, ...]
    signature: bytes | None = None


def lint(root: Path, layout: Layout, *, quick: bool = False) -> Generator[Checked, None, Lint]:
    """Check a data set. May be closed at any yield.

    Args:
        root: Its folder.
        layout: How its pairs are found (`reader.layout_of`).
        quick: Check names and lists only, and open no image.

    Yields:
        Number of checked pairs.

    Returns:
        What was found; problems are never raised.

    Raises:
        InputError: A list of pairs cannot be read at all.
    """
    files = layout.store(root)
    problems: list[Problem] = []
    pairs = list(layout.scan(files, problems.append))
    problems += layout.leftovers(files, pairs, problems)
    result = Lint(layout=layout.name, problems=problems)
    scenes: dict[str, set[str]] = {}
    for pair in pairs:
        result.splits[pair.split] = result.splits.get(pair.split, 0) + 1
        scenes.setdefault(pair.scene or layout.scene_of(pair), set()).add(pair.split)
    result.splits = {split: result.splits[split] for split in SPLITS if split in result.splits}
    result.scenes = len(scenes.keys() - {""})
    result.images = len({name for pair in pairs for name in (pair.rainy, pair.clean)})
    result.problems += _shared_scenes(scenes)
    result.notes += _unread(files, pairs, {name for problem in problems for name in (problem.path, *problem.about)})
    result.notes += _names(pairs)
    if not quick:
        signatures: dict[str, dict[str, bytes]] = {}
        looking = in_threads(partial(_look_at, root), pairs, _WORKERS, "rainclean-lint")
        for done, (pair, looked) in enumerate(zip(pairs, looking, strict=True), 1):
            result.problems += looked.problems
            if looked.signature is not None:
                signatures.setdefault(pair.split, {})[pair.clean] = looked.signature
            yield Checked(done, len(pairs))
        result.notes += _alike(signatures)
    result.problems.sort(key=lambda problem: (problem.path, problem.kind, problem.text))
    return result


def _shared_scenes(scenes: dict[str, set[str]]) -> Iterator[Problem]:
    for scene, splits in scenes.items():
        if scene and len(splits) > 1:
            text = (
                f"scene {printable(scene)} is in splits {', '.join(sorted(splits))}; a scene belongs to one split only"
            )
            yield Problem("", Kind.SCENE_SPLIT, text)


def _unread(files: Files, pairs: Sequence[StoredPair], reported: set[str]) -> Iterator[str]:
    """Yield a line for each folder with images that belong to no pair and to no problem."""
    used = {name for pair in pairs for name in (pair.rainy, pair.clean)}
    folders: dict[str, list[str]] = {}
    for name in files.names():
        folder = name.rpartition("/")[0]
        if is_picture(name) and name not in used and reported.isdisjoint((name, folder)):
            folders.setdefault(folder, []).append(name)
    for folder, names in sorted(folders.items()):
        images = "1 image belongs" if len(names) == 1 else f"{len(names)} images belong"
        yield printable(f"{folder or '.'}: {images} to no pair, such as {names[0].rpartition('/')[2]}")


def _names(pairs: Sequence[StoredPair]) -> Iterator[str]:
    unsafe = [name for pair in pairs for name in (pair.rainy, pair.clean) if not SAFE_STEM.fullmatch(stem_of(name))]
    if unsafe:
        names = "1 name is" if len(unsafe) == 1 else f"{len(unsafe)} names are"
        yield printable(f"{names} not safe for every reader, such as {unsafe[0]}: A-Z, a-z, 0-9, _ and - are")


def _look_at(root: Path, pair: StoredPair) -> _Looked:
    problems: list[Problem] = []
    pictures: list[U8] = []
    for name in (pair.rainy, pair.clean):
        try:
            pictures.append(read_rgb(root / name))
        except InputError as error:
            problems.append(Problem(name, Kind.UNDECODABLE, f"{error.reason}; replace it", (name,)))
        except OSError as error:
            text = f"cannot be read ({error.strerror}); replace it"
            problems.append(Problem(name, Kind.UNDECODABLE, text, (name,)))
    if problems:
        return _Looked(tuple(problems))
    rainy, clean = pictures
    if rainy.shape != clean.shape:
        sizes = [f"{picture.shape[1]}×{picture.shape[0]}" for picture in pictures]
        text = f"is {sizes[0]} px, but its clean image {printable(pair.clean)} is {sizes[1]} px; replace one of them"
        return _Looked((Problem(pair.rainy, Kind.SIZE, text, (pair.rainy, pair.clean)),))
    if np.array_equal(rainy, clean):
        text = f"has the same pixels as its clean image {printable(pair.clean)}; replace one of them"
        return _Looked((Problem(pair.rainy, Kind.PIXELS, text, (pair.rainy,)),), _signature(clean))
    return _Looked((), _signature(clean))


def _signature(picture: U8) -> bytes | None:
    """Return 256 bits: whether each of 16×16 places is brighter than what surrounds it. Slow light does not count."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = np.asarray(cv2.resize(grey, (16, 16), interpolation=cv2.INTER_AREA), np.float32)
    fine = small - cv2.GaussianBlur(small, (0, 0), _LIGHT)
    return None if fine.std() < _FLAT else np.packbits(fine > 0).tobytes()


def _alike(signatures: dict[str, dict[str, bytes]]) -> Iterator[str]:
    """Yield a line for each two splits whose clean pictures show the same places."""
    splits = {split: _spread(each) for split, each in signatures.items()}
    names = sorted(splits)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            found = list(_same(splits[one], splits[other]))
            if found:
                first, second = found[0]
                images = "1 clean image" if len(found) == 1 else f"{len(found)} clean images"
                what = f"of {one} look like ones of {other}, such as {first} and {second}"
                yield printable(f"{images} {what}: a place belongs to one split only")


def _spread(signatures: dict[str, bytes]) -> dict[str, bytes]:
    step = max(1, len(signatures) // _MOST_COMPARED)
    return dict(list(signatures.items())[::step])


def _same(one: dict[str, bytes], other: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    names = list(other)
    bits = np.frombuffer(b"".join(other.values()), np.uint64).reshape(-1, 4)
    for name, signature in one.items():
        differing = np.bitwise_count(bits ^ np.frombuffer(signature, np.uint64)).sum(axis=1)
        nearest = int(differing.argmin())
        if differing[nearest] <= _ALIKE_BITS:
            yield name, names[nearest]
