"""Times and peak memory of the temporal filter, against np.sort and the released rule in plain numpy.

Every measurement runs in its own process, so that peak memory is measured separately. All use the same clip in one run,
so that ratios are meaningful.
"""

import multiprocessing
import tempfile
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.memory import peak_rss_bytes
from pipeline.stages import Progress, finish
from rainclean.allocator import share_heaps
from rainclean.errors import ResourceError

U8 = NDArray[np.uint8]

SIZES = ((368, 640, 100), (1920, 1080, 100), (3840, 2160, 60))
"""Width, height, frames."""

LARGEST_ARRAY = 2 << 30
"""Largest stack in bytes for np.sort and plain numpy, which hold several copies of it."""


LARGEST_MOVING = 1920 * 1080
"""Largest frame in px for which a panning clip is measured, too."""

PAN = 0.4
"""Speed of the pan, px per frame."""


@dataclass(frozen=True)
class Measurement:
    """One measurement: its clip and subject, seconds, and the peak memory of the process."""

    clip: str
    what: str
    seconds: float
    peak_bytes: int | None

    def to_json(self) -> dict[str, Any]:
        """Return the values for --json."""
        return asdict(self)


def bench_temporal(
    sizes: Sequence[tuple[int, int, int]], repeats: int, *, scaling: bool
) -> Generator[Progress, None, list[Measurement]]:
    """Measure the temporal filter at each size.

    Args:
        sizes: (width, height, frames) of each clip.
        repeats: Number of repetitions; the best one counts.
        scaling: Measure, too, how time grows with frames and pixels.
    """
    results: list[Measurement] = []
    with tempfile.TemporaryDirectory(prefix="rainclean-bench-") as folder:
        for number, (width, height, frames) in enumerate(sizes):
            name = f"{width}×{height}×{frames}"
            yield Progress("bench", number, len(sizes) + 1)
            clip = Path(folder) / f"{width}x{height}x{frames}.mp4"
            _alone(make_clip, clip, width, height, frames)
            jobs: list[Callable[..., Any]] = [_decode, _released, _sweep]
            if width * height * 3 * frames <= LARGEST_ARRAY:
                jobs += [_sorts, _plain]
            for job in jobs:
                measured = [_alone(job, clip, frames) for _ in range(repeats)]
                for what in measured[0][0]:
                    seconds = min(times[what] for times, _ in measured)
                    results.append(Measurement(name, what, seconds, max(peak or 0 for _, peak in measured) or None))
            clip.unlink()
            if width * height <= LARGEST_MOVING:
                _alone(make_clip, clip, width, height, frames, pan=PAN)
                (times, peak) = min(
                    (_alone(_moving, clip, frames) for _ in range(repeats)), key=lambda m: sum(m[0].values())
                )
                results += [Measurement(name, what, seconds, peak) for what, seconds in times.items()]
                clip.unlink()
    yield Progress("bench", len(sizes), len(sizes) + 1)
    return results + (_alone(_scaling, repeats) if scaling else [])


def make_clip(path: Path, width: int, height: int, frames: int, *, seed: int = 7, pan: float = 0.0) -> None:
    """Encode a clip with falling streaks and noise over a picture, as H.264. pan: speed in px per frame."""
    import av
    import cv2

    rng = np.random.default_rng(seed)
    # Registration needs detail; without it, keep the picture of earlier measurements.
    cells = (9, 16) if not pan else (90, 160)
    small = rng.integers(40, 200, (*cells, 3), dtype=np.uint8)
    picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    rain = np.zeros((height, width), np.uint8)
    for _ in range(width * height // 3000):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        cv2.line(rain, (x, y), (x + 4, y + 28), int(rng.integers(20, 110)), 1 + height // 1080, cv2.LINE_AA)
    noise = rng.normal(0, 2, (height, width)).round().astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25, options={"crf": "20", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            by = (int(rng.integers(height)), int(rng.integers(width)))
            layer = np.roll(rain, by, (0, 1)) + np.roll(noise, by, (0, 1))
            seen = np.roll(picture, -round(index * pan), 1) if pan else picture
            frame = np.clip(seen + layer[..., None], 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def plain_released(frames: U8) -> tuple[U8, int]:
    """Apply the released rule in plain numpy: (N, H, W, 3) uint8 → clean image (H, W, 3) uint8, and η*."""
    n = len(frames)
    values = np.sort((frames.astype(np.int32) @ np.array([299, 587, 114], np.int32) // 1000).astype(np.uint8), axis=0)
    run = np.ones(values.shape[1:], np.int32)
    best, last = run.copy(), np.zeros_like(run)
    for i in range(1, n):
        run = np.where(values[i] == values[i - 1], run + 1, 1)
        longer = run > best
        best[longer], last[longer] = run[longer], i
    low, high = -(-100 * (last - best + 1) // n), 100 * last // n
    voting = low <= high
    change = np.bincount(low[voting], minlength=102) - np.bincount(high[voting] + 1, minlength=102)
    eta = int(np.argmax(np.cumsum(change)[:101]))
    return np.percentile(frames, eta, axis=0).astype(np.uint8), eta


def _alone(job: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Run a job in a new process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=share_heaps) as pool:  # as the commands do
        try:
            return pool.submit(job, *arguments, **options).result()
        except BrokenProcessPool:
            what = f"{job.__name__.strip('_')} of {Path(str(arguments[0])).stem}"
            raise ResourceError(
                f"{what}: the process was killed, probably for lack of memory; use smaller --sizes"
            ) from None


Times = tuple[dict[str, float], int | None]


def _decode(clip: Path, frames: int) -> Times:
    from rainclean.video import open_source

    with open_source(clip) as source:
        began = perf_counter()
        for _ in source.read():
            pass
        return {"decode": perf_counter() - began}, peak_rss_bytes()


def _released(clip: Path, frames: int) -> Times:
    timings = _clean(clip, "released", frames)
    return _steps("released", timings), peak_rss_bytes()


def _sweep(clip: Path, frames: int) -> Times:
    timings = _clean(clip, None, None)
    parts = {f"sweep: {step}": timings[step] for step in ("register", "weigh")}
    return {**_steps("sweep", timings), **parts, "sweep: scores": timings["score"]}, peak_rss_bytes()


def _moving(clip: Path, frames: int) -> Times:
    timings = _clean(clip, None, None)
    return {"moving: register": timings["register"], "moving: decode to scores": timings["wall"]}, peak_rss_bytes()


def _steps(name: str, timings: dict[str, float]) -> dict[str, float]:
    steps = {f"{name}: {step}": timings[step] for step in ("sort", "votes", "percentiles")}
    steps[f"{name}: sort, votes, percentiles"] = sum(steps.values())
    steps[f"{name}: scratch space"] = timings["scratch"]
    steps[f"{name}: decode to scores"] = timings["wall"] - timings["start_up"]
    return steps


def _clean(clip: Path, recipe: str | None, frames: int | None) -> dict[str, float]:
    from pipeline.clean import CleanSettings, clean
    from rainclean.video import open_source

    with (
        open_source(clip) as source,
        finish(clean(source, CleanSettings(recipe=recipe, frames=frames))) as result,
    ):
        return result.timings


def _stack(clip: Path) -> U8:
    from rainclean.video import open_source

    with open_source(clip) as source:
        return np.stack([frame.rgb for frame in source.read()])


def _sorts(clip: Path, frames: int) -> Times:
    from pipeline.clean import available_cores
    from rainclean import _kernels
    from rainclean.temporal import sort_stack

    stack = _stack(clip)
    _kernels.load()
    began = perf_counter()
    ours = sort_stack(stack, available_cores())
    seconds = perf_counter() - began
    began = perf_counter()
    theirs = np.sort(stack, axis=0)
    numpy_seconds = perf_counter() - began
    if not np.array_equal(ours, theirs):
        raise AssertionError("the sorting network and np.sort disagree")
    return {"sort alone": seconds, "np.sort": numpy_seconds}, peak_rss_bytes()


def _plain(clip: Path, frames: int) -> Times:
    stack = _stack(clip)
    began = perf_counter()
    plain_released(stack)
    return {"released rule in plain numpy": perf_counter() - began}, peak_rss_bytes()


def _scaling(repeats: int) -> list[Measurement]:
    """Time sort, votes and percentile of frames in memory, for three numbers of frames and three of pixels."""
    from rainclean import _kernels
    from rainclean.temporal import Budget, SortedStack

    _kernels.load()
    rng = np.random.default_rng(3)
    results = []
    shapes = [("frames", 640, 368, n) for n in (50, 100, 200)]
    shapes += [("pixels", height, width, 30) for height, width in ((540, 960), (1080, 1920), (2160, 3840))]
    for kind, height, width, n in shapes:
        pictures = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(5)]
        best = np.inf
        for _ in range(repeats + 1):
            with SortedStack(
                height, width, [(0, n)], Budget(4 << 30, Path(tempfile.gettempdir())), candidates=1, workers=2
            ) as stack:
                for i in range(n):
                    stack.add(pictures[i % 5])
                stack.finish()
                for _ in stack.votes():
                    pass
                for _ in stack.percentiles([[50.0]], lambda band, block: None):
                    pass
                clock = stack.clock
                best = min(best, sum(clock.seconds(name) for name in ("sort", "votes", "percentiles")))
        results.append(Measurement(f"{width}×{height}×{n}", f"scaling with {kind}", best, None))
    return results
