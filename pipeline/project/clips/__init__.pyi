from .clip_files import VIDEO_SUFFIXES, clip, clips, content_of, locate, located, open_clip, open_sequence
from .import_clips import Origin, add
from .moved import Found, Missing, find, missing
from .properties import (
    Properties,
    columns_of,
    follow_suggestions,
    property_names,
    recompute,
    set_properties,
    set_removed,
)
from .sequence_records import MAX_NAMED, Which, describe, lookalike, lookalikes, sequences
from .thumbnails import thumbnail

__all__ = [
    "MAX_NAMED",
    "VIDEO_SUFFIXES",
    "Found",
    "Missing",
    "Origin",
    "Properties",
    "Which",
    "add",
    "clip",
    "clips",
    "columns_of",
    "content_of",
    "describe",
    "find",
    "follow_suggestions",
    "locate",
    "located",
    "lookalike",
    "lookalikes",
    "missing",
    "open_clip",
    "open_sequence",
    "property_names",
    "recompute",
    "sequences",
    "set_properties",
    "set_removed",
    "thumbnail",
]
