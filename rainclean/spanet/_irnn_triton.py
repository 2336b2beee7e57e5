"""Run the IRNN on CUDA: one program a few lines of the picture and all their channels, one pass a direction.

Memory is channels-last as on the CPU, so that the threads of a warp read neighbouring channels. A position costs the
same wherever it is (the released kernel starts again at the border for each). No atomic additions: sums come out the
same every time. Needs triton, which CUDA builds of torch for Linux bring along; TRITON_INTERPRET=1 runs it on the CPU.
"""

from typing import Any

import torch
from torch import Tensor

from rainclean.errors import RaincleanError

try:
    import triton
    import triton.language as tl
except ImportError as error:
    raise RaincleanError(
        "the IRNN on CUDA needs triton: pip install triton (Linux), triton-windows (Windows)"
    ) from error

LINES = 4
WARPS = 4


@triton.jit
def _first_pixels(direction, lines, batch, height, width):  # type: ignore[no-untyped-def]
    """Find where lines start, how far the next position is, how long they are, and which of them exist."""
    vertical = direction % 2 == 0
    onward = (direction == 1) | (direction == 2)
    inner = tl.where(vertical, width, height)
    length = tl.where(vertical, height, width)
    step = tl.where(vertical, width, 1).to(tl.int64)
    along = tl.where(vertical, 1, width).to(tl.int64)
    pixel = (lines // inner).to(tl.int64) * height * width + (lines % inner) * along
    pixel = tl.where(onward, pixel, pixel + (length - 1) * step)
    return pixel, tl.where(onward, step, -step), length, lines < batch * inner


@triton.jit  # type: ignore[untyped-decorator]
def _scan(x, weight, bias, out, batch, height, width, channels, LINES: tl.constexpr, CHANNELS: tl.constexpr):  # type: ignore[no-untyped-def]
    direction = tl.program_id(1)
    c = tl.program_id(2) * CHANNELS + tl.arange(0, CHANNELS)
    lines = tl.program_id(0) * LINES + tl.arange(0, LINES)
    pixel, step, length, exists = _first_pixels(direction, lines, batch, height, width)
    mask = exists[:, None] & (c < channels)[None, :]
    w = tl.load(weight + direction * channels + c, c < channels, 0.0)[None, :]
    b = tl.load(bias + direction * channels + c, c < channels, 0.0)[None, :]
    at = pixel[:, None] * channels + c[None, :]
    to = (pixel[:, None] * 4 + direction) * channels + c[None, :]
    h = tl.load(x + at, mask, 0.0)
    h = tl.where(h < 0, 0.0, h)
    tl.store(out + to, h, mask)
    for _ in range(1, length):
        at += step * channels
        to += step * 4 * channels
        h = (h * w + b) + tl.load(x + at, mask, 0.0)
        h = tl.where(h < 0, 0.0, h)
        tl.store(out + to, h, mask)


@triton.jit  # type: ignore[untyped-decorator]
def _gradients(  # type: ignore[no-untyped-def]
    grad,
    out,
    weight,
    gx,
    gw,
    gb,
    direction,
    batch,
    height,
    width,
    channels,
    LINES: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    c = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    lines = tl.program_id(0) * LINES + tl.arange(0, LINES)
    pixel, step, length, exists = _first_pixels(direction, lines, batch, height, width)
    mask = exists[:, None] & (c < channels)[None, :]
    w = tl.load(weight + direction * channels + c, c < channels, 0.0)[None, :]
    pixel += (length - 1) * step
    at = pixel[:, None] * channels + c[None, :]
    to = (pixel[:, None] * 4 + direction) * channels + c[None, :]
    h = tl.load(out + to, mask, 0.0)
    carry = tl.zeros_like(h)
    sum_w = tl.zeros_like(h)
    sum_b = tl.zeros_like(h)
    for _ in range(1, length):
        d = tl.where(h <= 0, 0.0, tl.load(grad + to, mask, 0.0) + carry)
        tl.store(gx + at, tl.load(gx + at, mask, 0.0) + d, mask)
        at -= step * channels
        to -= step * 4 * channels
        h = tl.load(out + to, mask, 0.0)
        sum_w += d * h
        sum_b += d
        carry = d * w
    d = tl.where(h <= 0, 0.0, tl.load(grad + to, mask, 0.0) + carry)
    tl.store(gx + at, tl.load(gx + at, mask, 0.0) + d, mask)
    part = tl.program_id(0) * channels + c
    tl.store(gw + part, tl.sum(sum_w, 0), c < channels)
    tl.store(gb + part, tl.sum(sum_b, 0), c < channels)


def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute (B, C, H, W), (4, C), (4, C) → (B, 4C, H, W) in channels-last memory."""
    batch, channels, height, width = x.shape
    x = x.contiguous(memory_format=torch.channels_last)
    out = _channels_last(x, (batch, 4 * channels, height, width))
    block = _block(channels)
    grid = (triton.cdiv(batch * max(height, width), LINES), 4, triton.cdiv(channels, block))
    sizes: Any = (batch, height, width, channels, LINES, block)
    _scan[grid](x, weight.contiguous(), bias.contiguous(), out, *sizes, num_warps=WARPS)
    return out


def backward(grad: Tensor, out: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute gradients (B, C, H, W), (4, C), (4, C) from the result and its gradient, both (B, 4C, H, W)."""
    batch, planes, height, width = out.shape
    channels = planes // 4
    grad, out = (part.contiguous(memory_format=torch.channels_last) for part in (grad, out))
    gx = _channels_last(out, (batch, channels, height, width)).zero_()
    block = _block(channels)
    sums = []
    for direction in range(4):
        programs = triton.cdiv(batch * (height if direction % 2 else width), LINES)
        gw, gb = out.new_empty((2, programs, channels))
        sizes: Any = (direction, batch, height, width, channels, LINES, block)
        grid = (programs, triton.cdiv(channels, block))
        _gradients[grid](grad, out, weight.contiguous(), gx, gw, gb, *sizes, num_warps=WARPS)
        sums.append(torch.stack([gw, gb]).sum(1, dtype=torch.float64))
    gw, gb = torch.stack(sums, 1).to(weight.dtype)
    return gx, gw.clone(), gb.clone()


def _block(channels: int) -> int:
    return min(128, int(triton.next_power_of_2(channels)))


def _channels_last(like: Tensor, shape: tuple[int, int, int, int]) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)
