"""Validate a network during its training, on pictures of scenes that it never learns from."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pipeline.training.kinds import SPANET, NetworkKind
from rainclean.dataset import DatasetPair, read_pair
from rainclean.metrics import score
from rainclean.spanet import example_mask, to_levels

U8 = NDArray[np.uint8]

PROTOCOL = "spanet-skimage"
LARGEST_SIDE = 512
"""Of larger pictures only the middle counts, px, so that a 4K frame does not hold up the training."""

SHOWN = 4
_SHOWN_SIDE = 256


@dataclass(frozen=True)
class Validation:
    """Means over the validation pictures by `PROTOCOL`; rainy_psnr: of the rainy pictures.

    shown: (H, W, 3) uint8, for some pictures a row of what columns names.
    """

    psnr: float
    ssim: float
    rainy_psnr: float
    shown: U8
    _: KW_ONLY
    columns: tuple[str, ...]


def validate(
    net: nn.Module,
    pairs: Sequence[DatasetPair],
    mask: str,
    stopped: Callable[[], bool] = lambda: False,
    kind: NetworkKind = SPANET,
) -> Validation | None:
    """Score the validation pictures with a network, and put it back into train mode.

    Args:
        net: The network.
        pairs: From `examples.usable`.
        mask: Method that makes the rain mask, of `rainclean.spanet.MASKS`.
        stopped: Asked before each picture.
        kind: Of the network.

    Returns:
        The means; None where ``stopped`` returned true.

    Raises:
        InputError: A picture was damaged since `examples.usable` read it.
    """
    rows: list[U8] = []
    columns = ["rainy", "output", "clean", *(["attention"] if kind.record is None else []), "mask"]
    psnr, ssim, rainy_psnr = [], [], []
    net.eval()
    try:
        for pair in pairs:
            if stopped():
                return None
            rainy, clean = (_middle(picture, LARGEST_SIDE) for picture in read_pair(pair))
            picture, attention = kind.picture(net, rainy)
            result, of_rainy = score(picture, clean, PROTOCOL), score(rainy, clean, PROTOCOL)
            # Equal pictures have no PSNR that a mean could hold.
            psnr.append(min(result.psnr, 100.0))
            ssim.append(result.ssim)
            rainy_psnr.append(min(of_rainy.psnr, 100.0))
            if len(rows) < SHOWN:
                seen = [] if attention is None else [to_levels(attention, np.uint8)]
                rows.append(_row(rainy, to_levels(picture, np.uint8), clean, *seen, example_mask(rainy, clean, mask)))
    finally:
        net.train()
    return Validation(_mean(psnr), _mean(ssim), _mean(rainy_psnr), _stacked(rows), columns=tuple(columns))


def _middle(picture: U8, side: int) -> U8:
    height, width = picture.shape[:2]
    y, x = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return picture[y : y + side, x : x + side]


def _row(*pictures: U8) -> U8:
    gap = 4
    coloured = [np.repeat(p[..., None], 3, 2) if p.ndim == 2 else p for p in pictures]
    cut = [_middle(p, _SHOWN_SIDE) for p in coloured]
    height, width = cut[0].shape[:2]
    row = np.full((height + gap, len(cut) * (width + gap), 3), 128, np.uint8)
    for place, picture in enumerate(cut):
        row[:height, place * (width + gap) : place * (width + gap) + width] = picture
    return row


def _stacked(rows: Sequence[U8]) -> U8:
    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0)), constant_values=128) for r in rows])


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
