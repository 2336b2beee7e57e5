"""Read a folder of images as FrameSource: natural order, EXIF upright, 8 bits a channel."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rainclean.errors import InputError
from rainclean.file_names import is_litter, is_passed_over
from rainclean.video.base import SourceBase
from rainclean.video.pictures import SUFFIXES, Header, read_header, read_picture, refuse_hdr
from rainclean.video.profiles import CONVERTED
from rainclean.video.selection import check_indices, check_region
from rainclean.video.source import Frame, Region, SourceInfo

ASSUMED_RATE = 25
"""Frames per second: images carry no times, so theirs are index / 25."""


class _Entry(NamedTuple):
    path: Path
    header: Header


class ImagesSource(SourceBase):
    """The images directly in a folder, as one clip.

    ``salvage`` decodes each once and skips the damaged ones. ``as_stored`` leaves colour profiles alone. Raises
    InputError for folders without images, for images that cannot be read, and where upright sizes differ.
    """

    def __init__(self, folder: Path, *, salvage: bool = False, as_stored: bool = False, matrix: str = "") -> None:
        super().__init__(folder)
        self._as_stored, self._matrix = as_stored, matrix
        self._skipped: list[Path] = []
        paths, self._ignored = images_in(folder)
        self._entries = self._headers(paths, salvage=salvage)
        self._check_sizes()
        self._times = np.arange(len(self._entries)) / float(ASSUMED_RATE)
        self._times.setflags(write=False)
        self._info = self._describe()

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        """Deliver frames; see FrameSource.read."""
        self._check_open()
        wanted = check_indices(indices, len(self._entries))
        return self._decoded(wanted, check_region(region, self._info))

    def _decoded(self, wanted: list[int], region: Region) -> Iterator[Frame]:
        for index in wanted:
            self._check_open()
            rgb = read_picture(*self._entries[index], region, as_stored=self._as_stored)
            yield Frame(index, float(self._times[index]), rgb)
        self._check_open()

    def _headers(self, paths: Sequence[Path], *, salvage: bool) -> list[_Entry]:
        entries = []
        for path in paths:
            try:
                entry = _Entry(path, read_header(path))
                if salvage and not entry.header.hdr:
                    read_picture(*entry)
            except InputError:
                if not salvage:
                    raise
                self._skipped.append(path)
                continue
            if entry.header.hdr and not self._as_stored:
                refuse_hdr(path, entry.header.hdr)
            entries.append(entry)
        if not entries:
            raise InputError(self._path, "none of its images can be read", "copy or download them again")
        return entries

    def _check_sizes(self) -> None:
        """Raise InputError unless all upright sizes agree; it names the odd one out."""
        sizes = [e.header.size for e in self._entries]
        (usual, _), *others = Counter(sizes).most_common()
        if others:
            at = next(i for i, size in enumerate(sizes) if size != usual)
            odd, rest = ("×".join(map(str, size)) for size in (sizes[at], usual))
            reason = f"it is {odd} px, other images of the folder are {rest}"
            raise InputError(self._entries[at].path, reason, "a clip needs frames of one size")

    def _describe(self) -> SourceInfo:
        headers = [e.header for e in self._entries]
        first = headers[0]
        width, height = first.size
        kinds = [kind for kind, _ in Counter(h.kind for h in headers).most_common()]
        return SourceInfo(
            path=self._path,
            backend="images",
            container="folder of images",
            codec=", ".join(dict.fromkeys(kind.split()[0] for kind in kinds)),
            pixel_format=", ".join(kind.split()[1] for kind in kinds),
            width=width,
            height=height,
            frame_count=len(headers),
            rotation=first.orientation.rotation,
            mirrored=first.orientation.mirrored,
            full_range=True,
            notes=tuple(self._notes(headers)),
        )

    def _notes(self, headers: Sequence[Header]) -> Iterator[str]:
        if self._matrix:
            yield f"images have no colour matrix: --matrix {self._matrix} is not used"
        yield f"images carry no times: {ASSUMED_RATE} frames per second assumed"
        total = len(headers)
        if self._skipped:
            names = ", ".join(p.name for p in self._skipped[:3]) + (", …" if len(self._skipped) > 3 else "")
            yield f"salvaged: {len(self._skipped)} damaged image(s) left out ({names})"
        if self._ignored:
            yield f"{self._ignored} other entries of the folder are ignored"
        if deep := sum(h.sixteen_bit for h in headers):
            yield f"{deep} of {total} images have 16 bits a channel: rounded to 8 (v / 257)"
        if clear := sum(h.alpha for h in headers):
            yield f"{clear} of {total} images have transparency: dropped"
        if several := sum(h.pictures > 1 for h in headers):
            yield f"{several} of {total} files hold several images: the first is read"
        for note, number in Counter(note for h in headers for note in h.notes).items():
            if self._as_stored and note.endswith(CONVERTED):
                continue
            yield f"{number} of {total} images: {note}"
        if len({h.orientation for h in headers}) > 1:
            yield "images are stored in different orientations: each is turned upright"


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key under which ``frame2`` comes before ``frame10`` and capitals beside small letters."""
    parts = re.split(r"([0-9]+)", name)
    key = ((0, int(p), "") if i % 2 else (1, 0, p.casefold()) for i, p in enumerate(parts) if p)
    return (*key, (-1, 0, name))  # names that differ in zeros or capitals alone keep one fixed order


def images_in(folder: Path) -> tuple[list[Path], int]:
    """List the images of a folder in natural order; also return how many other entries it has.

    Args:
        folder: to look into.

    Raises:
        InputError: the folder cannot be opened, or has no images.
    """
    try:
        entries = list(folder.iterdir())
        named = [p for p in entries if p.suffix.lower() in SUFFIXES and not is_passed_over(p.name)]
        images = [p for p in named if p.is_file()]
    except OSError as error:
        raise InputError(folder, f"cannot be opened: {error.strerror or error}") from error
    if not images:
        raise InputError(folder, "no images in this folder", f"it may hold {', '.join(sorted(SUFFIXES))}")
    return sorted(images, key=lambda p: natural_key(p.name)), sum(not is_litter(p.name) for p in entries) - len(images)
