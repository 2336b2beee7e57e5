"""Time IRNN and network against plain torch and the released graph; for `python -m benchmarks spanet`.

Each function is one measurement, to be run in a process of its own, so that its peak memory is its own. What is
compared takes turns, so that the ratio is right on a busy machine too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from benchmarks.spanet.released import released_graph
from rainclean.allocator import keep_freed_memory
from rainclean.spanet._irnn_cpu import team
from rainclean.spanet.bands import Picture, forward_in_bands
from rainclean.spanet.irnn import irnn, irnn_reference
from rainclean.spanet.network import SPANet

Work = Callable[[], object]


def measure_irnn(side: int, repeats: int, *, keep: bool) -> dict[str, float]:
    """Time forward, and forward and backward, of ours and plain torch at (1, 32, side, side).

    Args:
        side: px.
        repeats: runs of each.
        keep: keep freed memory in the process.

    Returns:
        Best seconds by name.
    """
    _prepare(keep=keep)
    x = torch.randn(1, 32, side, side)
    weight, bias = torch.rand(4, 32) - 0.2, torch.randn(4, 32) / 10
    grad = torch.randn(1, 128, side, side)
    jobs: dict[str, Work] = {}
    for name, function, memory in (
        ("ours", irnn, torch.channels_last),
        ("plain torch", irnn_reference, torch.contiguous_format),
        ("plain torch, channels last", irnn_reference, torch.channels_last),
    ):
        picture, outer = x.contiguous(memory_format=memory), grad.contiguous(memory_format=memory)
        jobs[f"{name}: forward"] = lambda f=function, p=picture: f(p, weight, bias)  # type: ignore[misc]
        jobs[f"{name}: forward and backward"] = lambda f=function, p=picture, g=outer: _gradients(  # type: ignore[misc]
            f, (p, weight, bias), g
        )
    return _take_turns(jobs, repeats)


def measure_network(width: int, height: int, graph: str, repeats: int, *, keep: bool) -> dict[str, float]:
    """Time one picture.

    Args:
        width: px.
        height: px.
        graph: "ours", "plain" (`SPANet.forward`) or "released".
        repeats: runs.
        keep: keep freed memory in the process.

    Returns:
        Best seconds by name.
    """
    _prepare(keep=keep)
    net = network().requires_grad_(False)
    rgb = torch.rand(1, 3, height, width)
    with torch.inference_mode():
        return _take_turns({graph: lambda: _graph(net, graph)(rgb)}, repeats)


def measure_training(side: int, graph: str, repeats: int, *, keep: bool) -> dict[str, float]:
    """Time a forward and backward pass over four pictures.

    Args:
        side: px.
        graph: "ours" or "released".
        repeats: runs.
        keep: keep freed memory in the process.

    Returns:
        Best seconds by name.
    """
    _prepare(keep=keep)
    net = network().train()
    rgb = torch.rand(4, 3, side, side)
    forward = net if graph == "ours" else _graph(net, graph)

    def step() -> None:
        net.zero_grad()
        attention, clean = forward(rgb)
        (attention.square().mean() + (clean - rgb).abs().mean()).backward()

    return _take_turns({graph: step}, repeats)


def measure_parts(width: int, height: int, repeats: int, *, keep: bool) -> dict[str, float]:
    """Time the parts of one picture.

    Args:
        width: px.
        height: px.
        repeats: runs.
        keep: keep freed memory in the process.

    Returns:
        Seconds by part in the fastest run.
    """
    _prepare(keep=keep)
    net = network().requires_grad_(False)
    rgb = torch.rand(1, 3, height, width)
    attention, clean = rgb.new_empty(1, 1, height, width), rgb.new_empty(1, 3, height, width)
    best: dict[str, float] = {}
    with torch.no_grad(), team(32 * rgb.numel(), torch_alone=True) as run:
        for _ in range(repeats + 1):
            picture = _TimedPicture(net, height, width, dtype=rgb.numpy().dtype, run=run)
            with picture.timed("all"):
                picture.go_through(rgb, attention, clean)
            best = picture.seconds if not best or picture.seconds["all"] < best["all"] else best
    best["attention: convolutions"] = best.pop("attention") - best["attention: scans"]
    return {"all": best.pop("all"), **best}


def network() -> SPANet:
    """Return a network with arbitrary weights, the same every time, whose recurrences forget."""
    torch.manual_seed(1)
    net = SPANet()
    for recurrent in (net.SAM1.irnn1, net.SAM1.irnn2):
        for name, value in recurrent.named_parameters():
            torch.nn.init.uniform_(value, 0.2, 0.9) if "weight.weight" in name else torch.nn.init.zeros_(value)
    return net.eval()


class _TimedPicture(Picture):
    """A picture that keeps the time of its parts; that of its threads divided by their number."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.seconds: dict[str, float] = {}
        self.threads = min(torch.get_num_threads(), len(self.bands))
        self._adding = Lock()
        self._find_out = self.entering.find_out
        self.entering.find_out = self._timed_find_out  # type: ignore[assignment, method-assign]

    @contextmanager
    def timed(self, name: str, threads: int = 1) -> Iterator[None]:
        """Add the seconds inside to those of a part."""
        began = perf_counter()
        yield
        with self._adding:
            self.seconds[name] = self.seconds.get(name, 0.0) + (perf_counter() - began) / threads

    def _residual(self, *arguments: Any) -> None:
        with self.timed("residual blocks"):
            super()._residual(*arguments)

    def _attend(self, *arguments: Any) -> None:
        with self.timed("attention"):
            super()._attend(*arguments)

    def _timed_find_out(self, *arguments: Any) -> None:
        with self.timed("attention: scans"):
            self._find_out(*arguments)

    def _scan(self, *arguments: Any, **keywords: Any) -> None:
        with self.timed("attention: scans", self.threads):
            super()._scan(*arguments, **keywords)


def _graph(net: SPANet, name: str) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    graphs: dict[str, Callable[[Tensor], tuple[Tensor, Tensor]]] = {
        "ours": lambda rgb: forward_in_bands(net, rgb),
        "plain": net,
        "released": lambda rgb: released_graph(net, rgb),
    }
    return graphs[name]


def _gradients(function: Callable[..., Tensor], inputs: tuple[Tensor, ...], grad: Tensor) -> None:
    leaves = [tensor.detach().requires_grad_() for tensor in inputs]
    torch.autograd.backward(function(*leaves), grad)


def _prepare(*, keep: bool) -> None:
    torch.manual_seed(0)
    if keep:
        keep_freed_memory()


def _take_turns(jobs: dict[str, Work], repeats: int) -> dict[str, float]:
    """Return the best seconds of each job; the first run does not count (compiling, first touch of memory)."""
    best: dict[str, float] = {}
    for number in range(repeats + 1):
        for name, job in jobs.items():
            began = perf_counter()
            job()
            seconds = perf_counter() - began
            if number:
                best[name] = min(seconds, best.get(name, seconds))
    return best
