from . import run_folder
from .job import Machine, Trained, is_further_process
from .metrics_log import COLUMNS
from .network_record import NetworkRecord, absolute_factory, network_of, parse_arguments
from .networks import load_network, read_network
from .recipe import PRESETS, preset
from .requirements import require_training
from .run_folder import BEST, RUN, RunRecord, check_new, weights_in
from .snapshot import take_snapshot
from .train import begin, resume
from .validation import PROTOCOL

__all__ = [
    "BEST",
    "COLUMNS",
    "PRESETS",
    "PROTOCOL",
    "RUN",
    "Machine",
    "NetworkRecord",
    "RunRecord",
    "Trained",
    "absolute_factory",
    "begin",
    "check_new",
    "is_further_process",
    "load_network",
    "network_of",
    "parse_arguments",
    "preset",
    "read_network",
    "require_training",
    "resume",
    "run_folder",
    "take_snapshot",
    "weights_in",
]
