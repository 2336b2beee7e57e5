"""How far off the shown picture may be: the expected error under the pointer, and a tint by it."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gui.compare import Colour, Legend
from gui.state.session import Session
from gui.workers import LATER, NOW, SOON
from pipeline.project.analysis import analysis, read_posterior
from pipeline.project.model import Analysis
from pipeline.project.storage import Project

if TYPE_CHECKING:  # scipy is loaded when a sequence has been selected for a moment, not before the window
    from rainclean.rainfree import Posterior

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

LEVELS = (1, 2, 4, 8, 16, 32)
"""Expected errors, grey levels, evenly along the legend; below the first nothing is tinted."""

WORST = 0.05
"""Share of the pixels that is tinted when the worst ones are asked for."""

WAYS = ("", "levels", "worst")
"""What is tinted: nothing, all by expected error, the worst pixels."""

_WORST_COLOUR = (170, 60, 230)
_COLOURS = ((250, 220, 40), (250, 160, 30), (235, 80, 40), (205, 30, 90), (140, 20, 150), (70, 10, 130))
"""At LEVELS: each next one is darker and bluer, so that people who see fewer colours tell them apart, too."""

_FAINTEST = 64
"""Of 255: how strong the tint is at the first of LEVELS, so that a little is seen as such."""

REST_MS = 600
"""Milliseconds that a sequence is selected before its posterior is read: leafing through a list costs nothing."""

SOON_MS = 120
"""Milliseconds without another picture before the tint follows: a slider makes many."""

_READ, _TINT = "posterior", "confidence"


class Tint(NamedTuple):
    """An overlay, as `set_overlay` takes it, and what it means."""

    mask: U8
    colour: Colour | U8
    alpha: float
    hatched: bool
    legend: Legend


class ConfidenceView(QObject):
    """changed: the tint came, changed or went, or errors can be told now. way: one of WAYS, as a person wants it."""

    changed = Signal()

    def __init__(self, session: Session, rest_ms: int = REST_MS) -> None:
        super().__init__()
        self._session = session
        self.way = ""
        self.tint: Tint | None = None
        self._picture: U8 | None = None
        self._posterior: Posterior | None = None
        self._of: tuple[str, str] = ("", "")
        self._rest = QTimer(self, singleShot=True, interval=rest_ms)
        self._rest.timeout.connect(lambda: self._read(LATER))
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._measure)
        for signal in (session.selection_changed, session.detail_changed, session.displayed_changed):
            signal.connect(self._follow)

    def toggle(self) -> None:
        """Tint the next way."""
        way = WAYS[(WAYS.index(self.way) + 1) % len(WAYS)]
        if way and (self._session.blind or self._names() == ("", "")):
            self.way = ""
            said = "nothing is known of the expected error: an older rainclean analysed; analyse it again"
            self._session.message.emit("not shown during a second opinion" if self._session.blind else said)
            return
        self.way = way
        if not way:
            self._clear()
            self._session.message.emit("the expected error is not shown any more")
        elif way == "levels":
            self._session.message.emit("tinted by expected error; again: the worst 5 %")
            self._read(NOW)
        else:
            self._session.message.emit("tinted: the 5 % of the picture that are expected to be farthest off")
            self._read(NOW)

    def look_at(self, picture: U8 | None, changed: bool = False) -> None:
        """This picture is shown now, (H, W, 3) uint8. changed: the same array as before with other contents."""
        if picture is self._picture and not changed:
            return
        if picture is None or self._picture is None or picture.shape != self._picture.shape:
            self._clear()
        self._picture = picture
        if self.way:
            self._soon.start()

    def at(self, x: int, y: int) -> float | None:
        """Expected error of a pixel of the shown picture, grey levels; None where nothing is known of it."""
        posterior, picture = self._posterior, self._picture
        if posterior is None or picture is None or self._session.blind or picture.shape != posterior.mean.shape:
            return None
        box = np.s_[y : y + 1, x : x + 1]
        here = type(posterior)(posterior.mean[box], posterior.sd[box]).error(picture[box])
        return float(here[0, 0]) if here.size else None

    # -- inside --------------------------------------------------------------------------------------------------

    def _analysis(self) -> Analysis | None:
        """The analysis that the shown candidate is of."""
        session = self._session
        main, shown, project = session.detail.analysis, session.candidate(session.displayed), session.project
        if main is None or shown is None or project is None or shown.analysis_id == main.id:
            return main
        return analysis(project, shown.analysis_id)

    def _names(self) -> tuple[str, str]:
        made = self._analysis()
        return ("", "") if made is None else (made.posterior_mean, made.posterior_sd)

    def _follow(self) -> None:
        """Another sequence or candidate may be believed otherwise; and what is blind must not be swayed."""
        if self._session.blind:
            self._clear()
            return
        names = self._names()
        if names == self._of:
            if self.way and self.tint is None:
                self._soon.start()
            return
        self._session.workers.cancel(_READ)
        self._of, self._posterior = names, None
        self._clear()
        self._rest.stop()
        if names != ("", "") and self.way:
            self._read(SOON)
        elif names != ("", ""):
            self._rest.start()

    def _read(self, urgency: int) -> None:
        self._rest.stop()
        made, project = self._analysis(), self._session.project
        if made is None or project is None or self._session.blind:
            return
        if self._posterior is not None:
            self._soon.start()
            return
        folder = project.folder

        def work() -> "Posterior | None":
            with Project.again(folder) as own:
                return read_posterior(own, made)

        self._session.workers.run(
            work, self._come, lambda e: self._session.warning.emit(str(e)), lane=_READ, urgency=urgency
        )

    def _come(self, posterior: "Posterior | None") -> None:
        self._posterior = posterior
        self.changed.emit()
        self._measure()

    def _measure(self) -> None:
        """Bring the tint to the shown picture."""
        posterior, picture = self._posterior, self._picture
        if not self.way or posterior is None or picture is None or self._session.blind:
            return
        if picture.shape != posterior.mean.shape:
            return
        picture, make = picture.copy(), by_levels if self.way == "levels" else worst
        # Strokes and sliders go on in the array meanwhile.
        self._session.workers.run(lambda: make(posterior.error(picture)), self._show, lane=_TINT, urgency=SOON)

    def _show(self, tint: Tint) -> None:
        if self.way:
            self.tint = tint
            self.changed.emit()

    def _clear(self) -> None:
        self._soon.stop()
        self._session.workers.cancel(_TINT)
        if self.tint is not None:
            self.tint = None
            self.changed.emit()


def by_levels(error: F32) -> Tint:
    """Every pixel by its expected error, (H, W) float32: the more, the stronger and darker."""
    octaves = np.log2(np.maximum(error, LEVELS[0]) / LEVELS[0]) / np.log2(LEVELS[-1] / LEVELS[0])
    mask = np.where(error < LEVELS[0], 0, _FAINTEST + (255 - _FAINTEST) * np.minimum(octaves, 1))
    places = np.linspace(_FAINTEST, 255, len(LEVELS))
    ramp = [np.interp(np.arange(256), places, channel) for channel in zip(*_COLOURS, strict=True)]
    colours = np.rint(np.stack(ramp, axis=1)).astype(np.uint8)
    words = [*map(str, LEVELS[:-1]), f"{LEVELS[-1]}+"]
    marks = list(zip(np.linspace(0, 1, len(LEVELS)).tolist(), words, strict=True))
    title = f"expected error in grey levels, median {float(np.median(error)):.1f}"
    legend = Legend(title, colours[_FAINTEST:], marks)
    return Tint(np.rint(mask).astype(np.uint8), colours, 0.6, False, legend)


def worst(error: F32) -> Tint:
    """The pixels with the largest expected errors, a share of WORST."""
    least = float(np.quantile(error, 1 - WORST))
    mask = np.where(error >= least, np.uint8(255), np.uint8(0))
    title = f"worst {WORST:.0%}: expected error of {least:.1f} grey levels or more".replace("%", " %")
    return Tint(mask, _WORST_COLOUR, 0.5, True, Legend(title))
