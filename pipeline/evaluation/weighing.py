"""Weights of pixels from the masks of a data set, for the variants of protocols that weigh them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rainclean.confidence import weights
from rainclean.dataset import DatasetPair, read_mask
from rainclean.errors import InputError

U8 = NDArray[np.uint8]
Weighing = Literal["masked", "weighted"]


def weighings_of(root: Path, split: str, pairs: Sequence[DatasetPair]) -> tuple[Weighing, ...]:
    """Return the variants that a split has masks for. Raises InputError where it has none."""
    found: list[Weighing] = []
    if any(pair.exclude is not None for pair in pairs):
        found.append("masked")
    if any(pair.confidence is not None for pair in pairs):
        found.append("weighted")
    if not found:
        raise InputError(root, f"has no exclusion masks or confidence images (split {split})", "leave out --masks")
    return tuple(found)


def pair_weights(pair: DatasetPair, rainy: U8, kind: Weighing) -> U8:
    """Return the weights of a pair's pixels, (H, W) uint8: 0 where excluded; 255 without a mask.

    Args:
        pair: whose masks are read.
        rainy: its picture; masks must have its size.
        kind: "masked": 255 where nothing is excluded; "weighted": as in training, by the confidence image.

    Raises:
        InputError: a mask is damaged or has another size.
    """
    weight = np.full(rainy.shape[:2], 255, np.uint8)
    if kind == "weighted" and pair.confidence is not None:
        weight = weights(read_mask(pair.confidence, rainy, pair.rainy), pair.confidence_form)
    if pair.exclude is not None:
        weight[read_mask(pair.exclude, rainy, pair.rainy) > 0] = 0
    return weight
