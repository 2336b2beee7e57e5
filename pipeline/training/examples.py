"""Divide pairs into training and validation; no scene is in both."""

from dataclasses import dataclass

from rainclean.dataset import Dataset, DatasetPair, split_scenes
from rainclean.errors import RaincleanError

HELD_OUT = 0.1
"""Share of the training scenes that is held out where a data set has no split for validation."""


@dataclass(frozen=True)
class Parts:
    """Training pairs, validation pairs, and where the latter come from."""

    training: tuple[DatasetPair, ...]
    validation: tuple[DatasetPair, ...]
    description: str


def divide(dataset: Dataset, seed: int, most: int) -> Parts:
    """Divide the pairs of a data set into training and validation.

    Validation takes the split "val" where there is one; else scenes are held out of "train", drawn by seed.

    Args:
        dataset: The data set.
        seed: Draws the scenes.
        most: Largest number of validation pairs; they are spread over all.

    Raises:
        RaincleanError: Training would see validation scenes, or nothing would be left.
    """
    training, validation = dataset.split("train"), dataset.split("val")
    if not training:
        raise RaincleanError(f"{dataset.root}: has no training pairs, only {', '.join(dataset.splits)}")
    if validation:
        both = {pair.scene for pair in training} & {pair.scene for pair in validation} - {""}
        if both:
            raise RaincleanError(f"{dataset.root}: scene {min(both)} is in train and in val; export again by scene")
        unknown = "" in {pair.scene for pair in (*training, *validation)}
        words = "split val" + (
            " (names do not give the scenes: make sure that it shares none with train)" if unknown else ""
        )
        return Parts(training, _spread(validation, most), words)
    scenes = sorted({pair.scene for pair in training})
    if "" in scenes:
        what = "the names of its training pairs do not give their scenes, so none can be held out for validation"
        raise RaincleanError(f"{dataset.root}: {what}; put pairs of other scenes into val/")
    if len(scenes) < 2:
        what = f"all training pairs are of one scene, {scenes[0]}, and validation needs one of its own"
        raise RaincleanError(f"{dataset.root}: {what}; add clips of another place, or export with a val split")
    drawn = split_scenes(scenes, {"train": 1 - HELD_OUT, "val": HELD_OUT}, seed)
    held = tuple(pair for pair in training if drawn[pair.scene] == "val")
    names = sorted({pair.scene for pair in held})
    words = f"{len(names)} of {len(scenes)} training scenes held out: {', '.join(names[:5])}"
    training_pairs = tuple(pair for pair in training if drawn[pair.scene] == "train")
    return Parts(training_pairs, _spread(held, most), words + (", …" if len(names) > 5 else ""))


def _spread(pairs: tuple[DatasetPair, ...], most: int) -> tuple[DatasetPair, ...]:
    if len(pairs) <= most:
        return pairs
    return tuple(pairs[round(i * (len(pairs) - 1) / max(1, most - 1))] for i in range(most))
