"""How a clip is opened: in a process of its own, or here."""

import sys
from pathlib import Path

from rainclean.video.limits import check_name
from rainclean.video.source import FrameSource


def open_source(path: Path | str, *, salvage: bool = False, as_stored: bool = False, matrix: str = "") -> FrameSource:
    """Open a video file or a folder of images; it is read by a process of its own, with bounded memory.

    salvage: take what can be decoded of a truncated or damaged input instead of refusing it; the frames
    that are whole are then numbered 0, 1, … as_stored: leave colours of images as they are, whatever their colour
    profiles say. matrix: the colour matrix of a video whose file does not say it: "bt601", "bt709" or "bt2020".
    Raises InputError, one line, for what cannot be read.
    """
    place = check_name(path)
    if sys.platform == "win32":  # its pipes cannot be waited for
        return open_here(place, salvage=salvage, as_stored=as_stored, matrix=matrix)
    from rainclean.video.apart import ApartSource

    return ApartSource(place, salvage=salvage, as_stored=as_stored, matrix=matrix)


def open_here(path: Path | str, *, salvage: bool = False, as_stored: bool = False, matrix: str = "") -> FrameSource:
    """The same, read by this process: nothing bounds what a decoder takes, and nobody can stop it."""
    place = check_name(path)
    if place.is_dir():
        from rainclean.video.images import ImagesSource

        return ImagesSource(place, salvage=salvage, as_stored=as_stored, matrix=matrix)
    from rainclean.video.pyav import PyavSource

    return PyavSource(place, salvage=salvage, matrix=matrix)
