"""One percentile for the whole picture: a fixed one, or the one that most pixels vote for."""

import re
from typing import TYPE_CHECKING

from rainclean.candidates.estimators.base import Numbers, Parameters, SortedEstimator
from rainclean.candidates.estimators.offsets import (
    OFFSET,
    number,
    offset_label,
    offset_suffix,
    read_number,
    read_offset,
)

if TYPE_CHECKING:
    from rainclean.temporal import LocalVotes, Query, Votes


PERCENTILE = "percentile"
"""Its rule, and that of recipes from before there were several."""


class PercentileEstimator(SortedEstimator):
    """``vote``, ``vote-minus5``, ``p37_5``: the method of the SPANet paper, and its neighbours."""

    rule = PERCENTILE
    phrase = "a percentile"
    learned = True
    pattern = rf"vote{OFFSET}|p(?P<percentile>[0-9]{{1,3}}(_[0-9])?)"

    def numbers(self, match: re.Match[str]) -> Numbers:
        """See `Estimator.numbers`."""
        return read_offset(match) if match["percentile"] is None else {"percentile": read_number(match["percentile"])}

    def suffix(self, recipe: Parameters) -> str:
        """See `Estimator.suffix`."""
        return f"vote{offset_suffix(recipe)}" if recipe.percentile is None else f"p{number(recipe.percentile)}"

    def label(self, recipe: Parameters) -> str:
        """See `Estimator.label`."""
        if recipe.percentile is None:
            return f"η*{offset_label(recipe)}"
        return "median" if recipe.percentile == 50 else f"percentile {recipe.percentile:g}"

    def check(self, recipe: Parameters) -> None:
        """See `Estimator.check`: it takes either number."""

    def query(self, recipe: Parameters, votes: "Votes", local: "LocalVotes") -> "Query":
        """See `SortedEstimator.query`."""
        return recipe.resolve(votes.eta)
