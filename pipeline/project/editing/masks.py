"""Exclusion masks: what of a clean image must not be trusted."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.project.model import StoredCandidate
from pipeline.project.storage import Project
from rainclean.errors import InputError, RaincleanError
from rainclean.png import decode_png, encode_png

if TYPE_CHECKING:
    from rainclean.compositing import Shape


def keep_mask(project: Project, path: Path, candidate: StoredCandidate) -> str:
    """Take a mask into the project; returns its artefact's name.

    The file is a picture of the candidate's size with 255 where it must not be trusted and 0 elsewhere.
    Raises InputError for anything else.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror or error}") from error
    mask = decode_png(data, path)
    picture = project.artefacts.picture(candidate.picture)
    grey = mask if mask.ndim == 2 else mask.max(axis=2)
    if grey.shape != picture.shape[:2]:
        sizes = f"{grey.shape[1]}×{grey.shape[0]} px, the candidate {picture.shape[1]}×{picture.shape[0]}"
        raise InputError(path, f"the mask has {sizes}", "make it of the same size")
    if not np.isin(grey, (0, 255)).all() or (mask.ndim == 3 and (mask != grey[..., None]).any()):
        raise InputError(path, "an exclusion mask holds 0 and 255 only", "save it without smoothing, as PNG")
    return project.artefacts.put(encode_png(grey), ".png")


def keep_shapes(project: Project, shapes: "Sequence[Shape]", guide: StoredCandidate, candidate: StoredCandidate) -> str:
    """Make a mask of shapes and take it into the project; returns its artefact's name, "" where nothing is excluded.

    guide: candidate whose picture the shapes go by. Raises RaincleanError where it is of another size.
    """
    if not shapes:
        return ""
    from rainclean.compositing import exclusion_mask

    picture, other = (project.artefacts.picture(one.picture) for one in (guide, candidate))
    if picture.shape != other.shape:
        raise RaincleanError(f"the exclusion mask was painted on {guide.name}, which has another size")
    mask = exclusion_mask(shapes, picture)
    return project.artefacts.put(encode_png(mask), ".png") if mask.any() else ""


def read_mask(project: Project, name: str) -> NDArray[np.uint8]:
    """A kept mask, (H, W) uint8: 255 where the picture must not be trusted."""
    return project.artefacts.picture(name)
