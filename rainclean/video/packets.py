"""The packet index: which frames a stream holds and when, read off the packets without decoding one."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream


@dataclass(frozen=True)
class PacketIndex:
    """Packets of one video stream that carry a picture to be shown.

    pts: (N,) int64, presentation times in stream ticks, rising: frame ``i`` is shown at ``pts[i]``.
    ordinal: the file has no trustworthy presentation times (AVI): frames are counted as they come
        out of the decoder, and ``pts`` are the times in the order of the file.
    intra: every packet is a key frame.
    keys: (K,) int64, the pts of key frames in file order.
    tick: seconds per stream tick.
    incomplete: packets that the demuxer marked as cut short or damaged.
    failed: reading packets ended in an error.
    """

    pts: NDArray[np.int64]
    ordinal: bool
    intra: bool
    keys: NDArray[np.int64]
    tick: Fraction
    incomplete: int
    failed: bool

    @property
    def times(self) -> NDArray[np.float64]:
        """(N,) seconds from the container's zero, strictly rising."""
        return self.pts.astype(np.float64) * float(self.tick)

    def number_of(self, pts: int | None) -> int | None:
        """The index of the frame with these pts; None where there is none."""
        if pts is None:
            return None
        i = int(np.searchsorted(self.pts, pts))
        return i if i < len(self.pts) and self.pts[i] == pts else None

    def key_before(self, index: int) -> int:
        """Index of the last key frame at or before this frame, 0 where it is not to be told."""
        if self.ordinal:
            return index if self.intra else 0
        before = self.keys[self.keys <= self.pts[index]]
        return (self.number_of(int(before.max())) or 0) if len(before) else 0


class _Facts(NamedTuple):
    """What is kept of a packet: a packet itself would keep its bytes in memory."""

    pts: int | None
    dts: int | None
    key: bool
    corrupt: bool


def scan(stream: "VideoStream") -> PacketIndex:
    """Demux the stream to its end. Takes milliseconds: nothing is decoded."""
    from av.error import FFmpegError

    facts: list[_Facts] = []
    failed = False
    try:
        facts.extend(
            _Facts(packet.pts, packet.dts, packet.is_keyframe, packet.is_corrupt)
            for packet in stream.container.demux(stream)  # type: ignore[attr-defined]
            # Discarded packets are decoded but not shown: an edit list begins behind them.
            if packet.size and not packet.is_discard and not _hidden(packet)
        )
    except FFmpegError:
        failed = True
    return _index(facts, stream, failed)


def _hidden(packet: "Packet[VideoStream]") -> bool:
    # VP8 stores reference pictures that are never shown as packets of their own (RFC 6386, 9.1: bit 4).
    return packet.stream.codec_context.name in ("vp8", "libvpx") and not memoryview(packet)[0] >> 4 & 1


def _index(facts: Sequence[_Facts], stream: "VideoStream", failed: bool) -> PacketIndex:
    tick = stream.time_base or Fraction(1, 25)
    pts = [p.pts for p in facts if p.pts is not None]
    # AVI knows no presentation times; what FFmpeg makes up for them is wrong where B-frames are hidden.
    is_avi = stream.container.format.name == "avi"
    ordinal = is_avi or len(pts) < len(facts) or len(set(pts)) < len(pts)
    if ordinal:
        pts = _counted([p.dts for p in facts], stream.average_rate or Fraction(25), tick)
    return PacketIndex(
        pts=np.sort(np.asarray(pts, np.int64)),
        ordinal=ordinal,
        intra=all(p.key for p in facts),
        keys=np.asarray([p.pts for p in facts if p.key and p.pts is not None], np.int64),
        tick=tick,
        incomplete=sum(p.corrupt for p in facts),
        failed=failed,
    )


def _counted(dts: Sequence[int | None], rate: Fraction, tick: Fraction) -> list[int]:
    """Times in file order where they rise (they show dropped frames), else index / average rate."""
    known = [t for t in dts if t is not None]
    if len(known) == len(dts) and all(b > a for a, b in pairwise(known)):
        return known
    return [round(i / (rate * tick)) for i in range(len(dts))]
