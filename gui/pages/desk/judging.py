"""What helps to judge two pictures: where they differ, swap, lens, brightness, histograms, survey, saving the view."""

from collections.abc import Callable
from functools import partial

from gui.compare import NEUTRAL, CompareView, HistogramPanel, Mode, SurveyGrid
from gui.pages.desk.brightness import GAMMA_STEP, BrightnessPopup
from gui.pages.desk.differ_most import DifferMost
from gui.pages.desk.page import Desk
from gui.pages.desk.save_view import SaveView
from gui.pages.desk.survey import Survey

TONES = ("brightness", "brighter", "darker", "gamma_up", "gamma_down", "tone_reset")
"""Ids of the actions that brighten the view, and the survey with it."""

ZOOMS = ("fit", "actual", "zoom_in", "zoom_out")
"""Ids of the actions that zoom the view, or the survey where it is open."""


class JudgingTools:
    """Handlers of the tools. Whatever they do to the view, nothing is stored."""

    def __init__(self, desk: Desk) -> None:
        self._session, self._view = desk.session, desk.view
        self.differ_most = DifferMost(desk.session, desk.view)
        self.survey = Survey(desk.session, desk.view, desk.live)
        self.histogram = HistogramPanel(desk.view)
        self.brightness = BrightnessPopup(desk.view)
        self.save_view = SaveView(desk.session, desk.view)
        desk.strip.frame_chosen.connect(lambda _: self.survey.close())

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return the handlers by id of the action."""
        view = self._view
        return {
            "differ_most": self.differ_most.next,
            "survey": self.survey.toggle,
            "swap": self._swap,
            "magnifier": self._magnify,
            "histogram": self._show_histogram,
            "brightness": self.brightness.open,
            "brighter": lambda: view.set_tone(view.tone.brighter(1)),
            "darker": lambda: view.set_tone(view.tone.brighter(-1)),
            "gamma_up": lambda: view.set_tone(view.tone.with_gamma(view.tone.gamma + GAMMA_STEP)),
            "gamma_down": lambda: view.set_tone(view.tone.with_gamma(view.tone.gamma - GAMMA_STEP)),
            "tone_reset": lambda: view.set_tone(NEUTRAL),
            "fit": lambda: self._zoomed().fit(),
            "actual": lambda: self._zoomed().actual_size(),
            "zoom_in": lambda: self._zoomed().zoom_in(),
            "zoom_out": lambda: self._zoomed().zoom_out(),
            "save_view": self._save_view,
            "save_pictures": partial(self.save_view.save, marks=False),
        }

    def lit(self) -> dict[str, bool]:
        """Return whether each tool that stays on is on, by the id of its action."""
        view = self._view
        return {
            "survey": self.survey.is_open(),
            "swap": view.swapped,
            "magnifier": view.magnifying,
            "histogram": not self.histogram.isHidden(),
        }

    def _zoomed(self) -> CompareView | SurveyGrid:
        """Return what the keys of zooming act on."""
        return self.survey.grid if self.survey.is_open() else self._view

    def _save_view(self) -> None:
        """Save what is seen: the view, or the survey over it."""
        self.save_view.save(marks=True, survey=self.survey.grid if self.survey.is_open() else None)

    def _swap(self) -> None:
        view = self._view
        view.swap()
        text = "The right picture is now on the left" if view.swapped else "Left and right are no longer swapped"
        if view.mode not in (Mode.WIPE, Mode.SIDE):
            text += ". Wipe (W) and side by side (G) show it."
        self._session.message.emit(text)

    def _magnify(self) -> None:
        self._view.magnify()
        on = self._view.magnifying
        self._session.message.emit("Magnifier on: it follows the pointer" if on else "Magnifier off")

    def _show_histogram(self) -> None:
        on = self.histogram.toggle()
        self._session.message.emit(
            "Histograms shown: around the pointer, else of the visible part" if on else "Histograms hidden"
        )
