"""One window of a sequence, kept sorted, so that a person can try percentiles and numbers of frames.

`rainclean.temporal.SortedStack` sorts, looks up what it was asked for, and forgets. Here frames stay as they were
decoded (`frames`), and the window that is being looked at stays sorted, rank by rank (`sorting`): any percentile of
it is two ranks, blended. Another number of frames is previewed first, coarsely and only what is in view, and sorted
once the person has settled on it. Pictures are those that `clean` makes of the same recipe, pixel by pixel.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Lock
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rainclean import _kernels
from rainclean.candidates import SWEEP_FRAMES, Recipe, Selection, select_frames
from rainclean.candidates.estimators import SortedEstimator
from rainclean.live.frames import REDUCED_PIXELS, LiveFrames, Window
from rainclean.live.pixel import PixelHistory
from rainclean.live.preview import Preview, check_region, coarse
from rainclean.live.scratch import ScratchFile, frames_that_fit
from rainclean.live.sorting import MAX_FRAMES, SortedWindow, luma_of, mode_places, side_by_side, sort_window
from rainclean.temporal import PercentileQuery, Votes, count_local_votes, count_votes, sort_network, split_percentile
from rainclean.video import Region

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

USED_FRAMES = SWEEP_FRAMES[-1]
"""Frames that are used at most by default: those of the sweep's largest window."""

SCRATCH_LIMIT = 4 << 30
"""Bytes of scratch space that are taken at most by default."""

_PIECE = 1 << 18
"""Samples that are queried at a time: two ranks of them stay within a core's cache."""


_TILE_BYTES = 8 << 20
"""Bytes of sorted values that a thread reads at a time where all ranks are needed."""


class NothingSorted(ValueError):
    """No window is sorted: not yet, or another one is being sorted. A preview is possible all the same."""


class LiveStack:
    """Frames around the reference frame of one sequence, and one window of them sorted.

    One thread adds frames; then any number of threads may query, and one sort may be under way. Use as a context
    manager; `close` gives memory and disk space back.

    Attributes:
        frames: how many frames are used.
        selection: which they are (`Selection.indices` in the clip).
        repeats: frames that were left out because they repeat one, for whoever names what is made of it.
        reference_rgb: (H, W, 3) uint8, the reference frame, once it was added.
    """

    def __init__(
        self,
        height: int,
        width: int,
        usable: Sequence[int],
        reference: int,
        *,
        folder: Path,
        most: int = USED_FRAMES,
        limit: int = SCRATCH_LIMIT,
        workers: int = 2,
    ) -> None:
        """Make room for the frames.

        Args:
            height: of the frames, px.
            width: of the frames, px.
            usable: indices in the clip of the sequence's frames that may be used, rising.
            reference: index of the reference frame.
            folder: of the scratch files.
            most: frames to use at most.
            limit: bytes of scratch space to use at most.
            workers: threads.

        Raises:
            ResourceError: there is no room for two frames.
        """
        self.height, self.width = height, width
        self.frames = min(most, len(usable), frames_that_fit(height, width, folder, limit), MAX_FRAMES)
        chosen = select_frames(len(usable), [Recipe(self.frames)], usable.index(reference))
        self.selection = Selection(tuple(usable[i] for i in chosen.indices), chosen.reference, chosen.windows)
        self.reference_rgb: U8 = np.empty((0, 0, 3), np.uint8)
        self.repeats: Mapping[int, int] = {}
        self._frames = LiveFrames(height, width, self.frames, folder)
        try:
            self._ranks = ScratchFile(folder)
        except BaseException:
            self._frames.close()
            raise
        self._sorted: SortedWindow | None = None
        self._target: F32 | None = None
        self._sort_lock, self._ranks_lock = Lock(), Lock()
        self._users = Condition()
        self._looking, self._closed = 0, False
        self._workers = workers
        # Two pools, so that what a person waits for does not queue behind sorting.
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="rainclean-live-look")
        self._sort_pool = ThreadPoolExecutor(workers, thread_name_prefix="rainclean-live-sort")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for queries under way, then give memory and disk space back.

        A sort under way ends with a ValueError at its next step.
        """
        with self._users:
            if self._closed:
                return
            self._closed = True
            self._users.wait_for(lambda: not self._looking)
        with self._sort_lock:
            self._sort_pool.shutdown(wait=True, cancel_futures=True)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._ranks.close()
        self._frames.close()
        self._sorted = self._target = None

    @property
    def scratch_bytes(self) -> int:
        """Bytes of scratch space that frames and sorted window take together at most."""
        return 2 * 3 * self.height * self.width * self.frames

    @property
    def sorted_frames(self) -> int | None:
        """N of the sorted window; None before the first sort, during each, and after one that was broken off."""
        now = self._sorted
        return None if now is None else now.votes.frames

    @property
    def votes(self) -> Votes:
        """Votes of the whole picture over the sorted window. Raises NothingSorted."""
        return self._window_now().votes

    @property
    def target(self) -> F32:
        """Scoring target: shortest-interval midpoint of each pixel, (H, W) float32 in grey levels (see `sort`)."""
        if self._target is None:
            raise NothingSorted("no window was sorted yet")
        return self._target

    def window(self, frames: int) -> Window:
        """Return the positions (start, stop) among the used frames of the ``frames`` around the reference frame."""
        return select_frames(self.frames, [Recipe(frames), Recipe(self.frames)], self.selection.reference).windows[0]

    def add(self, rgb: U8) -> None:
        """Add the next used frame, (H, W, 3) uint8; it must not be changed from then on."""
        position = self._frames.added
        self._frames.add(rgb)
        if position == self.selection.reference:
            self.reference_rgb = rgb

    def judge_by(self, target: F32) -> None:
        """Set another scoring target instead of the frames' own.

        Args:
            target: (H, W) float32 in grey levels.

        Raises:
            ValueError: it has another shape.
        """
        if target.shape != (self.height, self.width):
            raise ValueError(f"a scoring target of {target.shape} for frames of {(self.height, self.width)}")
        self._target = target

    def sort(self, frames: int, midpoint_of: int | None = None) -> Generator[float, None, None]:
        """Sort a window. The latest sort counts: one that was under way ends with NothingSorted at its next step.

        Args:
            frames: in the window.
            midpoint_of: also make the scoring target of a window of that many frames. Where there is none yet, the
                first sort makes one in any case, by default of its own window; later ones keep it, so that scores of
                all pictures compare.

        Yields:
            The fraction done; the generator may be closed.
        """
        self._frames.check_filled()
        if midpoint_of is None and self._target is None:
            midpoint_of = frames
        window, of = self.window(frames), None if midpoint_of is None else self.window(midpoint_of)
        pool = self._begin_sort()
        try:
            done = yield from sort_window(self._frames, self._ranks, window, of, pool=pool, workers=self._workers)
        except (CancelledError, RuntimeError):
            with self._sort_lock:  # once it is clear which sort comes next
                self._check_turn(pool)
            raise
        with self._sort_lock:
            self._check_turn(pool)
            self._target = self._target if done.midpoint is None else done.midpoint
            self._sorted = done

    def percentile(self, percentile: float, out: U8 | None = None) -> U8:
        """Query a percentile of the sorted window.

        Args:
            percentile: 0…100 in tenths.
            out: (H, W, 3) uint8, C-contiguous, to write to; None: a new array.

        Returns:
            (H, W, 3) uint8.

        Raises:
            NothingSorted: no window is sorted.
        """
        shape, samples = (self.height, self.width, 3), 3 * self.height * self.width
        picture = np.empty(shape, np.uint8) if out is None else out
        if picture.shape != shape or picture.dtype != np.uint8 or not picture.flags.c_contiguous:
            raise ValueError(f"out is {picture.dtype} {picture.shape}, not C-contiguous uint8 {shape}")
        with self._use(), self._ranks_lock:
            rank, part = split_percentile(percentile, self._window_now().votes.frames)
            flat = picture.reshape(-1)

            def piece(start: int) -> None:
                into = flat[start : start + _PIECE]
                if not part:
                    self._ranks.read(rank * samples + start, into)
                    return
                two = np.empty((2, into.size), np.uint8)
                self._ranks.read(rank * samples + start, two[0])
                self._ranks.read((rank + 1) * samples + start, two[1])
                _kernels.percentile(two, 0, part, into)

            self._all(piece, range(0, samples, _PIECE))
        return picture

    def estimate(self, recipe: Recipe) -> U8:
        """Make the clean image of a recipe from the sorted window, which must be that of the recipe.

        Args:
            recipe: of a `SortedEstimator`.

        Returns:
            (H, W, 3) uint8.

        Raises:
            NothingSorted: no window is sorted, or another one is being sorted since.
            ValueError: the estimator of the recipe has no live picture; see `Estimator.not_live`.
        """
        estimator, shape = recipe.estimator, (self.height, self.width)
        if not isinstance(estimator, SortedEstimator):
            raise ValueError(f"{recipe.name} has no live picture: {estimator.not_live}")
        now = self._window_now()
        count = now.votes.frames
        query = estimator.query(recipe, now.votes, count_local_votes(now.first, now.last, count))
        if isinstance(query, int | float):
            return self.percentile(query)
        queries = PercentileQuery([[query]], None, [(0, count)], shape)
        picture, samples = np.empty((*shape, 3), np.uint8), 3 * self.height * self.width
        flat, step = picture.reshape(-1), max(1, _TILE_BYTES // count)

        def piece(start: int) -> None:
            into = flat[start : start + step]
            tile = np.empty((count, into.size), np.uint8)
            for rank, values in enumerate(tile):
                self._ranks.read(rank * samples + start, values)
            queries.window(0, tile, (start, start + into.size), iter([into]))

        with self._use(), self._ranks_lock:
            if self._window_now() is not now:
                raise NothingSorted("another window is sorted since")
            self._all(piece, range(0, samples, step))
        return picture

    def preview(self, frames: int, percentile: float, region: Region, most: int = REDUCED_PIXELS) -> Preview:
        """Compute a percentile of a window, sorted or not, of a region: every step-th pixel each way.

        Args:
            frames: in the window.
            percentile: 0…100 in tenths.
            region: of the picture.
            most: pixels that are computed at most; proportionally fewer where more than 100 frames have to be read
                from scratch space, so that it takes about the same time.
        """
        window = self.window(frames)
        rank, part = split_percentile(percentile, frames)
        from_file = max(1, most * 100 // max(100, frames))
        limits = {"reduced": self._frames.step, "from_file": from_file, "most": max(1, most)}
        covered, step = coarse(region, self.width, self.height, **limits)
        height, width = -(-covered.height // step), -(-covered.width // step)
        out, pairs = np.empty((height, 3 * width), np.uint8), sort_network(frames)

        def line(row: int) -> None:
            tile = self._frames.part(covered.y + row * step, window, covered.x, width, step)
            _kernels.apply_network(tile, pairs)
            _kernels.percentile(tile, rank, part, out[row])

        with self._use():
            self._frames.check_filled()
            self._all(line, range(height))
        return Preview(out.reshape(height, width, 3), step, covered)

    def frame(self, position: int) -> U8:
        """Return the frame at a position among the used ones, (H, W, 3) uint8, the caller's to keep."""
        if not 0 <= position < self.frames:
            raise ValueError(f"frame {position} of {self.frames}")
        with self._use():
            self._frames.check_filled()
            return self._frames.frame(position)

    def pixel(self, x: int, y: int, frames: int | None = None) -> PixelHistory:
        """Return the values of one pixel over a window.

        Args:
            x: px.
            y: px.
            frames: in the window; None: the sorted one, or all used frames where none is sorted.
        """
        if not (0 <= x < self.width and 0 <= y < self.height):
            raise ValueError(f"pixel {x}, {y} of a picture of {self.width}×{self.height} px")
        window = self.window(frames or self.sorted_frames or self.frames)
        with self._use():
            self._frames.check_filled()
            values = self._frames.pixel(x, y)[slice(*window)]
        return PixelHistory.from_values(x, y, self.selection.indices[slice(*window)], values)

    def votes_in(self, region: Region, frames: int | None = None, mask: NDArray[np.bool_] | None = None) -> Votes:
        """Count the votes of the pixels of a region alone, with the η* they choose.

        Args:
            region: of the picture.
            frames: in the window; None: the sorted one.
            mask: (region.height, region.width) bool, the pixels of the region that count; None: all.

        Raises:
            ValueError: the region reaches beyond the picture.
            NothingSorted: neither a window is sorted nor ``frames`` is given.
        """
        check_region(region, self.width, self.height)
        counted = np.ones((region.height, region.width), np.bool_) if mask is None else mask
        if counted.shape != (region.height, region.width):
            raise ValueError(f"a mask of {counted.shape} for a region of {(region.height, region.width)}")
        columns = slice(region.x, region.x + region.width)
        now = self._sorted
        if frames is None or (now is not None and now.votes.frames == frames):
            now = self._window_now()
            rows = slice(region.y, region.y + region.height)
            first, last = (places[rows, columns][counted].astype(np.int32) for places in (now.first, now.last))
            return count_votes(first, last, now.votes.frames)
        window, total = self.window(frames), Votes.none(frames)

        def line(row: int) -> Votes:
            tile = self._frames.part(region.y + row, window, region.x, region.width, 1)
            first, last = mode_places(luma_of(tile))
            return count_votes(first[counted[row]], last[counted[row]], frames)

        with self._use():
            self._frames.check_filled()
            for votes in side_by_side(line, range(region.height), self._pool, region.height):
                total += votes
        return total

    def _begin_sort(self) -> ThreadPoolExecutor:
        """Return threads for a new sort; those of the last one have ended by then, and nobody reads its ranks."""
        with self._sort_lock, self._ranks_lock:
            self._check_open()
            self._sort_pool.shutdown(wait=True, cancel_futures=True)
            self._sort_pool = ThreadPoolExecutor(self._workers, thread_name_prefix="rainclean-live-sort")
            self._sorted = None
            return self._sort_pool

    def _check_turn(self, pool: ThreadPoolExecutor) -> None:
        self._check_open()
        if pool is not self._sort_pool:
            raise NothingSorted("another window is being sorted since")

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the live stack is closed")

    def _window_now(self) -> SortedWindow:
        now = self._sorted
        if now is None:
            raise NothingSorted("no window is sorted")
        return now

    def _all(self, job: Callable[[int], None], places: range) -> None:
        """Run a job for all places; the workers take turns, so that they end together."""

        def some(worker: int) -> None:
            for place in places[worker :: self._workers]:
                job(place)

        for _ in self._pool.map(some, range(self._workers)):
            pass

    @contextmanager
    def _use(self) -> Iterator[None]:
        """Keep the stack from being closed meanwhile. Raises ValueError where it is closed already."""
        with self._users:
            self._check_open()
            self._looking += 1
        try:
            yield
        finally:
            with self._users:
                self._looking -= 1
                self._users.notify_all()
