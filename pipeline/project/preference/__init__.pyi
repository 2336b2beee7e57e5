from .judgements import Facts, read
from .suggestion import NOTHING, Suggested, Suggestions, choose_suggested, learn, so_far, suggestions

__all__ = ["NOTHING", "Facts", "Suggested", "Suggestions", "choose_suggested", "learn", "read", "so_far", "suggestions"]
