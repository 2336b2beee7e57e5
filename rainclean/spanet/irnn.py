"""Compute the IRNN: recurrent scans in four directions, per channel (Wang et al., CVPR 2019, arXiv 1904.01538).

Per channel and direction, with the first position of a row or column at the end that the scan comes from:

    h_first = relu(x_first)
    h_next  = relu((h·weight + bias) + x_next)

One function for all: numba on the CPU, Triton on CUDA; `irnn_reference` says the same in plain torch, and tests
hold both against it. It is a custom operator of torch, so autograd, torch.compile and autocast know it.
"""

import torch
from torch import Tensor
from torch.nn import functional

DIRECTIONS = ("up", "right", "down", "left")
"""Where a scan goes, in the order of weights, biases and results: right runs from column 0 to the last."""


def irnn(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Scan in four directions.

    x: (B, C, H, W), any memory format, every size at least 1; channels-last is read without a copy.
    weight, bias: (4, C), any sign, in the order of `DIRECTIONS`, like x of float32 or float64.
    Returns (B, 4C, H, W) in channels-last memory: all channels of up, then right, down and left.

    Gradients are those of the recurrence, relu'(0) being 0; the backward pass needs only the result, and without
    gradients nothing is kept. Under autocast it computes in float32. The result is the same with any number of
    threads (`torch.set_num_threads`).

    Raises ValueError for other shapes, TypeError for other types.
    """
    return _irnn(x, weight, bias)


def irnn_reference(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute the same in plain torch, for any device and type: the readable definition, five times slower or more."""
    w, b = weight.view(4, 1, -1, 1), bias.view(4, 1, -1, 1)
    up = _scan(x.unbind(2)[::-1], w[0], b[0])[::-1]
    right = _scan(x.unbind(3), w[1], b[1])
    down = _scan(x.unbind(2), w[2], b[2])
    left = _scan(x.unbind(3)[::-1], w[3], b[3])[::-1]
    return torch.cat([torch.stack(up, 2), torch.stack(right, 3), torch.stack(down, 2), torch.stack(left, 3)], 1)


def _scan(lines: tuple[Tensor, ...], weight: Tensor, bias: Tensor) -> list[Tensor]:
    """Scan in one direction: lines (B, C, L) in the order of the scan, weight and bias (1, C, 1)."""
    done = [functional.relu(lines[0])]
    for line in lines[1:]:
        done.append(functional.relu(done[-1] * weight + bias + line))
    return done


@torch.library.custom_op("rainclean::irnn", mutates_args=())
def _irnn(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    _check(x, weight, bias)
    raise NotImplementedError(f"the IRNN runs on cpu and cuda, not on {x.device.type}; irnn_reference runs anywhere")


@torch.library.custom_op("rainclean::irnn_backward", mutates_args=())
def _irnn_backward(grad: Tensor, out: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    raise NotImplementedError(f"the IRNN runs on cpu and cuda, not on {out.device.type}")


@_irnn.register_kernel("cpu")
def _(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    from rainclean.spanet import _irnn_cpu

    _check(x, weight, bias)
    return _irnn_cpu.forward(x, weight, bias)


@_irnn_backward.register_kernel("cpu")
def _(grad: Tensor, out: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    from rainclean.spanet import _irnn_cpu

    return _irnn_cpu.backward(grad, out, weight)


@_irnn.register_kernel("cuda")
def _(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    from rainclean.spanet import _irnn_triton

    _check(x, weight, bias)
    return _irnn_triton.forward(x, weight, bias)


@_irnn_backward.register_kernel("cuda")
def _(grad: Tensor, out: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    from rainclean.spanet import _irnn_triton

    return _irnn_triton.backward(grad, out, weight)


@_irnn.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    _check(x, weight, bias)
    batch, channels, height, width = x.shape
    return _channels_last(x, (batch, 4 * channels, height, width))


@_irnn_backward.register_fake
def _(grad: Tensor, out: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    batch, planes, height, width = out.shape
    gx = _channels_last(out, (batch, planes // 4, height, width))
    return gx, torch.empty_like(weight), torch.empty_like(weight)


def _channels_last(like: Tensor, shape: tuple[int, int, int, int]) -> Tensor:
    return like.new_empty(shape).to(memory_format=torch.channels_last)


def _keep(ctx: torch.autograd.function.FunctionCtx, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(output, inputs[1])


def _gradients(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    out, weight = ctx.saved_tensors  # type: ignore[attr-defined]
    return _irnn_backward(grad, out, weight)


_irnn.register_autograd(_gradients, setup_context=_keep)
for _device in ("cpu", "cuda"):
    _irnn.register_autocast(_device, torch.float32)


def _check(x: Tensor, weight: Tensor, bias: Tensor) -> None:
    if x.dim() != 4 or min(x.shape) < 1:
        raise ValueError(f"x of shape {tuple(x.shape)}, not (B, C, H, W) with every size at least 1")
    if tuple(weight.shape) != (4, x.shape[1]) or weight.shape != bias.shape:
        raise ValueError(
            f"weight of shape {tuple(weight.shape)} and bias of shape {tuple(bias.shape)}, not (4, {x.shape[1]})"
        )
    if x.dtype not in (torch.float32, torch.float64) or not x.dtype == weight.dtype == bias.dtype:
        raise TypeError(f"x, weight and bias of {x.dtype}, {weight.dtype}, {bias.dtype}; all float32 or all float64")
