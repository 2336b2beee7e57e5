from .backdrop import Backdrop
from .presets import FILMED, LADDER, PRESETS, Rain, Simulation, preset
from .reading import passers, rain, truth, water
from .record import BACKGROUND, MANIFEST, MASKS, NAMES, Record, TruthDocument, describe, to_text
from .render import Renderer
from .scenery import Scenery
from .writing import ClipWriter

__all__ = [
    "BACKGROUND",
    "FILMED",
    "LADDER",
    "MANIFEST",
    "MASKS",
    "NAMES",
    "PRESETS",
    "Backdrop",
    "ClipWriter",
    "Rain",
    "Record",
    "Renderer",
    "Scenery",
    "Simulation",
    "TruthDocument",
    "describe",
    "passers",
    "preset",
    "rain",
    "to_text",
    "truth",
    "water",
]
