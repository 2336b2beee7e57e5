from . import edits, made_candidates, made_recipes
from .drafts import FEATHER, Draft, draft_of, with_edit
from .editor import Editor
from .edits import SAID, Edit, new_batch, pair_frames
from .made_recipes import composite
from .masks import keep_mask, read_mask

__all__ = [
    "FEATHER",
    "SAID",
    "Draft",
    "Edit",
    "Editor",
    "composite",
    "draft_of",
    "edits",
    "keep_mask",
    "made_candidates",
    "made_recipes",
    "new_batch",
    "pair_frames",
    "read_mask",
    "with_edit",
]
