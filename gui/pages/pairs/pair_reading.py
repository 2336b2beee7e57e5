"""What the page of pairs shows, read in any thread: thumbnails, and crops as they will be exported."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.project.analysis import stabilized
from pipeline.project.clips import clip, open_clip
from pipeline.project.model import Analysis
from pipeline.project.storage import Project
from pipeline.stages import Progress
from rainclean.errors import InputError, UsageError
from rainclean.video import FrameSource, Region

if TYPE_CHECKING:
    from pipeline.export import ExclusionRules, Exclusions
    from rainclean.dataset import Crop, CropChoice

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
    """What the pairs of a sequence are made of. content: SHA-256 of the clip. picture, exclude: artefacts.

    analysis: of the picture; it says how frames are stabilized, and what moves.
    """

    clip_id: int
    content: str
    region: Region
    picture: str
    exclude: str
    analysis: Analysis | None = None


@dataclass(frozen=True)
class Preview:
    """One frame as it will be exported; pictures (H, W, 3) uint8 RGB of the same size, what is excluded tinted.

    plain: the rainy frame without tint. small: the tinted frame for drawing on. words: why there are no crops.
    exclude: (H, W) uint8 of this frame; exclusions: of all frames of the subject, by these rules.
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
    exclusions: "Exclusions"
    rules: "ExclusionRules | None"


def make_preview(
    folder: Path,
    subject: Subject,
    frame: int,
    choice: "CropChoice",
    known: Preview | None,
    rules: "ExclusionRules | None" = None,
) -> Preview:
    """Read a frame and choose its crops, as the export does. known: an earlier one, of which what is equal is used.

    rules: of what is excluded, None: as the export has it by itself. The project in ``folder`` is opened anew: this may
    run in any thread. Raises RaincleanError.
    """
    with Project.again(folder) as project:
        if known is not None and (known.subject, known.rules) == (subject, rules):
            clean, exclusions = known.plain_clean, known.exclusions
        else:
            clean = project.artefacts.picture(subject.picture)
            exclusions = _exclusions(project, subject, rules)
        if known is not None and (known.subject, known.frame) == (subject, frame):
            rainy = known.plain
        else:
            with _open(project, subject) as source:
                found = next(source.read([frame], subject.region), None)
                if found is None:
                    raise InputError(source.info.path, f"ends before frame {frame}")
                rainy = found.rgb
    crops, words = choose_crops(choice, rainy, clean, exclusions, subject.content, frame)
    exclude = exclusions.of(frame).mask
    tinted = tint(rainy, exclude)
    return Preview(
        subject, frame, rainy, tinted, tint(clean, exclude), clean, exclude, _shrunk(tinted), tuple(crops), words,
        exclusions, rules,
    )  # fmt: skip


def _exclusions(project: Project, subject: Subject, rules: "ExclusionRules | None") -> "Exclusions":
    from pipeline.export import ExclusionRules, Exclusions, read_exclusions
    from pipeline.project.editing import read_mask

    if subject.analysis is None:
        return Exclusions(read_mask(project, subject.exclude) if subject.exclude else None)
    return read_exclusions(project, subject.analysis, subject.picture, subject.exclude, rules or ExclusionRules())


def _open(project: Project, subject: Subject) -> FrameSource:
    """The frames of a subject as its analysis used them."""
    source = open_clip(project, clip(project, subject.clip_id))
    return stabilized(project, source, subject.analysis.stabilization if subject.analysis else "")


def choose_crops(
    choice: "CropChoice", rainy: U8, clean: U8, exclusions: "Exclusions", content: str, frame: int
) -> tuple[Sequence["Crop"], str]:
    """The crops of a frame as the export chooses them, and why there are none."""
    from pipeline.export import MANY, most_crops

    try:
        many = most_crops(choice, rainy.shape[1], rainy.shape[0])
        if many > MANY:
            return (), f"up to {many} crops a frame: too many to draw"
        crops = choice.choose(
            rainy, clean, exclusions.by_person, found=exclusions.of(frame).found, sequence=content, frame=frame
        )
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
    folder: Path, subject: Subject, frames: Sequence[int], found: dict[int, U8]
) -> Generator[Progress, None, None]:
    """A stage that puts small (h, w, 3) uint8 RGB pictures of these frames into ``found``, one a step.

    folder: of the project, which is opened anew, in whatever thread steps this. Raises RaincleanError.
    """
    import cv2

    region = subject.region
    width = thumbnail_width(len(frames), region)
    height = max(1, round(region.height * width / region.width))
    with Project.again(folder) as project, _open(project, subject) as source:
        for done, frame in enumerate(source.read(frames, region), 1):
            found[frame.index] = np.asarray(cv2.resize(frame.rgb, (width, height), interpolation=cv2.INTER_AREA))
            yield Progress("thumbnails", done, len(frames))


def thumbnail_width(number: int, region: Region) -> int:
    """px, so that the thumbnails of so many frames fit into LIMIT."""
    fits = (LIMIT / (3 * max(1, number)) * region.width / region.height) ** 0.5
    return round(min(max(fits, SMALLEST), WIDTH, region.width))
