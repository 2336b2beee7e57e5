"""Small pictures of artefacts, kept beside the project: a cache that may be deleted at any time."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.partial import unique
from pipeline.project.storage import ARTEFACTS, Artefacts

U8 = NDArray[np.uint8]

THUMBNAILS = "thumbnails"

WIDTH = 192
"""px."""

_WHOLE = (b"\xff\xd8", b"\xff\xd9")
"""How a JPEG begins and ends: a decoder makes something of half of one, too."""


def thumbnail(folder: Path, name: str, width: int = WIDTH) -> U8:
    """Return a small picture of an artefact, (h, w, 3) uint8 RGB. Any thread may call it; it opens no database.

    It is stored for the next time where the project can be written to.

    Args:
        folder: The project.
        name: The artefact.
        width: Px at most.

    Raises:
        InputError: There is neither a thumbnail nor the artefact.
    """
    path = folder / THUMBNAILS / f"{Path(name).stem}-{width}.jpg"
    small = _read(path)
    if small is None:
        small = _scaled(Artefacts(folder / ARTEFACTS), name, width)
        _keep(path, small)
    return np.ascontiguousarray(small[..., ::-1])


def _read(path: Path) -> U8 | None:
    """The picture, BGR; None where it is missing or damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if (data[:2], data[-2:]) != _WHOLE:
        return None
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)  # type: ignore[return-value]


def _scaled(artefacts: Artefacts, name: str, width: int) -> U8:
    picture = artefacts.picture(name)
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, 2)
    if picture.shape[1] > width:
        size = (width, max(1, round(picture.shape[0] * width / picture.shape[1])))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return picture[..., ::-1]


def _keep(path: Path, small: U8) -> None:
    """Write it beside and rename it. Not synced: what a power cut leaves of it is made again."""
    partial = unique(path)
    try:
        path.parent.mkdir(exist_ok=True)
        try:
            partial.write_bytes(cv2.imencode(".jpg", np.ascontiguousarray(small))[1].tobytes())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError:
        return  # an archive, or a full disk: it works without
