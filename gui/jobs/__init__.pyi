from .messages import run_of
from .progress import JobProgress, left_in_words, stage_text
from .queue import Job, Jobs, State

__all__ = ["Job", "JobProgress", "Jobs", "State", "left_in_words", "run_of", "stage_text"]
