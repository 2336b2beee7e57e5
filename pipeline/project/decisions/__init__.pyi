from . import decisions, opinions
from .agreement import AUTOMATIC, Agreement, Judgements, agreements, judgements
from .automatic import FIT_ONLY, OUTDATED, AutoPlan, BestChosen, Pick, Step, auto_plan, choose_best
from .decisions import (
    by_sequence,
    current,
    differ,
    journal,
    known_reasons,
    of_people,
    person,
)

__all__ = [
    "AUTOMATIC",
    "FIT_ONLY",
    "OUTDATED",
    "Agreement",
    "AutoPlan",
    "BestChosen",
    "Judgements",
    "Pick",
    "Step",
    "agreements",
    "auto_plan",
    "by_sequence",
    "choose_best",
    "current",
    "decisions",
    "differ",
    "journal",
    "judgements",
    "known_reasons",
    "of_people",
    "opinions",
    "person",
]
