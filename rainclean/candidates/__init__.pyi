from . import preference
from .preference import RULES, Judgement, Lesson, Table
from .preference_reasons import reasons
from .quality import DOUBTFUL, RAIN_MARGIN, Judge, Scores, score
from .recipe import RULE_VERSIONS, RULES_VERSION, Recipe
from .selection import (
    SWEEP_FRAMES,
    SWEEP_VERSION,
    Candidate,
    PictureStore,
    Rows,
    Selection,
    merge_near_identical,
    select_frames,
    sweep,
)
from .suggestions import Suggestion, suggest

__all__ = [
    "DOUBTFUL",
    "RAIN_MARGIN",
    "RULES",
    "RULES_VERSION",
    "RULE_VERSIONS",
    "SWEEP_FRAMES",
    "SWEEP_VERSION",
    "Candidate",
    "Judge",
    "Judgement",
    "Lesson",
    "PictureStore",
    "Recipe",
    "Rows",
    "Scores",
    "Selection",
    "Suggestion",
    "Table",
    "merge_near_identical",
    "preference",
    "reasons",
    "score",
    "select_frames",
    "suggest",
    "sweep",
]
