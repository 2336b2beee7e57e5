from . import decisions, journals, opinions
from .agreement import AUTOMATIC, Agreement, Judgements, agreements, judgements
from .decisions import BestChosen, by_sequence, choose_best, current, differ, journal, known_reasons, of_people, person

__all__ = [
    "AUTOMATIC",
    "Agreement",
    "BestChosen",
    "Judgements",
    "agreements",
    "by_sequence",
    "choose_best",
    "current",
    "decisions",
    "differ",
    "journal",
    "journals",
    "judgements",
    "known_reasons",
    "of_people",
    "opinions",
    "person",
]
