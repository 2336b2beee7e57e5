from .case_table import Rung, backgrounds, cases
from .plot import write_plot
from .run import Measured, bench_truth, pictures_folder
from .thresholds import Bar, bars, by_case, means, reliability, verdicts

__all__ = [
    "Bar",
    "Measured",
    "Rung",
    "backgrounds",
    "bars",
    "bench_truth",
    "by_case",
    "cases",
    "means",
    "pictures_folder",
    "reliability",
    "verdicts",
    "write_plot",
]
