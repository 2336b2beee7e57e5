"""What an estimator is: one way to make a clean image, named in recipes, with what it needs of the frames.

Three kinds differ by what they are given. A `SortedEstimator` asks each pixel's sorted values for one of them, or for
a function of them. A `FramesEstimator` sees the frames one after the other, once more. A `NearEstimator` has a few
frames next to the reference frame, aligned with it pixel by pixel.

Loads no numpy: recipes are named and parsed where nothing is computed.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypedDict

from rainclean.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rainclean.rainfree import Near, Posterior
    from rainclean.temporal import LocalVotes, Query, Votes

    U8 = NDArray[np.uint8]
    F32 = NDArray[np.float32]


class Parameters(Protocol):
    """What an estimator reads of a recipe; see `Recipe` for the meaning."""

    @property
    def frames(self) -> int:
        """N."""

    @property
    def percentile(self) -> float | None:
        """0…100, or None for the vote's."""

    @property
    def offset(self) -> float:
        """To the vote's percentile."""

    def resolve(self, eta: int) -> float:
        """Return the percentile, given the window's η*."""


class Numbers(TypedDict, total=False):
    """Fields of a recipe that an estimator reads in its name; see `Parameters`."""

    percentile: float
    offset: float


class Estimator(ABC):
    """One way to make a clean image. Subclass `SortedEstimator`, `FramesEstimator` or `NearEstimator`.

    Attributes:
        rule: what recipes store; by default also what their names end with. Letters, digits, ``_`` and ``-``.
        version: raised when the same recipe gives other pixels; part of the hash from 2 on.
        in_sweep: whether a clean without ``--recipe`` makes it as well.
        phrase: how it reads in "X rather than Y".
        learned: whether preferences are learned for it; else it counts as "other".
        not_live: why the live picture of the window cannot show it, for a person; "" where it can.
    """

    rule: str
    version: int = 1
    in_sweep: bool = False
    learned: bool = False
    not_live: str = ""

    @property
    def phrase(self) -> str:
        """For a person, beside another one's: ``the rain-free mean``."""
        return self.rule

    @property
    def pattern(self) -> str:
        """Regular expression of its part of a recipe's name: what follows ``n20-`` and precedes ``-steady``."""
        return re.escape(self.rule)

    def numbers(self, match: re.Match[str]) -> Numbers:
        """Return the fields of a recipe that a match of the pattern says."""
        return {}

    def suffix(self, recipe: Parameters) -> str:
        """Return its part of a recipe's name; matches the pattern, and says all that `numbers` reads."""
        return self.rule

    def label(self, recipe: Parameters) -> str:
        """Return what it is, for a person: ``median``, ``η* − 5``."""
        return self.phrase

    def check(self, recipe: Parameters) -> None:
        """Refuse numbers that it cannot use. Raises UsageError."""
        if recipe.percentile is not None:
            raise UsageError(f"a recipe with rule {self.rule} cannot have a percentile: it finds its own")
        if recipe.offset:
            raise UsageError(f"a recipe with rule {self.rule} cannot have an offset: offsets apply to the vote")


class SortedEstimator(Estimator):
    """An estimator of each pixel's values in one window, sorted over time; frames are decoded once."""

    @abstractmethod
    def query(self, recipe: Parameters, votes: "Votes", local: "LocalVotes") -> "Query":
        """Return what to ask of the sorted values.

        Args:
            recipe: the numbers of this candidate.
            votes: of the whole picture over the window.
            local: the same for each neighbourhood.

        Returns:
            A percentile, 0…100 in tenths, of the whole picture or of each pixel, (H, W) float32. Or a function from
            (N, T) uint8, sorted over N and not to be written to, to (T,) uint8; threads call it for T samples of
            single channels at a time.
        """


@dataclass(frozen=True, kw_only=True)
class Accumulation:
    """What a pass over the frames begins with.

    Attributes:
        initial: (H, W, 3) float32 levels, right to a level or two. It is consumed: the accumulator may write there.
        noise: (256,) float32, standard deviation of the noise by level.
        frames: how many will come.
        workers: threads to use.
        batch: frames to take at a time.
    """

    initial: "F32"
    noise: "F32"
    frames: int
    workers: int
    batch: int


class Estimate(Protocol):
    """What frames came to.

    Attributes:
        mean: (H, W, 3) float32 levels, the clean image, not rounded.
        share: of values that are free of rain, 0…1; None where nothing is known of it.
    """

    @property
    def mean(self) -> "F32":
        """(H, W, 3) float32 levels."""

    @property
    def share(self) -> float | None:
        """0…1, or None."""

    def posterior(self, *, registered: bool, workers: int) -> "Posterior | None":
        """Return the mean and how far off it may be; None where that is not known.

        Args:
            registered: whether frames were aligned with one another.
            workers: threads to use.
        """


@dataclass(frozen=True)
class FramesEstimate:
    """An `Estimate` of which nothing but the picture is known. mean: (H, W, 3) float32 levels."""

    mean: "F32"
    share: float | None = None

    def posterior(self, *, registered: bool, workers: int) -> "Posterior | None":
        """Return None: it is not known how far off the mean may be."""
        return None


class Accumulator(Protocol):
    """Takes the frames of a window one after the other. A context manager, which gives back what it took."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def add(self, position: int, rgb: "U8") -> None:
        """Take the frame at a position in the window, (H, W, 3) uint8, not to be written to."""

    def finish(self) -> Estimate:
        """Return what the frames came to."""


class FramesEstimator(Estimator):
    """An estimator that sees the frames of its window once more, as they went into the sorted stack."""

    not_live = "it reads the frames once more"

    @abstractmethod
    def accumulator(self, begin: Accumulation) -> Accumulator:
        """Return what takes the frames of one pass."""

    def wants_another_pass(self, estimate: Estimate) -> bool:
        """Return whether a second pass that begins with the estimate would better it enough."""
        return False


class NearEstimator(Estimator):
    """An estimator of a few frames next to the reference frame; only where the camera moves."""

    not_live = "it needs frames that are aligned to the reference frame"

    @abstractmethod
    def make(self, near: "Near", without: int | None = None) -> "tuple[U8, F32]":
        """Make the clean image.

        Args:
            near: the frames, aligned with the reference frame.
            without: position in ``near.frames`` of one that is not to be used, never the reference frame's: what is
                made without it is judged by it.

        Returns:
            The clean image, (H, W, 3) uint8, and the weight of the reference frame in each pixel, (H, W) float32 0…1.
        """
