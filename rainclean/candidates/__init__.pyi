from . import estimators, preference
from .estimators import PERCENTILE
from .preference import RULES, Judgement, Lesson, Table
from .preference_reasons import reasons
from .quality import DOUBTFUL, RAIN_MARGIN, Judge, Scores, score
from .recipe import RULES_VERSION, Recipe, rule_versions
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
    "PERCENTILE",
    "RAIN_MARGIN",
    "RULES",
    "RULES_VERSION",
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
    "estimators",
    "merge_near_identical",
    "preference",
    "reasons",
    "rule_versions",
    "score",
    "select_frames",
    "suggest",
    "sweep",
]
