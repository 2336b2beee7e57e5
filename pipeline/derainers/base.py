"""A derainer: what `evaluate` scores, whatever it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rainclean.dataset import DatasetPair

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


class Result(NamedTuple):
    """The output for one picture.

    picture: (H, W, 3) RGB of the input's size: uint8, or float32 of about 0…1, unclipped. attention: (H, W) float32 in
    0…1, where the method has one.
    """

    picture: U8 | F32
    attention: F32 | None = None


@dataclass(frozen=True, kw_only=True)
class Options:
    """How derainers run.

    Attributes:
        device: auto, cpu or cuda.
        pad_to: sides of what a network gets are multiples of this number.
        networks: factories of networks that a person allows to run, ``module:factory`` or ``file.py:factory``.
        accept_changed: use a factory whose source has changed since the training.
    """

    device: str = "auto"
    pad_to: int = 1
    networks: tuple[str, ...] = ()
    accept_changed: bool = False


class Derainer(Protocol):
    """A method that takes rain out of pictures.

    Attributes:
        name: in tables.
        path: file or folder that it was opened from; errors name it.
        libraries: distributions whose versions the report states.
    """

    name: str
    path: Path
    libraries: tuple[str, ...]

    def prepare(self, pairs: Sequence[DatasetPair]) -> None:
        """Look whether all of these pairs can be derained, before any work.

        Raises:
            InputError: They cannot; one line, with counts and examples.
        """

    def derain(self, rainy: U8, pair: DatasetPair) -> Result:
        """Return the output for a picture.

        Args:
            rainy: (H, W, 3) uint8 RGB.
            pair: that it belongs to. Methods that compute use its name in messages only.

        Raises:
            InputError: The output cannot be used.
        """

    def identity(self) -> dict[str, Any]:
        """Return what report.json says of it beside its name. Asked after the last picture."""

    def description(self) -> str:
        """Return the same for a person, in one line."""
