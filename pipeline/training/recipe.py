"""Everything that decides what a training makes of its pairs: plain values, for flags, JSON and provenance.

Importing this is cheap.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from rainclean.errors import UsageError
from rainclean.spanet import MASKS, STARTS

_KINDS: Mapping[Any, Any] = {int: int, float: (float, int), str: str, bool: bool}
"""Types that a value of a recipe may have in a file."""

_LATER = frozenset({"validation_share"})
"""Values that recipes of earlier versions do not have."""

DECAYS = ("drop", "cosine")
PRECISIONS = ("32", "64", "bf16-mixed", "16-mixed")


@dataclass(frozen=True, kw_only=True)
class TrainRecipe:
    """The settings of a training.

    preset: where the values come from. steps: of the optimiser (Adam). batch: examples of a step, over all devices.
    size, smallest_scale, flip: how examples are cut (`rainclean.spanet.data.Cut`). learning_rate: at the start; decay
    "drop": a tenth of it after three quarters of the steps (as published), "cosine": falling from start to end.
    direction_attention, start: the network (`rainclean.spanet.start`); start "weights" is a file, whose check sum
    is start_sha256. mask: what counts as rain (`rainclean.spanet.choices.MASKS`). clip_gradients: largest norm, 0 for
    none. precision: of Lightning's names. validate_every, checkpoint_every: steps. validation_pictures: how many, at
    most. validation_share: of the scenes or clean pictures that are held out (`examples.divide`), 0 where nobody gave
    one.
    """

    preset: str
    steps: int
    batch: int
    size: int
    learning_rate: float
    decay: str = "drop"
    smallest_scale: float = 0.8
    flip: bool = False
    direction_attention: bool = True
    mask: str = "threshold"
    start: str = "random"
    start_sha256: str = ""
    seed: int = 0
    clip_gradients: float = 0.0
    precision: str = "32"
    validate_every: int = 1000
    checkpoint_every: int = 500
    validation_pictures: int = 32
    validation_share: float = 0.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "validate_every", "checkpoint_every", "validation_pictures"):
            _require(name, getattr(self, name), "at least 1", holds=getattr(self, name) >= 1)
        _require("size", self.size, "from 16 to 4096 px", holds=16 <= self.size <= 4096)
        rate = self.learning_rate
        _require("learning rate", rate, "above 0", holds=math.isfinite(rate) and rate > 0)
        _require("seed", self.seed, "from 0", holds=0 <= self.seed < 2**63)
        share = self.validation_share
        _require("validation share", share, "from 0 to 0.9", holds=0 <= share <= 0.9)
        clip = self.clip_gradients
        _require("clip gradients", clip, "above 0, or 0 for none", holds=math.isfinite(clip) and clip >= 0)
        for name, known in (
            ("mask", MASKS),
            ("start", (*STARTS, "weights")),
            ("precision", PRECISIONS),
            ("decay", DECAYS),
        ):
            _require(name, getattr(self, name), f"one of {', '.join(known)}", holds=getattr(self, name) in known)

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0, as a share of the first."""
        if self.decay == "drop":
            return 1.0 if step < 0.75 * self.steps else 0.1
        return 0.5 + 0.5 * math.cos(math.pi * step / self.steps)

    def to_json(self) -> dict[str, Any]:
        """Return all values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the recipe that `to_json` gave. Raises KeyError, TypeError or UsageError for anything else."""
        recipe = cls(**document)
        for field in fields(cls):
            absent = field.name not in document and field.name not in _LATER
            if absent or not isinstance(getattr(recipe, field.name), _KINDS[field.type]):
                raise KeyError(f"{field.name} is not what it should be")
        return recipe


def _require(name: str, value: object, wanted: str, *, holds: bool) -> None:
    if not holds:
        raise UsageError(f"{name} {value}: {wanted} is needed")


PRESETS: Mapping[str, TrainRecipe] = {
    "paper": TrainRecipe(preset="paper", steps=40_000, batch=16, size=256, learning_rate=5e-3),
    "released": TrainRecipe(
        preset="released", steps=40_000, batch=16, size=256, learning_rate=5e-4, direction_attention=False,
        mask="any-difference",
    ),
    "quick": TrainRecipe(
        preset="quick", steps=400, batch=4, size=64, learning_rate=2e-3, decay="cosine", flip=True,
        direction_attention=False, start="identity", clip_gradients=1.0, validate_every=50, checkpoint_every=50,
        validation_pictures=6,
    ),
}  # fmt: skip
"""paper: Wang et al., CVPR 2019, with the values of their script. released: those of their checkpoint. quick: some
minutes on a CPU, from a network that changes nothing."""


def preset(name: str, **changes: Any) -> TrainRecipe:
    """Return a preset with some of its values changed.

    Args:
        name: Of `PRESETS`.
        **changes: New values, by field; None changes nothing.

    Raises:
        UsageError: The name is unknown, or a value is out of range.
    """
    if name not in PRESETS:
        raise UsageError(f"no preset {name!r}: use one of {', '.join(PRESETS)}")
    return replace(PRESETS[name], **{key: value for key, value in changes.items() if value is not None})
