from pipeline.python_api import CandidateImage as CandidateImage
from pipeline.python_api import CandidateSet as CandidateSet
from pipeline.python_api import Evaluation as Evaluation
from pipeline.python_api import ProjectView as ProjectView
from pipeline.python_api import SimulatedClip as SimulatedClip
from pipeline.python_api import make_candidates as make_candidates
from pipeline.python_api import open_project as open_project
from pipeline.python_api import read_scores as read_scores
from pipeline.python_api import simulate_clip as simulate_clip

from . import simulate as simulate
from . import spanet as spanet
from .dataset import DatasetArrays as DatasetArrays
from .dataset import PairArrays as PairArrays
from .dataset import read_arrays as read_dataset
from .errors import InputError as InputError
from .errors import RaincleanError as RaincleanError
from .errors import ResourceError as ResourceError
from .errors import UsageError as UsageError
from .metrics import score as score
from .picture import Picture as Picture
from .spanet import Derainer as Derainer
from .spanet import load_derainer as load_derainer
from .video import open_source as open_clip

__version__: str

__all__ = [
    "CandidateImage",
    "CandidateSet",
    "DatasetArrays",
    "Derainer",
    "Evaluation",
    "InputError",
    "PairArrays",
    "Picture",
    "ProjectView",
    "RaincleanError",
    "ResourceError",
    "SimulatedClip",
    "UsageError",
    "__version__",
    "load_derainer",
    "make_candidates",
    "open_clip",
    "open_project",
    "read_dataset",
    "read_scores",
    "score",
    "simulate",
    "simulate_clip",
    "spanet",
]
