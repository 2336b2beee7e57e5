"""Read video files through PyAV (FFmpeg): one FrameSource over MP4, MOV, MKV, WebM and AVI."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rainclean.errors import InputError
from rainclean.video.base import SourceBase
from rainclean.video.damage import damaged_at, truncated
from rainclean.video.decoding import Damage, decode, open_video
from rainclean.video.facts import Beginning, StreamFacts, look_at
from rainclean.video.limits import Container, check_pixels, container_label, container_of
from rainclean.video.packets import LONGEST_REORDER, PacketIndex, scan
from rainclean.video.rgb import RgbConverter
from rainclean.video.salvage import decode_whole, decoded_order, whole_frames
from rainclean.video.selection import check_indices, check_region
from rainclean.video.source import Frame, Region, SourceInfo
from rainclean.video.times import start_notes, time_notes
from rainclean.video.truncation import ends_early

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_WORTH_A_SEEK = 24
"""Frames to be passed over before the file is opened again to jump ahead: opening takes about as long."""


_TRIAL_FRAMES = 300
"""Frames that are decoded at most when a file is opened to see whether odd times are wrong ones."""


class PyavSource(SourceBase):
    """A video file as FrameSource; nothing is open between two calls of ``read``.

    ``salvage`` decodes the file once to find the frames that are whole, and numbers those 0, 1, … ``matrix``: the
    colour matrix where the file does not say it ("bt601", "bt709", "bt2020"). Raises InputError for what cannot be
    read, DamagedInput for a file that is cut off.
    """

    def __init__(self, path: Path, *, salvage: bool = False, matrix: str = "") -> None:
        super().__init__(path)
        self._container = container_of(path)
        self._index = self._scanned()
        if not len(self._index):
            raise InputError(path, "no frame in it can be read", "copy or download it again")
        beginning = look_at(path, self._container, self._index, matrix)
        self._facts = beginning.facts
        self._salvaging = salvage
        if not (beginning.agrees(self._index) and self._order_holds(beginning)):
            self._index = replace(self._index, guessed=True)
        notes = self._salvaged() if salvage else [*self._checked(), *self._settled(beginning)]
        self._clock = self._index.clock
        self._times = self._clock.times
        self._times.setflags(write=False)
        self._converter = RgbConverter(
            stretch_grey=self._facts.stretch_grey, matrix=self._facts.matrix, hdr=self._facts.hdr
        )
        self._info = self._describe(notes)

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        """Deliver frames; see FrameSource.read. Clips whose colours are not read are refused with InputError."""
        self._check_open()
        wanted = check_indices(indices, len(self._times))
        part = check_region(region, self._info)
        if self._info.refused:
            raise InputError(self._path, self._info.refused, "convert it to H.264 in BT.709 first")
        return self._converted(wanted, part)

    def decode_only(self) -> Iterator[int]:
        """Decode every frame without converting it and yield its index. Raises as ``read``, whatever its colours."""
        self._check_open()
        for index, _ in self._pictures(list(range(len(self._times)))):
            yield index

    def _converted(self, wanted: list[int], region: Region) -> Iterator[Frame]:
        for index, picture in self._pictures(wanted):
            stored = self._converter(picture)
            rgb = self._facts.orientation.upright(stored, region)
            yield Frame(index, float(self._times[index]), rgb)

    def _pictures(self, wanted: list[int]) -> Iterator[tuple[int, "VideoFrame"]]:
        """Decoded pictures of the wanted frames, each checked for its size."""
        size = (self._facts.stored_width, self._facts.stored_height)
        for index, picture in self._salvage_pass(wanted) if self._salvaging else self._runs(wanted):
            if (picture.width, picture.height) != size:
                reason = f"the frame size changes at frame {index}"
                sizes = f"from {size[0]}×{size[1]} to {picture.width}×{picture.height}"
                raise InputError(self._path, f"{reason} {sizes}", "cut it there into two clips")
            self._check_open()
            yield index, picture
            self._check_open()

    def _salvage_pass(self, wanted: list[int]) -> Iterator[tuple[int, "VideoFrame"]]:
        if not wanted:
            return
        try:
            yield from decode_whole(self._path, self._container, self._index, wanted)
        except Damage as damage:
            reason = f"frame {damage.index} was damaged after the file was opened"
            raise InputError(self._path, reason, "open it again when nothing writes to it") from None

    def _runs(self, wanted: list[int]) -> Iterator[tuple[int, "VideoFrame"]]:
        """Decode each run of frames from the key frame before it on; before a long gap a new run begins."""
        for run in self._split(wanted):
            start = self._index.key_before(run[0])
            delivered = 0
            try:
                for item in self._decode(run, start):
                    delivered += 1
                    yield item
            except Damage as damage:
                if not start or delivered:
                    raise damaged_at(self._path, damage.index, len(self._times)) from None
                # Seeking can fail in a sound file (no index, gradual refresh): the start decides.
                try:
                    yield from self._decode(run, 0)
                except Damage as again:
                    raise damaged_at(self._path, again.index, len(self._times)) from None

    def _decode(self, run: list[int], start: int) -> Iterator[tuple[int, "VideoFrame"]]:
        return decode(self._path, self._container, self._index, run, start)

    def _split(self, wanted: list[int]) -> Iterator[list[int]]:
        run: list[int] = []
        for i in wanted:
            if run and i - run[-1] > _WORTH_A_SEEK and self._index.key_before(i) - run[-1] > _WORTH_A_SEEK:
                yield run
                run = []
            run.append(i)
        if run:
            yield run

    def _scanned(self) -> PacketIndex:
        """Make the packet index; of an AVI whose own index misleads, by walking from packet to packet."""
        with open_video(self._path, self._container) as stream:
            index = scan(stream)
            announced = stream.frames
        misleads = index.failed or not index.in_file_order or len(index.packets) != announced
        if self._container is not Container.AVI or not misleads:
            return index
        with open_video(self._path, self._container, walk=True) as stream:
            walked = scan(stream, walked=True)
        better = len(walked.packets) > len(index.packets) or not index.in_file_order
        return walked if better else index

    def _checked(self) -> list[str]:
        """Refuse a file that is cut off where frames are missing; return a note where none is."""
        announced, packets = self._facts.announced, len(self._index.packets)
        if not (self._index.failed or ends_early(self._path, self._container)):
            missing = announced is not None and packets < announced and not self._edited(announced)
            return [f"the file announces {announced} frames, but holds {packets}"] if missing else []
        whole = len(self._index) - self._index.incomplete
        if announced is None or whole < announced:
            raise truncated(self._path, whole, announced)
        return ["the file ends too early, but no frame is missing"]

    def _edited(self, announced: int) -> bool:
        """Return whether frames are not shown because an edit list cuts them off."""
        if self._container is not Container.MP4:
            return False
        with open_video(self._path, self._container, edits=False) as stream:
            return len(scan(stream).packets) >= announced

    def _order_holds(self, beginning: Beginning) -> bool:
        """Decode where the times may give a wrong order; return whether the frames come out as expected there."""
        index, budget, end = self._beginning_with(beginning), _TRIAL_FRAMES, 0
        for doubtful in index.doubtful:
            if doubtful < end:
                continue
            start, end = index.key_before(doubtful), min(doubtful + LONGEST_REORDER, len(index) - 1)
            budget -= end - start
            if budget < 0:
                return True
            try:
                for _ in decode(self._path, self._container, index, [end], start):
                    pass
            except Damage:
                return False
        return True

    def _beginning_with(self, beginning: Beginning) -> PacketIndex:
        first = beginning.first_frame(self._index)
        return self._index.holding(self._index.order[first:].tolist()) if first else self._index

    def _settled(self, beginning: Beginning) -> list[str]:
        """Decide which frames there are, and in which order; return notes on what is left out."""
        index = self._index
        if index.guessed:
            try:
                order = decoded_order(self._path, self._container, index)
            except Damage as damage:
                raise damaged_at(self._path, damage.index, len(index)) from None
            if not order:
                raise damaged_at(self._path, 0, len(index))
            self._index = index.holding(order)
        else:
            self._index = self._beginning_with(beginning)
        return self._index.left_out(index)

    def _salvaged(self) -> list[str]:
        whole = whole_frames(self._path, self._container, self._index)
        if not whole:
            raise InputError(self._path, "no frame in it can be decoded", "copy or download it again")
        total = max(self._facts.announced or 0, len(self._index))
        self._index = self._index.holding(whole)
        if len(whole) == total:
            cut = ends_early(self._path, self._container)
            return [f"salvaged: the file ends too early, its {total} frames are intact"] if cut else []
        return [f"salvaged: {len(whole)} of {total} frames are intact, the others are left out"]

    def _describe(self, notes: list[str]) -> SourceInfo:
        facts: StreamFacts = self._facts
        check_pixels(self._path, facts.stored_width, facts.stored_height)
        width, height = facts.orientation.size(facts.stored_width, facts.stored_height)
        grey = ["grey in limited range: stretched to 0…255"] if facts.stretch_grey else []
        counted = ["no presentation times in the file: an even rate is assumed"] if self._index.untimed else []
        variable = [*start_notes(self._times), *time_notes(self._times, float(self._index.tick))]
        return SourceInfo(
            path=self._path,
            backend="PyAV",
            container=container_label(self._path, self._container),
            codec=facts.codec,
            pixel_format=facts.pixel_format,
            width=width,
            height=height,
            frame_count=len(self._times),
            rotation=facts.orientation.rotation,
            mirrored=facts.orientation.mirrored,
            transfer="SDR" if facts.hdr is None else facts.hdr.transfer,
            full_range=facts.full_range,
            colours=facts.colours,
            refused=facts.refused,
            notes=(*notes, *facts.notes, *grey, *variable, *counted, *self._clock.notes),
        )
