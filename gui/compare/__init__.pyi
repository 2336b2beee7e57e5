from .differing import DifferingPlace, places_of_difference
from .histogram import HistogramPanel
from .kinds import Colour, DifferenceKind, Legend, Mode, Outline, Tool
from .survey import MOST, Cell, SurveyGrid
from .tone import GAMMAS, NEUTRAL, STOPS, Tone
from .view import CompareView

__all__ = [
    "GAMMAS",
    "MOST",
    "NEUTRAL",
    "STOPS",
    "Cell",
    "Colour",
    "CompareView",
    "DifferenceKind",
    "DifferingPlace",
    "HistogramPanel",
    "Legend",
    "Mode",
    "Outline",
    "SurveyGrid",
    "Tone",
    "Tool",
    "places_of_difference",
]
