"""Plan what `derain` reads and writes; refuse what cannot be done before any work."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pipeline.derain.video_writer import SUFFIXES as VIDEO_SUFFIXES
from pipeline.text_format import counted
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.video import SUFFIXES as PICTURE_SUFFIXES
from rainclean.video import check_name, images_in

DEFAULT_CRF = 16


class Kind(Enum):
    """The kind of input."""

    PICTURE = "picture"
    FOLDER = "folder"
    VIDEO = "video"


@dataclass(frozen=True)
class DerainSettings:
    """Settings of `derain` beside input and output.

    crf: constant rate factor of H.264; None for DEFAULT_CRF. lossless: FFV1 instead. salvage: use the readable part of
    a damaged video. overwrite: replace existing files. Raises UsageError for values out of range.
    """

    crf: int | None = None
    lossless: bool = False
    salvage: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.crf is not None and not 0 <= self.crf <= 51:
            raise UsageError(f"--crf {self.crf}: give 0 (largest file) to 51")
        if self.crf is not None and self.lossless:
            raise UsageError("--lossless and --crf cannot be used together")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Files to read and to write.

    pairs: (source, target) of each file; one entry unless the input is a folder. others: entries of the folder that are
    not pictures.
    """

    kind: Kind
    input: Path
    output: Path
    pairs: tuple[tuple[Path, Path], ...]
    settings: DerainSettings
    others: int = 0


def plan(given: Path, output: str, settings: DerainSettings) -> Plan:
    """Plan what to read and to write.

    Args:
        given: Picture, folder of pictures, or video.
        output: As a person typed it; with a slash at its end it is a folder.
        settings: How to write it.

    Raises:
        InputError: The input is missing.
        RaincleanError: An output is in the way.
        UsageError: Flags or extensions do not fit the input.
    """
    source = check_name(given)
    kind = _kind(source)
    if kind is not Kind.VIDEO and (settings.crf is not None or settings.lossless or settings.salvage):
        what = "a folder" if kind is Kind.FOLDER else "an image"
        raise UsageError(f"{source}: is {what}; --crf, --lossless and --salvage apply to videos only")
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
    _check_places(pairs, overwrite=settings.overwrite)
    return Plan(kind=kind, input=source, output=target, pairs=pairs, settings=settings, others=others)


def _kind(source: Path) -> Kind:
    if source.is_dir():
        return Kind.FOLDER
    return Kind.PICTURE if source.suffix.lower() in PICTURE_SUFFIXES else Kind.VIDEO


def _own_name(source: Path, kind: Kind, settings: DerainSettings) -> str:
    """Return the name of the input, with .mkv where its container cannot be written."""
    if kind is Kind.VIDEO and (settings.lossless or source.suffix.lower() not in VIDEO_SUFFIXES):
        return f"{source.stem}.mkv"
    return source.name


def _check_suffix(target: Path, kind: Kind, settings: DerainSettings) -> None:
    suffix = target.suffix.lower()
    known = PICTURE_SUFFIXES if kind is Kind.PICTURE else VIDEO_SUFFIXES
    if suffix not in known:
        what = f"extension {suffix}" if suffix else "no extension"
        raise UsageError(f"-o {target}: {what}; use one of {', '.join(sorted(known))}")
    if settings.lossless and suffix != ".mkv":
        raise UsageError(f"-o {target}: --lossless (FFV1) needs .mkv")


def _into_folder(source: Path, pictures: list[Path], target: Path) -> tuple[tuple[Path, Path], ...]:
    """Map every picture to a PNG of the same stem, which is lossless and keeps 16 bits."""
    if not target.is_dir() and (target.exists() or target.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES.keys()):
        raise UsageError(f"-o {target}: the input is a folder; give a folder to write to")
    if target.exists() and target.samefile(source):
        raise RaincleanError(f"{target}: is the input folder; choose another one with -o")
    # Ignore case: on file systems that ignore it, one file would replace the other.
    names = Counter(picture.stem.casefold() for picture in pictures)
    for picture in pictures:
        if names[picture.stem.casefold()] > 1:
            alike = [p.name for p in pictures if p.stem.casefold() == picture.stem.casefold()]
            reason = f"{' and '.join(alike[:2])} would both become {picture.stem}.png"
            raise InputError(source, reason, "rename one of them")
    return tuple((picture, target / f"{picture.stem}.png") for picture in pictures)


def _check_places(pairs: tuple[tuple[Path, Path], ...], *, overwrite: bool) -> None:
    existing = [target for _, target in pairs if target.exists() or target.is_symlink()]
    for source, target in pairs:
        if target.exists() and target.samefile(source):
            raise RaincleanError(f"{target}: is the input; choose another name with -o")
        if target.is_dir():
            raise RaincleanError(f"{target}: is a folder; give the name of a file")
    if existing and not overwrite:
        more = f" and {counted(len(existing) - 1, 'other file')}" if len(existing) > 1 else ""
        verb, them = ("exist", "them") if more else ("exists", "it")
        raise RaincleanError(f"{existing[0]}{more} {verb} already; --overwrite replaces {them}")
