"""Make the packet index: which frames a stream holds and when, from the packets, without decoding one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.video.times import Clock, clock_of, counted_clock

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

LONGEST_REORDER = 16
"""Pictures that a decoder may hold back at most, by H.264 and HEVC."""

_TRIAL = 48
"""Packets in which an encoder that reorders at all does so."""


_EVEN = 0.75
"""Share of usual distances that makes a row of times an even one."""


class PacketFacts(NamedTuple):
    """What is kept of a packet: a packet itself would keep its bytes in memory.

    pts, dts: stream ticks. shown: it carries a picture that is to be shown. pos: byte in the file.
    """

    pts: int | None
    dts: int | None
    key: bool
    corrupt: bool
    shown: bool
    pos: int | None


@dataclass(frozen=True, kw_only=True)
class PacketIndex:
    """Packets of one video stream, and the frames that come from them.

    A packet's number is its place in ``packets``. Decoders are given the number in place of the time
    (``numbered``), and give it back with the picture: so it is known which packet a picture came from, whatever
    the container's times are worth.

    packets: facts of each packet that has bytes, in file order.
    order: (N,) int64, frame ``i`` comes from packet ``order[i]``.
    counted: the order in which the pictures are shown is not known before they are decoded: frames are
        counted as they come out of the decoder, and ``order`` is the file's.
    untimed: the container has no presentation times (AVI).
    guessed: the order is a guess: only the decoder knows.
    trial: so many packets have to be decoded to see whether the order can be true.
    clock: when the frames are shown.
    tick: seconds per stream tick.
    rate: frames per second by the header, None where it does not say.
    failed: reading packets ended in an error.
    walked: the file's own index is useless, and packets are found one behind the other (AVI).
    """

    packets: Sequence[PacketFacts]
    order: NDArray[np.int64]
    counted: bool
    untimed: bool
    guessed: bool
    trial: int
    clock: Clock
    tick: Fraction
    rate: Fraction | None
    failed: bool
    walked: bool

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.order)

    @property
    def incomplete(self) -> int:
        """Packets that the demuxer marked as cut short or damaged."""
        return sum(p.corrupt for p in self.packets)

    @cached_property
    def first_key(self) -> int | None:
        """Number of the first key frame's packet."""
        return next((n for n, p in enumerate(self.packets) if p.key), None)

    @cached_property
    def _frames(self) -> NDArray[np.int64]:
        frames = np.full(len(self.packets), -1, np.int64)
        frames[self.order] = np.arange(len(self.order))
        return frames

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        keys = [n for n, p in enumerate(self.packets) if p.key]
        frames = np.sort(self._frames[keys])
        return frames[frames >= 0]

    @cached_property
    def _landings(self) -> dict[int | None, int]:
        """Numbers of key frames by their places in the file; none where demuxers cannot find those by time."""
        keys = [n for n, p in enumerate(self.packets) if p.key and p.shown]
        places = [self.packets[n].pos for n in keys]
        sound = _rise([self._stamp(self.packets[n]) for n in keys]) and len({*places, None}) > len(places)
        return dict(zip(places, keys, strict=True)) if sound and not self.counted and not self.walked else {}

    def frame_of(self, number: int | None) -> int | None:
        """Return the index of the frame that comes from this packet; None where none does."""
        if number is None or not 0 <= number < len(self.packets):
            return None
        frame = int(self._frames[number])
        return frame if frame >= 0 else None

    def key_before(self, index: int) -> int:
        """Return the index of the last key frame at or before this frame, 0 where it is unknown."""
        if not self._landings:
            return 0
        place = int(np.searchsorted(self._starts, index, side="right")) - 1
        return int(self._starts[place]) if place >= 0 else 0

    def seek_target(self, index: int) -> int | None:
        """Return the time stamp of this frame in stream ticks, by which a demuxer finds it."""
        return self._stamp(self.packets[int(self.order[index])])

    def number_of(self, packet: "Packet[VideoStream]") -> int | None:
        """Return the number of the packet that a seek reached."""
        return self._landings.get(packet.pos)

    def _stamp(self, facts: PacketFacts) -> int | None:
        return facts.dts if self.untimed else facts.pts

    def looks_back(self, index: int) -> bool:
        """Return whether a decoder that begins with this frame meets pictures that need what came before it."""
        number = int(self.order[index])
        behind = range(number + 1, min(number + 1 + 2 * LONGEST_REORDER, len(self.packets)))
        ahead = range(number) if index == 0 else range(0)
        return any(self.packets[n].shown and self._frames[n] < index for n in (*ahead, *behind))

    def holding(self, order: Sequence[int]) -> "PacketIndex":
        """Return the same packets with these frames, given as the numbers of their packets in display order."""
        frames = np.asarray(order, np.int64)
        clock = _clock(self.packets, frames, self.tick, self.rate, untimed=self.untimed)
        return replace(self, order=frames, counted=False, guessed=False, clock=clock)

    @cached_property
    def doubtful(self) -> list[int]:
        """Frames by which a wrong time gives itself away, where pictures are stored in another order than shown.

        A time that was moved lies too near to another in a row that is even. In an uneven one its picture would have
        to wait longer for others than nearly all do, though that is the same in the whole of a clip.
        """
        ahead = np.argsort(np.argsort(self.order)) - np.arange(len(self))  # packets before it, less frames before it
        if self.counted or self.guessed or not ahead.any():
            return []
        gaps = np.diff(self.clock.times)
        usual, rounding = float(np.median(gaps)), 2.001 * float(self.tick)
        even = np.mean(np.abs(gaps - usual) <= max(0.05 * usual, rounding)) >= _EVEN
        if even:
            return [int(i) for i in np.flatnonzero(gaps < 0.75 * usual - rounding)]
        deepest = np.flatnonzero(ahead == ahead.max())
        return [int(i) for i in deepest] if len(deepest) <= max(2, len(self) // 50) else []

    @cached_property
    def in_file_order(self) -> bool:
        """Whether packets follow one another in the file; an index with wrong offsets gives others."""
        places = [p.pos for p in self.packets if p.pos is not None]
        return all(a < b for a, b in pairwise(places))

    def left_out(self, before: "PacketIndex") -> list[str]:
        """Return a note on pictures at the beginning that are no frames here, but were in ``before``."""
        first = int(self.order[0])
        kept = {int(n) for n in self.order}
        # Behind the first in the file, but ahead of it when shown: none behind one that is kept.
        behind = takewhile(lambda n: n not in kept, range(first + 1, len(self.packets)))
        count = sum(self.packets[n].shown and n not in kept for n in (*range(first), *behind))
        if not count or count < len(before) - len(self):  # elsewhere, two packets may make one picture
            return []
        many, are = ("frame needs", "is") if count == 1 else (f"{count} frames need", "are")
        return [f"cut ahead of a key frame: the first {many} data that was cut off, and {are} left out"]


def scan(stream: "VideoStream", *, walked: bool = False) -> PacketIndex:
    """Demux the stream to its end. Takes milliseconds: nothing is decoded.

    walked: the stream was opened to be walked through.
    """
    from av.error import FFmpegError

    facts: list[PacketFacts] = []
    failed = False
    try:
        facts.extend(
            # Discarded packets are decoded but not shown: an edit list begins behind them.
            PacketFacts(p.pts, p.dts, p.is_keyframe, p.is_corrupt, not p.is_discard and not _hidden(p), p.pos)
            for p in stream.container.demux(stream)  # type: ignore[attr-defined]
            if p.size
        )
    except FFmpegError:
        failed = True
    return _index(facts, stream, failed=failed, walked=walked)


def numbered(packets: "Iterable[Packet[VideoStream]]", first: int = 0) -> "Iterator[Packet[VideoStream]]":
    """Yield the packets with their numbers in place of times, which decoders pass on to the pictures.

    first: the number of the first of them that has bytes.
    """
    number = first
    for packet in packets:
        if packet.size:
            packet.pts, packet.dts = number, None
            number += 1
        yield packet


def _hidden(packet: "Packet[VideoStream]") -> bool:
    # VP8 stores reference pictures that are never shown as packets of their own (RFC 6386, 9.1: bit 4).
    return packet.stream.codec_context.name in ("vp8", "libvpx") and not memoryview(packet)[0] >> 4 & 1


def _index(packets: Sequence[PacketFacts], stream: "VideoStream", *, failed: bool, walked: bool) -> PacketIndex:
    tick, rate = stream.time_base or Fraction(1, 25), stream.average_rate
    shown = [n for n, p in enumerate(packets) if p.shown]
    # AVI knows no presentation times; what FFmpeg makes up for them is wrong where B-frames are hidden.
    is_avi = stream.container.format.name == "avi"
    untimed = is_avi or 2 * sum(packets[n].pts is None for n in shown) > len(shown)
    intra = stream.codec_context.codec.intra_only or all(packets[n].key for n in shown)
    reorders = stream.codec_context.has_b_frames and not intra
    pts = [packets[n].pts for n in shown]
    in_file_order, sound = _rise(pts), not untimed and _is_sound([packets[n] for n in shown])
    if sound:
        shown.sort(key=lambda n: packets[n].pts or 0)
    order = np.asarray(shown, np.int64)
    counted = untimed and not intra
    return PacketIndex(
        packets=packets,
        order=order,
        counted=counted,
        untimed=untimed,
        guessed=not untimed and not sound and (reorders or not _follow(pts)),
        # A muxer that knows no reordering writes times in file order.
        trial=1 if counted else _TRIAL if reorders and in_file_order and not untimed else 0,
        clock=_clock(packets, order, tick, rate, untimed=untimed),
        tick=tick,
        rate=rate,
        failed=failed,
        walked=walked,
    )


def _is_sound(shown: Sequence[PacketFacts]) -> bool:
    """Return whether presentation times are complete, differ, and follow the rules at key frames.

    What comes before a key frame in the file is shown before it. What comes behind it and is shown before it comes
    straight behind it, and is shown between the two (ISO/IEC 23008-2, 8.3.1).
    """
    pts = [p.pts for p in shown if p.pts is not None]
    if not pts or len(set(pts)) < len(shown):
        return False
    latest = key = before = pts[0]
    leads = True
    for facts, time in zip(shown, pts, strict=True):
        if facts.key:
            if time < latest:
                return False
            key, before, leads = time, latest, True
        elif time > key:
            leads = False
        elif not leads or (time < before and before < key):
            return False
        latest = max(latest, time)
    return True


def _rise(ticks: Sequence[int | None]) -> bool:
    return all(a is not None and b is not None and a < b for a, b in pairwise(ticks)) and None not in ticks


def _follow(ticks: Sequence[int | None]) -> bool:
    """Return whether the known times never go back."""
    known = [t for t in ticks if t is not None]
    return all(a <= b for a, b in pairwise(known))


def _clock(
    packets: Sequence[PacketFacts], order: NDArray[np.int64], tick: Fraction, rate: Fraction | None, *, untimed: bool
) -> Clock:
    if not untimed:
        return clock_of([packets[n].pts for n in order], tick, rate)
    # Times in file order where they rise (they show dropped frames), else index / average rate.
    dts = [packets[n].dts for n in sorted(order)]
    return clock_of(dts, tick, rate) if _rise(dts) else counted_clock(len(order), rate)
