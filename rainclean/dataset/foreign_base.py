"""Layouts of data sets that rainclean does not write: read only."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rainclean.dataset.files import Files
from rainclean.dataset.layout_base import Layout, PairKey, PairPaths, StoredPair, Widths
from rainclean.dataset.pairing import SPLITS
from rainclean.dataset.problems import Problem
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow


class ForeignLayout(Layout):
    """A layout that is read and never written."""

    name = "foreign"
    splits = SPLITS

    def paths(self, key: PairKey, widths: Widths) -> PairPaths:
        """Raise UsageError: nothing is exported in this layout."""
        raise UsageError(f"layout {self.name} is read only")

    def lists(self, rows: Iterable["ManifestRow"]) -> dict[str, bytes]:
        """Return no lists."""
        return {}

    def is_here(self, files: Files) -> bool:
        """Return whether a folder has a pair of this layout."""
        return next(self.scan(files, _ignore), None) is not None

    def scene_of(self, pair: StoredPair) -> str:
        """Return the scene of a pair, which the scan found."""
        return pair.scene

    def problems_and_pairs(self, files: Files) -> tuple[list[Problem], list[StoredPair]]:
        """Return the problems, and the pairs that can be read in spite of them."""
        problems: list[Problem] = []
        pairs = list(self.scan(files, problems.append))
        return [*problems, *self.leftovers(files, pairs, problems)], pairs


def _ignore(problem: Problem) -> None:
    """Ignore a problem."""
