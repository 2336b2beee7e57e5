"""The percentile that each neighbourhood votes for."""

import re
from typing import TYPE_CHECKING

from rainclean.candidates.estimators.base import Numbers, Parameters, SortedEstimator
from rainclean.candidates.estimators.offsets import OFFSET, offset_label, offset_suffix, read_offset
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from rainclean.temporal import LocalVotes, Query, Votes


class LocalEstimator(SortedEstimator):
    """``local``, ``local-plus5``; see `rainclean.temporal.local_eta`."""

    rule = "local"
    phrase = "the adaptive percentile"
    in_sweep = True
    learned = True
    pattern = f"local{OFFSET}"

    def numbers(self, match: re.Match[str]) -> Numbers:
        """See `Estimator.numbers`."""
        return read_offset(match)

    def suffix(self, recipe: Parameters) -> str:
        """See `Estimator.suffix`."""
        return f"local{offset_suffix(recipe)}"

    def label(self, recipe: Parameters) -> str:
        """See `Estimator.label`."""
        return f"adaptive percentile{offset_label(recipe)}"

    def check(self, recipe: Parameters) -> None:
        """See `Estimator.check`: it takes an offset."""
        if recipe.percentile is not None:
            raise UsageError(f"a recipe with rule {self.rule} cannot have a percentile: it finds its own")

    def query(self, recipe: Parameters, votes: "Votes", local: "LocalVotes") -> "Query":
        """See `SortedEstimator.query`."""
        import numpy as np

        from rainclean.temporal import eta_map, tenths

        etas = eta_map(local, votes.eta)
        return tenths(etas + np.float32(recipe.offset)) if recipe.offset else etas
