"""Convert pictures by their colour profiles (ICC) to sRGB, and name the profiles.

LittleCMS does the work, through Pillow, with the intent that Pillow takes by itself (perceptual). Each profile is
looked at once.
"""

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

CONVERTED = "converted to sRGB"
"""What notes say of colours that are not as the file has them."""

_SAME = 2
"""Levels that a profile may differ from sRGB and is still taken for it: its makers round differently."""
_STEPS = 17
"""Values a channel at which that is looked at."""


class Conversion(NamedTuple):
    """What a profile does to the pixels of a picture.

    name: of the profile. transform: how its colours become sRGB, a transform of LittleCMS; None where they are sRGB
    already, and where the profile cannot be used, as ``problem`` then says.
    """

    name: str
    transform: Any
    problem: str = ""

    @property
    def note(self) -> str:
        """What a person should know, or ""."""
        if self.problem:
            return f"its colour profile{self.name and ' '}{self.name} {self.problem}: colours taken for sRGB"
        return f"colour profile {self.name}: {CONVERTED}" if self.transform is not None else ""

    def applied(self, part: "Image") -> "Image":
        """Convert a picture, or some of its rows, to sRGB."""
        from PIL import ImageCms

        if self.transform is None:
            return part if part.mode == "RGB" else part.convert("RGB")
        converted = ImageCms.applyTransform(part, self.transform)
        assert converted is not None  # it is only in place
        return converted


@lru_cache(maxsize=16)
def conversion(profile: bytes, mode: str) -> Conversion:
    """Return the conversion to sRGB from a profile for pictures of a mode: "RGB", "L" or "CMYK"."""
    from PIL import Image, ImageCms

    name = ""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        name = _plain(source.profile.profile_description or "")
        target = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(source, target, mode, "RGB")
        if mode == "CMYK":
            return Conversion(name or "without a name", transform)
        steps = np.linspace(0, 255, _STEPS if mode == "RGB" else 256).round().astype(np.uint8)
        if mode == "RGB":
            probe = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(1, -1, 3)
            plain = probe
        else:
            probe = steps[None]
            plain = np.repeat(steps[None, :, None], 3, axis=2)
        seen = np.asarray(ImageCms.applyTransform(Image.fromarray(probe), transform))
    except Exception:  # whatever LittleCMS stumbles over: it is this profile that cannot be used
        return Conversion(name, None, "cannot be used")
    if np.abs(seen.astype(int) - plain).max() <= _SAME:
        return Conversion(name, None)
    return Conversion(name or "without a name", transform)


def _plain(name: str) -> str:
    """In one short line: the name comes out of a file."""
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return line if len(line) <= 60 else f"{line[:59]}…"
