from .case_table import CaseClip, backgrounds, cases, make_camera_clip
from .methods import METHODS, measured_estimators, method_label, method_names
from .plot import write_plot
from .run import Measured, bench_truth, pictures_folder
from .thresholds import CaseMeans, Threshold, VerdictCounts, by_case, check_thresholds, means, reliability, verdicts

__all__ = [
    "METHODS",
    "CaseClip",
    "CaseMeans",
    "Measured",
    "Threshold",
    "VerdictCounts",
    "backgrounds",
    "bench_truth",
    "by_case",
    "cases",
    "check_thresholds",
    "make_camera_clip",
    "means",
    "measured_estimators",
    "method_label",
    "method_names",
    "pictures_folder",
    "reliability",
    "verdicts",
    "write_plot",
]
