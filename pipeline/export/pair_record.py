"""Records of prepared pairs, between writing their pictures and naming them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

MASKS = ("exclude", "confidence")
"""Masks that a pair may have beside its two pictures."""


@dataclass(frozen=True, kw_only=True)
class PairRecord:
    """One prepared pair: where its crop is, what it holds, and the check sums of its pictures.

    Attributes:
        file: Stem of its prepared pictures, unique within the sequence.
        frame: Index of the rainy frame in the clip; pts_seconds: its time.
        x, y, width, height: The crop in the frame, px.
        rain_share: Share of its pixels that hold rain, 0…1.
        rain_amount: Mean rain, grey levels of luma.
        exclude_sha256, confidence_sha256: "" where the pair has no such mask.
        excluded: Which of `exclusions.REASONS` exclude something in the crop.
        unsure: Number of pixels whose expected error is too large.
    """

    file: str
    frame: int
    pts_seconds: float
    x: int
    y: int
    width: int
    height: int
    rain_share: float
    rain_amount: float
    rainy_sha256: str
    clean_sha256: str
    rainy_pixels_sha256: str
    clean_pixels_sha256: str
    exclude_sha256: str = ""
    confidence_sha256: str = ""
    excluded: tuple[str, ...] = ()
    unsure: int = 0

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the record that `to_json` gave. Raises ValueError for anything else."""
        try:
            return cls(**{**document, "excluded": tuple(document["excluded"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"no record of a pair ({error})") from error

    def to_json(self) -> dict[str, Any]:
        """Return the record as values for JSON."""
        return asdict(self)

    @property
    def masks(self) -> tuple[str, ...]:
        """Names of the masks that the pair has, of `MASKS`."""
        checksums = {"exclude": self.exclude_sha256, "confidence": self.confidence_sha256}
        return tuple(mask for mask in MASKS if checksums[mask])

    @property
    def checksums(self) -> dict[str, str]:
        """SHA-256 of the pair's prepared pictures, by file name."""
        sums = {
            "rainy": self.rainy_sha256,
            "clean": self.clean_sha256,
            "exclude": self.exclude_sha256,
            "confidence": self.confidence_sha256,
        }
        return {self.picture(kind): sums[kind] for kind in ("rainy", "clean", *self.masks)}

    def picture(self, kind: str) -> str:
        """Return the file name of a prepared picture: rainy, clean, or one of `MASKS`."""
        return f"{self.file}.{kind}.png"
