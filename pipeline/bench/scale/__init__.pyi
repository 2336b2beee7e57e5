from .clip_cost import ClipCost, measure_clip
from .commands import CommandFigures, measure, measure_commands
from .forecast import Forecast, Needs, forecast, needs
from .index import PAIRS, IndexFigures, TrainingFigures, make_tree, measure_index, measure_training
from .large_project import make_large_project
from .run import PARTS, ScaleFigures, ScaleSettings, bench_scale

__all__ = [
    "PAIRS",
    "PARTS",
    "ClipCost",
    "CommandFigures",
    "Forecast",
    "IndexFigures",
    "Needs",
    "ScaleFigures",
    "ScaleSettings",
    "TrainingFigures",
    "bench_scale",
    "forecast",
    "make_large_project",
    "make_tree",
    "measure",
    "measure_clip",
    "measure_commands",
    "measure_index",
    "measure_training",
    "needs",
]
