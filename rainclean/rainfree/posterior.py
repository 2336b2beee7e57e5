"""Keep the posterior of the clean image: a mean and a standard deviation at each pixel.

It is a Gaussian at each pixel and channel. With it any picture of the scene can be judged, whichever recipe or
composite it came from: its expected error consists of the posterior's own and of its distance from the posterior mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import InputError

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
F32 = NDArray[np.float32]

SCALE = 257
"""Values of a 16-bit picture to a grey level."""

_ROWS = 64


@dataclass(frozen=True)
class Posterior:
    """Posterior of the clean image.

    Attributes:
        mean: (H, W, 3) float32 in grey levels, 0…255.
        sd: (H, W) float32, its standard deviation in each channel, grey levels.
    """

    mean: F32
    sd: F32

    def error(self, picture: U8 | F32) -> F32:
        """Compute the expected error σ of a picture. The ground truth counts as light, not rounded to levels.

        Args:
            picture: (H, W, 3) uint8 or float32.

        Returns:
            (H, W) float32, grey levels, root mean square over the channels.

        Raises:
            ValueError: the picture has another size.
        """
        if picture.shape != self.mean.shape:
            raise ValueError(f"a picture of shape {picture.shape}, a posterior of shape {self.mean.shape}")
        out = np.empty(self.sd.shape, np.float32)
        for top in range(0, len(out), _ROWS):  # in strips, so that of 4K little more than the picture is in memory
            rows = slice(top, top + _ROWS)
            off = np.square(picture[rows] - self.mean[rows]).sum(axis=2)
            out[rows] = np.sqrt(np.square(self.sd[rows]) + off / 3)
        return out

    @property
    def fine(self) -> U16:
        """The mean as a 16-bit picture, (H, W, 3) uint16, SCALE values to a level, so that white is 65 535."""
        return np.clip(np.rint(self.mean * SCALE), 0, 65535).astype(np.uint16)

    def encode(self) -> tuple[bytes, bytes]:
        """Encode mean (16-bit RGB) and sd (16-bit grey), both times SCALE, as PNG files."""
        import cv2

        sd = np.clip(np.rint(self.sd * SCALE), 0, 65535).astype(np.uint16)
        encoded = [cv2.imencode(".png", picture) for picture in (self.fine[..., ::-1], sd)]
        if not all(done for done, _ in encoded):
            raise ValueError(f"a posterior of shape {self.mean.shape} could not be encoded")
        return encoded[0][1].tobytes(), encoded[1][1].tobytes()

    @classmethod
    def decode(cls, mean: bytes, sd: bytes, name: str = "posterior") -> "Posterior":
        """Decode what `encode` returned.

        Args:
            mean: PNG file, 16-bit RGB.
            sd: PNG file, 16-bit grey.
            name: of the posterior, for messages.

        Raises:
            InputError: the files are damaged, or no such pictures.
        """
        import cv2

        levels, off = (
            # OpenCV raises an error of its own for no bytes at all.
            cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
            for data in (mean, sd)
        )
        if levels is None or off is None or levels.dtype != np.uint16 or off.dtype != np.uint16:
            raise InputError(name, "is damaged: two 16-bit PNG images are needed")
        if levels.ndim != 3 or off.ndim != 2 or levels.shape[:2] != off.shape:
            raise InputError(name, "is damaged: an RGB and a grey image of one size are needed")
        scale = np.float32(1 / SCALE)
        mean_levels = np.ascontiguousarray(levels[..., ::-1]).astype(np.float32) * scale
        return cls(mean_levels, off.astype(np.float32) * scale)
