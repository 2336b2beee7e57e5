"""Choose how the pairs of a data set without a manifest are found: by a rule, a list, or names that are known."""

from collections.abc import Iterator, Sequence

from rainclean.dataset.by_list import ByList, is_list
from rainclean.dataset.by_rules import ByRules
from rainclean.dataset.families import FAMILIES, Family
from rainclean.dataset.files import Files
from rainclean.dataset.foreign_base import ForeignLayout
from rainclean.dataset.layout_base import Layout, Report, StoredPair
from rainclean.dataset.layouts import LAYOUTS
from rainclean.dataset.pairing import PAIRS_NAME, Pairing
from rainclean.dataset.problems import Kind, Problem
from rainclean.dataset.rules import Rule


def foreign_layout(files: Files, pairing: Pairing) -> Layout:
    """Return how the pairs of a data set without a manifest are found.

    Args:
        files: Of the data set.
        pairing: What a person says about the pairs.

    Raises:
        UsageError: The rule means nothing.
    """
    if pairing.pairs is not None:
        return ByList(pairing.pairs)
    if pairing.rainy is not None and pairing.clean is not None:
        rule = Rule(pairing.rainy, pairing.clean)
        rule.check()
        return ByRules([Family("rule", "", (rule,))], given=True)
    if is_list(files, PAIRS_NAME):
        return ByList(files.root / PAIRS_NAME)
    base = next((each for each in LAYOUTS.values() if each.is_here(each.store(files.root))), None)
    if base is None:
        return ByRules(FAMILIES, given=False)
    # Pictures in a container have no folders beside them.
    return Around(base) if type(base.store(files.root)) is Files else base


class Around(ForeignLayout):
    """A layout of ours without a manifest, and what lies beside its pairs in folders with known names."""

    def __init__(self, base: Layout) -> None:
        self._base, self._others = base, ByRules(FAMILIES, given=False)
        self._has_base = False

    @property
    def name(self) -> str:  # type: ignore[override]
        """Return the layout, and the families that the latest scan found beside it."""
        own = [self._base.name] if self._has_base else []
        return " + ".join([*own, *self._others.found]) or self._base.name

    def scene_of(self, pair: StoredPair) -> str:
        """Return the scene of a pair."""
        return pair.scene or (self._base.scene_of(pair) if self._has_base else "")

    def scan(self, files: Files, report: Report) -> Iterator[StoredPair]:
        """Yield the pairs of the layout, then the others.

        A list that is missing is no problem where folders tell the pairs.
        """
        held, folders, splits = _Held(report), set[str](), set[str]()
        self._has_base = False
        for pair in self._base.scan(files, held):
            if not self._has_base:
                self._has_base = True
                held.release()
            folders.add(_folder(pair.rainy))
            folders.add(_folder(pair.clean))
            splits.add(pair.split)
            yield pair
        self._others = ByRules(FAMILIES, given=False).without(splits)
        yield from self._others.scan_beside(files, report, folders)
        if not self._others.found:
            held.release(all_of_them=True)

    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Yield the problems of the layout and of the others that need all pairs."""
        others = [pair for pair in pairs if _folder(pair.rainy) in self._others.folders]
        if self._has_base:
            own = [pair for pair in pairs if _folder(pair.rainy) not in self._others.folders]
            yield from self._base.leftovers(files, own, problems)
        yield from self._others.leftovers(files, others, problems)


class _Held:
    """Problems of folders, held back until the layout has a pair: the folders may be another data set's."""

    def __init__(self, report: Report) -> None:
        self._report, self._problems, self._released = report, list[Problem](), False

    def __call__(self, problem: Problem) -> None:
        waits = problem.kind is Kind.MISSING_LIST or (problem.kind is Kind.UNPAIRED and not self._released)
        if not waits:
            self._report(problem)
        else:
            self._problems.append(problem)

    def release(self, *, all_of_them: bool = False) -> None:
        """Report the problems, and those to come; missing lists only where all of them are asked for."""
        if self._released and not all_of_them:
            return
        self._released, waiting, self._problems = True, self._problems, []
        for problem in waiting:
            (self._report if all_of_them else self)(problem)


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
