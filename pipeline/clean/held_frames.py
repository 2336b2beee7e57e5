"""Frames of a clip that stay in memory once they are read."""

from collections.abc import Iterator, Sequence

from rainclean.stabilization import SourceAround
from rainclean.video import Frame, FrameSource, Region


class HeldFrames(SourceAround):
    """A clip whose frames stay in memory once they are read: a `FrameSource` for reading some of them twice.

    A stack that has frames in memory has these, no copies of them.
    """

    def __init__(self, source: FrameSource) -> None:
        super().__init__(source)
        self._held: dict[int, Frame] = {}
        self._once = False

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        """See `FrameSource.read`; always with the same region."""
        assert indices is not None
        if all(index in self._held for index in indices):
            yield from map(self._held.pop if self._once else self._held.__getitem__, indices)
            return
        for frame in self._source.read(indices, region):
            if not self._once:
                self._held[frame.index] = frame
            yield frame

    def keep(self, indices: Sequence[int]) -> None:
        """Let go of all other frames; of all, where these are not all held."""
        held = {index: self._held[index] for index in indices if index in self._held}
        self._held = held if len(held) == len(indices) else {}

    def read_once_more(self, indices: Sequence[int]) -> None:
        """Let go of all other frames now, and of each of these when it is read: what is made of it takes its place."""
        wanted = set(indices)
        self._held = {index: frame for index, frame in self._held.items() if index in wanted}
        self._once = True

    def forget(self) -> None:
        """Let go of the frames; read again, they are decoded."""
        self._held.clear()

    def close(self) -> None:
        """Let go of the frames and the file."""
        self.forget()
        super().close()
