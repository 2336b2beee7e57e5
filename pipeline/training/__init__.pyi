from . import run_folder
from .metrics_log import COLUMNS
from .recipe import PRESETS, preset
from .requirements import require_training
from .run_folder import BEST, RUN, RunRecord, check_new
from .snapshot import take_snapshot
from .train import Machine, Trained, begin, is_further_process, resume
from .validation import PROTOCOL

__all__ = [
    "BEST",
    "COLUMNS",
    "PRESETS",
    "PROTOCOL",
    "RUN",
    "Machine",
    "RunRecord",
    "Trained",
    "begin",
    "check_new",
    "is_further_process",
    "preset",
    "require_training",
    "resume",
    "run_folder",
    "take_snapshot",
]
