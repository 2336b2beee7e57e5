"""What the first picture and the header of a video tell, and the notes a person should read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import InputError
from rainclean.video.decoding import open_video, pictures
from rainclean.video.limits import Container
from rainclean.video.orientation import Orientation, from_display_matrix
from rainclean.video.rgb import is_full_range, is_grey

if TYPE_CHECKING:
    from av.sidedata.sidedata import SideData
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# ITU-T H.273 code points.
_HDR = {16: "PQ", 18: "HLG"}
_BT2020_PRIMARIES = 9
_UNSPECIFIED_MATRIX = 2


@dataclass(frozen=True)
class StreamFacts:
    """Facts about one stream; sizes in pixels as stored."""

    codec: str
    pixel_format: str
    stored_width: int
    stored_height: int
    orientation: Orientation
    transfer: str
    full_range: bool
    announced: int | None
    notes: tuple[str, ...]

    @property
    def stretch_grey(self) -> bool:
        """Grey in limited range, which swscale passes on unstretched."""
        return is_grey(self.pixel_format) and not self.full_range


def look_at(path: Path, container: Container) -> StreamFacts:
    """Decode up to the first whole picture. Raises InputError where there is none."""
    with open_video(path, container, threads="SLICE") as stream:
        for packet in stream.container.demux(stream):  # type: ignore[attr-defined]
            for frame in pictures(packet) or []:
                if not frame.is_corrupt:
                    return _facts(path, stream, frame)
    raise InputError(path, "no frame in it can be decoded", "copy or download it again")


def time_notes(times: NDArray[np.float64], tick: float) -> list[str]:
    """A note where the intervals between frames differ by more than rounding to ticks explains."""
    if not is_variable(times, tick):
        return []
    gaps = np.diff(times) * 1000
    return [f"variable frame times: {gaps.min():.1f} to {gaps.max():.1f} ms between frames"]


def is_variable(times: NDArray[np.float64], tick: float = 0.0) -> bool:
    """Whether the intervals differ: by more than two ticks and by more than 5 % of the median."""
    gaps = np.diff(times)
    return len(gaps) > 1 and bool(np.ptp(gaps) > max(2.001 * tick, 0.05 * float(np.median(gaps))))


def _facts(path: Path, stream: "VideoStream", frame: "VideoFrame") -> StreamFacts:
    codec = stream.codec_context.name
    matrix = frame.side_data.get("DISPLAYMATRIX")
    orientation = from_display_matrix(bytes(cast("SideData", matrix)) if matrix is not None else None)
    if orientation is None:
        # Upright frames would have to be resampled, and raw ones would break "upright" silently.
        reason = "it is stored at an angle that is no multiple of 90° (or sheared)"
        raise InputError(path, reason, "re-encode it with ffmpeg, which turns it upright")
    transfer = frame.color_trc if frame.color_trc in _HDR else stream.codec_context.color_trc
    color_range = frame.color_range or stream.codec_context.color_range
    return StreamFacts(
        codec=stream.codec_context.codec.canonical_name or codec,
        pixel_format=frame.format.name,
        stored_width=frame.width,
        stored_height=frame.height,
        orientation=orientation,
        transfer=_HDR.get(transfer, "SDR"),
        full_range=is_full_range(color_range, frame.format.name, codec),
        announced=stream.frames or None,
        notes=tuple(_notes(stream, frame)),
    )


def _notes(stream: "VideoStream", frame: "VideoFrame") -> Sequence[str]:
    notes = []
    others = [s for s in stream.container.streams.video if s.index != stream.index]
    if others:
        notes.append(f"{len(others)} other video or picture stream(s) in the file are not read")
    if frame.interlaced_frame:
        notes.append("interlaced: two half-pictures taken at different times are woven into each frame")
    aspect = stream.sample_aspect_ratio
    if aspect and aspect != 1:
        ratio = f"{aspect.numerator}:{aspect.denominator}"
        notes.append(f"pixels are not square ({ratio} as stored); frames are not resized")
    if frame.color_primaries == _BT2020_PRIMARIES and frame.color_trc not in _HDR:
        notes.append("BT.2020 primaries without an HDR transfer: colours will look paler than they are")
    is_yuv = frame.format.name.startswith(("yuv", "nv"))
    if is_yuv and frame.colorspace == _UNSPECIFIED_MATRIX and min(frame.width, frame.height) >= 720:
        notes.append("colour matrix not stated: read as BT.601, as PyAV does")
    return notes
