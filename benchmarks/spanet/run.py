"""Times and peak memory of SPANet: its IRNN against plain torch, the network against the released graph.

Every graph at every size runs in its own process, so that peak memory is measured separately.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from math import inf
from typing import Any, NamedTuple

from pipeline.memory import peak_rss_bytes
from pipeline.stages import Progress

SIZES = ((256, 256), (512, 512), (1280, 720), (1920, 1080))
"""Width, height."""

IRNN_SIDE = 512
TRAINING_SIDE = 256


@dataclass(frozen=True)
class Measurement:
    """One measurement: its subject and size, seconds, peak memory of the process.

    share: fraction of the whole. times: seconds over those of our graph.
    """

    size: str
    what: str
    seconds: float
    _: KW_ONLY
    peak_bytes: int | None = None
    share: float | None = None
    times: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the values for --json."""
        return asdict(self)


class _Result(NamedTuple):
    """Seconds by name, and the peak memory of the process in bytes."""

    seconds: dict[str, float]
    peak_bytes: int | None


def bench_spanet(
    sizes: Sequence[tuple[int, int]],
    repeats: int,
    *,
    keep: bool,
    irnn_side: int = IRNN_SIDE,
    side: int = TRAINING_SIDE,
) -> Generator[Progress, None, list[Measurement]]:
    """Measure the IRNN, the network at each size, its parts, and a training step.

    Args:
        sizes: (width, height) of each picture, px.
        repeats: Number of repetitions; the best one counts.
        keep: Use `rainclean.allocator.keep_freed_memory` in every process.
        irnn_side: Side of the square that the IRNN is measured on, px.
        side: Side of the training examples, px.
    """
    results: list[Measurement] = []
    total, done = len(sizes) + 2, 0
    yield Progress("bench", done, total)
    seconds, _ = _alone("measure_irnn", irnn_side, repeats, keep=keep)
    for what, value in seconds.items():
        ours = seconds["ours: " + what.split(": ")[1]]
        results.append(Measurement(f"1×32×{irnn_side}×{irnn_side}", f"IRNN, {what}", value, times=value / ours))
    for width, height in sizes:
        done += 1
        yield Progress("bench", done, total)
        results += _graphs(
            f"{width}×{height}", "network", "measure_network", (width, height), repeats=repeats, keep=keep
        )
        seconds, _ = _alone("measure_parts", width, height, repeats, keep=keep)
        whole = seconds.pop("all")
        results += [Measurement(f"{width}×{height}", f"part, {k}", v, share=v / whole) for k, v in seconds.items()]
    yield Progress("bench", total - 1, total)
    results += _graphs(f"4×{side}×{side}", "training step", "measure_training", (side,), repeats=repeats, keep=keep)
    yield Progress("bench", total, total)
    return results


def _graphs(
    size: str, what: str, job: str, arguments: tuple[int, ...], *, repeats: int, keep: bool
) -> list[Measurement]:
    """Measure our graph and the released one in turns, so that other load on the machine affects both."""
    seconds: dict[str, float] = {}
    peaks: dict[str, int] = {}
    for _ in range(repeats):
        for graph in ("ours", "released"):
            result = _alone(job, *arguments, graph, 1, keep=keep)
            seconds[graph] = min(seconds.get(graph, inf), result.seconds[graph])
            peaks[graph] = max(peaks.get(graph, 0), result.peak_bytes or 0)
    return [
        Measurement(size, f"{what}, {graph}", best, peak_bytes=peaks[graph] or None, times=best / seconds["ours"])
        for graph, best in seconds.items()
    ]


def _alone(job: str, *arguments: Any, keep: bool) -> _Result:
    """Run a function of `benchmarks.spanet.measure` in a new process."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    from rainclean.errors import ResourceError

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_measure, job, arguments, keep=keep).result()
        except BrokenProcessPool:
            what = f"{job} {' '.join(map(str, (*arguments, keep)))}"
            raise ResourceError(
                f"{what}: the process was killed, probably for lack of memory; use smaller --sizes"
            ) from None


def _measure(job: str, arguments: tuple[Any, ...], *, keep: bool) -> _Result:
    from benchmarks.spanet import measure

    function: Callable[..., dict[str, float]] = getattr(measure, job)
    return _Result(function(*arguments, keep=keep), peak_rss_bytes())
