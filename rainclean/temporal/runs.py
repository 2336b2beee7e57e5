"""Keep the frames of a stack: in memory as they came, or in scratch space as sorted runs.

Both give bands (see `storage`): all rows of some columns, each run of rows sorted, one for the channels and one for
luma. In memory nothing is stored twice and nothing before it is needed: a band is gathered from the frames, and its
runs are sorted while it is in the cache. Scratch space needs large pieces: there runs are sorted as soon as their
last frame is added, while the next frames are decoded.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from time import thread_time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rainclean import _kernels
from rainclean._addressed import addresses_of, copy_columns
from rainclean.temporal.sorting_networks import sort_network
from rainclean.temporal.storage import Band, ScratchPlanes, cut_bands

FRAMES_WAITING = 3
"""Frames that may wait to be stored while the decoder goes on (counted in `memory_budget.IN_FLIGHT_BYTES`)."""

U8 = NDArray[np.uint8]
Count = Callable[[str, float], None]
"""Takes the name of a kind of work and the seconds that it took."""


class Runs(Protocol):
    """Frames of a stack, read band by band.

    Attributes:
        channel_bands: ranges of samples.
        luma_bands: ranges of px.
    """

    channel_bands: tuple[Band, ...]
    luma_bands: tuple[Band, ...]

    def add(self, rgb: U8) -> None:
        """Add the next frame, (H, W, 3) uint8; it must not be changed from then on."""

    def finish(self) -> None:
        """End adding: all frames were added."""

    def channels(self, band: int) -> U8:
        """Return all rows of a band of the channels, runs sorted: (N, band width); the caller's to change."""

    def luma(self, band: int) -> U8:
        """Return the same for luma."""

    def close(self) -> None:
        """Give memory and disk space back."""


class HeldRuns:
    """Frames that stay in memory unchanged.

    edges: of the runs. pixels: of a frame. band_bytes: size of a band over all rows. count: takes seconds of work.
    """

    def __init__(self, edges: Sequence[int], pixels: int, band_bytes: int, count: Count) -> None:
        self._edges, self._count = edges, count
        self.channel_bands = tuple(cut_bands(edges[-1], 3 * pixels, band_bytes))
        # A band of luma is computed from one of the channels, which should lie in the cache as well.
        self.luma_bands = tuple(cut_bands(edges[-1], pixels, band_bytes // 3))
        self._frames: list[U8] = []
        self._addresses = np.empty(0, np.uint64)

    def add(self, rgb: U8) -> None:
        """See `Runs.add`."""
        self._frames.append(np.ascontiguousarray(rgb).reshape(-1))

    def finish(self) -> None:
        """See `Runs.finish`."""
        self._addresses = addresses_of(self._frames)

    def channels(self, band: int) -> U8:
        """See `Runs.channels`."""
        began = thread_time()
        tile = self._gathered(self.channel_bands[band])
        self._sort(tile)
        self._count("sort", thread_time() - began)
        return tile

    def luma(self, band: int) -> U8:
        """See `Runs.luma`."""
        began = thread_time()
        start, stop = self.luma_bands[band]
        tile = np.empty((len(self._frames), stop - start), np.uint8)
        _kernels.luma(self._gathered((3 * start, 3 * stop)).reshape(-1), tile.reshape(-1))
        gathered_at = thread_time()
        self._sort(tile)
        self._count("store", gathered_at - began)
        self._count("sort", thread_time() - gathered_at)
        return tile

    def close(self) -> None:
        """See `Runs.close`."""
        self._addresses = np.empty(0, np.uint64)
        self._frames.clear()

    def _gathered(self, band: Band) -> U8:
        start, stop = band
        tile = np.empty((len(self._addresses), stop - start), np.uint8)
        copy_columns(self._addresses, start, tile)
        return tile

    def _sort(self, tile: U8) -> None:
        for start, stop in pairwise(self._edges):
            _kernels.apply_network(tile[start:stop], sort_network(stop - start))


class StoredRuns:
    """Sorted runs in scratch space.

    Parameters as of `HeldRuns`; folder: of the scratch file; pool: sorts runs, and is shut down before `close`.
    Raises ResourceError where no file can be made.
    """

    def __init__(
        self,
        edges: Sequence[int],
        pixels: int,
        band_bytes: int,
        count: Count,
        *,
        folder: Path,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._edges, self._count, self._pool = edges, count, pool
        frames = edges[-1]
        self._channels = ScratchPlanes(frames, 3 * pixels, folder, cut_bands(frames, 3 * pixels, band_bytes))
        try:
            self._luma = ScratchPlanes(frames, pixels, folder, cut_bands(frames, pixels, band_bytes))
        except BaseException:
            self._channels.close()
            raise
        self.channel_bands, self.luma_bands = self._channels.bands, self._luma.bands
        # Of its own, so that frames do not queue behind the sorting of earlier ones.
        self._store_pool = ThreadPoolExecutor(2, thread_name_prefix="rainclean-store")
        self._run = self._filled = 0
        self._filling: list[Future[None]] = []
        self._sorting: list[list[Future[None]]] = [[], []]

    def add(self, rgb: U8) -> None:
        """See `Runs.add`; returns while this frame is still being stored and earlier runs are being sorted."""
        # Two sides: one is filled by the decoder while the runs of the other are being sorted.
        side = self._run % 2
        if self._filled == 0:
            _finish(self._sorting[side])
        start, stop = self._edges[self._run], self._edges[self._run + 1]
        channels = self._channels.buffer(stop - start, side)
        luma = self._luma.buffer(stop - start, side)
        self._filling.append(self._store_pool.submit(self._fill, rgb, channels[self._filled], luma[self._filled]))
        if len(self._filling) > FRAMES_WAITING:
            self._filling.pop(0).result()
        self._filled += 1
        if self._filled == stop - start:
            _finish(self._filling)
            self._filling.clear()
            self._sorting[side] = [
                self._pool.submit(self._sort_run, planes, buffer, start, band)
                for planes, buffer in ((self._channels, channels), (self._luma, luma))
                for band in range(len(planes.bands))
            ]
            self._run, self._filled = self._run + 1, 0

    def finish(self) -> None:
        """See `Runs.finish`; waits until all runs are sorted."""
        for side in self._sorting:
            _finish(side)
        self._channels.drop_buffers()
        self._luma.drop_buffers()

    def channels(self, band: int) -> U8:
        """See `Runs.channels`."""
        return self._read(self._channels, band)

    def luma(self, band: int) -> U8:
        """See `Runs.luma`."""
        return self._read(self._luma, band)

    def close(self) -> None:
        """See `Runs.close`."""
        self._store_pool.shutdown(wait=True, cancel_futures=True)
        self._channels.close()
        self._luma.close()

    def _read(self, planes: ScratchPlanes, band: int) -> U8:
        began = thread_time()
        tile = planes.read_band(band)
        self._count("scratch", thread_time() - began)
        return tile

    def _fill(self, rgb: U8, channels: U8, luma: U8) -> None:
        began = thread_time()
        channels[:] = rgb.reshape(-1)
        _kernels.luma(channels, luma)
        self._count("store", thread_time() - began)

    def _sort_run(self, planes: ScratchPlanes, buffer: U8, row: int, band: int) -> None:
        began = thread_time()
        block = buffer[:, slice(*planes.bands[band])].copy()
        _kernels.apply_network(block, sort_network(len(buffer)))
        sorted_at = thread_time()
        planes.write(row, band, block)
        self._count("sort", sorted_at - began)
        self._count("scratch", thread_time() - sorted_at)


def _finish(futures: Iterable[Future[None]]) -> None:
    for future in futures:
        future.result()
