from . import tracking
from .cuts import scene_cuts, thumbnail
from .damage import DamagedInput
from .decoding import open_video
from .images import images_in
from .limits import check_name, check_pixels, container_of
from .observer import FrameObserver
from .opening import open_here, open_source
from .pictures import SUFFIXES, Header, read_header, read_levels, read_picture
from .process_source import unless
from .profiles import CONVERTED
from .repeats import Repeats, describe, distinct, even, joined, stand_for
from .source import Frame, FrameSource, Region, SourceInfo
from .times import since_start
from .tracking import Reduced, camera_shift, shift_between, similarity

__all__ = [
    "CONVERTED",
    "SUFFIXES",
    "DamagedInput",
    "Frame",
    "FrameObserver",
    "FrameSource",
    "Header",
    "Reduced",
    "Region",
    "Repeats",
    "SourceInfo",
    "camera_shift",
    "check_name",
    "check_pixels",
    "container_of",
    "describe",
    "distinct",
    "even",
    "images_in",
    "joined",
    "open_here",
    "open_source",
    "open_video",
    "read_header",
    "read_levels",
    "read_picture",
    "scene_cuts",
    "shift_between",
    "similarity",
    "since_start",
    "stand_for",
    "thumbnail",
    "tracking",
    "unless",
]
