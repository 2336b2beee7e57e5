"""Choose the rainy frames of a sequence, and the crops of them, that become pairs.

The rain of a pixel is the amount by which it is brighter than in the clean image: rain only brightens. Everything here
is a function of pictures and choices alone. So every machine makes the same export, and the pairs of one sequence do
not depend on the others.
"""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.candidates import RAIN_MARGIN
from rainclean.errors import UsageError
from rainclean.temporal import luma
from rainclean.video import Region

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

MOST_FOUND = 0.25
"""Share of a crop that may always be excluded because motion was found there. Such exclusions are coarse and generous;
most pixels of a crop that touches them remain."""

_ROWS = 128
"""Rows of crop positions that are evaluated together; their memory stays small beside the picture."""

_FRAMES = re.compile(r"all|(?P<kind>every|differ):(?P<number>[1-9][0-9]{0,8})")
_SIZE = r"[1-9][0-9]{0,5}(x[1-9][0-9]{0,5})?"
_CROPS = re.compile(
    rf"whole|grid:(?P<grid>{_SIZE})(:(?P<stride>{_SIZE}))?|random:(?P<random>{_SIZE}):(?P<count>[1-9][0-9]{{0,8}})"
)


def rain_mask(rainy: U8, clean: U8) -> Mask:
    """Return the pixels with rain: their luma is over `RAIN_MARGIN` grey levels brighter than in the clean image.

    Args:
        rainy, clean: (H, W, 3) uint8 RGB of equal size.

    Returns:
        (H, W) bool.

    Raises:
        ValueError: Other shapes or types.
    """
    return _brighter(rainy, clean) > RAIN_MARGIN


def rain_share(mask: Mask, exclude: U8 | Mask | None = None) -> float:
    """Return the share of the pixels with rain, 0…1, without excluded pixels; 0 where everything is excluded.

    Args:
        mask: (H, W) bool from `rain_mask`.
        exclude: (H, W) bool or uint8; anything but 0 is excluded.

    Raises:
        ValueError: Other shapes or types.
    """
    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise ValueError(f"a rain mask of {mask.dtype} {mask.shape}, not (H, W) bool")
    kept = ~_excluded(exclude, mask.shape)
    return _share(int(np.count_nonzero(mask & kept)), int(np.count_nonzero(kept)))


def rain_amount(rainy: U8, clean: U8, exclude: U8 | Mask | None = None) -> float:
    """Return the rain amount of a frame: its mean excess over the clean image, in grey levels of luma.

    Counts weak rain, too, because there is no margin. 0 where everything is excluded.

    Args:
        rainy, clean: (H, W, 3) uint8 RGB.
        exclude: As in `rain_share`.

    Raises:
        ValueError: Other shapes or types.
    """
    brighter = np.maximum(_brighter(rainy, clean), 0)
    kept = brighter[~_excluded(exclude, brighter.shape)]
    return float(kept.mean(dtype=np.float64)) if kept.size else 0.0


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """The choice of rainy frames of a sequence that become pairs. Raises UsageError for an invalid one.

    kind: "all"; "every", each number-th of the frames, from the first; "differ", the ``number`` frames that differ most
    in rain amount.
    """

    kind: Literal["all", "every", "differ"] = "all"
    number: int = 1

    def __post_init__(self) -> None:
        if self.kind not in ("all", "every", "differ"):
            raise UsageError(f"frames {self.kind!r}: use all, every or differ")
        if self.number < 1 or (self.kind == "all" and self.number != 1):
            raise UsageError(f"frames {self.kind}:{self.number}: every and differ need a number of at least 1")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the form of `text`: ``all``, ``every:5``, ``differ:8``. Raises UsageError."""
        match = _FRAMES.fullmatch(text)
        if match is None:
            raise UsageError(
                f"frames {text!r}: use all, every:5 (every 5th), or differ:8 (the 8 that differ most in rain)"
            )
        if match["kind"] is None:
            return cls()
        return cls("every" if match["kind"] == "every" else "differ", int(match["number"]))

    @property
    def text(self) -> str:
        """Return the choice as text: ``all``, ``every:5``, ``differ:8``."""
        return self.kind if self.kind == "all" else f"{self.kind}:{self.number}"

    def choose(self, indices: Sequence[int], amounts: Sequence[float] = (), avoid: Collection[int] = ()) -> list[int]:
        """Choose frames; return their indices in rising order.

        "differ" spreads over the range of amounts: it starts with the heaviest frame and repeatedly adds the one whose
        amount lies farthest from all chosen ones (the lightest comes second). So k frames show k different strengths of
        rain instead of k heavy ones. Of equals, the lower index wins; k at or above the number of frames takes all.

        Args:
            indices: Distinct frame indices to choose from, in any order.
            amounts: Rain amount of each, needed for "differ" only.
            avoid: Indices that "differ" takes only where the others are fewer than k.

        Raises:
            ValueError: Indices are repeated, or amounts are missing or not finite.
        """
        if len(set(indices)) != len(indices):
            raise ValueError("frame indices are repeated")
        rising = sorted(indices)
        if self.kind == "all":
            return rising
        if self.kind == "every":
            return rising[:: self.number]
        if len(amounts) != len(indices) or not np.isfinite(amounts).all():
            raise ValueError(f"{len(indices)} frames need {len(indices)} finite rain amounts")
        amount_of = dict(zip(indices, amounts, strict=True))
        chosen: list[int] = []
        for group in ([i for i in rising if i not in avoid], [i for i in rising if i in avoid]):
            if group and len(chosen) < self.number:
                of_group = np.array([amount_of[index] for index in group], np.float64)
                chosen += _spread(group, of_group, self.number - len(chosen))
        return sorted(chosen)


class Crop(NamedTuple):
    """One part of a frame that becomes a pair: its region, and its share of pixels with rain."""

    region: Region
    rain_share: float


@dataclass(frozen=True, slots=True)
class CropChoice:
    """The choice of crops of a frame that become pairs. Raises UsageError for an invalid one.

    kind: "whole" frames; "grid", crops of ``size`` (width, height) every ``stride`` px (across, down; None: the
    crop's own size); "random", ``count`` crops of ``size`` a frame, drawn by ``seed``.
    smallest_rain_share: a crop, or whole frame, with a smaller share of rain is not taken.
    most_excluded: largest share of excluded pixels in a crop; 0 takes none that touches the exclusion mask. Where
    motion was found, at least MOST_FOUND of a crop may be excluded. Whole frames are taken with any share: their
    exclusion mask goes with the pair.
    """

    kind: Literal["whole", "grid", "random"] = "whole"
    size: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None
    _: KW_ONLY
    count: int | None = None
    seed: int = 0
    smallest_rain_share: float = 0.0
    most_excluded: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in ("whole", "grid", "random"):
            raise UsageError(f"crops {self.kind!r}: use whole, grid or random")
        needs = {"whole": (), "grid": ("size",), "random": ("size", "count")}[self.kind]
        for name in ("size", "count"):
            if (getattr(self, name) is not None) != (name in needs):
                need = f"a {name} is needed" if name in needs else f"no {name} is allowed"
                raise UsageError(f"{self.kind} crops: {need}")
        if self.stride is not None and self.kind != "grid":
            raise UsageError(f"{self.kind} crops: no stride is allowed")
        for name in ("size", "stride"):
            if getattr(self, name) is not None and min(getattr(self, name)) < 1:
                raise UsageError(f"crops with {name} {_times(getattr(self, name))}: use at least 1x1 px")
        if self.count is not None and self.count < 1:
            raise UsageError(f"{self.count} random crops per frame: use at least 1")
        for name in ("smallest_rain_share", "most_excluded"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name.replace('_', ' ')} {getattr(self, name)}: it must lie between 0 and 1")
        if self.stride == self.size:
            object.__setattr__(self, "stride", None)  # equal choices are equal objects with one text

    @classmethod
    def parse(cls, text: str, *, seed: int = 0, smallest_rain_share: float = 0.0, most_excluded: float = 0.0) -> Self:
        """Parse the form of `text`.

        ``whole``; ``grid:512x512``, ``grid:512x512:256x256`` (size, stride); ``random:512x512:8`` (size, crops per
        frame). ``512`` is short for ``512x512``. Raises UsageError for anything else.
        """
        match = _CROPS.fullmatch(text)
        if match is None:
            raise UsageError(
                f"crops {text!r}: use whole, grid:512x512, grid:512x512:256x256 (size, stride) "
                "or random:512x512:8 (size, crops per frame)"
            )
        return cls(
            kind="grid" if match["grid"] else "random" if match["random"] else "whole",
            size=_pair(match["grid"] or match["random"]),
            stride=_pair(match["stride"]),
            count=int(match["count"]) if match["count"] else None,
            seed=seed,
            smallest_rain_share=smallest_rain_share,
            most_excluded=most_excluded,
        )

    @property
    def text(self) -> str:
        """Return the choice as text, without seed and shares: ``whole``, ``grid:512x512``, ``random:512x512:8``."""
        parts = [self.kind, *(_times(part) for part in (self.size, self.stride) if part is not None)]
        return ":".join(parts + ([str(self.count)] if self.count is not None else []))

    def check(self, width: int, height: int) -> None:
        """Raise UsageError where crops are larger than pictures of this size in px."""
        if self.size is not None and (self.size[0] > width or self.size[1] > height):
            raise UsageError(
                f"crops of {_times(self.size)} px are larger than the image of {_times((width, height))} px; "
                "choose smaller ones"
            )

    def choose(
        self,
        rainy: U8,
        clean: U8,
        exclude: U8 | Mask | None = None,
        *,
        found: U8 | Mask | None = None,
        sequence: str,
        frame: int,
    ) -> list[Crop]:
        """Choose the crops of one frame, from top to bottom and left to right, no two at one place.

        Grid: where the stride is no larger than the crop, the last column and row are shifted to touch the border, so
        that no pixel is lost. Random: each place that rain and exclusion allow is equally likely; a frame with fewer
        places than ``count`` gives all of them. Fewer crops, or none, are not an error.

        Args:
            rainy, clean: (H, W, 3) uint8 RGB.
            exclude: (H, W) bool or uint8; anything but 0 was excluded by a person.
            found: The same, for what is excluded because motion was found there.
            sequence: Identity of its content; draws the random crops, together with frame and seed.
            frame: Index of the frame.

        Raises:
            UsageError: Crops are larger than the picture.
            ValueError: Other shapes or types.
        """
        rain = rain_mask(rainy, clean)
        height, width = rain.shape
        self.check(width, height)
        by_person = _excluded(exclude, rain.shape)
        excluded = by_person if found is None else by_person | _excluded(found, rain.shape)
        if self.size is None:
            share = rain_share(rain, excluded)
            return [Crop(Region(0, 0, width, height), share)] if share >= self.smallest_rain_share else []
        across, down = width - self.size[0] + 1, height - self.size[1] + 1
        if self.kind == "grid":
            x = _grid(across, self.size[0], (self.stride or self.size)[0])
            y = _grid(down, self.size[1], (self.stride or self.size)[1])
        else:
            x, y = np.arange(across), np.arange(down)
        places = _Places(rain & ~excluded, excluded, self.size, x=x, y=y)
        if found is None:
            allowed = places.allowed(self.smallest_rain_share, self.most_excluded)
        else:
            allowed = places.allowed(self.smallest_rain_share, max(self.most_excluded, MOST_FOUND))
            strict = _Places(rain & ~by_person, by_person, self.size, x=x, y=y)
            allowed = np.intersect1d(allowed, strict.allowed(0.0, self.most_excluded), assume_unique=True)
        if self.count is not None:
            allowed = allowed[_draw(f"{self.seed}/{frame}/{sequence}", len(allowed), self.count)]
        return [places.crop(place) for place in allowed.tolist()]


class _Places:
    """Places of crops of one size in a frame, and their content.

    The sum over any box takes four reads of a summed-area table, so that every place of a 4K frame can be evaluated.
    """

    def __init__(self, rain: Mask, excluded: Mask, size: tuple[int, int], *, x: I64, y: I64) -> None:
        self.size, self.x, self.y = size, x, y
        self.area = size[0] * size[1]
        self.rain, self.excluded = _summed(rain), _summed(excluded)

    def allowed(self, smallest_rain_share: float, most_excluded: float) -> I64:
        """Return places with enough rain and few enough exclusions, as rising numbers row · columns + column."""
        found = []
        for top in range(0, len(self.y), _ROWS):
            y = self.y[top : top + _ROWS]
            hidden = _boxes(self.excluded, self.size, self.x, y)
            allowed = hidden / self.area <= most_excluded
            if smallest_rain_share > 0:
                wet = _boxes(self.rain, self.size, self.x, y)
                allowed &= wet / np.maximum(self.area - hidden, 1) >= smallest_rain_share
            found.append(np.flatnonzero(allowed) + top * len(self.x))
        return np.concatenate(found)

    def crop(self, place: int) -> Crop:
        row, column = divmod(place, len(self.x))
        x, y = self.x[column : column + 1], self.y[row : row + 1]
        wet, hidden = (int(_boxes(table, self.size, x=x, y=y)[0, 0]) for table in (self.rain, self.excluded))
        return Crop(Region(int(x[0]), int(y[0]), *self.size), _share(wet, self.area - hidden))


def _brighter(rainy: U8, clean: U8) -> NDArray[np.int16]:
    for name, picture in (("rainy frame", rainy), ("clean image", clean)):
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or picture.size == 0:
            raise ValueError(f"a {name} of {picture.dtype} {picture.shape}, not (H, W, 3) uint8")
    if rainy.shape != clean.shape:
        raise ValueError(f"a rainy frame of {rainy.shape} and a clean image of {clean.shape}")
    return luma(rainy).astype(np.int16) - luma(clean)


def _excluded(exclude: U8 | Mask | None, shape: tuple[int, ...]) -> Mask:
    if exclude is None:
        return np.zeros(shape, np.bool_)
    if exclude.shape != shape or exclude.dtype not in (np.bool_, np.uint8):
        raise ValueError(f"an exclusion mask of {exclude.dtype} {exclude.shape}, not {shape} bool or uint8")
    return exclude != 0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _spread(indices: list[int], amounts: NDArray[np.float64], number: int) -> list[int]:
    if number >= len(indices):
        return indices
    chosen = [int(np.argmax(amounts))]
    distance = np.abs(amounts - amounts[chosen[0]])
    while len(chosen) < number:
        distance[chosen[-1]] = -1  # below every other one: equal amounts do not bring a frame back
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.abs(amounts - amounts[chosen[-1]]))
    return sorted(indices[place] for place in chosen)


def _grid(places: int, size: int, stride: int) -> I64:
    grid = np.arange(0, places, stride)
    if stride <= size and grid[-1] != places - 1:
        grid = np.append(grid, places - 1)
    return grid


def _summed(mask: Mask) -> I32:
    return np.asarray(cv2.integral(mask.view(np.uint8), sdepth=cv2.CV_32S), np.int32)


def _boxes(table: I32, size: tuple[int, int], x: I64, y: I64) -> I32:
    """Count the pixels of a mask in the box at each (y, x): (len(y), len(x)) int32, from its summed-area table."""
    columns = table[y + size[1]] - table[y]
    return columns[:, x + size[0]] - columns[:, x]


def _draw(key: str, total: int, count: int) -> list[int]:
    """Draw ``count`` distinct numbers below ``total``, rising: Fisher and Yates' shuffle that stores only its moves.

    Draws by SHA-256, because a library's generator may change with its version: the same export must give the same
    crops years later.
    """
    moved: dict[int, int] = {}
    drawn = []
    for place in range(min(count, total)):
        word = hashlib.sha256(f"{place}/{key}".encode()).digest()
        other = place + int.from_bytes(word[:16], "big") % (total - place)
        drawn.append(moved.get(other, other))
        moved[other] = moved.get(place, place)
    return sorted(drawn)


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _pair(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.partition("x")
    return int(width), int(height or width)
