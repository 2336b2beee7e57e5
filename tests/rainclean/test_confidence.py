"""Confidence pictures: what their values mean, now and in older exports."""

from pathlib import Path

import numpy as np
import pytest

from rainclean.confidence import CHANCE, ERROR, KEY, form_of, to_picture, weights
from rainclean.errors import InputError


def test_the_values_of_a_confidence_picture() -> None:
    errors = np.array([[0, 1, 2, 4, 6, 255, 1e6]], np.float32)
    assert to_picture(errors).tolist() == [[255, 204, 128, 51, 26, 0, 0]]
    assert to_picture(errors).dtype == np.uint8
    rising = to_picture(np.linspace(0, 60, 500, dtype=np.float32)[None]).astype(int)
    assert (np.diff(rising) <= 0).all()


def test_a_pixel_weighs_by_its_inverse_variance_and_a_tenth_at_least() -> None:
    errors = np.linspace(0, 20, 200, dtype=np.float32)[None]
    found = weights(to_picture(errors), ERROR)
    expected = np.maximum(4 / (4 + errors.astype(float) ** 2), 0.102)
    assert found.dtype == np.uint8 and np.abs(found / 255 - expected).max() < 0.003


def test_chances_weigh_as_they_did() -> None:
    assert weights(np.array([[0, 90, 200, 255]], np.uint8), CHANCE).tolist() == [[127, 172, 227, 255]]


def test_what_a_document_says_of_the_form() -> None:
    path = Path("export.json")
    assert form_of({KEY: ERROR}, path) == ERROR and form_of({KEY: CHANCE}, path) == CHANCE
    silents: tuple[object, ...] = ({}, {KEY: None}, [], "text", None)
    for silent in silents:
        assert form_of(silent, path) == CHANCE
    for unknown in ("quantile", 7, ["expected error"]):
        with pytest.raises(InputError, match=r"export\.json.*does not know; update rainclean"):
            form_of({KEY: unknown}, path)
