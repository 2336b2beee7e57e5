from .composition import Composition
from .confidence import ConfidenceView
from .frame_reader import FrameReader
from .live_preview import LivePreview
from .marks import Marks
from .paint_suggestions import PaintSuggestions
from .sequence_order import (
    FILTERS,
    NOTHING_KNOWN,
    REMOVED,
    SCENE,
    SORTS,
    UNSURE,
    VERDICTS,
    Unsure,
    arrange,
    neighbour,
    shared_scenes,
)
from .session import Session
from .thumbnails import Thumbnails

__all__ = [
    "FILTERS",
    "NOTHING_KNOWN",
    "REMOVED",
    "SCENE",
    "SORTS",
    "UNSURE",
    "VERDICTS",
    "Composition",
    "ConfidenceView",
    "FrameReader",
    "LivePreview",
    "Marks",
    "PaintSuggestions",
    "Session",
    "Thumbnails",
    "Unsure",
    "arrange",
    "neighbour",
    "shared_scenes",
]
