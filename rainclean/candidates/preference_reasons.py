"""Why one candidate is preferred to another, in words with the numbers."""

from rainclean.candidates.defects import OUR_DEFECTS
from rainclean.candidates.estimators import find_estimator
from rainclean.candidates.preference import DEFECTS, RULES, TOTAL_FLOOR, Preference, Table, closeness, features

_PHRASES = {defect.name: defect.phrase for defect in OUR_DEFECTS}


def reasons(preference: Preference, table: Table, first: int, against: int, most: int = 2) -> tuple[str, ...]:
    """Why a row of a table of one line-up is preferred to another, most telling first, in words with the numbers."""
    values = features(table)
    apart, weights = values[first] - values[against], preference.weights
    defects = table.defects[first] - table.defects[against]
    # The total is made of the four defects, so what it says is theirs, each by its share.
    of_total = weights[0] + weights[1] * float(closeness(table)[0])
    share = defects / (float(table.defects.sum(axis=1).std()) + TOTAL_FLOOR)
    said = {name: float(of_total * share[i] + weights[2 + i] * apart[2 + i]) for i, name in enumerate(DEFECTS)}
    said["order"] = float(of_total * (apart[0] - share.sum()))
    said["frames"] = float(weights[8] * apart[8])
    # Of two rules one goes by no percentile: then it is the rule that makes the difference.
    made = "percentile" if table.rule[first] == table.rule[against] else "rule"
    said[made] = float(weights[6:8] @ apart[6:8] + weights[9:] @ apart[9:])
    words = {name: _words(name, table, first, against) for name in said if said[name] > 0}
    telling = sorted((name for name in words if words[name]), key=lambda name: -said[name])
    return tuple(words[name] for name in telling if said[name] >= 0.3 * said[telling[0]])[:most]


def _words(name: str, table: Table, first: int, against: int) -> str:
    """One reason; empty where no difference could be read, or where a defect is worse, which recommends nothing."""
    if name in _PHRASES:
        column = DEFECTS.index(name)
        a, b = float(table.defects[first, column]), float(table.defects[against, column])
        digits = next((d for d in (2, 3) if f"{a:.{d}f}" != f"{b:.{d}f}"), 0)
        return f"{_PHRASES[name]} ({a:.{digits}f} against {b:.{digits}f})" if digits and a < b else ""
    if name == "percentile":
        here, there = (_offset(float(table.percentile[row] - table.eta[row])) for row in (first, against))
        return "" if here == there else f"{here} rather than {there}"
    if name == "frames":
        a, b = float(table.frames[first]), float(table.frames[against])
        return "" if a == b else f"{'more' if a > b else 'fewer'} frames ({a:g} against {b:g})"
    if name == "rule":
        here, there = (_phrase(RULES[int(table.rule[row])]) for row in (first, against))
        return f"{here} rather than {there}"
    return "a better rank by score"


def _phrase(rule: str) -> str:
    estimator = find_estimator(rule)
    return "another rule" if estimator is None else estimator.phrase


def _offset(offset: float) -> str:
    """``η*``, ``η* − 5``."""
    return "η*" + (f" {'−' if offset < 0 else '+'} {abs(offset):g}" if offset else "")
