from .html import pairs_of, summary_rows
from .report import EvaluationReport
from .run import EvaluateSettings, evaluate, evaluation_folder
from .scores import SCENE_COLUMNS, SCORE_COLUMNS, cell

__all__ = [
    "SCENE_COLUMNS",
    "SCORE_COLUMNS",
    "EvaluateSettings",
    "EvaluationReport",
    "cell",
    "evaluate",
    "evaluation_folder",
    "pairs_of",
    "summary_rows",
]
