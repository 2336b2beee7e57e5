from .composition import Composing
from .confidence import Believing
from .frame_reader import FrameReader
from .live_preview import Live
from .paint_suggestions import Suggesting
from .sequence_order import FILTERS, NOTHING_KNOWN, SORTS, UNSURE, Unsure, arrange
from .session import Session
from .thumbnails import Thumbnails

__all__ = [
    "FILTERS",
    "NOTHING_KNOWN",
    "SORTS",
    "UNSURE",
    "Believing",
    "Composing",
    "FrameReader",
    "Live",
    "Session",
    "Suggesting",
    "Thumbnails",
    "Unsure",
    "arrange",
]
