from . import edits, made_candidates, made_recipes
from .drafts import FEATHER, Draft, draft_of, with_edit
from .editor import Editor
from .edits import REMARKS, Edit, new_batch, pair_frames
from .made_recipes import Composite, MadeRecipe, Part, composite_of
from .masks import keep_mask, read_mask

__all__ = [
    "FEATHER",
    "REMARKS",
    "Composite",
    "Draft",
    "Edit",
    "Editor",
    "MadeRecipe",
    "Part",
    "composite_of",
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
