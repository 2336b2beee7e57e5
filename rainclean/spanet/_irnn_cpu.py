"""Run the IRNN on the CPU: channels-last numpy views of tensors, and threads around the compiled scans."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Barrier, Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rainclean.spanet import _irnn_numba as kernels

BLOCK = 64
"""Columns in a block of the scans up and down: state of one block stays in the first-level cache. Gradients of
weights are added up block by block, so it decides their last digits; threads do not."""

SMALL = 1 << 16
"""Inputs with fewer values are done by the calling thread alone: less work than starting another."""

ALIGNMENT = 4096

Floats = NDArray[Any]
Task = Callable[[], object]
Team = Callable[[Iterable[Task]], None]


@contextmanager
def team(values: int, *, torch_alone: bool = False) -> Iterator[Team]:
    """Return a function that runs tasks and returns when all are done, for work on inputs of so many values.

    As many threads as torch uses (`torch.set_num_threads`). They live as long as the context: nothing is left
    behind for a forked process to wait for. torch_alone: tasks call torch, each in its own thread only.
    """
    threads = torch.get_num_threads()
    if threads == 1 or values < SMALL:
        yield _alone
        return
    others = threads if torch_alone else threads - 1  # the caller is one of them where it may be
    with ThreadPoolExecutor(others, thread_name_prefix="rainclean-irnn") as pool:
        if torch_alone:
            _hold_back_torch(pool, others)

        def together(tasks: Iterable[Task]) -> None:
            waiting = iter(list(tasks))
            at_work = [pool.submit(_work_off, waiting) for _ in range(others)]
            if not torch_alone:
                _work_off(waiting)
            for worker in at_work:
                worker.result()

        yield together


_holding_back = Lock()


def _hold_back_torch(pool: ThreadPoolExecutor, threads: int) -> None:
    """Let torch use one thread in each thread of the pool, and as many as before everywhere else."""
    with _holding_back:
        before = torch.get_num_threads()
        all_there = Barrier(threads)

        def hold_back() -> None:
            all_there.wait()
            torch.get_num_threads()  # or torch takes over the number of all at the first use in this thread
            torch.set_num_threads(1)

        try:
            for future in [pool.submit(hold_back) for _ in range(threads)]:
                future.result()
        finally:
            # The number holds for the thread that sets it, and for threads that torch first sees later.
            torch.set_num_threads(before)


def _alone(tasks: Iterable[Task]) -> None:
    for task in tasks:
        task()


def _work_off(waiting: Iterator[Task]) -> None:
    # next() on a list's iterator is safe between threads, and so is each task taken by exactly one of them.
    for task in waiting:
        task()


def spans(length: int, size: int) -> list[tuple[int, int]]:
    """Cut 0…``length`` into pieces of ``size``, the last may be shorter."""
    return [(start, min(start + size, length)) for start in range(0, length, size)]


def fresh(shape: Sequence[int], dtype: "np.dtype[Any] | type[np.floating[Any]]") -> Floats:
    """Uninitialised C-contiguous memory on a page boundary.

    From numpy, which asks for huge pages: touching new memory for the first time takes longer than the scans,
    and 2.5 times longer with torch's allocator.
    """
    count = int(np.prod(shape))
    itemsize = np.dtype(dtype).itemsize
    memory = np.empty(count * itemsize + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + count * itemsize].view(dtype).reshape(tuple(shape))


def channels_last(picture: Tensor) -> Floats:
    """View a (B, K, H, W) tensor as a C-contiguous (B, H, W, K) array; copy only where its memory is otherwise."""
    array: Floats = picture.detach().permute(0, 2, 3, 1).contiguous().numpy()
    return array


def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute (B, C, H, W), (4, C), (4, C) → (B, 4C, H, W) in channels-last memory."""
    xs = channels_last(x)
    w, b = weight.detach().contiguous().numpy(), bias.detach().contiguous().numpy()
    batch, height, width, channels = xs.shape
    out = fresh((batch, height, width, 4, channels), xs.dtype)
    with team(xs.size) as run:
        run(task for n in range(batch) for task in _scans(xs[n], w, b, out[n]))
    return torch.from_numpy(out).view(batch, height, width, 4 * channels).permute(0, 3, 1, 2)


def _scans(x: Floats, w: Floats, b: Floats, out: Floats) -> Iterator[Task]:
    height, width, _ = x.shape
    for i, k in spans(height, max(1, height // 8)):
        yield partial(kernels.scan_along, x[i:k], w, b, out[i:k])
    for i, k in spans(width, BLOCK):
        for direction in (kernels.UP, kernels.DOWN):
            yield partial(kernels.scan_across, x, w, b, direction, x[0], False, i, k, out)


def backward(grad: Tensor, out: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute gradients (B, C, H, W), (4, C), (4, C) from the result and its gradient, both (B, 4C, H, W)."""
    batch, planes, height, width = out.shape
    channels = planes // 4
    shape = (batch, height, width, 4, channels)
    grads, outs = channels_last(grad).reshape(shape), channels_last(out).reshape(shape)
    w = weight.detach().contiguous().numpy()
    blocks = spans(width, BLOCK)
    gx = fresh((batch, height, width, channels), outs.dtype)
    rows = np.zeros((2, batch, height, 4, channels), outs.dtype)
    columns = np.zeros((2, batch, len(blocks), 4, channels), np.float64)

    def along(n: int, i: int, k: int) -> Task:
        return partial(kernels.grad_along, grads[n, i:k], outs[n, i:k], w, gx[n, i:k], *rows[:, n, i:k])

    def across(n: int, number: int) -> Task:
        def task() -> None:
            for direction in (kernels.UP, kernels.DOWN):
                sums = columns[:, n, number]
                kernels.grad_across(grads[n], outs[n], w, direction, *blocks[number], gx[n], *sums)

        return task

    with team(gx.size) as run:
        run(along(n, i, k) for n in range(batch) for i, k in spans(height, max(1, height // 8)))
        run(across(n, number) for n in range(batch) for number in range(len(blocks)))
    total = rows.sum(axis=(1, 2), dtype=np.float64) + columns.sum(axis=(1, 2))
    gw, gb = torch.from_numpy(total).to(weight.dtype)
    return torch.from_numpy(gx).permute(0, 3, 1, 2), gw.clone(), gb.clone()
