"""Random inputs of the recurrence, and gradients by autograd."""

from typing import Any

import torch
from torch import Tensor


def inputs(shape: tuple[int, int, int, int], seed: int = 0, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    w = torch.rand(4, shape[1], generator=generator, dtype=torch.float64) * 1.8 - 0.9
    b = torch.randn(4, shape[1], generator=generator, dtype=torch.float64) / 3
    return [t.to(dtype) for t in (x, w, b)]


def gradients(function: Any, tensors: list[Tensor], grad: Tensor) -> list[Tensor]:
    leaves = [t.detach().clone(memory_format=torch.preserve_format).requires_grad_() for t in tensors]
    return list(torch.autograd.grad(function(*leaves), leaves, grad, materialize_grads=True))
