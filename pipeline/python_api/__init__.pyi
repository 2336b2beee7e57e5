from .candidates import CandidateImage, CandidateSet, make_candidates
from .evaluation import Evaluation, read_scores
from .project import ProjectView, open_project
from .simulation import SimulatedClip, simulate_clip

__all__ = [
    "CandidateImage",
    "CandidateSet",
    "Evaluation",
    "ProjectView",
    "SimulatedClip",
    "make_candidates",
    "open_project",
    "read_scores",
    "simulate_clip",
]
