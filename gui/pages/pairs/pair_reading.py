"""Read, in any thread, what the page of pairs shows: thumbnails, and crops as they will be exported."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.project.analysis import read_picture, stabilized
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
"""Width of a thumbnail, px; those of very long sequences are smaller."""

SMALLEST = 24
"""Smallest width of a thumbnail, px."""

LIMIT = 64 << 20
"""Bytes that the thumbnails of one sequence may take."""

TINT = (214, 64, 159)
"""Colour of excluded pixels, RGB."""

_SMALL = 1280
"""Largest width of the frame that the crops are drawn on, px."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The source of a sequence's pairs.

    Attributes:
        clip_id: the clip's id in the project.
        content: SHA-256 of the clip.
        region: of the picture in a frame, px.
        picture: artefact of the clean image.
        exclude: artefact of the exclusion mask, "" for none.
        analysis: of the picture; it says how frames are stabilized, and what moves.
    """

    clip_id: int
    content: str
    region: Region
    picture: str
    exclude: str
    analysis: Analysis | None = None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """One frame as it will be exported.

    Attributes:
        subject: what the frame belongs to.
        frame: index in the clip.
        plain: the rainy frame without tint, (H, W, 3) uint8 RGB.
        rainy: the rainy frame, excluded pixels tinted, (H, W, 3) uint8 RGB.
        clean: the clean image, excluded pixels tinted, (H, W, 3) uint8 RGB.
        plain_clean: the clean image without tint, (H, W, 3) uint8 RGB.
        exclude: excluded pixels of this frame, (H, W) uint8, None for none.
        small: the tinted rainy frame for drawing on, at most 1280 px wide.
        crops: the crops of the frame.
        no_crops_reason: why there are no crops, "" if there are some.
        exclusions: of all frames of the subject, by the rules.
        rules: of what is excluded, None for the export's own.
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
    no_crops_reason: str
    exclusions: "Exclusions"
    rules: "ExclusionRules | None"


def make_preview(
    folder: Path,
    subject: Subject,
    frame: int,
    choice: "CropChoice",
    known: Preview | None,
    *,
    rules: "ExclusionRules | None" = None,
) -> Preview:
    """Read a frame and choose its crops, as the export does. May run in any thread.

    Args:
        folder: of the project, which is opened anew.
        subject: the source of the pairs.
        frame: index in the clip.
        choice: of the crops.
        known: an earlier preview, whose equal parts are reused.
        rules: of what is excluded, None for the export's own.

    Raises:
        RaincleanError: if project, clip or picture cannot be read.
    """
    with Project.again(folder) as project:
        if known is not None and (known.subject, known.rules) == (subject, rules):
            clean, exclusions = known.plain_clean, known.exclusions
        else:
            clean = read_picture(project, subject.picture)
            exclusions = _exclusions(project, subject, rules)
        if known is not None and (known.subject, known.frame) == (subject, frame):
            rainy = known.plain
        else:
            with _open(project, subject) as source:
                source_frame = next(source.read([frame], subject.region), None)
                if source_frame is None:
                    raise InputError(source.info.path, f"ends before frame {frame}")
                rainy = source_frame.rgb
    crops, reason = choose_crops(choice, rainy, clean, exclusions, content=subject.content, frame=frame)
    exclude = exclusions.for_frame(frame).mask
    tinted = tint(rainy, exclude)
    return Preview(
        subject=subject,
        frame=frame,
        plain=rainy,
        rainy=tinted,
        clean=tint(clean, exclude),
        plain_clean=clean,
        exclude=exclude,
        small=_shrunk(tinted),
        crops=tuple(crops),
        no_crops_reason=reason,
        exclusions=exclusions,
        rules=rules,
    )


def _exclusions(project: Project, subject: Subject, rules: "ExclusionRules | None") -> "Exclusions":
    from pipeline.export import ExclusionRules, Exclusions, read_exclusions
    from pipeline.project.editing import read_mask

    if subject.analysis is None:
        return Exclusions(read_mask(project, subject.exclude) if subject.exclude else None)
    return read_exclusions(project, subject.analysis, subject.picture, subject.exclude, rules or ExclusionRules())


def _open(project: Project, subject: Subject) -> FrameSource:
    """Open the frames of a subject as its analysis used them."""
    source = open_clip(project, clip(project, subject.clip_id))
    return stabilized(project, source, subject.analysis.stabilization if subject.analysis else "")


def choose_crops(
    choice: "CropChoice", rainy: U8, clean: U8, exclusions: "Exclusions", *, content: str, frame: int
) -> tuple[Sequence["Crop"], str]:
    """Choose the crops of a frame, as the export does.

    Args:
        choice: of the crops.
        rainy: (H, W, 3) uint8 RGB.
        clean: (H, W, 3) uint8 RGB.
        exclusions: of all frames.
        content: SHA-256 of the clip.
        frame: index in the clip.

    Returns:
        The crops, and why there are none ("" if there are some).
    """
    from pipeline.export import MANY, most_crops

    try:
        many = most_crops(choice, rainy.shape[1], rainy.shape[0])
        if many > MANY:
            return (), f"up to {many} crops per frame, too many to draw"
        crops = choice.choose(
            rainy, clean, exclusions.by_person, found=exclusions.for_frame(frame).found, sequence=content, frame=frame
        )
    except UsageError as error:
        return (), str(error)
    return crops, "" if crops else "every crop of this frame has too little rain or too much excluded area"


def tint(picture: U8, exclude: U8 | None) -> U8:
    """Return a picture with its excluded pixels tinted.

    Args:
        picture: (H, W, 3) uint8 RGB.
        exclude: (H, W) uint8, not 0 where excluded; None for nowhere.
    """
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
    folder: Path, subject: Subject, frames: Sequence[int], thumbnails: dict[int, U8]
) -> Generator[Progress, None, None]:
    """Read the thumbnails of these frames, one per step.

    Args:
        folder: of the project, which is opened anew, in whatever thread steps this.
        subject: what the frames belong to.
        frames: indices in the clip, ascending.
        thumbnails: filled with (h, w, 3) uint8 RGB pictures by index in the clip.

    Yields:
        How many thumbnails are read.

    Raises:
        RaincleanError: if project or clip cannot be read.
    """
    import cv2

    region = subject.region
    width = thumbnail_width(len(frames), region)
    height = max(1, round(region.height * width / region.width))
    with Project.again(folder) as project, _open(project, subject) as source:
        for done, frame in enumerate(source.read(frames, region), 1):
            thumbnails[frame.index] = np.asarray(cv2.resize(frame.rgb, (width, height), interpolation=cv2.INTER_AREA))
            yield Progress("thumbnails", done, len(frames))


def thumbnail_width(number: int, region: Region) -> int:
    """Return the width in px at which this number of thumbnails fits into LIMIT."""
    fits = (LIMIT / (3 * max(1, number)) * region.width / region.height) ** 0.5
    return round(min(max(fits, SMALLEST), WIDTH, region.width))
