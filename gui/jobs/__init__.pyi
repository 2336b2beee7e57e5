from .messages import run_of
from .outcomes import MOST_FAILED, Outcome, best_validation, duration_text, failed_parts, finished_text, outcome_of
from .progress import JobProgress, left_in_words, stage_text
from .queue import Job, Jobs, State

__all__ = [
    "MOST_FAILED",
    "Job",
    "JobProgress",
    "Jobs",
    "Outcome",
    "State",
    "best_validation",
    "duration_text",
    "failed_parts",
    "finished_text",
    "left_in_words",
    "outcome_of",
    "run_of",
    "stage_text",
]
