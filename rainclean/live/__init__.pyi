from .pixel import PixelHistory, Rgb
from .preview import Preview
from .stack import SCRATCH_LIMIT, LiveStack, NothingSorted

__all__ = ["SCRATCH_LIMIT", "LiveStack", "NothingSorted", "PixelHistory", "Preview", "Rgb"]
