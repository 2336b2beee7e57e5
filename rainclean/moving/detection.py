"""Passing and moving things, found in a clip and told from rain: people, foliage, water, splashes, overlays.

Frames are seen one after the other with the clean image they are compared with; of each only residuals on a coarse
grid are kept (`residual_grid`, at most 66 MB, and up to 350 MB while they are judged). At the end they are judged all
at once, because what is usual at a place is known only then: passing things in `foreground`, places in
`dynamic_texture` and `overlays`. Over a camera that moves overlays are found before, in frames as they are
(`stabilization.fixed_marks`, `fixed_marks`).
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainclean.moving.changes import find_changing
from rainclean.moving.dynamic_texture import FEWEST, find_restless, find_splashes, splash_rates
from rainclean.moving.fixed_marks import Drawn
from rainclean.moving.foreground import find_passing
from rainclean.moving.overlays import find_overlays
from rainclean.moving.residual_grid import Background, Grid, Residuals, chroma_cells, luma_of, residual, whole
from rainclean.moving.short_clips import FEWEST as FEWEST_AT_ALL
from rainclean.moving.short_clips import find_held

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

KINDS = ("passing", "swaying", "water", "splashes", "overlay", "changing")
"""Kinds of things that are found: keys of `Findings.areas`."""

STAYED = 0.25
"""Share of the frames from which on a passing thing hides a place for so long that the clean image is in doubt."""

_SPECK = 0.0002
"""Share of the picture below which a kind is not worth a line to a person."""

_PASSER = 0.003
"""Share of a frame below which nobody is told of a passing thing: large splashes reach 0.002."""

TEXTS = {
    "swaying": "something sways, as foliage does",
    "water": "a surface moves, as water does",
    "splashes": "drops splash",
    "overlay": "something was drawn over the clip, as a mark or a clock is",
    "changing": "the scene changes, as in wind, sun or dense traffic",
}
"""What a person is told of a kind of area."""


@dataclass(frozen=True)
class Findings:
    """What was found.

    areas: (h, w) bool for each of `KINDS`; of "passing", wherever something passed in any frame. doubtful: (h, w)
    bool, where a clean image must not be trusted: all kinds but "passing", and of that only where things stayed for
    `STAYED` of the frames or more. share: (N,) float64, share of each frame that passing things cover, 0…1. words:
    one line for each kind found, for a person.
    """

    areas: Mapping[str, Mask]
    doubtful: Mask
    share: NDArray[np.float64]
    words: list[str]
    grid: Grid
    packed: NDArray[np.uint8]
    """Passing things and overlays that move over the scene, of each frame on the grid: (N, ⌈gh·gw/8⌉) uint8, as
    `numpy.packbits` gives them."""
    drawn: NDArray[np.uint8] | None = None
    """The latter alone; None where there are none."""

    def per_frame(self, position: int) -> Mask:
        """What hides the scene in a frame, (h, w) bool; empty for a frame that was not seen. Raises IndexError."""
        if not 0 <= position < len(self.packed):
            raise IndexError(f"frame {position} of {len(self.packed)}")
        rows, columns = self.grid.cells
        cells = np.unpackbits(self.packed[position], count=rows * columns).reshape(rows, columns)
        return self.grid.enlarge(cells.astype(bool))


class Moving:
    """Gathers frames and judges them in the end: a `FrameObserver`. ``shape``: (h, w) px; ``frames``: how many."""

    def __init__(
        self, shape: tuple[int, int], frames: int, *, overlays: bool = True, drawn: Drawn | None = None
    ) -> None:
        """overlays: whether to look for any: over registered frames nothing stays where it was drawn.

        drawn: what was found to be drawn over frames before they were registered.
        """
        self._overlays, self._drawn = overlays, drawn
        self._grid = Grid.over(shape, frames)
        self._shape, self._frames = (*shape, 3), frames
        cells = self._grid.cells
        self._luma = np.zeros((frames, *cells), np.int8)
        self._chroma = np.zeros((2, frames, *chroma_cells(cells)), np.int8)
        self._seen = np.zeros(frames, bool)
        self._next = 0
        self._background: Background | None = None

    def compare_with(self, clean: F32, sigma: F32) -> None:
        """What frames seen from now on are compared with; neither is needed any more after that.

        clean: (h, w, 3) float32. sigma: (h, w) float32, standard deviation of the noise of a px's luma, grey levels.
        Raises ValueError.
        """
        if clean.shape != self._shape or sigma.shape != self._shape[:2]:
            raise ValueError(f"clean {clean.shape}, sigma {sigma.shape}; not {self._shape}")
        self._background = Background.of(self._grid, clean, sigma)

    def add_frame(self, rgb: U8, position: int | None = None) -> None:
        """Take a frame in; each once, after `compare_with`.

        rgb: (h, w, 3) uint8, registered and in the clean image's exposure. position: in any order; by default the one
        after the last. Raises ValueError, IndexError.
        """
        position = self._next if position is None else position
        if not 0 <= position < self._frames:
            raise IndexError(f"frame {position} of {self._frames}")
        if rgb.shape != self._shape:
            raise ValueError(f"frame {rgb.shape}; not {self._shape}")
        if self._background is None:
            raise ValueError("a frame before what it is compared with")
        self._luma[position], self._chroma[:, position] = residual(self._grid, rgb, self._background)
        self._seen[position] = True
        self._next = position + 1

    def on_grid(self, clean: F32) -> F32:
        """Luma of a clean image (h, w, 3) float32 as `result` takes it, (gh, gw) float32."""
        return luma_of(self._grid, clean)

    def result(self, came_out: Callable[[], F32] | None = None) -> Findings:
        """Judge all frames seen. Takes some milliseconds for each; nothing seen: nothing found.

        came_out: gives the clean image that came out, see `on_grid`; asked for when all else is told, so that it may
        still be in the making. What it does not explain is told, too.
        """
        rows, columns = self._grid.cells
        packed = np.zeros((self._frames, -(-rows * columns // 8)), np.uint8)
        areas = {kind: np.zeros((rows, columns), bool) for kind in KINDS}
        share = np.zeros(self._frames)
        stayed, marks = areas["passing"], None
        if self._background is not None:
            everything = bool(self._seen.all())
            luma = self._luma if everything else self._luma[self._seen]
            chroma = self._chroma if everything else self._chroma[:, self._seen]
            residuals = Residuals(luma, chroma, self._background)
            with ThreadPoolExecutor(1, thread_name_prefix="rainclean-places") as beside:
                restless = beside.submit(find_restless, residuals)

                def moves_always() -> Mask:
                    return np.asarray(np.logical_or(*restless.result()))

                overlay = beside.submit(lambda: find_overlays(residuals, moves_always())) if self._overlays else None
                splashes = beside.submit(splash_rates, residuals)
                passing = find_passing(residuals, moves_always)
                areas["swaying"], areas["water"] = restless.result()
                areas["overlay"] = overlay.result() if overlay else areas["overlay"]
                rates = splashes.result()
            drawn = None
            if self._drawn is not None:
                drawn = np.zeros_like(passing)
                for mask, position in zip(drawn, np.flatnonzero(self._seen).tolist(), strict=True):
                    mask[:] = self._drawn.on(self._grid, position)
                passing &= ~drawn
                areas["overlay"] = self._drawn.on(self._grid, self._drawn.reference) | (drawn.mean(axis=0) >= STAYED)
            if came_out is not None and len(luma) >= FEWEST_AT_ALL:
                aside = np.logical_or.reduce([areas[kind] for kind in ("swaying", "water", "overlay")])
                known = passing if drawn is None else passing | drawn
                things, areas["changing"] = find_changing(residuals, came_out(), known, aside)
                passing |= things
            areas["passing"] = np.asarray(passing.any(axis=0))
            stayed = np.asarray(passing.mean(axis=0) >= STAYED)
            if len(luma) < FEWEST:
                areas["passing"] = stayed = areas["passing"] | find_held(residuals)
            gaps = 2 * (columns // 60) + 1
            areas["swaying"], areas["water"] = whole(areas["swaying"], gaps), whole(areas["water"], gaps)
            elsewhere = np.logical_or.reduce([areas[kind] for kind in KINDS if kind != "splashes"])
            areas["splashes"] = find_splashes(rates, elsewhere)
            share[self._seen] = passing.mean(axis=(1, 2))
            if drawn is not None:
                marks = np.zeros_like(packed)
                marks[self._seen] = _packed(drawn)
                passing |= drawn
            packed[self._seen] = _packed(passing)
        doubtful = np.logical_or.reduce([stayed, *(area for kind, area in areas.items() if kind != "passing")])
        large = {kind: self._grid.enlarge(area) for kind, area in areas.items()}
        words = _words(areas, share, stayed)
        return Findings(large, self._grid.enlarge(doubtful), share, words, self._grid, packed, marks)


def _packed(masks: Mask) -> U8:
    return np.packbits(masks.reshape(len(masks), -1), axis=1)


def _words(areas: Mapping[str, Mask], share: NDArray[np.float64], stayed: Mask) -> list[str]:
    frames, words = len(share), []
    if frames < FEWEST_AT_ALL:
        return [f"{frames} frames are too few to look for what moves: nothing is excluded"]
    if frames < FEWEST:
        some = f"something moves in {100 * stayed.mean():.1f} % of the picture"
        return [f"{some}; {frames} frames are too few to tell what, or to find what moves slowly"] * bool(stayed.any())
    if share.max(initial=0) > _PASSER:
        seen = f"{np.count_nonzero(share)} of {frames} frames"
        words.append(f"something passes in {seen}, covering up to {100 * share.max():.1f} % of the picture")
    for kind, text in TEXTS.items():
        covered = float(areas[kind].mean())
        if covered > _SPECK:
            words.append(f"{text}: {100 * covered:.1f} % of the picture")
    return words
