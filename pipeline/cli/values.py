"""Parse values of flags that several commands share: points in a clip, regions, memory, colour matrices."""

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from rainclean.errors import UsageError

if TYPE_CHECKING:
    from rainclean.video import FrameSource, Region

Matrix = Literal["bt601", "bt709", "bt2020"]
"""Names of colour matrices (`rainclean/video/facts.py`)."""

_UNITS = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_bytes(text: str, flag: str) -> int:
    """Return the bytes of ``512MiB``, ``2G`` or ``1.5GiB``; units are powers of 1024."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([BKMGT]?)(?:i?B)?\s*", text, re.IGNORECASE)
    if not match:
        raise UsageError(f"{flag} {text}: give an amount such as 512MiB or 2GiB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def parse_point(text: str, source: "FrameSource", flag: str) -> int:
    """Return a frame index, from an index (``120``) or a time after the first frame (``4.5s``)."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return int(text)
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?s", text):
        import numpy as np

        from rainclean.video import since_start

        return int(np.searchsorted(since_start(source.times), float(text[:-1]) - 1e-9))
    raise UsageError(f"{flag} {text}: give a frame index such as 120, or a time such as 4.5s")


def parse_region(text: str) -> "Region":
    """Return the region of ``x,y,width,height``, px of the upright frame."""
    from rainclean.video import Region

    if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9}){3}", text):
        raise UsageError(f"--region {text}: give x,y,width,height in px")
    return Region(*map(int, text.split(",")))


def parse_shares(text: str, flag: str) -> dict[str, float]:
    """Return the shares of ``train=0.8,test=0.2``, by name."""
    if not re.fullmatch(r"[a-z]+=[0-9]*\.?[0-9]+(,[a-z]+=[0-9]*\.?[0-9]+)*", text):
        raise UsageError(f"{flag} {text}: give shares such as train=0.8,test=0.2")
    parts = [part.split("=") for part in text.split(",")]
    if len({name for name, _ in parts}) < len(parts):
        raise UsageError(f"{flag} {text}: a split is given twice")
    return {name: float(share) for name, share in parts}


def parse_keep(text: str) -> int | None:
    """Return the number of ``best:8``; None for ``all``."""
    if text == "all":
        return None
    match = re.fullmatch(r"best:([0-9]{1,6})", text)
    if not match or not int(match[1]):
        raise UsageError(f"--keep {text}: give all, or how many images to keep, such as best:8")
    return int(match[1])


def check_share(share: float, flag: str) -> None:
    """Raise UsageError unless a share is from 0 to 1."""
    if not 0 <= share <= 1:
        raise UsageError(f"{flag} {share:g}: give a share from 0 to 1")


class ClipSize(NamedTuple):
    """Size of a clip to make, px and frames."""

    width: int
    height: int
    frames: int


def clip_size(text: str, flag: str) -> ClipSize:
    """Return the size of ``1920x1080x100``."""
    match = re.fullmatch(r"(\d+)x(\d+)x(\d+)", text)
    width, height, frames = map(int, match.groups()) if match else (0, 0, 0)
    if frames < 2 or min(width, height) < 16 or width % 2 or height % 2:
        raise UsageError(f"{flag} {text}: give widthxheightxframes with even sides, such as 1920x1080x100")
    return ClipSize(width, height, frames)
