"""Open a clip, in a process of its own or in this one."""

import sys
from pathlib import Path

from rainclean.video.limits import check_name
from rainclean.video.source import FrameSource


def open_source(path: Path | str, *, salvage: bool = False, as_stored: bool = False, matrix: str = "") -> FrameSource:
    """Open a video file or a folder of images; it is read by a process of its own, with bounded memory.

    Args:
        path: of the file or folder.
        salvage: take what can be decoded of a truncated or damaged input instead of refusing it; the frames that are
            whole are then numbered 0, 1, …
        as_stored: leave colours of images unchanged, whatever their colour profiles say.
        matrix: the colour matrix of a video whose file does not state it: "bt601", "bt709" or "bt2020".

    Returns:
        The clip. Close it, or use it as a context manager.

    Raises:
        InputError: the clip cannot be read.
    """
    place = check_name(path)
    if sys.platform == "win32":  # its pipes cannot be waited for
        return open_here(place, salvage=salvage, as_stored=as_stored, matrix=matrix)
    from rainclean.video.process_source import ApartSource

    return ApartSource(place, salvage=salvage, as_stored=as_stored, matrix=matrix)


def open_here(path: Path | str, *, salvage: bool = False, as_stored: bool = False, matrix: str = "") -> FrameSource:
    """Open a clip that this process reads: nothing bounds the memory of its decoder, and nobody can stop it.

    Args:
        path: of the file or folder.
        salvage: see `open_source`.
        as_stored: see `open_source`.
        matrix: see `open_source`.

    Raises:
        InputError: the clip cannot be read.
    """
    place = check_name(path)
    if place.is_dir():
        from rainclean.video.images import ImagesSource

        return ImagesSource(place, salvage=salvage, as_stored=as_stored, matrix=matrix)
    from rainclean.video.pyav import PyavSource

    return PyavSource(place, salvage=salvage, matrix=matrix)
