"""Exclusion masks: pixels of a clean image that must not be trusted."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.project.analysis import read_picture
from pipeline.project.model import StoredCandidate
from pipeline.project.storage import Project
from rainclean.errors import InputError, RaincleanError
from rainclean.png import decode_png, encode_png

if TYPE_CHECKING:
    from rainclean.compositing import Shape


def keep_mask(project: Project, path: Path, candidate: StoredCandidate) -> str:
    """Store a mask, and return its artefact's name.

    Args:
        project: The project.
        path: A picture of the candidate's size, 255 where it must not be trusted and 0 elsewhere.
        candidate: The candidate.

    Raises:
        InputError: The file is no such picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror or error}") from error
    mask = decode_png(data, path)
    picture = read_picture(project, candidate.picture)
    grey = mask if mask.ndim == 2 else mask.max(axis=2)
    if grey.shape != picture.shape[:2]:
        sizes = f"{grey.shape[1]}×{grey.shape[0]} px, the candidate {picture.shape[1]}×{picture.shape[0]}"
        raise InputError(path, f"the mask has {sizes}", "make it the same size")
    if not np.isin(grey, (0, 255)).all() or (mask.ndim == 3 and (mask != grey[..., None]).any()):
        raise InputError(path, "an exclusion mask may hold only 0 and 255", "save it without smoothing, as PNG")
    return project.artefacts.put(encode_png(grey), ".png")


def keep_shapes(project: Project, shapes: "Sequence[Shape]", guide: StoredCandidate, candidate: StoredCandidate) -> str:
    """Store the mask of shapes, and return its artefact's name; "" where nothing is excluded.

    Args:
        project: The project.
        shapes: The shapes.
        guide: Candidate whose edges the shapes keep to.
        candidate: Candidate that the mask is for.

    Raises:
        RaincleanError: The two candidates differ in size.
    """
    if not shapes:
        return ""
    from rainclean.compositing import exclusion_mask

    picture, other = (read_picture(project, one.picture) for one in (guide, candidate))
    if picture.shape != other.shape:
        raise RaincleanError(f"the exclusion mask was painted on {guide.name}, which has another size")
    mask = exclusion_mask(shapes, picture)
    return project.artefacts.put(encode_png(mask), ".png") if mask.any() else ""


def read_mask(project: Project, name: str) -> NDArray[np.uint8]:
    """Return a stored mask, (H, W) uint8: 255 where the picture must not be trusted."""
    return project.artefacts.picture(name)
