"""What is left of a damaged video: the frames that decode whole, and reading exactly those."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rainclean.video.decoding import Damage, open_video, pictures
from rainclean.video.limits import Container
from rainclean.video.packets import PacketIndex

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# One thread: an error comes back from the very packet that has it, and in every run the same. (With slice
# threads the H.264 decoder misses damage that it notices without.)
_THREADS = "NONE"


def whole_frames(path: Path, container: Container, index: PacketIndex) -> list[int]:
    """Decode everything once; return the indices of the frames that are whole, in display order.

    A damaged frame spoils all that follow it up to the next key frame, because they are built on it,
    and the leading pictures of that key frame, which look back.
    """
    with open_video(path, container, threads=_THREADS) as stream:
        return _counted(stream) if index.ordinal else _matched(stream, index)


def decode_whole(
    path: Path, container: Container, index: PacketIndex, wanted: Sequence[int]
) -> Iterator[tuple[int, "VideoFrame"]]:
    """Yield (index, frame) of the wanted frames, which ``whole_frames`` has found; damage is passed over."""
    remaining = iter(wanted)
    target = next(remaining)
    output = 0
    with open_video(path, container, threads=_THREADS) as stream:
        for packet in _packets(stream):
            for frame in pictures(packet) or []:
                here = output if index.ordinal else index.number_of(frame.pts)
                output += 1
                if here != target or frame.is_corrupt:
                    continue
                yield here, frame
                following = next(remaining, None)
                if following is None:
                    return
                target = following
    raise Damage(target)


class _Step(NamedTuple):
    pts: int | None
    key: bool
    failed: bool


def _matched(stream: "VideoStream", index: PacketIndex) -> list[int]:
    steps: list[_Step] = []
    good: set[int | None] = set()
    for packet in _packets(stream):
        frames = pictures(packet)
        if packet.size:
            steps.append(_Step(packet.pts, packet.is_keyframe, frames is None))
        good.update(frame.pts for frame in frames or [] if not frame.is_corrupt)
    whole: set[int] = set()
    spoiled, looks_back = False, None
    for pts, key, failed in steps:
        if key:
            looks_back, spoiled = (pts if spoiled else None), False
        number = index.number_of(pts)
        if failed or (number is not None and pts not in good):
            spoiled = True
        leading = looks_back is not None and pts is not None and pts < looks_back
        if number is not None and not spoiled and not leading:
            whole.add(number)
    return sorted(whole)


def _counted(stream: "VideoStream") -> list[int]:
    whole: list[int] = []
    output, spoiled, cut = 0, False, False
    for packet in _packets(stream):
        if packet.is_corrupt:
            cut = True  # it is not fed: what the decoder still holds from before it is whole
            continue
        frames = pictures(packet)
        if packet.size:
            spoiled, cut = spoiled or cut or frames is None, False
        for frame in frames or []:
            spoiled = frame.is_corrupt or (spoiled and not frame.key_frame)
            if not spoiled:
                whole.append(output)
            output += 1
    return whole


def _packets(stream: "VideoStream") -> "Iterator[Packet[VideoStream]]":
    """Demux until the end or the first place where that fails."""
    from av.error import FFmpegError

    try:
        yield from stream.container.demux(stream)  # type: ignore[attr-defined]
    except FFmpegError:
        return
