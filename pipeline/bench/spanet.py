"""Times and peak memory of SPANet: its IRNN beside plain torch, the network beside the released graph.

Every graph at every size runs in a process of its own, so that its peak memory is its own.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.memory import peak_rss_bytes
from pipeline.stages import Progress

SIZES = ((256, 256), (512, 512), (1280, 720), (1920, 1080))
"""Width, height."""

IRNN_SIDE = 512
TRAINING_SIDE = 256


@dataclass(frozen=True)
class Measurement:
    """One line: what was measured on what size, seconds, peak memory of the process.

    ``share`` is of the whole (where the time goes), ``times`` how many times longer than ours it took.
    """

    size: str
    what: str
    seconds: float
    peak_bytes: int | None = None
    share: float | None = None
    times: float | None = None

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def bench_spanet(
    sizes: Sequence[tuple[int, int]], repeats: int, keep: bool, irnn_side: int = IRNN_SIDE, side: int = TRAINING_SIDE
) -> Generator[Progress, None, list[Measurement]]:
    """Measure IRNN, network at each size, parts and a training step; the best of ``repeats`` counts.

    keep: with `rainclean.allocator.keep_freed_memory`, for all alike.
    """
    results: list[Measurement] = []
    total, done = len(sizes) + 2, 0
    yield Progress("bench", done, total)
    seconds, _ = _alone("measure_irnn", irnn_side, repeats, keep)
    for what, value in seconds.items():
        ours = seconds["ours: " + what.split(": ")[1]]
        results.append(Measurement(f"1×32×{irnn_side}×{irnn_side}", f"IRNN, {what}", value, times=value / ours))
    for width, height in sizes:
        done += 1
        yield Progress("bench", done, total)
        results += _graphs(f"{width}×{height}", "network", "measure_network", (width, height), repeats, keep)
        seconds, _ = _alone("measure_parts", width, height, repeats, keep)
        whole = seconds.pop("all")
        results += [Measurement(f"{width}×{height}", f"part, {k}", v, share=v / whole) for k, v in seconds.items()]
    yield Progress("bench", total - 1, total)
    results += _graphs(f"4×{side}×{side}", "training step", "measure_training", (side,), repeats, keep)
    yield Progress("bench", total, total)
    return results


def _graphs(size: str, what: str, job: str, arguments: tuple[int, ...], repeats: int, keep: bool) -> list[Measurement]:
    """Ours and the released graph, in turns: processes one after the other, so that a busy minute hits both."""
    best: dict[str, tuple[float, int]] = {}
    for _ in range(repeats):
        for graph in ("ours", "released"):
            seconds, peak = _alone(job, *arguments, graph, 1, keep)
            before = best.get(graph, (seconds[graph], 0))
            best[graph] = min(before[0], seconds[graph]), max(before[1], peak or 0)
    ours = best["ours"][0]
    return [Measurement(size, f"{what}, {g}", s, peak or None, times=s / ours) for g, (s, peak) in best.items()]


def _alone(job: str, *arguments: Any) -> tuple[dict[str, float], int | None]:
    """Run a function of `rainclean.spanet.measure` in a fresh process: seconds by name, and its peak memory."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    from rainclean.errors import ResourceError

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_measure, job, arguments).result()
        except BrokenProcessPool:
            what = f"{job} {' '.join(map(str, arguments))}"
            raise ResourceError(f"{what}: the process was killed, probably for memory; use smaller --sizes") from None


def _measure(job: str, arguments: tuple[Any, ...]) -> tuple[dict[str, float], int | None]:
    from rainclean.spanet import measure

    function: Callable[..., dict[str, float]] = getattr(measure, job)
    return function(*arguments), peak_rss_bytes()
