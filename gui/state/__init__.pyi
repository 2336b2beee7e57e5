from .composition import Composition
from .confidence import ConfidenceView
from .frame_reader import FrameReader
from .live_preview import LivePreview
from .paint_suggestions import PaintSuggestions
from .sequence_order import FILTERS, NOTHING_KNOWN, SORTS, UNSURE, Unsure, arrange
from .session import Session
from .thumbnails import Thumbnails

__all__ = [
    "FILTERS",
    "NOTHING_KNOWN",
    "SORTS",
    "UNSURE",
    "Composition",
    "ConfidenceView",
    "FrameReader",
    "LivePreview",
    "PaintSuggestions",
    "Session",
    "Thumbnails",
    "Unsure",
    "arrange",
]
