"""Choose and cut training examples, as functions of the seed and a running number alone.

Example number n of a run is the same whatever process makes it, in whatever order. So a run can be repeated, and one
that was interrupted resumes exactly, with any number of workers and devices.
"""

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from rainclean.confidence import weights
from rainclean.dataset import DatasetPair, rain_mask, read_mask, read_pair
from rainclean.errors import InputError

U8 = NDArray[np.uint8]

_TRIES = 100
"""Broken pictures in a row after which a run fails even if broken ones are skipped."""


@dataclass(frozen=True)
class Cut:
    """How examples are cut out of pairs, both sides alike.

    Attributes:
        size: side of an example, px.
        smallest_scale: an example is a square whose area is between this fraction of size² and all of it, enlarged to
            size; from pictures that are smaller than size, of the largest square there is.
        flip: mirror left and right every second time.
    """

    size: int
    smallest_scale: float = 0.8
    flip: bool = False


@dataclass(frozen=True)
class Example:
    """One example.

    Attributes:
        rainy: (3, S, S) uint8 RGB.
        clean: (3, S, S) uint8 RGB.
        mask: (1, S, S) uint8, 255 where there is rain.
        weight: (1, S, S) uint8, up to 255 as confidence rises (`rainclean.confidence.weights`), 0 where excluded.
        skipped: errors of broken pairs that were skipped on the way to it.
    """

    rainy: Tensor
    clean: Tensor
    mask: Tensor
    weight: Tensor
    _: KW_ONLY
    skipped: tuple[str, ...] = ()


@dataclass
class Broken:
    """A picture that cannot be used, in place of an example: an exception would change its type between processes."""

    error: str


@dataclass
class Batch:
    """Examples as (B, …, S, S) tensors, see `Example`. Not frozen: Lightning moves them to another device."""

    rainy: Tensor
    clean: Tensor
    mask: Tensor
    weight: Tensor
    _: KW_ONLY
    skipped: tuple[str, ...] = ()

    def pin_memory(self) -> "Batch":
        """Copy to memory that a GPU reads from directly; for the data loader."""
        rainy, clean, mask, weight = (t.pin_memory() for t in (self.rainy, self.clean, self.mask, self.weight))
        return Batch(rainy, clean, mask, weight, skipped=self.skipped)


class Examples(Dataset[Example | Broken]):
    """The endless row of training examples of some pairs, by running number."""

    def __init__(
        self, pairs: Sequence[DatasetPair], cut: Cut, mask: str, seed: int, *, skip_broken: bool = False
    ) -> None:
        """Choose the pairs.

        Args:
            pairs: to take examples from.
            cut: how to cut them.
            mask: rule for rain, of `choices.MASKS`.
            seed: of the order and the cuts.
            skip_broken: take the next pair instead of one that cannot be read.
        """
        self.pairs, self.cut, self.mask, self.seed, self.skip_broken = pairs, cut, mask, seed, skip_broken
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, np.int64))

    def __getitem__(self, number: int) -> Example | Broken:
        """Return the example of a running number from 0; Broken where its pictures cannot be used and not skipped.

        The pair that follows in the same round takes the place of one that is skipped.
        """
        skipped: list[str] = []
        for further in range(min(_TRIES, len(self.pairs))):
            try:
                pictures = _pictures(self.pairs[self.place(number, further)], self.mask)
            except (InputError, OSError) as error:
                if not self.skip_broken:
                    return Broken(str(error))
                skipped.append(str(error))
            else:
                draw = np.random.Generator(np.random.Philox(key=[self.seed, number]))
                rainy, clean, mask, weight = map(_tensor, cut_alike(pictures, self.cut, draw))
                return Example(rainy, clean, mask, weight, skipped=tuple(skipped))
        return Broken(f"{skipped[0]} (and every one of {len(skipped)} pairs tried)")

    def place(self, number: int, further: int = 0) -> int:
        """Return the index of the pair of an example; every round over all pairs has an order of its own.

        Args:
            number: running number of the example.
            further: pairs of the round to skip.
        """
        count = len(self.pairs)
        round_ = number // count
        if self._order[0] != round_:
            # The last key word keeps orders apart from examples of the same seed.
            draw = np.random.Generator(np.random.Philox(key=[self.seed, round_], counter=[0, 0, 0, 1]))
            self._order = (round_, draw.permutation(count))
        return int(self._order[1][(number + further) % count])


class Batches(Sampler[list[int]]):
    """Running numbers of the examples in each batch, for one of several devices that share it.

    Without a length on purpose: Lightning would take a resumed run's remaining steps for those of a whole epoch.
    """

    def __init__(self, first: int, stop: int, batch: int, *, rank: int = 0, devices: int = 1) -> None:
        """Choose the steps.

        Args:
            first: step to begin with.
            stop: first step that is not taken.
            batch: examples of a step over all devices, a multiple of their number.
            rank: number of this device.
            devices: how many there are.
        """
        self.steps, self.batch, self.rank, self.share = range(first, stop), batch, rank, batch // devices

    def __iter__(self) -> Iterator[list[int]]:
        for step in self.steps:
            start = step * self.batch + self.rank * self.share
            yield list(range(start, start + self.share))


def together(examples: Sequence[Example | Broken]) -> Batch | Broken:
    """Stack examples to a batch; return Broken if one of them is."""
    for one in examples:
        if isinstance(one, Broken):
            return one
    whole = [one for one in examples if isinstance(one, Example)]
    return Batch(
        torch.stack([one.rainy for one in whole]),
        torch.stack([one.clean for one in whole]),
        torch.stack([one.mask for one in whole]),
        torch.stack([one.weight for one in whole]),
        skipped=tuple(text for one in whole for text in one.skipped),
    )


def cut_alike(pictures: Sequence[U8], cut: Cut, draw: np.random.Generator) -> list[U8]:
    """Cut the same random square out of pictures of one size, enlarged to (size, size).

    Pictures with channels are interpolated linearly; masks, (H, W), take the nearest value.
    """
    height, width = pictures[0].shape[:2]
    share, across, down, turn = draw.random(4)
    largest = min(cut.size, height, width)
    side = max(1, round(largest * (cut.smallest_scale + (1 - cut.smallest_scale) * share) ** 0.5))
    x, y = int(across * (width - side + 1)), int(down * (height - side + 1))
    result = []
    for picture in pictures:
        part = picture[y : y + side, x : x + side]
        if side != cut.size:
            way = cv2.INTER_LINEAR if part.ndim == 3 else cv2.INTER_NEAREST
            part = np.asarray(cv2.resize(part, (cut.size, cut.size), interpolation=way), np.uint8)
        result.append(part[:, ::-1] if cut.flip and turn < 0.5 else part)
    return result


def example_mask(rainy: U8, clean: U8, name: str) -> U8:
    """Mark where there is rain.

    Args:
        rainy: (H, W, 3) uint8.
        clean: (H, W, 3) uint8.
        name: of the rule, of `choices.MASKS`.

    Returns:
        (H, W) uint8, 255 where there is rain, else 0.
    """
    found = rain_mask(rainy, clean) if name == "threshold" else (rainy != clean).any(axis=2)
    return np.where(found, np.uint8(255), np.uint8(0))


def _pictures(pair: DatasetPair, mask: str) -> list[U8]:
    rainy, clean = read_pair(pair)
    weight = np.full(rainy.shape[:2], 255, np.uint8)
    if pair.confidence is not None:
        confidence = read_mask(pair.confidence, rainy, pair.rainy)
        weight = weights(confidence, pair.confidence_form)
    if pair.exclude is not None:
        weight[read_mask(pair.exclude, rainy, pair.rainy) > 0] = 0
    return [rainy, clean, example_mask(rainy, clean, mask), weight]


def _tensor(picture: U8) -> Tensor:
    planes = picture[None] if picture.ndim == 2 else picture.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(planes))
