from .analysis import COMPARISON_COLUMNS, RAIN_COLUMNS, rain_range
from .html import pairs_of, summary_rows
from .report import EvaluationReport
from .run import EvaluateSettings, evaluate, evaluation_folder
from .scores import SCENE_COLUMNS, SCORE_COLUMNS, cell
from .tables import comparison_cells, comparison_texts, with_interval

__all__ = [
    "COMPARISON_COLUMNS",
    "RAIN_COLUMNS",
    "SCENE_COLUMNS",
    "SCORE_COLUMNS",
    "EvaluateSettings",
    "EvaluationReport",
    "cell",
    "comparison_cells",
    "comparison_texts",
    "evaluate",
    "evaluation_folder",
    "pairs_of",
    "rain_range",
    "summary_rows",
    "with_interval",
]
