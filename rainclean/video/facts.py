"""Read facts from the first picture and the header of a video, and make the notes a person should read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from rainclean.errors import InputError
from rainclean.video.decoding import demuxed, open_video, pictures
from rainclean.video.hdr import TRANSFERS, Hdr, is_yuv, mastering_peak, white_code
from rainclean.video.limits import Container
from rainclean.video.orientation import Orientation, display_scale, from_display_matrix
from rainclean.video.packets import LONGEST_REORDER, PacketIndex, numbered
from rainclean.video.rgb import is_full_range, is_grey

if TYPE_CHECKING:
    from av.sidedata.sidedata import SideData
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# ITU-T H.273 code points.
_UNSPECIFIED, _BT2020 = 2, 9
_UNSTATED = (0, _UNSPECIFIED, 3)
"""Matrices of YCbCr that say nothing: 0 is that of RGB."""
_MATRICES = {1: "BT.709", 4: "FCC", 5: "BT.601", 6: "BT.601", 7: "SMPTE 240M", 9: "BT.2020"}
"""Colour matrices that swscale knows."""
_NOT_READ = {8: "YCgCo", 10: "BT.2020 of constant luminance", 11: "Y′D′zD′x", 14: "ICtCp", 15: "IPT-C2"}

MATRICES = {"bt601": 5, "bt709": 1, "bt2020": 9}
"""Matrices that a person can name where a file does not."""

_VISION = ("dvh1", "dvhe", "dva1", "dvav", "dav1")
_VISION_DATA = ("DOVI_METADATA", "DOVI_RPU_BUFFER")
_ROUNDING = 0.01
"""Share of a length that FFmpeg, too, takes for rounding in a display matrix."""


@dataclass(frozen=True, kw_only=True)
class StreamFacts:
    """Facts about one stream; sizes in pixels as stored.

    matrix: code point that takes the place of the frames' own, or None. colours: how they are read, in words.
    refused: why its colours are not read, or "".
    """

    codec: str
    pixel_format: str
    stored_width: int
    stored_height: int
    orientation: Orientation
    hdr: Hdr | None
    matrix: int | None
    colours: str
    refused: str
    full_range: bool
    announced: int | None
    notes: tuple[str, ...]

    @property
    def stretch_grey(self) -> bool:
        """Grey in limited range, which swscale passes on unstretched."""
        return is_grey(self.pixel_format) and not self.full_range


class Beginning(NamedTuple):
    """What decoding the beginning of a file shows.

    out: numbers of the packets whose pictures came out, in display order; the first is the first that is whole.
    key: it is a key picture. clean: no error came before it.
    """

    facts: StreamFacts
    out: list[int]
    key: bool
    clean: bool

    def agrees(self, index: PacketIndex) -> bool:
        """Return whether the pictures came out in the order that the packet index expects."""
        if index.counted:
            begins = self.key and self.out[0] == index.order[0]
            return begins and (len(index) < 2 or int(index.order[1]) in self.out)
        known = [f for f in map(index.frame_of, self.out) if f is not None]
        return not known or known == list(range(known[0], known[0] + len(known)))

    def first_frame(self, index: PacketIndex) -> int:
        """Return the first frame that does not need pictures from before the beginning of the file."""
        first = index.frame_of(self.out[0]) or 0
        key = None if index.first_key is None else index.frame_of(index.first_key)
        if self.key or index.first_key in (0, None):
            # An error is damage, and no leading picture: nothing but what is ahead of the key frame is left out.
            return first if self.clean else min(first, key or 0)
        return max(key or 0, first if self.clean else 0)


def look_at(path: Path, container: Container, index: PacketIndex, matrix: str = "") -> Beginning:
    """Decode up to the first whole picture, and as far as the order of frames is in doubt. Raises InputError.

    matrix: the colour matrix, of MATRICES, where the file does not say it; "" for the usual one.
    """
    facts: StreamFacts | None = None
    out: list[int] = []
    key, clean, last = False, True, index.trial
    with open_video(path, container, threads="SLICE", walk=index.walked) as stream:
        for packet in numbered(demuxed(stream)):
            frames = pictures(packet)
            clean = clean and (bool(out) or frames is not None)
            for frame in frames or []:
                if frame.is_corrupt or frame.pts is None:
                    clean = clean and bool(out)
                    continue
                out.append(frame.pts)
                if facts is None:
                    key = bool(frame.key_frame)
                    facts = _facts(path, stream, frame, matrix)
                    # Two packets may make one picture.
                    last = max(last, index.trial if index.counted else frame.pts + 4 * frame.interlaced_frame)
            if facts is not None and _seen_enough(packet.pts, last, out, index):
                break
    if facts is None:
        raise InputError(path, "no frame in it can be decoded", "copy or download it again")
    return Beginning(facts, out, key, clean)


def _seen_enough(fed: int | None, last: int, out: Sequence[int], index: PacketIndex) -> bool:
    if fed is None:
        return True
    if index.counted:  # pictures behind the first in the file may look back and then never come out
        return len(index) < 2 or int(index.order[1]) in out or fed > last + LONGEST_REORDER
    return fed >= last


def _facts(path: Path, stream: "VideoStream", frame: "VideoFrame", asked: str) -> StreamFacts:
    codec = stream.codec_context.name
    display = _side_data(frame, "DISPLAYMATRIX")
    orientation = from_display_matrix(display)
    if orientation is None:
        # Upright frames would have to be resampled, and raw ones would break "upright" silently.
        reason = "it is rotated by an angle that is not a multiple of 90°, or sheared"
        raise InputError(path, reason, "re-encode it with ffmpeg, which turns it upright")
    color_range = frame.color_range or stream.codec_context.color_range
    full_range = is_full_range(color_range, frame.format.name, codec)
    hdr = _hdr(stream, frame, full_range=full_range)
    matrix, colours, notes = _matrix(frame, asked, hdr)
    return StreamFacts(
        codec=stream.codec_context.codec.canonical_name or codec,
        pixel_format=frame.format.name,
        stored_width=frame.width,
        stored_height=frame.height,
        orientation=orientation,
        hdr=hdr,
        matrix=matrix,
        colours=colours if hdr is None else f"{hdr.description} ({colours})",
        refused=_refused(stream, frame),
        full_range=full_range,
        announced=stream.frames or None,
        notes=(*_notes(stream, frame, hdr), *notes, *_scale_notes(display)),
    )


def _side_data(frame: "VideoFrame", kind: str) -> bytes | None:
    found = frame.side_data.get(kind)
    return None if found is None else bytes(cast("SideData", found))


def _hdr(stream: "VideoStream", frame: "VideoFrame", *, full_range: bool) -> Hdr | None:
    transfer = frame.color_trc if frame.color_trc in TRANSFERS else stream.codec_context.color_trc
    if transfer not in TRANSFERS:
        return None
    peak = mastering_peak(_side_data(frame, "MASTERING_DISPLAY_METADATA"))
    return Hdr(TRANSFERS[transfer], frame.color_primaries, peak, white_code(frame.format.name, full_range=full_range))


class _Matrix(NamedTuple):
    """The code point to take in place of the frame's own, how colours are read, and notes on that."""

    code: int | None
    colours: str
    notes: list[str]


def _matrix(frame: "VideoFrame", asked: str, hdr: Hdr | None) -> _Matrix:
    """Choose the colour matrix. asked: that a person named, or ""."""
    if not is_yuv(frame.format.name):
        unused = [f"it has no colour matrix: --matrix {asked} is not used"] if asked else []
        return _Matrix(None, "grey" if is_grey(frame.format.name) else "RGB", unused)
    said = frame.colorspace
    if said not in _UNSTATED:
        name = _MATRICES.get(said, _NOT_READ.get(said, "unusual"))
        unused = [f"the file states its colour matrix ({name}): --matrix {asked} is not used"] if asked else []
        return _Matrix(None, f"{name} matrix", unused)
    matrix = MATRICES[asked] if asked else _BT2020 if hdr is not None else None
    name = _MATRICES[matrix or MATRICES["bt601"]]
    why = "as requested" if asked else "as usual for HDR" if hdr is not None else "the usual one; --matrix sets another"
    known = not asked and hdr is None and min(frame.width, frame.height) < 720
    notes = [] if known else [f"colour matrix not stated: read as {name}, {why}"]
    return _Matrix(matrix, f"{name} matrix, not stated", notes)


def _refused(stream: "VideoStream", frame: "VideoFrame") -> str:
    """Say why the colours of a stream are not read, or ""."""
    if is_yuv(frame.format.name) and frame.colorspace not in (*_MATRICES, *_UNSTATED):
        return f"its colours are coded as {_NOT_READ.get(frame.colorspace, 'unknown')}, which is not read"
    # Profile 5 states no colours; the others have a base picture that says what it is.
    vision = stream.codec_context.codec_tag in _VISION or any(frame.side_data.get(kind) for kind in _VISION_DATA)
    if vision and frame.colorspace == frame.color_trc == _UNSPECIFIED:
        return "Dolby Vision without a base layer for other players (profile 5), which is not read"
    return ""


def _scale_notes(matrix: bytes | None) -> Sequence[str]:
    wide, high = display_scale(matrix)
    if not wide or not high:
        return ["its display matrix would show nothing: frames are read as stored"]
    if abs(wide / high - 1) > _ROUNDING or abs(wide - 1) <= _ROUNDING:  # else the shape of the pixels says it
        return []
    return [f"meant to be shown at {wide:.3g} times its size; frames are not resized"]


def _notes(stream: "VideoStream", frame: "VideoFrame", hdr: Hdr | None) -> Sequence[str]:
    notes = []
    if hdr is not None:
        notes.append(f"HDR: {hdr.description}")
    others = [s for s in stream.container.streams.video if s.index != stream.index]
    if others:
        notes.append(f"{len(others)} other video stream(s) in the file are not read")
    if frame.interlaced_frame:
        notes.append("interlaced: each frame holds two fields, taken at different times")
    aspect = stream.sample_aspect_ratio
    if aspect and aspect != 1:
        shown = aspect.limit_denominator(1000)
        ratio = f"{shown.numerator}:{shown.denominator}"
        notes.append(f"pixels are not square ({ratio} as stored); frames are not resized")
    if frame.color_primaries == _BT2020 and hdr is None:
        notes.append("BT.2020 primaries without an HDR transfer: colours will look paler than they are")
    return notes
