"""Open a video file so that nothing else can be opened through it, and decode runs of frames."""

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rainclean.environment import DECODER_THREADS
from rainclean.errors import InputError
from rainclean.video import bounds, pulse
from rainclean.video.limits import PIXEL_LIMIT, READ_FORMATS, Container, check_pixels, most_pixels
from rainclean.video.packets import PacketIndex, numbered
from rainclean.video.truncation import ends_early

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"


class Damage(Exception):
    """A frame does not decode; ``index`` is the first that was expected and did not come out whole."""

    def __init__(self, index: int) -> None:
        self.index = index
        super().__init__(f"frame {index} does not decode")


class _Bytes:
    """A file as FFmpeg gets it: bytes without a name, so that no name can be resolved against it.

    walk: bytes that come once, one after the other. FFmpeg then finds packets by walking from one to the next,
    and reads no index.
    """

    def __init__(self, file: BinaryIO, *, walk: bool) -> None:
        self._file = file
        if not walk:
            self.seek, self.tell, self.seekable = self._seek, file.tell, file.seekable

    def _seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return -errno.EINVAL  # a damaged header names a place outside the file: FFmpeg reports that

    def read(self, size: int) -> bytes:
        with pulse.waits_for_bytes():
            return self._file.read(size)


@contextmanager
def open_video(
    path: Path, container: Container, *, threads: str = "AUTO", walk: bool = False, edits: bool = True
) -> Iterator["VideoStream"]:
    """Open the file with the one demuxer that its first bytes call for, and return its best video stream.

    FFmpeg gets bytes and no name; every protocol and every other demuxer is off, and so are references
    from MOV files to data elsewhere. A context manager.

    Args:
        path: of the file.
        container: as `container_of` returns it.
        threads: AUTO for speed; NONE where an error has to come from the very packet that has it.
        walk: ignore the file's own index (AVI).
        edits: show what its edit list shows (MP4).

    Raises:
        InputError: the file cannot be opened, or has no video that is read.
    """
    import av
    from av.error import FFmpegError

    most = str(most_pixels(path))
    with path.open("rb") as file:
        shut = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "none"}
        if container is Container.MP4:
            shut |= {"enable_drefs": "0", "use_absolute_path": "0", "ignore_editlist": str(int(not edits))}
        try:
            video = av.open(
                _Bytes(file, walk=walk),
                "r",
                format=container.value,
                options={"max_pixels": most},
                container_options=shut,
                metadata_errors="replace",
                buffer_size=1 << 18,
            )
        except FFmpegError as error:
            raise _cannot_open(path, container, error) from error
        with video:
            stream = best_stream(path, video.streams.video)
            kind = "in a file of its size" if int(most) < PIXEL_LIMIT else ""
            check_pixels(path, stream.codec_context.width, stream.codec_context.height, int(most), kind)
            bounds.expect_pictures(stream.codec_context.width * stream.codec_context.height)
            stream.codec_context.options = {"max_pixels": most}
            stream.thread_type = threads
            stream.codec_context.thread_count = _decoder_threads()
            yield stream


def _decoder_threads() -> int:
    """Return the threads that one decoder may have; 0 for one a core."""
    wanted = os.environ.get(DECODER_THREADS, "")
    return int(wanted) if re.fullmatch(r"[0-9]{1,4}", wanted) else 0


def best_stream(path: Path, streams: Sequence["VideoStream"]) -> "VideoStream":
    """Choose what the file marks as default, then the larger picture; cover art is no video."""
    from av.stream import Disposition

    cover = Disposition.attached_pic | Disposition.timed_thumbnails
    moving = [s for s in streams if not s.disposition & cover]
    if not moving:
        art = " (only a cover image)" if streams else ""
        raise InputError(path, f"no video stream in it{art}", "give a video file")
    readable = [s for s in moving if s.codec_context is not None]
    if not readable:
        raise InputError(path, "its video codec is not known to this FFmpeg", "convert it to H.264 first")
    default = Disposition.default

    def rank(stream: "VideoStream") -> tuple[bool, int]:
        return bool(stream.disposition & default), stream.codec_context.width * stream.codec_context.height

    return max(readable, key=rank)


def decode(
    path: Path, container: Container, index: PacketIndex, wanted: Sequence[int], start: int = 0
) -> Iterator[tuple[int, "VideoFrame"]]:
    """Decode the wanted frames (rising indices) in one go and yield (index, frame).

    start: a key frame at or before the first wanted to seek to; 0 reads from the beginning.
    Frames are matched by presentation time, and every one between the key frame and the last wanted has
    to come out whole, because later ones are built on it. Raises Damage where one does not.
    """
    with open_video(path, container, walk=index.walked) as stream:
        packets = numbered(demuxed(stream))
        landing = 0
        if start:
            landing, packets = _seek(stream, index, start)
        # Leading pictures need what came before the cut or the seek: decoders pass over them or stumble.
        leads = index.looks_back(landing)
        expected = output = landing
        remaining = iter(wanted)
        target = next(remaining)
        for packet in packets:
            frames = pictures(packet)
            if frames is None and not (leads and expected == landing):
                raise Damage(expected)
            for frame in frames or []:
                here = output if index.counted else index.frame_of(frame.pts)
                output += 1
                if here is None or here < expected:
                    continue  # left out, ahead of the landing, or a second picture of the same packet
                if frame.is_corrupt or here != expected:
                    raise Damage(expected)
                expected += 1
                if here < target:
                    continue
                yield here, frame
                following = next(remaining, None)
                if following is None:
                    return
                target = following
        raise Damage(expected)


def demuxed(stream: "VideoStream") -> "Iterator[Packet[VideoStream]]":
    """Yield the packets of the stream, to the end or to the first place where that fails."""
    from av.error import FFmpegError

    try:
        yield from stream.container.demux(stream)  # type: ignore[attr-defined]
    except FFmpegError:
        return


def pictures(packet: "Packet[VideoStream]") -> "list[VideoFrame] | None":
    """Return what the decoder makes of this packet; None where packet or picture is damaged."""
    from av.error import FFmpegError

    pulse.beat()
    if packet.is_corrupt:
        return None
    try:
        return packet.decode()
    except FFmpegError:
        return None


def _seek(stream: "VideoStream", index: PacketIndex, start: int) -> "tuple[int, Iterator[Packet[VideoStream]]]":
    """Jump to the key frame ``start``; return the frame that decoding begins with, and the packets.

    A seek may land earlier (coarse indexes). One that lands later or in the middle raises Damage.
    """
    from av.error import FFmpegError

    try:
        stream.container.seek(index.seek_target(start), stream=stream)  # type: ignore[attr-defined]
        packets = demuxed(stream)
        first = next(packets)
    except (FFmpegError, StopIteration) as error:
        raise Damage(start) from error
    number = index.number_of(first)
    landing = index.frame_of(number)
    if number is None or landing is None or landing > start or not first.is_keyframe:
        raise Damage(start)
    return landing, numbered(chain([first], packets), number)


def _cannot_open(path: Path, container: Container, error: Exception) -> InputError:
    if ends_early(path, container):
        return InputError(
            path,
            "truncated: the index at its end is missing, so no frame can be decoded",
            "copy or download it again",
        )
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(path, f"damaged or not what it seems: {reason}", f"rainclean reads {READ_FORMATS}")
