"""What `derain` is to read and to write: found out, and refused where it cannot be, before any work."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pipeline.derain.video_writer import SUFFIXES as VIDEO_SUFFIXES
from pipeline.words import counted
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.video import SUFFIXES as PICTURE_SUFFIXES
from rainclean.video import check_name, images_in

DEFAULT_CRF = 16


class Kind(Enum):
    """What is derained."""

    PICTURE = "picture"
    FOLDER = "folder"
    VIDEO = "video"


@dataclass(frozen=True)
class DerainSettings:
    """What `derain` is asked for beside input and output.

    crf: constant rate factor of H.264; None for DEFAULT_CRF. lossless: FFV1 instead. salvage: take what can be read
    of a damaged video. overwrite: replace files that are there. Raises UsageError for what cannot be meant.
    """

    crf: int | None = None
    lossless: bool = False
    salvage: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.crf is not None and not 0 <= self.crf <= 51:
            raise UsageError(f"--crf {self.crf}: 0 (largest file) to 51 is needed")
        if self.crf is not None and self.lossless:
            raise UsageError("--lossless knows no --crf: give one of them")


@dataclass(frozen=True)
class Plan:
    """Files to read and what becomes of each; ``pairs`` has one entry unless it is a folder. others: entries of the
    folder that are no pictures."""

    kind: Kind
    input: Path
    output: Path
    pairs: tuple[tuple[Path, Path], ...]
    settings: DerainSettings
    others: int = 0


def plan(given: Path, output: str, settings: DerainSettings) -> Plan:
    """Look at both ends. output: as a person typed it; with a slash at its end it is a folder.

    Raises InputError for what is not there, RaincleanError for outputs that are in the way, UsageError for flags
    and extensions that do not go with the input.
    """
    source = check_name(given)
    kind = _kind(source)
    if kind is not Kind.VIDEO and (settings.crf is not None or settings.lossless or settings.salvage):
        raise UsageError(f"{source}: is a {kind.value}; --crf, --lossless and --salvage are for videos")
    target = Path(output)
    others = 0
    if kind is Kind.FOLDER:
        pictures, others = images_in(source)
        pairs = _into_folder(source, pictures, target)
    else:
        if target.is_dir() or output.endswith(("/", "\\")):
            target /= _own_name(source, kind, settings)
        pairs = ((source, target),)
        _check_suffix(target, kind, settings)
    _check_places(pairs, settings.overwrite)
    return Plan(kind, source, target, pairs, settings, others)


def _kind(source: Path) -> Kind:
    if source.is_dir():
        return Kind.FOLDER
    return Kind.PICTURE if source.suffix.lower() in PICTURE_SUFFIXES else Kind.VIDEO


def _own_name(source: Path, kind: Kind, settings: DerainSettings) -> str:
    """The input's name; of a container that is not written, with .mkv in its place."""
    if kind is Kind.VIDEO and (settings.lossless or source.suffix.lower() not in VIDEO_SUFFIXES):
        return f"{source.stem}.mkv"
    return source.name


def _check_suffix(target: Path, kind: Kind, settings: DerainSettings) -> None:
    suffix = target.suffix.lower()
    known = PICTURE_SUFFIXES if kind is Kind.PICTURE else VIDEO_SUFFIXES
    if suffix not in known:
        what = f"extension {suffix}" if suffix else "no extension"
        raise UsageError(f"-o {target}: {what}; a {kind.value} is written as {', '.join(sorted(known))}")
    if settings.lossless and suffix != ".mkv":
        raise UsageError(f"-o {target}: --lossless (FFV1) goes into .mkv")


def _into_folder(source: Path, pictures: list[Path], target: Path) -> tuple[tuple[Path, Path], ...]:
    """Every picture as PNG of the same stem: lossless, and 16 bits stay."""
    if not target.is_dir() and (target.exists() or target.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES.keys()):
        raise UsageError(f"-o {target}: the input is a folder; name a folder to write to")
    if target.exists() and target.samefile(source):
        raise RaincleanError(f"{target}: is the folder that is read; choose another one with -o")
    # Capitals do not count: where they do not tell files apart, one would replace the other.
    names = Counter(picture.stem.casefold() for picture in pictures)
    for picture in pictures:
        if names[picture.stem.casefold()] > 1:
            alike = [p.name for p in pictures if p.stem.casefold() == picture.stem.casefold()]
            reason = f"{' and '.join(alike[:2])} would both become {picture.stem}.png"
            raise InputError(source, reason, "rename one of them")
    return tuple((picture, target / f"{picture.stem}.png") for picture in pictures)


def _check_places(pairs: tuple[tuple[Path, Path], ...], overwrite: bool) -> None:
    there = [target for _, target in pairs if target.exists() or target.is_symlink()]
    for source, target in pairs:
        if target.exists() and target.samefile(source):
            raise RaincleanError(f"{target}: is what is read; choose another name with -o")
        if target.is_dir():
            raise RaincleanError(f"{target}: is a folder where a file is to be written")
    if there and not overwrite:
        more = f" and {counted(len(there) - 1, 'other file')}" if len(there) > 1 else ""
        verb = "are" if more else "is"
        raise RaincleanError(f"{there[0]}{more} {verb} there already; --overwrite replaces what is there")
