"""Write a video after another one: new pictures at the same times, and its sound, packet by packet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from math import inf, lcm
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import InputError, RaincleanError
from rainclean.video import container_of, open_video

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

SUFFIXES = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Extensions of videos that can be written, and FFmpeg's names of their containers."""

BT709 = 1
"""Its primaries, transfer and matrix in ITU-T H.273."""

_LIMITED = 1
_FFV1 = {"level": "3", "slices": "4", "coder": "1", "context": "1", "g": "25"}
# The encoder is fast beside the network; more threads would only hold more frames.
_X264 = {"threads": "4"}
_INT_MAX = (1 << 31) - 1


@dataclass(frozen=True, kw_only=True)
class Look:
    """Properties of a video besides its pixels.

    size: (width, height) px, upright. tick: seconds, the unit of its frame times. rate: frames per second on average.
    aspect: width of a pixel over its height. primaries, transfer: of its colours, code points of ITU-T H.273.
    """

    size: tuple[int, int]
    tick: Fraction
    rate: Fraction
    aspect: Fraction
    primaries: int
    transfer: int


def look_of(stream: "VideoStream", size: tuple[int, int], *, turned: bool) -> Look:
    """Return the look of the upright frames of a stream. turned: the file stores them rotated by 90°."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    context = stream.codec_context
    return Look(
        size=size,
        tick=stream.time_base or Fraction(1, 25),
        rate=stream.average_rate or Fraction(25),
        aspect=1 / aspect if turned else aspect,
        primaries=context.color_primaries,
        transfer=context.color_trc,
    )


class VideoWriter:
    """A video that grows frame by frame, a context manager. Raises RaincleanError where FFmpeg cannot write it.

    file: open for writing and seeking. suffix: one of SUFFIXES. crf: constant rate factor of H.264 4:2:0 (even sizes
    only), None for FFV1, which is lossless. sound: copied beside the pictures; `check_sound` must have accepted it.
    H.264 is written in BT.709 limited range, and the file says so.
    """

    def __init__(self, file: BinaryIO, suffix: str, look: Look, *, crf: int | None, sound: "Sound") -> None:
        import av
        from av.video.reformatter import Interpolation, VideoReformatter

        self._tick, self._lossless, self._reformat = look.tick, crf is None, VideoReformatter().reformat
        # swscale rounds colours down by default.
        self._accurate = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND)
        self._sound, self._last = sound, -_INT_MAX
        options = _options(suffix, look, sound.tracks)
        self._container = av.open(file, "w", format=SUFFIXES[suffix], container_options=options)
        try:
            self._stream = self._video_stream(look, crf)
            sound.add_to(self._container)
            self._container.start_encoding()
        except BaseException:
            self._abandon()
            raise

    def _video_stream(self, look: Look, crf: int | None) -> "VideoStream":
        if crf is None:
            stream = self._container.add_stream("ffv1", look.rate, options=dict(_FFV1))
            stream.pix_fmt = "bgr0"
        else:
            stream = self._container.add_stream("libx264", look.rate, options={**_X264, "crf": str(crf)})
            stream.pix_fmt = "yuv420p"
        stream.width, stream.height = look.size
        context = stream.codec_context
        context.time_base = look.tick
        context.sample_aspect_ratio = look.aspect
        context.color_primaries, context.color_trc = look.primaries, look.transfer
        if crf is not None:
            context.colorspace, context.color_range = BT709, _LIMITED
        return stream

    def write(self, rgb: NDArray[np.uint8], time: float) -> None:
        """Append an (H, W, 3) RGB frame at this time in seconds, and the sound that comes before it."""
        from av import VideoFrame

        frame = VideoFrame.from_ndarray(rgb, format="rgb24")
        if self._lossless:
            frame = self._reformat(frame, format="bgr0")
        else:
            to = {"dst_colorspace": BT709, "dst_color_range": _LIMITED, "interpolation": self._accurate}
            frame = self._reformat(frame, format="yuv420p", **to)
        # Times are a whole number of ticks times the tick in float64: that number comes back exactly. A time that was
        # set between two others (`rainclean/video/times.py`) need not be, and may round to the one before.
        self._last = max(round(time / float(self._tick)), self._last + 1)
        frame.pts, frame.time_base = self._last, self._tick
        with self._writing():
            self._sound.mux(self._container, until=time)
            self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file; after an error, only close it."""
        if kind is not None:
            self._abandon()
            return
        try:
            with self._writing():
                self._container.mux(self._stream.encode(None))
                self._sound.mux(self._container)
                self._container.close()
        except BaseException:
            self._abandon()
            raise

    @contextmanager
    def _writing(self) -> Iterator[None]:
        from av.error import FFmpegError

        try:
            yield
        except FFmpegError as error:
            if isinstance(error, OSError):  # such as a full disk; a caller knows the name of the file
                raise
            raise RaincleanError(
                f"{self._sound.path}: FFmpeg cannot encode its video again ({error.strerror})"
            ) from error

    def _abandon(self) -> None:
        with suppress(Exception):  # an incomplete file cannot always be closed properly, and is thrown away
            self._container.close()


class Sound:
    """All sound tracks of a video file, copied packet by packet into another one.

    path: the file, for messages. beside: its video stream, open. suffix: of the other file.
    """

    def __init__(self, path: Path, beside: "VideoStream", suffix: str) -> None:
        self.path = path
        self.tracks: list[AudioStream] = list(beside.container.streams.audio)
        self._into: dict[int, AudioStream] = {}
        self._from_zero = suffix == ".mkv" and "matroska" not in beside.container.format.name
        self._packets = self._read() if self.tracks else iter(())
        self._next: Packet[AudioStream] | None = None

    @property
    def codecs(self) -> str:
        """Return the names of the codecs, each once."""
        return ", ".join(dict.fromkeys(track.codec_context.name for track in self.tracks))

    def add_to(self, container: "OutputContainer") -> None:
        """Add a track to the other file for each of these."""
        for track in self.tracks:
            copy = self._into[track.index] = container.add_stream_from_template(track)
            copy.metadata.update({key: value for key, value in track.metadata.items() if key in ("language", "title")})

    def mux(self, container: "OutputContainer", until: float = inf) -> None:
        """Write the packets that begin before this time in seconds."""
        while (packet := self._next or next(self._packets, None)) is not None:
            if packet.time_base is not None and packet.pts is not None and packet.pts * packet.time_base >= until:
                self._next = packet
                return
            self._next = None
            packet.stream = self._into[packet.stream.index]
            container.mux_one(packet)

    def _read(self) -> "Iterator[Packet[AudioStream]]":
        from av.error import FFmpegError

        try:
            for packet in self.tracks[0].container.demux(*self.tracks):  # type: ignore[attr-defined]
                if packet.size and not packet.is_corrupt and not self._before_zero(packet):
                    yield packet
        except FFmpegError:
            return  # the file ends early; its pictures decided whether that is accepted

    def _before_zero(self, packet: "Packet[AudioStream]") -> bool:
        """Return whether a packet belongs to an inaudible run-in, which Matroska cannot store.

        Matroska has no times before zero, so FFmpeg would delay everything. Where the file states the length of the
        run-in, as in Matroska itself and for Opus, FFmpeg stores it.
        """
        if not self._from_zero or packet.stream.codec_context.name in ("opus", "libopus"):
            return False
        return packet.pts is not None and packet.pts < 0


def check_sound(path: Path, suffix: str) -> None:
    """Raise InputError where a container cannot hold the sound of a video.

    Copies the first second into a file in memory, because FFmpeg finds some problems only when it closes the file.
    """
    import av
    from av.error import FFmpegError

    with open_video(path, container_of(path), threads="NONE") as beside:
        sound = Sound(path, beside, suffix)
        if not sound.tracks:
            return
        try:
            with av.open(BytesIO(), "w", format=SUFFIXES[suffix]) as trial:
                sound.add_to(trial)
                sound.mux(trial, until=1.0)
        except (FFmpegError, ValueError) as error:
            reason = f"its sound ({sound.codecs}) cannot be copied into {suffix[1:].upper()}"
            raise InputError(path, reason, "choose .mkv") from error


def _options(suffix: str, look: Look, tracks: "Sequence[AudioStream]") -> dict[str, str]:
    """Return options of the container: for MP4 and MOV, the unit of track delays, whose default is 1 ms."""
    if suffix == ".mkv":
        return {}
    exact = lcm(look.tick.denominator, *(track.sample_rate for track in tracks))
    return {"movie_timescale": str(exact if exact <= _INT_MAX else min(look.tick.denominator, _INT_MAX))}
