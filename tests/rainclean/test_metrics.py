"""The four protocols against scikit-image and against a plain writing of each formula."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from rainclean.errors import UsageError
from rainclean.metrics import PROTOCOLS, find_protocol, has_weight, score, weighed

U8 = NDArray[np.uint8]


def plain(picture: U8, truth: U8, protocol: str) -> tuple[float, float]:
    """Each formula written out, window by window; nothing shared with the code under test."""
    x, y = picture.astype(np.float64), truth.astype(np.float64)
    if protocol == "spanet-skimage":
        return _plain(x / 255, y / 255, 1.0, np.full((7, 7), 1 / 49), 2.0, 49 / 48)
    gauss = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    window = np.outer(gauss, gauss)
    window /= window.sum()
    if protocol == "basicsr-rgb":
        return _plain(x, y, 255.0, window, 255.0, 1.0)
    if protocol == "matlab-y":
        x, y = (np.array([[_luma(*map(int, v)) for v in row] for row in plane], float) for plane in (x, y))
    else:
        x, y = ((24.966 * v[..., 2] + 128.553 * v[..., 1] + 65.481 * v[..., 0]) / 255 + 16 for v in (x, y))
    return _plain(x[..., None], y[..., None], 255.0, window, 255.0, 1.0)


def _luma(red: int, green: int, blue: int) -> int:
    """Luma of 8 bits in whole numbers, halves rounded up."""
    return math.floor(16 + Fraction(65481 * red + 128553 * green + 24966 * blue, 255000) + Fraction(1, 2))


def _plain(x: NDArray[np.float64], y: NDArray[np.float64], peak: float, w: NDArray[np.float64], span: float,
           sample: float) -> tuple[float, float]:  # fmt: skip
    error = ((x - y) ** 2).sum() / x.size
    psnr = math.inf if error == 0 else 20 * math.log10(peak) - 10 * math.log10(error)
    n, c1, c2 = len(w), (0.01 * span) ** 2, (0.03 * span) ** 2
    values = []
    for c in range(x.shape[2]):
        for i in range(x.shape[0] - n + 1):
            for j in range(x.shape[1] - n + 1):
                a, b = x[i : i + n, j : j + n, c], y[i : i + n, j : j + n, c]
                ma, mb = (w * a).sum(), (w * b).sum()
                va, vb = sample * (w * (a - ma) ** 2).sum(), sample * (w * (b - mb) ** 2).sum()
                cov = sample * (w * (a - ma) * (b - mb)).sum()
                values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return psnr, float(np.mean(values))


@settings(max_examples=30, deadline=None)
@given(st.integers(11, 22), st.integers(11, 22), st.integers(0, 2**32 - 1), st.integers(0, 120))
@example(17, 21, 2580, 120)  # a luma of exactly one half
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_protocol_is_its_formula(protocol: str, height: int, width: int, seed: int, spread: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 256, (height, width, 3), np.uint8)
    picture = np.clip(truth + rng.integers(-spread, spread + 1, truth.shape), 0, 255).astype(np.uint8)
    got, (psnr, ssim) = score(picture, truth, protocol), plain(picture, truth, protocol)
    assert got.protocol == protocol
    assert got.psnr == pytest.approx(psnr, abs=1e-4) and got.ssim == pytest.approx(ssim, abs=1e-5)


def pictures() -> tuple[U8, U8]:
    truth = data.chelsea()[:151, :201]
    noise = np.random.default_rng(0).normal(0, 12, truth.shape)
    return np.clip(truth + noise, 0, 255).astype(np.uint8), truth


def test_scikit_image_agrees_on_a_real_picture() -> None:
    picture, truth = pictures()
    one, other = picture / 255.0, truth / 255.0
    got = score(picture, truth, "spanet-skimage")
    assert got.psnr == pytest.approx(peak_signal_noise_ratio(other, one, data_range=1), abs=1e-4)
    assert got.ssim == pytest.approx(structural_similarity(other, one, data_range=2, channel_axis=2), abs=1e-5)
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    got = score(picture, truth, "basicsr-rgb")
    assert got.psnr == pytest.approx(peak_signal_noise_ratio(truth, picture), abs=1e-4)
    maps = structural_similarity(truth.astype(float), picture.astype(float), channel_axis=2, full=True, **gaussian)[1]
    assert got.ssim == pytest.approx(maps[5:-5, 5:-5].mean(), abs=1e-5)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_equal_pictures_are_infinitely_good(protocol: str) -> None:
    _, truth = pictures()
    got = score(truth, truth, protocol)
    assert math.isinf(got.psnr) and got.psnr > 0 and got.ssim == pytest.approx(1, abs=1e-12)


def test_the_protocols_do_differ() -> None:
    picture, truth = pictures()
    found = [score(picture, truth, protocol) for protocol in PROTOCOLS]
    assert len({round(f.psnr, 4) for f in found}) == 3  # spanet-skimage and basicsr-rgb: one error, two peaks
    assert len({round(f.ssim, 4) for f in found}) >= 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_network_s_output_is_clipped_and_rounded_as_the_protocol_has_it(protocol: str) -> None:
    picture, truth = pictures()
    output = picture / 255 + np.random.default_rng(1).uniform(-0.4, 0.4, picture.shape) / 255
    output[:5] = 1.3
    output[5:10] = -0.2
    rounded = np.rint(np.clip(output, 0, 1) * 255).astype(np.uint8)
    exact, of_eight_bits = score(output.astype(np.float32), truth, protocol), score(rounded, truth, protocol)
    if PROTOCOLS[protocol].quantised:
        assert exact == of_eight_bits
    else:
        assert exact.psnr != of_eight_bits.psnr and exact.psnr == pytest.approx(of_eight_bits.psnr, abs=0.05)


def test_what_cannot_be_compared_is_said() -> None:
    picture, truth = pictures()
    with pytest.raises(UsageError, match="no protocol 'psnr': use one of spanet-skimage"):
        score(picture, truth, "psnr")
    with pytest.raises(ValueError, match="201×150 px, the ground truth 201×151"):
        score(picture[1:], truth, "matlab-y")
    with pytest.raises(ValueError, match="too few for SSIM: 11 a side"):
        score(picture[:10], truth[:10], "matlab-y")
    with pytest.raises(ValueError, match="not \\(H, W, 3\\)"):
        score(picture[..., 0], truth, "matlab-y")
    with pytest.raises(ValueError, match="a ground truth of float64"):
        score(picture, truth / 255.0, "matlab-y")  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_variant_weighs_pixels(protocol: str) -> None:
    random = np.random.default_rng(3)
    x, y = (random.integers(0, 256, (19, 23, 3), dtype=np.uint8) for _ in range(2))
    weight = random.integers(0, 4, x.shape[:2]).astype(np.uint8) * 85
    weight[4:9, 6:12] = 0
    filled = np.where((weight > 0)[..., None], x, y)  # excluded pixels count as right
    half = 3 if protocol == "spanet-skimage" else 5
    psnr, ssim, weights = 0.0, 0.0, 0.0
    rule = PROTOCOLS[protocol]
    for i in range(half, 19 - half):
        for j in range(half, 23 - half):
            window = np.s_[i - half : i + half + 1, j - half : j + half + 1]
            ssim += weight[i, j] * plain(filled[window], y[window], protocol)[1]
            weights += weight[i, j]
    for i in range(19):
        for j in range(23):
            one = score(np.tile(filled[i, j], (11, 11, 1)), np.tile(y[i, j], (11, 11, 1)), protocol).psnr
            psnr += weight[i, j] * (0 if math.isinf(one) else rule.peak**2 / 10 ** (one / 10))
    got = score(x, y, f"{protocol}-weighted", weight)
    assert got.protocol == f"{protocol}-weighted"
    assert got.psnr == pytest.approx(10 * math.log10(rule.peak**2 / (psnr / weight.sum())), abs=1e-9)
    assert got.ssim == pytest.approx(ssim / weights, abs=1e-9)
    alike = score(x, y, f"{protocol}-masked", np.full(x.shape[:2], 255, np.uint8))
    whole = score(x, y, protocol)
    assert (alike.psnr, alike.ssim) == pytest.approx((whole.psnr, whole.ssim), abs=1e-9)


def test_a_variant_has_a_name_of_its_own_and_needs_weights() -> None:
    picture, truth = pictures()
    variant = weighed("matlab-y", "masked")
    assert variant.name == "matlab-y-masked" and variant.description != PROTOCOLS["matlab-y"].description
    assert find_protocol("matlab-y-masked") == variant and "matlab-y-masked" not in PROTOCOLS
    with pytest.raises(ValueError, match="needs weights"):
        score(picture, truth, variant.name)
    weight = np.zeros(truth.shape[:2], np.uint8)
    with pytest.raises(ValueError, match="knows no weights"):
        score(picture, truth, "matlab-y", weight)
    weight[:5] = 255  # of no window the middle
    assert not has_weight(weight, variant.name)
    with pytest.raises(ValueError, match="every pixel is excluded"):
        score(picture, truth, variant.name, weight)
    with pytest.raises(ValueError, match="weights of"):
        score(picture, truth, variant.name, weight[1:])
