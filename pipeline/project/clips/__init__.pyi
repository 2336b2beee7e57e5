from .clip_files import VIDEO_SUFFIXES, clip, clips, content_of, locate, located, open_clip, open_sequence
from .import_clips import Origin, add
from .sequence_records import describe, lookalikes, sequences
from .thumbnails import thumbnail

__all__ = [
    "VIDEO_SUFFIXES",
    "Origin",
    "add",
    "clip",
    "clips",
    "content_of",
    "describe",
    "locate",
    "located",
    "lookalikes",
    "open_clip",
    "open_sequence",
    "sequences",
    "thumbnail",
]
