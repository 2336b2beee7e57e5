"""What is believed of the truth: expected errors follow from it, and it survives being stored."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.errors import InputError
from rainclean.rainfree.posterior import SCALE, Posterior


@st.composite
def posteriors(draw: st.DrawFn) -> Posterior:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.integers(1, 130)), draw(st.integers(1, 20))
    mean = rng.uniform(0, 255, (*shape, 3)).astype(np.float32)
    ends = rng.random(mean.shape)
    mean[ends < 0.05], mean[ends > 0.95] = 0, 255
    return Posterior(mean, rng.uniform(0.05, draw(st.sampled_from([0.5, 5.0, 200.0])), shape).astype(np.float32))


@settings(deadline=None, max_examples=30)
@given(posteriors(), st.integers(0, 2**32), st.booleans())
def test_the_expected_error_is_the_posteriors_own_and_the_distance_from_its_mean(
    posterior: Posterior, seed: int, whole: bool
) -> None:
    rng = np.random.default_rng(seed)
    levels = np.clip(posterior.mean + rng.normal(0, 1, posterior.mean.shape), 0, 255)
    picture = np.rint(levels).astype(np.uint8) if whole else levels.astype(np.float32)
    found = posterior.error(picture)
    assert found.shape == posterior.sd.shape and found.dtype == np.float32
    for y, x in zip(*(rng.integers(0, n, 12) for n in posterior.sd.shape), strict=True):
        offs = picture[y, x].astype(float) - posterior.mean[y, x].astype(float)
        expected = math.sqrt(float(posterior.sd[y, x]) ** 2 + sum(off**2 for off in offs) / 3)
        assert found[y, x] == pytest.approx(expected, rel=1e-5, abs=1e-4)


def test_the_expected_error_is_what_comes_out_of_drawn_truths() -> None:
    rng = np.random.default_rng(0)
    posterior = Posterior(np.full((1, 1, 3), 100, np.float32), np.full((1, 1), 0.8, np.float32))
    picture = np.array([[[100, 101, 97.5]]], np.float32)
    truths = 100 + 0.8 * rng.standard_normal((200_000, 3))
    realised = math.sqrt(np.square(truths - picture[0, 0]).mean())
    assert float(posterior.error(picture)[0, 0]) == pytest.approx(realised, rel=0.01)


def test_nothing_is_surer_than_the_mean_itself() -> None:
    rng = np.random.default_rng(1)
    posterior = Posterior(
        rng.uniform(10, 245, (9, 8, 3)).astype(np.float32), rng.uniform(0.1, 3, (9, 8)).astype(np.float32)
    )
    assert np.allclose(posterior.error(posterior.mean), posterior.sd)
    for off in (0.3, -0.7, 2, 60):
        assert (posterior.error((posterior.mean + np.float32(off)).astype(np.float32)) > posterior.sd).all()


def test_a_picture_of_another_size_is_refused() -> None:
    posterior = Posterior(np.zeros((4, 5, 3), np.float32), np.ones((4, 5), np.float32))
    with pytest.raises(ValueError, match="shape"):
        posterior.error(np.zeros((5, 4, 3), np.uint8))


@settings(deadline=None, max_examples=30)
@given(posteriors())
def test_what_is_stored_comes_back_within_half_a_step(posterior: Posterior) -> None:
    again = Posterior.decode(*posterior.encode())
    half = 0.5 / SCALE + 1e-4
    assert again.mean.dtype == again.sd.dtype == np.float32
    assert np.abs(again.mean - posterior.mean).max() <= half
    assert np.abs(again.sd - posterior.sd).max() <= half
    assert again.encode() == posterior.encode()


def test_the_fine_picture_has_16_bits_and_the_channels_in_order() -> None:
    mean = np.array([[[0, 0.5, 1], [254.5, 255, 128.25]]], np.float32)
    posterior = Posterior(mean, np.ones((1, 2), np.float32))
    assert posterior.fine.dtype == np.uint16
    assert posterior.fine.tolist() == [[[0, 128, 257], [65406, 65535, 32960]]]
    # As any reader of PNG has it, OpenCV's order undone.
    stored = cv2.imdecode(np.frombuffer(posterior.encode()[0], np.uint8), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    assert np.array_equal(stored[..., ::-1], posterior.fine)


def test_what_is_far_off_is_stored_as_the_most_that_can_be_said() -> None:
    posterior = Posterior(np.full((2, 2, 3), 9, np.float32), np.full((2, 2), 900, np.float32))
    assert (Posterior.decode(*posterior.encode()).sd == 255).all()


def damaged() -> dict[str, tuple[bytes, bytes]]:
    rng = np.random.default_rng(0)
    mean, sd = Posterior(rng.uniform(0, 255, (40, 50, 3)).astype(np.float32), np.ones((40, 50), np.float32)).encode()
    small = Posterior(np.zeros((4, 5, 3), np.float32), np.ones((4, 5), np.float32)).encode()
    eight = cv2.imencode(".png", np.zeros((40, 50, 3), np.uint8))[1].tobytes()
    broken = bytearray(mean)
    broken[len(mean) // 2] ^= 0xFF
    return {
        "nothing": (b"", sd),
        "no sd": (mean, b""),
        "no pictures": (b"mean", b"sd"),
        "half": (mean[: len(mean) // 2], sd),
        "another byte": (bytes(broken), sd),
        "swapped": (sd, mean),
        "two of one kind": (mean, mean),
        "8 bits": (eight, sd),
        "two sizes": (mean, small[1]),
    }


@pytest.mark.parametrize("kind", list(damaged()))
def test_damaged_files_are_refused_in_one_line(kind: str) -> None:
    with pytest.raises(InputError, match="posterior-7") as caught:
        Posterior.decode(*damaged()[kind], name="posterior-7")
    assert "\n" not in str(caught.value)
