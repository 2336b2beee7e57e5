from . import edits, made_candidates, made_recipes
from .drafts import FEATHER, Draft, draft_of, with_edit
from .editor import Editor, Properties
from .edits import REMARKS, Edit, EditKind, EditValue, new_batch, pair_frames
from .made_candidates import FrameUse, MadeCandidate
from .made_recipes import Composite, MadeRecipe, Part, composite_of, read_composite, read_kept
from .masks import keep_mask, read_mask

__all__ = [
    "FEATHER",
    "REMARKS",
    "Composite",
    "Draft",
    "Edit",
    "EditKind",
    "EditValue",
    "Editor",
    "FrameUse",
    "MadeCandidate",
    "MadeRecipe",
    "Part",
    "Properties",
    "composite_of",
    "draft_of",
    "edits",
    "keep_mask",
    "made_candidates",
    "made_recipes",
    "new_batch",
    "pair_frames",
    "read_composite",
    "read_kept",
    "read_mask",
    "with_edit",
]
