"""Decoding everything once: to learn the order of frames, or which of them are whole in a damaged video."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rainclean.video.decoding import Damage, demuxed, open_video, pictures
from rainclean.video.limits import Container
from rainclean.video.packets import PacketIndex, numbered

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# One thread: an error comes back from the very packet that has it, and in every run the same. (With slice
# threads the H.264 decoder misses damage that it notices without.)
_ONE_THREAD = "NONE"


@dataclass
class _Decoded:
    """What came of decoding a file to its end, packets by number.

    out: packets whose pictures came out undamaged, in display order. keys: those of them that are key pictures.
    failed: packets that were in the decoder's hands when it gave an error.
    sound: how many pictures had come out at the first error behind the first picture; None without one. (Before
        the first picture a decoder may stumble over what looks back over the beginning.)
    """

    out: list[int] = field(default_factory=list)
    keys: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    sound: int | None = None


def decoded_order(path: Path, container: Container, index: PacketIndex) -> list[int]:
    """Decode everything once; return the packets that give a frame, by number in display order.

    Left out is what needs pictures from before the beginning of the file. Raises Damage.
    """
    with open_video(path, container, walk=index.walked) as stream:
        found = _decode_all(stream)
    if found.sound is not None:
        raise Damage(found.sound)
    first = _first_key(index, found)
    if _begins_whole(index, found) or first not in found.out:
        return found.out
    return found.out[found.out.index(first) :]


def whole_frames(path: Path, container: Container, index: PacketIndex) -> list[int]:
    """Decode everything once; return the packets whose frames are whole, by number in display order.

    A damaged frame spoils all that follow it up to the next key frame, because they are built on it,
    and the leading pictures of that key frame, which look back. So does the beginning of a file.
    """
    with open_video(path, container, threads=_ONE_THREAD, walk=index.walked) as stream:
        found = _decode_all(stream)
    place = {number: i for i, number in enumerate(found.out)}
    whole: set[int] = set()
    begins_whole = _begins_whole(index, found)
    key, fresh, looks_back, spoiled = -1, False, False, not begins_whole
    for number, packet in enumerate(index.packets):
        out = number in place and number not in found.failed
        if begins_whole and number < found.out[0] and not out and number not in found.failed:
            continue  # the decoder withheld it without a complaint: it needs what was cut off
        if _is_key(number, index, found):
            key, fresh, looks_back, spoiled = number, begins_whole and key < 0, spoiled, False
        leads = _precedes(number, key, index, found, place)
        if not leads and number != key:
            fresh = looks_back = False  # leading pictures come straight after their key frame
        if leads and (looks_back or (fresh and not out)):
            continue  # nothing is built on it but other leading pictures
        if not out and (packet.shown or number in found.failed):
            spoiled = True
        elif not spoiled:
            whole.add(number)
    return [n for n in found.out if n in whole]


def decode_whole(
    path: Path, container: Container, index: PacketIndex, wanted: Sequence[int]
) -> Iterator[tuple[int, "VideoFrame"]]:
    """Yield (index, frame) of the wanted frames, which ``whole_frames`` has found; damage is passed over."""
    remaining = iter(wanted)
    target = next(remaining)
    with open_video(path, container, threads=_ONE_THREAD, walk=index.walked) as stream:
        for packet in numbered(demuxed(stream)):
            for frame in pictures(packet) or []:
                if index.frame_of(frame.pts) != target or frame.is_corrupt:
                    continue
                yield target, frame
                following = next(remaining, None)
                if following is None:
                    return
                target = following
    raise Damage(target)


def _decode_all(stream: "VideoStream") -> _Decoded:
    found, seen = _Decoded(), set[int]()
    for packet in numbered(demuxed(stream)):
        frames = pictures(packet)
        if frames is None and packet.pts is not None:
            found.failed.add(packet.pts)
            if found.out and found.sound is None:
                found.sound = len(found.out)
        for frame in frames or []:
            if frame.is_corrupt or frame.pts is None or frame.pts in seen:
                continue
            seen.add(frame.pts)
            found.out.append(frame.pts)
            if frame.key_frame:
                found.keys.add(frame.pts)
    return found


def _is_key(number: int, index: PacketIndex, found: _Decoded) -> bool:
    # Key marks of an AVI are in an index that need not be there; the decoder knows those that came out.
    return number in found.keys if index.untimed else index.packets[number].key


def _begins_whole(index: PacketIndex, found: _Decoded) -> bool:
    """Return whether what came out first is whole.

    Else the file was cut before its first key frame, and the decoder began with what came first.
    """
    first = _first_key(index, found)
    return bool(found.out) and (found.out[0] in found.keys or (first is not None and found.out[0] >= first))


def _first_key(index: PacketIndex, found: _Decoded) -> int | None:
    return min(found.keys, default=None) if index.untimed else index.first_key


def _precedes(number: int, key: int, index: PacketIndex, found: _Decoded, place: dict[int, int]) -> bool:
    """Return whether a picture behind a key frame in the file is shown before it: a leading picture."""
    if number == key:
        return False
    if index.counted or index.guessed:
        return number not in found.failed and place.get(number, -1) < place.get(key, -1)
    ahead, at = index.frame_of(number), index.frame_of(key)
    return ahead is not None and at is not None and ahead < at
