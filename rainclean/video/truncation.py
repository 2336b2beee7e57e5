"""Find out whether a file ends before its own outermost structure says it should.

Sizes of the top-level boxes (MP4), of the segment (Matroska) and of the RIFF chunks (AVI) against the size
of the file: exact, cheap, and independent of what a decoder makes of the rest.
"""

from pathlib import Path
from typing import BinaryIO

from rainclean.video.limits import Container


def ends_early(path: Path, container: Container) -> bool:
    """Return whether bytes are missing at the end; False where the file states no size (live recordings)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if container is Container.MP4:
            return _boxes_overrun(file, size)
        if container is Container.AVI:
            return _chunks_overrun(file, size)
        return _segment_overruns(file, size)


def _boxes_overrun(file: BinaryIO, size: int) -> bool:
    # ISO/IEC 14496-12, 4.2: a 32-bit size, 1 for "64 bits follow the type", 0 for "to the end of the file".
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:
            return False
        if length < 8:
            return False  # not a box: rubbish after the last one
        at += length
    return at > size


def _chunks_overrun(file: BinaryIO, size: int) -> bool:
    # OpenDML files are several RIFF chunks in a row.
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(8)
        if head[:4] != b"RIFF":
            return False
        length = int.from_bytes(head[4:], "little")
        if length == 0:
            return False  # a recorder that never came back to fill it in
        at += 8 + length + length % 2
    return at > size + 1  # the last padding byte is often left out


def _segment_overruns(file: BinaryIO, size: int) -> bool:
    # RFC 8794: element id and size are numbers whose leading zero bits tell their length.
    head = file.read(4096)
    after_id = 4
    length, after = _ebml_size(head, after_id)
    segment = after + (length or 0)
    if head[segment : segment + 4] != b"\x18\x53\x80\x67":
        return False
    length, after = _ebml_size(head, segment + 4)
    return length is not None and after + length > size


def _ebml_size(head: bytes, at: int) -> tuple[int | None, int]:
    """Return the size at this offset (None: unknown) and the offset behind it."""
    if at >= len(head) or head[at] == 0:
        return None, at + 8
    octets = 9 - head[at].bit_length()
    mask = (1 << 7 * octets) - 1
    value = int.from_bytes(head[at : at + octets], "big") & mask
    return (None if value == mask else value), at + octets
