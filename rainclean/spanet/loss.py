"""Compute the training loss of SPANet (Wang et al., CVPR 2019, arXiv 1904.01538), with a weight for each pixel."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

WINDOW, SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


class Losses(NamedTuple):
    """Scalars: ``total`` is the sum of the others. attention: 0 for a network without an attention map."""

    total: Tensor
    l1: Tensor
    ssim: Tensor
    attention: Tensor


def losses(
    output: Tensor, attention: Tensor | None, clean: Tensor, mask: Tensor, weight: Tensor | None = None
) -> Losses:
    """Compute L1 and 1 − SSIM of output and clean image, and the squared error of the attention map.

    Means are over all pixels, whatever their weights: the loss of a batch is then the mean of its parts, on any number
    of devices.

    Args:
        output: (B, 3, H, W) floating RGB in 0…1.
        attention: (B, 1, H, W); None for a network without an attention map.
        clean: (B, 3, H, W) floating RGB in 0…1.
        mask: (B, 1, H, W), 1 where there is rain.
        weight: (B, 1, H, W) in 0…1, of each pixel; None: all count 1. Where it is 0 (excluded) the output counts as
            right, so that no SSIM window sees what must not be trusted.
    """
    if weight is None:
        weight = torch.ones_like(mask)
    else:
        output = torch.where(weight > 0, output, clean)
    l1 = ((output - clean).abs() * weight).mean()
    ssim = ((1 - ssim_map(output, clean)) * weight).mean()
    if attention is None:
        return Losses(l1 + ssim, l1, ssim, torch.zeros_like(l1))
    seen = ((attention - mask).square() * weight).mean()
    return Losses(l1 + ssim + seen, l1, ssim, seen)


def ssim_map(one: Tensor, other: Tensor) -> Tensor:
    """Compute the structural similarity around each pixel, (B, C, H, W) like the pictures; data range 1.

    Gaussian window of 11×11, σ 1.5, zeros beyond the edges, as in the released training code.
    """
    moments = torch.cat([one, other, one * one, other * other, one * other])
    mean_one, mean_other, square_one, square_other, product = _blurred(moments).chunk(5)
    variance_one, variance_other = square_one - mean_one**2, square_other - mean_other**2
    covariance = product - mean_one * mean_other
    above = (2 * mean_one * mean_other + _C1) * (2 * covariance + _C2)
    return above / ((mean_one**2 + mean_other**2 + _C1) * (variance_one + variance_other + _C2))


def _blurred(planes: Tensor) -> Tensor:
    place = torch.arange(WINDOW, dtype=planes.dtype, device=planes.device) - WINDOW // 2
    kernel = torch.exp(-(place**2) / (2 * SIGMA**2))
    kernel = kernel / kernel.sum()
    batch, channels, height, width = planes.shape
    out = planes.reshape(batch * channels, 1, height, width)
    out = functional.conv2d(out, kernel.view(1, 1, 1, -1), padding=(0, WINDOW // 2))
    out = functional.conv2d(out, kernel.view(1, 1, -1, 1), padding=(WINDOW // 2, 0))
    return out.view(batch, channels, height, width)
