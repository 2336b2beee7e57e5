"""A picture that a notebook shows and a line of code saves."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rainclean.errors import ResourceError, UsageError
from rainclean.png import encode_png

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """A picture: (H, W, 3) RGB or (H, W) grey, uint8 or uint16. Notebooks show it.

    Attributes:
        array: the pixels.
        title: what it shows, for a person.
    """

    array: "NDArray[np.uint8] | NDArray[np.uint16]"
    title: str = ""

    def save(self, path: Path | str) -> Path:
        """Write the picture to a file and return its path.

        Args:
            path: ends with .png, or with another suffix that imageio writes (.jpg, .tif, .webp) for 8 bits.

        Raises:
            UsageError: imageio knows no such format, or the format cannot hold the pixels.
            ResourceError: the file cannot be written.
        """
        path = Path(path)
        unusable = UsageError(f"{path}: an image of {self.array.dtype} cannot be written in this format; use .png")
        if self.array.dtype != "uint8" and path.suffix.lower() != ".png":
            raise unusable  # imageio would halve the bits
        try:
            path.write_bytes(self._encode(path.suffix.lower()))
        except OSError as error:
            raise ResourceError(f"{path}: {error.strerror or error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise unusable from error
        return path

    def _encode(self, suffix: str) -> bytes:
        if suffix == ".png":  # RGB of 16 bits, and the same bytes each time
            return encode_png(self.array)
        from imageio.v3 import imwrite

        try:
            return imwrite("<bytes>", self.array, extension=suffix)
        except OSError as error:  # no such format
            raise ValueError from error

    def _repr_png_(self) -> bytes:
        return encode_png(self.array)

    def __repr__(self) -> str:
        height, width = self.array.shape[:2]
        return f"<Picture {width}×{height}{f': {self.title}' if self.title else ''}>"
