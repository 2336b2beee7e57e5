"""Sort the frames of a clip over time: frames go in as they are decoded, percentiles of several windows come out.

A clip never has to fit into memory, and a window of N frames is sorted once however many percentiles are
asked of it. Three ideas carry this:

- Windows are nested ranges of the used frames (20 frames around the reference frame lie within 40, and so
  on). The used frames are cut into runs at the windows' edges. Runs are sorted, then merged outward from the
  reference frame, so that each window is sorted at some moment on the way.
- Pixels are independent, so sorting goes band by band (see `storage`) in a few MB. Where frames have room in memory
  they stay there unchanged and nothing else is stored; else sorted runs go to scratch space (`runs`).
- Two passes over the bands. Luma comes first, because the votes of the whole picture decide which percentile is
  wanted. Then come the channels, in which the percentiles are queried. Votes are counted for each neighbourhood too
  (see `local_eta`), and a percentile may be wanted for each pixel.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import pairwise
from threading import Lock
from time import thread_time
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rainclean import _kernels
from rainclean.temporal.local_eta import LocalVotes, cell_grid, cell_size
from rainclean.temporal.memory_budget import Budget
from rainclean.temporal.percentiles import InitialEstimate, PercentileQuery, Query
from rainclean.temporal.prior import Votes, interval_size
from rainclean.temporal.runs import HeldRuns, Runs, StoredRuns
from rainclean.temporal.sorting_networks import Pairs, sort_runs_network
from rainclean.temporal.storage import Planes, refuse_if_too_little

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
F32 = NDArray[np.float32]
Window = tuple[int, int]
Result = TypeVar("Result")


class Clock:
    """Seconds of work by name, added up over threads."""

    def __init__(self, workers: int) -> None:
        self._workers, self._lock = workers, Lock()
        self._busy: dict[str, float] = {}

    def add(self, name: str, seconds: float) -> None:
        """Add work done by one worker."""
        with self._lock:
            self._busy[name] = self._busy.get(name, 0.0) + seconds

    def seconds(self, name: str) -> float:
        """Return the seconds of work ``name`` divided by the number of workers."""
        return self._busy.get(name, 0.0) / self._workers


class SortedStack:
    """Frames of one clip, sorted over time per pixel and channel, in nested windows.

    Use as a context manager; `close` gives memory and disk space back.

    Attributes:
        local_votes: after `votes`, those of each window by cells.
    """

    def __init__(
        self,
        height: int,
        width: int,
        windows: Sequence[Window],
        budget: Budget,
        *,
        candidates: int,
        workers: int,
        refine: bool = False,
    ) -> None:
        """Make room for the frames.

        Args:
            height: of the frames, px.
            width: of the frames, px.
            windows: ranges (start, stop) of the used frames, each within the next; the last is all of them.
            budget: memory and scratch space to use.
            candidates: pictures that will be queried.
            workers: threads.
            refine: whether a rain-free mean is to have room as well.

        Raises:
            ResourceError: memory or scratch space is too little.
            ValueError: the windows are not nested.
        """
        self.height, self.width = height, width
        self.windows = tuple(windows)
        _check_nested(self.windows)
        self.frames = self.windows[-1][1]
        self._budget = budget
        pixels = height * width
        self.layout = budget.layout(pixels, self.frames, candidates, workers, refine=refine)
        if self.layout.scratch_bytes:
            refuse_if_too_little(self.layout.scratch_bytes, budget.folder)
        self._edges = _cut_runs(self.windows, self.layout.run_length)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="rainclean-sort")
        self._workers = workers
        self.clock = Clock(workers)
        common = (self._edges, pixels, self.layout.band_bytes, self.clock.add)
        self._runs: Runs = (
            StoredRuns(*common, folder=budget.folder, pool=self._pool)
            if self.layout.stack_on_disk
            else HeldRuns(*common)
        )
        self._added, self._finished = 0, False
        self.local_votes: list[LocalVotes] = []
        self._merges = [self._merge_pairs(i) for i in range(len(self.windows))]

    def __enter__(self) -> "SortedStack":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the workers and give memory and disk space back."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._runs.close()

    def add(self, rgb: U8) -> None:
        """Add the next used frame.

        Args:
            rgb: (H, W, 3) uint8; it must not be changed until the stack is closed.

        Raises:
            ValueError: it has another shape or dtype, or there are more frames than the stack was made for.
        """
        if rgb.shape != (self.height, self.width, 3):
            raise ValueError(f"frame of shape {rgb.shape} in a stack of {(self.height, self.width, 3)}")
        if rgb.dtype != np.uint8:
            raise ValueError(f"frame of {rgb.dtype}, not uint8")
        if self._added == self.frames:
            raise ValueError(f"more than the {self.frames} frames that the stack was made for")
        self._runs.add(rgb)
        self._added += 1

    def finish(self) -> None:
        """End adding: wait for runs that are being stored. Raises ValueError where frames are missing."""
        if self._added < self.frames:
            raise ValueError(f"{self._added} of {self.frames} frames were added")
        self._runs.finish()
        self._finished = True

    def votes(
        self, midpoint_window: int | None = -1
    ) -> Generator[float, None, tuple[list[Votes], NDArray[np.float32]]]:
        """Count the votes of each window: the first pass. In the end `local_votes` holds the votes by cells.

        Args:
            midpoint_window: index of the window whose shortest-interval midpoint is wanted; None: of none.

        Yields:
            The fraction done, after each band.

        Returns:
            The votes of each window, and `temporal.shortest_interval_midpoint` of that window, (H, W) float32 in grey
            levels, undefined where it was not asked for.
        """
        counts = [Votes.none(stop - start) for start, stop in self.windows]
        midpoint = np.empty(self.height * self.width, np.float32)
        bands = len(self._runs.luma_bands)
        midpoint_of = None if midpoint_window is None else self.windows[midpoint_window]
        grid, cell = cell_grid(self.height, self.width), cell_size(self.height, self.width)
        changes = [np.zeros((*grid, vote.frames + 1), np.int32) for vote in counts]
        for done, (first, partial) in enumerate(
            self._over_bands(lambda band: self._vote_band(band, midpoint, midpoint_of), bands), 1
        ):
            counts = [total + votes for total, (votes, _) in zip(counts, partial, strict=True)]
            for change, (_, in_cells) in zip(changes, partial, strict=True):
                change[first : first + len(in_cells)] += in_cells
            yield done / bands
        self.local_votes = [
            LocalVotes(np.cumsum(change[..., :-1], axis=-1, dtype=np.int32), cell, self.height, self.width)
            for change in changes
        ]
        return counts, midpoint.reshape(self.height, self.width)

    def percentiles(
        self, wanted: Sequence[Sequence[Query]], use: Callable[[int, U8], None], start: InitialEstimate | None = None
    ) -> Generator[float, None, F32 | None]:
        """Query percentiles of each window: the second pass.

        Args:
            wanted: for each window the percentiles, 0…100 in tenths, of the whole picture or of each pixel (its
                channels share it).
            use: called as ``use(band, block)`` once for each band of the interleaved RGB picture from several
                threads; ``block`` (all percentiles of all windows in that order, band width) uint8.
            start: how to make the initial estimate of a rain-free mean; None: make none.

        Yields:
            The fraction done, after each band.

        Returns:
            The initial estimate, (H, W, 3) float32 in levels, where one is asked for.

        Raises:
            ValueError: a percentile is outside 0…100, or a map has another shape.
        """
        query = PercentileQuery(wanted, start, self.windows, (self.height, self.width))
        bands = len(self._runs.channel_bands)
        for done, _ in enumerate(self._over_bands(lambda band: self._query_band(band, query, use), bands), 1):
            yield done / bands
        return query.initial_estimate

    def picture_planes(self, count: int) -> Planes:
        """Make room for ``count`` pictures, in bands as `percentiles` delivers them; the caller closes it."""
        bands = self._runs.channel_bands
        return self._budget.planes(count, bands[-1][1], bands, on_disk=self.layout.pictures_on_disk)

    def _vote_band(self, band: int, midpoint: F32, midpoint_of: Window | None) -> tuple[int, list[tuple[Votes, I32]]]:
        """Count votes of a band for each window, and by cells, for the rows of cells that it touches."""
        tile = self._runs.luma(band)
        width = tile.shape[1]
        begin, end = self._runs.luma_bands[band]
        cell, (_, columns) = cell_size(self.height, self.width), cell_grid(self.height, self.width)
        top, bottom = (pixel // self.width // cell for pixel in (begin, end - 1))
        mode = np.empty(width, np.uint8)
        first, last = np.empty(width, np.int32), np.empty(width, np.int32)
        result = []
        for (start, stop), pairs in zip(self.windows, self._merges, strict=True):
            began = thread_time()
            _kernels.apply_network(tile, pairs)
            sorted_at = thread_time()
            _kernels.mode_range(tile[start:stop], mode, first, last)
            votes = np.zeros(101, np.int64)
            silent = _kernels.count_votes(first, last, stop - start, votes)
            in_cells = np.zeros((bottom - top + 1, columns, stop - start + 1), np.int32)
            _kernels.count_in_cells(first, last, begin, self.width, cell, in_cells)
            result.append((Votes(votes, silent, width, stop - start), in_cells))
            self.clock.add("sort", sorted_at - began)
            voted_at = thread_time()
            self.clock.add("votes", voted_at - sorted_at)
            if (start, stop) == midpoint_of:
                _kernels.shortest_interval_midpoint(tile[start:stop], interval_size(stop - start), midpoint[begin:end])
                self.clock.add("score", thread_time() - voted_at)
        return top, result

    def _query_band(self, band: int, query: PercentileQuery, use: Callable[[int, U8], None]) -> None:
        tile = self._runs.channels(band)
        block = np.empty((query.count, tile.shape[1]), np.uint8)
        rows = iter(block)
        for index, ((start, stop), pairs) in enumerate(zip(self.windows, self._merges, strict=True)):
            began = thread_time()
            _kernels.apply_network(tile, pairs)
            sorted_at = thread_time()
            query.window(index, tile[start:stop], self._runs.channel_bands[band], rows)
            self.clock.add("sort", sorted_at - began)
            self.clock.add("percentiles", thread_time() - sorted_at)
        began = thread_time()
        use(band, block)
        self.clock.add("percentiles", thread_time() - began)

    def _merge_pairs(self, window: int) -> Pairs:
        """Return comparators that sort a window once the window inside it (or its runs) is sorted."""
        start, stop = self.windows[window]
        inner = self.windows[window - 1] if window else (start, start)
        before = [e for e in self._edges if start <= e <= inner[0]]
        after = [e for e in self._edges if inner[1] <= e <= stop]
        if not window:
            return sort_runs_network(tuple(after))
        joined = tuple(sorted({start, *inner, stop}))
        return np.concatenate([sort_runs_network(tuple(edges)) for edges in (before, after, joined)])

    def _over_bands(self, job: Callable[[int], Result], bands: int) -> Iterator[Result]:
        """Run a job for each band in the pool, a few ahead, and yield results in order."""
        if not self._finished:
            raise ValueError("the stack is not finished: call finish() once all frames are added")
        waiting: list[Future[Result]] = []
        try:
            for band in range(bands):
                waiting.append(self._pool.submit(job, band))
                if len(waiting) > 2 * self._workers:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            # A cancelled future never becomes done where the pool is gone already: wait for the others only.
            wait([future for future in waiting if not future.cancel()])


def _check_nested(windows: Sequence[Window]) -> None:
    if not windows or windows[-1][0] != 0:
        raise ValueError("the last window must hold all used frames")
    if any(stop - start < 2 for start, stop in windows):
        raise ValueError("a window needs at least 2 frames")
    for (start, stop), (outer_start, outer_stop) in pairwise(windows):
        if not (outer_start <= start and stop <= outer_stop):
            raise ValueError(f"window {(start, stop)} does not lie within {(outer_start, outer_stop)}")


def _cut_runs(windows: Sequence[Window], longest: int) -> list[int]:
    """Return the edges of the runs: all edges of windows, and cuts between them every ``longest`` frames."""
    edges = sorted({edge for window in windows for edge in window})
    cuts = [cut for start, stop in pairwise(edges) for cut in range(start, stop, longest)]
    return [*cuts, edges[-1]]
