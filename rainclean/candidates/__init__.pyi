from . import estimators, preference
from .defects import (
    DOUBTFUL,
    OUR_DEFECTS,
    Defect,
    defect_label,
    defects_from_outside,
    register_defect,
    unregister_defect,
)
from .estimators import PERCENTILE
from .preference import RULES, Judgement, Lesson, Table
from .preference_reasons import reasons
from .quality import RAIN_MARGIN, Judge, Scores, score
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
    "OUR_DEFECTS",
    "PERCENTILE",
    "RAIN_MARGIN",
    "RULES",
    "RULES_VERSION",
    "SWEEP_FRAMES",
    "SWEEP_VERSION",
    "Candidate",
    "Defect",
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
    "defect_label",
    "defects_from_outside",
    "estimators",
    "merge_near_identical",
    "preference",
    "reasons",
    "register_defect",
    "rule_versions",
    "score",
    "select_frames",
    "suggest",
    "sweep",
    "unregister_defect",
]
