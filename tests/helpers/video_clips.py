"""Small clips made on the spot: every frame carries its own index in its pixels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

MARK = 8  # px: side of the squares that spell the index


def picture(index: int, width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """(height, width, 3) uint8: a smooth scene, red to the right, green downwards; the index is spelt
    as eight black or white squares along the top edge."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[..., 0] = 40 + 160 * x // max(width - 1, 1)
    rgb[..., 1] = 40 + 160 * y // max(height - 1, 1)
    rgb[..., 2] = 90 + 20 * np.sin((x + 3 * index + 50 * seed) / 9.0)
    for bit in range(8):
        rgb[:MARK, bit * MARK : (bit + 1) * MARK] = 255 if index >> bit & 1 else 0
    return rgb


def index_of(rgb: NDArray[np.uint8]) -> int:
    """The index that ``picture`` wrote into an upright frame."""
    squares = [rgb[2 : MARK - 2, b * MARK + 2 : (b + 1) * MARK - 2].mean() for b in range(8)]
    return sum(1 << b for b, value in enumerate(squares) if value > 128)


@dataclass(frozen=True)
class Clip:
    """How to encode a clip; ``pts`` are presentation times in ticks of 1/600 s."""

    name: str
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    size: tuple[int, int] = (96, 64)
    count: int = 30
    pts: tuple[int, ...] = ()
    rotation: int = 0
    hflip: bool = False
    full_range: bool = False
    trc: int = 2
    primaries: int = 2
    options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)

    def ticks(self) -> list[int]:
        return list(self.pts) or [20 * i for i in range(self.count)]


def encode(folder: Path, clip: Clip, frames: Sequence[NDArray[np.uint8]] | None = None) -> Path:
    """Write the clip into the folder and return its path."""
    path = folder / clip.name
    width, height = clip.size
    if frames is None:
        frames = [picture(i, width, height) for i in range(clip.count)]
    with av.open(str(path), "w", container_options=dict(clip.container_options)) as out:
        stream = out.add_stream(clip.codec, rate=30, options=dict(clip.options))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, clip.pix_fmt
        # AVI and MPEG-2 know no times, only a frame rate: their time base must be one frame.
        step = 20 if path.suffix == ".avi" or clip.codec == "mpeg2video" else 1
        stream.codec_context.time_base = Fraction(step, 600)
        stream.codec_context.color_range = 2 if clip.full_range else 1
        stream.codec_context.color_trc = clip.trc
        stream.codec_context.color_primaries = clip.primaries
        if clip.rotation or clip.hflip:
            stream.set_display_rotation(clip.rotation, hflip=clip.hflip)
        for rgb, pts in zip(frames, clip.ticks(), strict=True):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame = frame.reformat(format=clip.pix_fmt, dst_color_range=2 if clip.full_range else 1)
            frame.pts, frame.time_base = pts // step, Fraction(step, 600)
            frame.color_trc, frame.color_primaries = clip.trc, clip.primaries
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def remuxed(source: Path, target: Path, change: Callable[[int, "av.Packet[av.VideoStream]"], bool]) -> Path:
    """Write the packets of a clip that ``change`` keeps into another file; it may set their times first.

    change: gets number and packet, returns whether the packet goes in.
    """
    with av.open(str(source)) as before, av.open(str(target), "w", options={"avoid_negative_ts": "disabled"}) as after:
        stream = after.add_stream_from_template(before.streams.video[0])
        for number, packet in enumerate(p for p in before.demux(video=0) if p.size):
            if change(number, packet):
                packet.stream = stream
                after.mux(packet)
    return target
