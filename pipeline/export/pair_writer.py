"""Write the pairs of one sequence: crops of rainy frames, of the clean image, and of the masks."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.export.exclusions import Excluded, Exclusions
from pipeline.export.pair_record import PairRecord
from pipeline.export.plan import Item
from rainclean.dataset import Crop, CropChoice, rain_amount
from rainclean.errors import ResourceError
from rainclean.png import encode_png, pixels_sha256
from rainclean.video import Frame

U8 = NDArray[np.uint8]


class PairWriter:
    """Writes the pairs of one sequence, frame by frame, from several threads.

    clean: (H, W, 3) uint8 RGB. confidence: (H, W) uint8, None where there is none. folder: for the pictures.
    """

    def __init__(
        self, item: Item, clean: U8, *, exclusions: Exclusions, confidence: U8 | None, crops: CropChoice, folder: Path
    ) -> None:
        self._item, self._clean, self._exclusions = item, clean, exclusions
        self._confidence, self._crops, self._folder = confidence, crops, folder

    def write(self, frame: Frame) -> list[PairRecord]:
        """Write all pairs of a frame. Raises ResourceError where a picture cannot be written."""
        excluded = self._exclusions.for_frame(frame.index)
        crops = self._crops.choose(
            frame.rgb,
            self._clean,
            excluded.by_person,
            found=excluded.found,
            sequence=f"{self._item.clip.content}",
            frame=frame.index,
        )
        return [self._pair(frame, crop, excluded) for crop in crops]

    def _pair(self, frame: Frame, crop: Crop, excluded: Excluded) -> PairRecord:
        x, y, width, height = crop.region
        box = np.s_[y : y + height, x : x + width]
        rainy, clean = frame.rgb[box], self._clean[box]
        exclude = None if excluded.mask is None else excluded.mask[box]
        marked = exclude if exclude is not None and exclude.any() else None
        confidence = None if self._confidence is None else self._confidence[box]
        stem = f"{frame.index}_{x}_{y}"
        return PairRecord(
            file=stem,
            frame=frame.index,
            pts_seconds=round(frame.time, 6),
            x=x + self._item.analysis.region.x,
            y=y + self._item.analysis.region.y,
            width=width,
            height=height,
            rain_share=crop.rain_share,
            rain_amount=rain_amount(rainy, clean, exclude),
            rainy_sha256=self._put(f"{stem}.rainy.png", rainy),
            clean_sha256=self._put(f"{stem}.clean.png", clean),
            rainy_pixels_sha256=pixels_sha256(rainy),
            clean_pixels_sha256=pixels_sha256(clean),
            exclude_sha256="" if marked is None else self._put(f"{stem}.exclude.png", marked),
            confidence_sha256="" if confidence is None else self._put(f"{stem}.confidence.png", confidence),
            excluded=tuple(excluded.why(box)),
            unsure=0 if excluded.unsure is None else int(excluded.unsure[box].sum()),
        )

    def _put(self, name: str, picture: U8) -> str:
        """Write a picture; return the SHA-256 of its file."""
        data, path = encode_png(picture), self._folder / name
        try:
            path.write_bytes(data)
        except OSError as error:
            raise ResourceError(f"{path}: {error.strerror or error}") from error
        return hashlib.sha256(data).hexdigest()
