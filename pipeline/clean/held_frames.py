"""Frames of a clip that stay in memory once they are read, and frames that leave it as they are read again."""

from collections.abc import Iterator, Mapping, Sequence

from rainclean.stabilization import SourceAround
from rainclean.video import Frame, FrameSource, Region


class CachedSource(SourceAround):
    """A clip whose frames stay in memory once they are read: a `FrameSource` for reading some of them twice.

    A stack that has frames in memory has these, no copies of them.
    """

    def __init__(self, source: FrameSource) -> None:
        super().__init__(source)
        self._held: dict[int, Frame] = {}

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        """See `FrameSource.read`; always with the same region."""
        assert indices is not None
        if all(index in self._held for index in indices):
            yield from map(self._held.__getitem__, indices)
            return
        for frame in self._source.read(indices, region):
            self._held[frame.index] = frame
            yield frame

    def keep(self, indices: Sequence[int]) -> None:
        """Release all other frames; all, where these are not all held."""
        held = self._held_of(indices)
        self._held = held if len(held) == len(indices) else {}

    def consuming(self, indices: Sequence[int]) -> "ConsumingSource":
        """Hand these frames over, those that are held, and release all others. This source then holds none."""
        held, self._held = self._held_of(indices), {}
        return ConsumingSource(self._source, held)

    def forget(self) -> None:
        """Release the frames; read again, they are decoded."""
        self._held.clear()

    def close(self) -> None:
        """Release the frames and the file."""
        self.forget()
        super().close()

    def _held_of(self, indices: Sequence[int]) -> dict[int, Frame]:
        wanted = set(indices)
        return {index: frame for index, frame in self._held.items() if index in wanted}


class ConsumingSource(SourceAround):
    """A clip some of whose frames are in memory until they are read once: what is made of each takes its place."""

    def __init__(self, source: FrameSource, held: Mapping[int, Frame]) -> None:
        """held: frames by index in the clip."""
        super().__init__(source)
        self._held = dict(held)

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        """See `FrameSource.read`; frames that are held are released as they are read, others are decoded."""
        assert indices is not None
        if all(index in self._held for index in indices):
            yield from map(self._held.pop, indices)
        else:
            yield from self._source.read(indices, region)

    def close(self) -> None:
        """Release the frames and the file."""
        self._held.clear()
        super().close()
