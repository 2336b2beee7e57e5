from .evidence import Evidence, Told, errors, overrule
from .rules import (
    ASTRAY,
    LABELS,
    MEANINGS,
    STATES,
    Facts,
    Rule,
    Sight,
    Verdict,
    areas_from_outside,
    judge,
    register_rule,
    unregister_rule,
)

__all__ = [
    "ASTRAY",
    "LABELS",
    "MEANINGS",
    "STATES",
    "Evidence",
    "Facts",
    "Rule",
    "Sight",
    "Told",
    "Verdict",
    "areas_from_outside",
    "errors",
    "judge",
    "overrule",
    "register_rule",
    "unregister_rule",
]
