"""What the page of pairs shows, read in any thread: thumbnails, and crops as they will be exported."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.project.clips import clip, open_clip
from pipeline.project.store import Project
from pipeline.stages import Progress
from rainclean.errors import InputError, UsageError
from rainclean.video import Region

if TYPE_CHECKING:
    from rainclean.pairs import Crop, CropChoice

U8 = NDArray[np.uint8]

WIDTH = 128
"""px of a thumbnail; of very long sequences they are smaller."""

SMALLEST = 24

LIMIT = 64 << 20
"""Bytes that the thumbnails of one sequence may take."""

TINT = (214, 64, 159)
"""Of what is excluded."""

_SMALL = 1280
"""px across, at most, of the frame that the crops are drawn on."""


@dataclass(frozen=True)
class Subject:
    """What the pairs of a sequence are made of. content: SHA-256 of the clip. picture, exclude: artefacts."""

    clip_id: int
    content: str
    region: Region
    picture: str
    exclude: str


@dataclass(frozen=True)
class Preview:
    """One frame as it will be exported; pictures (H, W, 3) uint8 RGB of the same size, what is excluded tinted.

    plain: the rainy frame without tint. small: the tinted frame for drawing on. words: why there are no crops.
    """

    subject: Subject
    frame: int
    plain: U8
    rainy: U8
    clean: U8
    plain_clean: U8
    exclude: U8 | None
    small: U8
    crops: tuple["Crop", ...]
    words: str


def make_preview(folder: Path, subject: Subject, frame: int, choice: "CropChoice", known: Preview | None) -> Preview:
    """Read a frame and choose its crops, as the export does. known: an earlier one, of which what is equal is used.

    The project in ``folder`` is opened anew: this may run in any thread. Raises RaincleanError.
    """
    from pipeline.project.masks import read_mask

    with Project(folder) as project:
        artefacts = project.artefacts
        if known is not None and known.subject == subject:
            clean, exclude = known.plain_clean, known.exclude
        else:
            clean = artefacts.picture(subject.picture)
            exclude = read_mask(project, subject.exclude) if subject.exclude else None
        if known is not None and (known.subject, known.frame) == (subject, frame):
            rainy = known.plain
        else:
            with open_clip(project, clip(project, subject.clip_id)) as source:
                found = next(source.read([frame], subject.region), None)
                if found is None:
                    raise InputError(source.info.path, f"ends before frame {frame}")
                rainy = found.rgb
    crops, words = choose_crops(choice, rainy, clean, exclude, subject.content, frame)
    tinted = tint(rainy, exclude)
    return Preview(
        subject, frame, rainy, tinted, tint(clean, exclude), clean, exclude, _shrunk(tinted), tuple(crops), words
    )


def choose_crops(
    choice: "CropChoice", rainy: U8, clean: U8, exclude: U8 | None, content: str, frame: int
) -> tuple[Sequence["Crop"], str]:
    """The crops of a frame as the export chooses them, and why there are none."""
    from pipeline.export.estimate import MANY, most_crops

    try:
        many = most_crops(choice, rainy.shape[1], rainy.shape[0])
        if many > MANY:
            return (), f"up to {many} crops a frame: too many to draw"
        crops = choice.choose(rainy, clean, exclude, sequence=content, frame=frame)
    except UsageError as error:
        return (), str(error)
    return crops, "" if crops else "no crop of this frame holds enough rain and little enough that is excluded"


def tint(picture: U8, exclude: U8 | None) -> U8:
    """A picture with what is excluded tinted."""
    if exclude is None or not exclude.any():
        return picture
    tinted = picture.copy()
    inside = exclude != 0
    tinted[inside] = (0.5 * picture[inside] + 0.5 * np.array(TINT)).astype(np.uint8)
    return tinted


def _shrunk(picture: U8) -> U8:
    import cv2

    height, width = picture.shape[:2]
    if width <= _SMALL:
        return picture
    size = (_SMALL, max(1, round(height * _SMALL / width)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def read_thumbnails(
    folder: Path, clip_id: int, frames: Sequence[int], region: Region, found: dict[int, U8]
) -> Generator[Progress, None, None]:
    """A stage that puts small (h, w, 3) uint8 RGB pictures of these frames into ``found``, one a step.

    folder: of the project, which is opened anew, in whatever thread steps this. Raises RaincleanError.
    """
    import cv2

    width = thumbnail_width(len(frames), region)
    height = max(1, round(region.height * width / region.width))
    with Project(folder) as project, open_clip(project, clip(project, clip_id)) as source:
        for done, frame in enumerate(source.read(frames, region), 1):
            found[frame.index] = np.asarray(cv2.resize(frame.rgb, (width, height), interpolation=cv2.INTER_AREA))
            yield Progress("thumbnails", done, len(frames))


def thumbnail_width(number: int, region: Region) -> int:
    """px, so that the thumbnails of so many frames fit into LIMIT."""
    fits = (LIMIT / (3 * max(1, number)) * region.width / region.height) ** 0.5
    return round(min(max(fits, SMALLEST), WIDTH, region.width))
