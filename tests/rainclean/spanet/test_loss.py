"""The loss against scikit-image, numpy and its own definition."""

import numpy as np
import torch
from skimage.metrics import structural_similarity

from rainclean.spanet.loss import losses, ssim_map


def pictures(batch: int = 2, side: int = 30) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(3)
    clean = torch.rand(batch, 3, side, side, dtype=torch.float64)
    output = clean + 0.1 * torch.randn_like(clean)
    attention, mask = torch.rand(batch, 1, side, side, dtype=torch.float64), (clean[:, :1] > 0.5).double()
    return output, attention, clean, mask


def test_ssim_is_that_of_scikit_image_wherever_the_window_lies_within() -> None:
    output, _, clean, _ = pictures()
    ours = ssim_map(output, clean).numpy()
    for n in range(2):
        _, theirs = structural_similarity(
            output[n].numpy(), clean[n].numpy(), channel_axis=0, data_range=1.0, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False, full=True,
        )  # fmt: skip
        np.testing.assert_allclose(ours[n][:, 5:-5, 5:-5], theirs[:, 5:-5, 5:-5], atol=1e-12)


def test_the_parts_are_what_they_are_called() -> None:
    output, attention, clean, mask = pictures()
    found = losses(output, attention, clean, mask)
    np.testing.assert_allclose(found.l1, np.abs(output.numpy() - clean.numpy()).mean())
    np.testing.assert_allclose(found.attention, ((attention.numpy() - mask.numpy()) ** 2).mean())
    np.testing.assert_allclose(found.ssim, 1 - ssim_map(output, clean).mean())
    np.testing.assert_allclose(found.total, found.l1 + found.ssim + found.attention)
    assert losses(clean, mask, clean, mask).total.abs() < 1e-12


def test_excluded_pixels_count_nothing_and_get_no_gradient() -> None:
    output, attention, clean, mask = pictures()
    weight = torch.ones_like(mask)
    weight[:, :, 8:20, 5:15] = 0
    hidden = (weight == 0).expand_as(output)
    worse = output.clone()
    worse[hidden] += 5
    worse.requires_grad_()
    seen = attention.clone()
    seen[weight == 0] = 1 - seen[weight == 0]
    found = losses(worse, seen, clean, mask, weight)
    for one, other in zip(found, losses(output, attention, clean, mask, weight), strict=True):
        torch.testing.assert_close(one, other)
    found.total.backward()  # type: ignore[no-untyped-call]
    assert worse.grad is not None
    assert (worse.grad[hidden] == 0).all() and (worse.grad[~hidden] != 0).all()


def test_confidence_weighs_and_a_batch_is_the_mean_of_its_parts() -> None:
    output, attention, clean, mask = pictures()
    half = torch.full_like(mask, 0.5)
    for whole, less in zip(
        losses(output, attention, clean, mask), losses(output, attention, clean, mask, half), strict=True
    ):
        torch.testing.assert_close(less, whole / 2)
    weight = torch.rand_like(mask)
    weight[0, :, :10] = 0
    both = losses(output, attention, clean, mask, weight)
    parts = [
        losses(output[n : n + 1], attention[n : n + 1], clean[n : n + 1], mask[n : n + 1], weight[n : n + 1])
        for n in range(2)
    ]
    for one, first, second in zip(both, *parts, strict=True):
        torch.testing.assert_close(one, (first + second) / 2)
