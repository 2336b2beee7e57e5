"""Expected error of the displayed picture: at the pointer, and as a tint."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
"""Expected errors in grey levels, evenly spaced along the legend. Below the first nothing is tinted."""

WORST = 0.05
"""Fraction of the pixels that is tinted in the mode "worst"."""

_PERCENT = f"{100 * WORST:g} %"

MODES = ("", "levels", "worst")
"""What is tinted: nothing, every pixel by its expected error, the worst pixels."""

_WORST_COLOUR = (170, 60, 230)
_COLOURS = ((250, 220, 40), (250, 160, 30), (235, 80, 40), (205, 30, 90), (140, 20, 150), (70, 10, 130))
"""Colours at LEVELS. Each is darker and bluer than the one before, so that colour-blind people can tell them apart."""

_FAINTEST = 64
"""Strength of the tint at the first of LEVELS, of 255: enough to be visible."""

REST_MS = 600
"""Milliseconds that a sequence is selected before its posterior is read, so that stepping through a list is cheap."""

SOON_MS = 120
"""Milliseconds without another picture before the tint is updated: a slider makes many."""

_READ, _TINT = "posterior", "confidence"


@dataclass(frozen=True, kw_only=True)
class Tint:
    """An overlay as `CompareView.set_overlay` takes it, and its legend."""

    mask: U8
    colour: Colour | U8
    alpha: float
    hatched: bool
    legend: Legend


class ConfidenceView(QObject):
    """Expected error of the displayed picture.

    Signals: `changed` when the tint came, changed or went, or when `error_at` knows more.

    Attributes:
        mode: One of MODES, as the person chose.
        tint: The overlay, None while there is none.
    """

    changed = Signal()

    def __init__(self, session: Session, rest_ms: int = REST_MS) -> None:
        super().__init__()
        self._session = session
        self.mode = ""
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

    def next_mode(self) -> None:
        """Switch to the next of MODES."""
        mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        if mode and (self._session.blind or self._names() == ("", "")):
            self.mode = ""
            self._session.message.emit(
                "The expected error is hidden during a second opinion"
                if self._session.blind
                else "No expected error: an older version of rainclean analysed this sequence. Analyse it again."
            )
            return
        self.mode = mode
        if not mode:
            self._clear()
            self._session.message.emit("Expected error hidden")
        elif mode == "levels":
            self._session.message.emit("Tinted by expected error. Press M again for the worst 5 %.")
            self._read(NOW)
        else:
            self._session.message.emit("Tinted: the 5 % of the pixels with the largest expected error")
            self._read(NOW)

    def set_picture(self, picture: U8 | None, *, changed: bool = False) -> None:
        """Follow the displayed picture.

        Args:
            picture: (H, W, 3) uint8 RGB; None for no picture.
            changed: The array is the same as before but has other contents.
        """
        if picture is self._picture and not changed:
            return
        if picture is None or self._picture is None or picture.shape != self._picture.shape:
            self._clear()
        self._picture = picture
        if self.mode:
            self._soon.start()

    def error_at(self, x: int, y: int) -> float | None:
        """Return the expected error of a pixel of the displayed picture in grey levels; None where it is not known."""
        posterior, picture = self._posterior, self._picture
        if posterior is None or picture is None or self._session.blind or picture.shape != posterior.mean.shape:
            return None
        box = np.s_[y : y + 1, x : x + 1]
        errors = type(posterior)(posterior.mean[box], posterior.sd[box]).error(picture[box])
        return float(errors[0, 0]) if errors.size else None

    # -- inside --------------------------------------------------------------------------------------------------

    def _analysis(self) -> Analysis | None:
        """Return the analysis that the displayed candidate belongs to."""
        session = self._session
        main, shown, project = session.detail.analysis, session.candidate(session.displayed), session.project
        if main is None or shown is None or project is None or shown.analysis_id == main.id:
            return main
        return analysis(project, shown.analysis_id)

    def _names(self) -> tuple[str, str]:
        displayed = self._analysis()
        return ("", "") if displayed is None else (displayed.posterior_mean, displayed.posterior_sd)

    def _follow(self) -> None:
        """Read the posterior that belongs to the displayed candidate; hide everything during a second opinion."""
        if self._session.blind:
            self._clear()
            return
        names = self._names()
        if names == self._of:
            if self.mode and self.tint is None:
                self._soon.start()
            return
        self._session.workers.cancel(_READ)
        self._of, self._posterior = names, None
        self._clear()
        self._rest.stop()
        if names != ("", "") and self.mode:
            self._read(SOON)
        elif names != ("", ""):
            self._rest.start()

    def _read(self, urgency: int) -> None:
        self._rest.stop()
        displayed, project = self._analysis(), self._session.project
        if displayed is None or project is None or self._session.blind:
            return
        if self._posterior is not None:
            self._soon.start()
            return
        folder = project.folder

        def work() -> "Posterior | None":
            with Project.again(folder) as own:
                return read_posterior(own, displayed)

        self._session.workers.run(
            work, self._come, lambda e: self._session.warning.emit(str(e)), lane=_READ, urgency=urgency
        )

    def _come(self, posterior: "Posterior | None") -> None:
        self._posterior = posterior
        self.changed.emit()
        self._measure()

    def _measure(self) -> None:
        """Update the tint for the displayed picture."""
        posterior, picture = self._posterior, self._picture
        if not self.mode or posterior is None or picture is None or self._session.blind:
            return
        if picture.shape != posterior.mean.shape:
            return
        picture, make = picture.copy(), by_levels if self.mode == "levels" else worst
        # Strokes and sliders go on in the array meanwhile.
        self._session.workers.run(lambda: make(posterior.error(picture)), self._show, lane=_TINT, urgency=SOON)

    def _show(self, tint: Tint) -> None:
        if self.mode:
            self.tint = tint
            self.changed.emit()

    def _clear(self) -> None:
        self._soon.stop()
        self._session.workers.cancel(_TINT)
        if self.tint is not None:
            self.tint = None
            self.changed.emit()


def by_levels(error: F32) -> Tint:
    """Return a tint of every pixel by its expected error, (H, W) float32 in grey levels: larger is darker."""
    octaves = np.log2(np.maximum(error, LEVELS[0]) / LEVELS[0]) / np.log2(LEVELS[-1] / LEVELS[0])
    mask = np.where(error < LEVELS[0], 0, _FAINTEST + (255 - _FAINTEST) * np.minimum(octaves, 1))
    places = np.linspace(_FAINTEST, 255, len(LEVELS))
    ramp = [np.interp(np.arange(256), places, channel) for channel in zip(*_COLOURS, strict=True)]
    colours = np.rint(np.stack(ramp, axis=1)).astype(np.uint8)
    labels = [f"{LEVELS[0]} level", *map(str, LEVELS[1:-1]), f"{LEVELS[-1]}+ levels"]
    marks = list(zip(np.linspace(0, 1, len(LEVELS)).tolist(), labels, strict=True))
    median, least = (float(value) for value in np.quantile(error, (0.5, 1 - WORST)))
    title = f"Expected error: median {median:.1f} levels, worst {_PERCENT} from {least:.1f} levels"
    legend = Legend(title, colours[_FAINTEST:], marks)
    return Tint(mask=np.rint(mask).astype(np.uint8), colour=colours, alpha=0.6, hatched=False, legend=legend)


def worst(error: F32) -> Tint:
    """Return a tint of the fraction WORST of the pixels: those with the largest expected errors."""
    least = float(np.quantile(error, 1 - WORST))
    mask = np.where(error >= least, np.uint8(255), np.uint8(0))
    title = f"Worst {_PERCENT} of the pixels: expected error of {least:.1f} levels or more"
    return Tint(mask=mask, colour=_WORST_COLOUR, alpha=0.5, hatched=True, legend=Legend(title))
