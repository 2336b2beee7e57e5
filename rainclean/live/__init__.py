"""The live stack: percentiles of a sequence as a person moves a slider. See `stack`."""

from rainclean.live.pixel import PixelHistory
from rainclean.live.preview import Preview
from rainclean.live.stack import LiveStack, NothingSorted

__all__ = ["LiveStack", "NothingSorted", "PixelHistory", "Preview"]
