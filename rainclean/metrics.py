"""Compute PSNR and SSIM by the four named protocols of this field. Numbers of different protocols do not compare.

A deraining network's picture is compared with the ground truth. Which colours, types, windows and ranges are used
changes up to 1.2 dB and most of the second decimal of SSIM. So a number always has its protocol's name beside it.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import UsageError

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A way to compare two pictures. SSIM: Wang et al. 2004 (doi:10.1109/TIP.2003.819861), K 0.01 and 0.03.

    Attributes:
        name: of the protocol.
        colour: "rgb", or luma as MATLAB's rgb2ycbcr returns it (16…235), rounded ("y8") or not ("y").
        quantised: whether a network's output is rounded to 8 bits first (it is always clipped).
        peak: of the values compared.
        window: "uniform" 7×7 with sample covariance, or "gaussian" 11×11, σ 1.5.
        ssim_range: L of SSIM, which is 2 where scikit-image of that time took floats to be in −1…1; that inflates SSIM.
        description: for a person.
        weighing: of the pixels: "" all alike, or how a variant of `weighed` weighs them.
    """

    name: str
    colour: Literal["rgb", "y", "y8"]
    quantised: bool
    peak: float
    window: Literal["uniform", "gaussian"]
    ssim_range: float
    description: str
    weighing: Literal["", "masked", "weighted"] = ""


PROTOCOLS = {
    p.name: p
    for p in (
        Protocol(
            name="spanet-skimage", colour="rgb", quantised=False, peak=1.0, window="uniform", ssim_range=2.0,
            description="RGB in 0…1, output clipped but not rounded; SSIM with data range 2, as SPANet published",
        ),
        Protocol(
            name="matlab-y", colour="y8", quantised=True, peak=255.0, window="gaussian", ssim_range=255.0,
            description="luma rounded to 8 bits, as Restormer, MPRNet and DRSformer publish",
        ),
        Protocol(
            name="basicsr-y", colour="y", quantised=True, peak=255.0, window="gaussian", ssim_range=255.0,
            description="luma, not rounded, of 8-bit images",
        ),
        Protocol(
            name="basicsr-rgb", colour="rgb", quantised=True, peak=255.0, window="gaussian", ssim_range=255.0,
            description="RGB of 8-bit images",
        ),
    )
}  # fmt: skip

WEIGHINGS: dict[Literal["masked", "weighted"], str] = {
    "masked": "excluded pixels do not count",
    "weighted": "each pixel weighs as its confidence says, excluded ones nothing",
}
"""Variants of each protocol, for pictures with masks, and what they do in words."""

_UNIFORM, _GAUSSIAN, _SIGMA = 7, 11, 1.5


def weighed(protocol: str, weighing: Literal["masked", "weighted"]) -> Protocol:
    """Return the variant of a protocol that weighs pixels; it has a name of its own, such as ``basicsr-y-masked``."""
    plain = find_protocol(protocol)
    description = f"{plain.description}; {WEIGHINGS[weighing]}"
    return replace(plain, name=f"{plain.name}-{weighing}", description=description, weighing=weighing)


def find_protocol(name: str) -> Protocol:
    """Return a protocol, or a variant of one, by its name. Raises UsageError for an unknown one."""
    plain, _, last = name.rpartition("-")
    for weighing in WEIGHINGS:
        if last == weighing and plain in PROTOCOLS:
            return weighed(plain, weighing)
    if name not in PROTOCOLS:
        raise UsageError(f"no protocol {name!r}: use one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


@dataclass(frozen=True)
class Score:
    """Result of one comparison. psnr in dB, infinite for equal pictures; ssim up to 1."""

    protocol: str
    psnr: float
    ssim: float


def score(picture: U8 | NDArray[np.floating], truth: U8, protocol: str, weight: U8 | F64 | None = None) -> Score:
    """Compare a picture with the ground truth.

    A variant weighs the squared errors by ``weight``, and the windows of SSIM by the weight of the pixel in their
    middle. Where the weight is 0, the picture counts as right, so that no window sees what must not be trusted.

    Args:
        picture: (H, W, 3) RGB, uint8, or floating in 0…1 as a network returns it: clipped, and rounded to 8 bits where
            the protocol does so.
        truth: (H, W, 3) uint8 RGB.
        protocol: a key of PROTOCOLS, or the name of a variant (`weighed`).
        weight: (H, W), from 0, of each pixel; for variants only. Its scale does not matter.

    Raises:
        UsageError: the protocol is unknown.
        ValueError: the pictures differ in size, have other types, or are smaller than the window of SSIM; a weight is
            missing or given in vain; no window has any weight.
    """
    rule = find_protocol(protocol)
    if (weight is None) == bool(rule.weighing):
        raise ValueError(f"protocol {protocol} {'needs weights' if rule.weighing else 'knows no weights'}")
    _check(picture, truth, rule)
    one, other = _values(picture, rule), _values(truth, rule)
    weights = None
    if weight is not None:
        if weight.shape != truth.shape[:2] or not np.isfinite(weight).all() or (weight < 0).any():
            raise ValueError(f"weights of {weight.shape}, not {truth.shape[:2]} from 0")
        if not has_weight(weight, protocol):
            raise ValueError("every pixel is excluded")
        weights = weight.astype(np.float64)
        one = np.where((weights > 0)[..., None], one, other)
    squares = (one - other) ** 2
    error = float(np.mean(squares) if weights is None else np.average(squares.mean(axis=2), weights=weights))
    psnr = float("inf") if error == 0 else 10 * float(np.log10(rule.peak**2 / error))
    ssim = float(np.mean([_ssim(one[..., c], other[..., c], rule, weights) for c in range(one.shape[2])]))
    return Score(protocol, psnr, ssim)


def has_weight(weight: U8 | F64, protocol: str) -> bool:
    """Return whether a picture can be scored by a variant: some window of SSIM has a pixel of weight in its middle."""
    return bool((_middles(weight, find_protocol(protocol)) > 0).any())


def _middles(plane: U8 | F64, rule: Protocol) -> U8 | F64:
    """Return the pixels in the middle of the windows that lie within a plane."""
    half = (_UNIFORM if rule.window == "uniform" else _GAUSSIAN) // 2
    return plane[half : plane.shape[0] - half, half : plane.shape[1] - half]


def _check(picture: NDArray[np.generic], truth: NDArray[np.generic], rule: Protocol) -> None:
    floating = np.issubdtype(picture.dtype, np.floating)
    if picture.ndim != 3 or picture.shape[2] != 3 or not (picture.dtype == np.uint8 or floating):
        raise ValueError(f"a picture of {picture.dtype} {picture.shape}, not (H, W, 3) uint8 or floating")
    if truth.dtype != np.uint8 or truth.ndim != 3 or truth.shape[2] != 3:
        raise ValueError(f"a ground truth of {truth.dtype} {truth.shape}, not (H, W, 3) uint8")
    if picture.shape != truth.shape:
        sizes = [f"{p.shape[1]}×{p.shape[0]}" for p in (picture, truth)]
        raise ValueError(f"the picture has {sizes[0]} px, the ground truth {sizes[1]} px")
    side = _UNIFORM if rule.window == "uniform" else _GAUSSIAN
    if min(picture.shape[:2]) < side:
        raise ValueError(f"{picture.shape[1]}×{picture.shape[0]} px are too few for SSIM: {side} a side are needed")


def _values(picture: NDArray[np.generic], rule: Protocol) -> F64:
    """Convert a picture to what a protocol compares: (H, W, C) float64 up to its peak."""
    if picture.dtype == np.uint8:
        levels = picture.astype(np.float64)
    else:
        levels = np.clip(picture.astype(np.float64), 0, 1) * 255
        levels = np.rint(levels) if rule.quantised else levels
    if rule.colour == "rgb":
        return levels if rule.peak == 255 else levels / 255
    # In whole thousandths, so that a half is one: MATLAB rounds halves up (luma is positive).
    luma = 16 + levels @ np.array([65_481.0, 128_553.0, 24_966.0]) / 255_000
    return (np.floor(luma + 0.5) if rule.colour == "y8" else luma)[..., None]


def _ssim(one: F64, other: F64, rule: Protocol, weights: F64 | None) -> float:
    """Return the mean structural similarity of two planes over all windows within them, weighed by their middles."""
    mean_one, mean_other = _windowed(one, rule), _windowed(other, rule)
    count = _UNIFORM**2
    sample = count / (count - 1) if rule.window == "uniform" else 1.0
    variance_one = sample * (_windowed(one * one, rule) - mean_one**2)
    variance_other = sample * (_windowed(other * other, rule) - mean_other**2)
    covariance = sample * (_windowed(one * other, rule) - mean_one * mean_other)
    c1, c2 = (0.01 * rule.ssim_range) ** 2, (0.03 * rule.ssim_range) ** 2
    above = (2 * mean_one * mean_other + c1) * (2 * covariance + c2)
    below = (mean_one**2 + mean_other**2 + c1) * (variance_one + variance_other + c2)
    return float(np.average(above / below, weights=None if weights is None else _middles(weights, rule)))


def _windowed(plane: F64, rule: Protocol) -> F64:
    """Return weighted means over each window within a plane."""
    import cv2

    if rule.window == "uniform":
        kernel = np.full(_UNIFORM, 1 / _UNIFORM)
    else:
        kernel = cv2.getGaussianKernel(_GAUSSIAN, _SIGMA)[:, 0].astype(np.float64)
    half = len(kernel) // 2
    means = cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel)
    return np.asarray(means[half : plane.shape[0] - half, half : plane.shape[1] - half], np.float64)
