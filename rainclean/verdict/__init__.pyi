from .evidence import Evidence, Told, errors, overrule
from .rules import ASTRAY, MEANINGS, STATES, Facts, Verdict, judge

__all__ = ["ASTRAY", "MEANINGS", "STATES", "Evidence", "Facts", "Told", "Verdict", "errors", "judge", "overrule"]
