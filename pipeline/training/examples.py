"""Divide pairs into training and validation; no scene is in both. No torch: a broken pair is found before it loads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rainclean.dataset import UNSPLIT, Dataset, DatasetPair, PairTable, read_pair, split_scenes
from rainclean.errors import InputError, RaincleanError

HELD_OUT = 0.1
"""Share of the training scenes that is held out where a data set has no split for validation."""

SMALLEST_SIDE = 7
"""Of a validation picture, px: SSIM needs as many."""


@dataclass(frozen=True)
class Parts:
    """Training pairs, validation pairs, and where the latter come from."""

    training: PairTable
    validation: Sequence[DatasetPair]
    description: str


def divide(dataset: Dataset, seed: int, most: int, share: float = 0.0) -> Parts:
    """Divide the pairs of a data set into training and validation.

    Validation takes the split "val" where there is one; else scenes are held out of "train", drawn by seed. A share
    holds out pairs of "train" whatever there is: by scene, or by clean picture where a pair names no scene.

    Args:
        dataset: The data set. A data set without splits is one for training.
        seed: Draws the scenes.
        most: Largest number of validation pairs; they are spread over all.
        share: Share of the scenes, or of the clean pictures, that is held out; 0 where nobody gave one.

    Raises:
        RaincleanError: Training would see validation scenes, or nothing would be left.
    """
    training = dataset.split("train") or dataset.split(UNSPLIT)
    validation = dataset.split("val")
    if not training:
        raise RaincleanError(f"{dataset.root}: has no training pairs, only {', '.join(dataset.splits)}")
    scenes = training.scenes()
    if share:
        if validation:
            what = "has a split val, which is for validation"
            raise RaincleanError(f"{dataset.root}: {what}; leave out --validation-share")
        return _hold_out(dataset, training, seed, most, share)
    if validation:
        others = validation.scenes()
        both = (set(scenes) & set(others)) - {""}
        if both:
            raise RaincleanError(f"{dataset.root}: scene {min(both)} is in train and in val; export again by scene")
        words = "split val" + (
            " (names do not give the scenes: make sure that it shares none with train)"
            if "" in scenes or "" in others
            else ""
        )
        return Parts(training, _spread(validation, most), words)
    if "" in scenes:
        what = "has no split val, and the names of its training pairs do not give their scenes"
        advice = f"hold out some of its clean images with --validation-share {HELD_OUT}, or put other scenes into val/"
        raise RaincleanError(f"{dataset.root}: {what}; {advice}")
    return _hold_out(dataset, training, seed, most, HELD_OUT)


def usable(pairs: Sequence[DatasetPair], *, skip_broken: bool) -> tuple[list[DatasetPair], list[str]]:
    """Return the validation pairs that can be scored, and a line for each that is broken.

    Args:
        pairs: Validation pairs.
        skip_broken: Leave broken pairs out instead of failing.

    Raises:
        InputError: A pair is broken and not to be skipped, or none is left.
    """
    good, skipped = [], []
    for pair in pairs:
        try:
            rainy, _ = read_pair(pair)
            if min(rainy.shape[:2]) < SMALLEST_SIDE:
                raise InputError(pair.rainy, f"has a side of less than {SMALLEST_SIDE} px, too small for SSIM")
            good.append(pair)
        except InputError as error:
            if not skip_broken:
                raise InputError(error.path, error.reason, "restore it, or train with --skip-broken") from error
            skipped.append(str(error))
    if not good:
        raise InputError(pairs[0].rainy, "is broken, like all other validation images", "restore them")
    return good, skipped


def _hold_out(dataset: Dataset, training: PairTable, seed: int, most: int, share: float) -> Parts:
    """Hold scenes out of the training pairs, or clean pictures where one of them names no scene."""
    scenes = training.scenes()
    shares = {"train": 1 - share, "val": share}
    if "" in scenes:
        return _hold_out_pictures(dataset, training, seed, most, shares)
    if len(scenes) < 2:
        what = f"all training pairs are of one scene, {scenes[0]}, and validation needs one of its own"
        raise RaincleanError(f"{dataset.root}: {what}; add clips of another place, or export with a val split")
    drawn = split_scenes(scenes, shares, seed)
    names = sorted(scene for scene in scenes if drawn[scene] == "val")
    words = f"{len(names)} of {len(scenes)} training scenes held out: {', '.join(names[:5])}"
    kept = training.of_scenes(scene for scene in scenes if drawn[scene] == "train")
    return Parts(kept, _spread(training.of_scenes(names), most), words + (", …" if len(names) > 5 else ""))


def _hold_out_pictures(dataset: Dataset, training: PairTable, seed: int, most: int, shares: dict[str, float]) -> Parts:
    """Hold out all pairs of some clean pictures: their rainy pictures show the same."""
    names = list(training.clean_names())
    pictures = set(names)
    if len(pictures) < 2:
        raise RaincleanError(f"{dataset.root}: all training pairs have one clean image; validation needs another one")
    drawn = split_scenes(pictures, shares, seed)
    held = np.fromiter((drawn[name] == "val" for name in names), bool, len(names))
    count = sum(split == "val" for split in drawn.values())
    words = f"{count} of {len(pictures)} clean images held out (names do not give the scenes: others may show the same)"
    return Parts(training.take(training.rows[~held]), _spread(training.take(training.rows[held]), most), words)


def _spread(pairs: PairTable, most: int) -> PairTable:
    if len(pairs) <= most:
        return pairs
    return pairs.take(pairs.rows[[round(i * (len(pairs) - 1) / max(1, most - 1)) for i in range(most)]])
