"""Pairs by rules: those of the families that are known, or one that a person gives."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rainclean.dataset.families import Family
from rainclean.dataset.files import Files
from rainclean.dataset.foreign_base import ForeignLayout
from rainclean.dataset.layout_base import Report, StoredPair, is_picture, stem_of
from rainclean.dataset.pairing import split_of
from rainclean.dataset.problems import Kind, Problem
from rainclean.dataset.rules import Rule
from rainclean.errors import printable

_DEPTH = 9
"""Folders within folders that are searched: more are a circle of links."""


class ByRules(ForeignLayout):
    """Pairs by the rules of families, or by one rule that a person gives."""

    def __init__(self, families: Sequence[Family], *, given: bool) -> None:
        """Choose the rules.

        Args:
            families: Their rules; of several that fit a picture the first that finds a clean one counts.
            given: A person gives them: a rainy picture without a clean one is always a problem.
        """
        self._rules = [(family.name, rule) for family in families for rule in family.rules]
        self._given = given
        self.found: dict[str, None] = {}
        """Families of the pairs of the latest scan."""
        self.folders: set[str] = set()
        """Folders of the rainy pictures of the latest scan."""

    @property
    def name(self) -> str:  # type: ignore[override]
        """Return the families of the pairs that the latest scan found."""
        return " + ".join(self.found) or "foreign"

    def without(self, splits: Iterable[str]) -> "ByRules":
        """Return the layout without rules of some splits, whose pairs a list names."""
        result = ByRules((), given=self._given)
        result._rules = [(name, rule) for name, rule in self._rules if not rule.split or rule.split not in splits]
        return result

    def scan(self, files: Files, report: Report) -> Iterator[StoredPair]:
        """Yield the pairs, folder by folder."""
        yield from self.scan_beside(files, report, set())

    def scan_beside(self, files: Files, report: Report, taken: set[str]) -> Iterator[StoredPair]:
        """Yield the pairs of rainy pictures that are not in some folders."""
        self.found, self.folders = {}, set()
        for folder in _folders(files):
            if folder in taken:
                continue
            fitting = [
                (name, rule, groups) for name, rule in self._rules if (groups := rule.folder(folder)) is not None
            ]
            if fitting:
                yield from self._scan_folder(files, folder, fitting, report)

    def _scan_folder(
        self, files: Files, folder: str, fitting: Sequence[tuple[str, Rule, tuple[str, ...]]], report: Report
    ) -> Iterator[StoredPair]:
        names = sorted(name for name in files.folder(folder) if is_picture(name))
        split, lost, counts = split_of(folder), dict[str, dict[Rule, str]](), Counter[Rule]()
        for picture in names:
            path = f"{folder}/{picture}" if folder else picture
            for family, rule, groups in fitting:
                if (match := rule.match(folder, groups, picture)) is None:
                    continue
                if (clean := rule.clean_of(match, files)) is not None:
                    counts[rule] += 1
                    self.found[family] = None
                    self.folders.add(folder)
                    lost.pop(path, None)
                    yield StoredPair(
                        split=rule.split or split,
                        rainy=path,
                        clean=clean,
                        exclude=None,
                        confidence=None,
                        stem=stem_of(picture),
                        scene=rule.scene_of(match),
                    )
                    break
                lost.setdefault(path, {})[rule] = rule.wanted(match) or rule.clean
        if counts or self._given:
            for path, by_rule in lost.items():
                wanted = by_rule[max(by_rule, key=lambda rule: counts[rule])]  # as the others of the folder
                text = f"has no clean image {printable(wanted)}; add it, or remove this file"
                report(Problem(path, Kind.UNPAIRED, text, (path, wanted)))

    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Yield a problem for each folder of clean pictures, some of which have no rainy one."""
        rainy_folders = {_folder(pair.rainy) for pair in pairs}
        used: dict[str, set[str]] = {}
        for pair in pairs:
            used.setdefault(_folder(pair.clean), set()).add(pair.clean.rpartition("/")[2])
        for folder in sorted(used.keys() - rainy_folders):
            others = sorted(name for name in files.folder(folder) if is_picture(name) and name not in used[folder])
            if others:
                number = "1 image belongs" if len(others) == 1 else f"{len(others)} images belong"
                text = f"{number} to no rainy image (such as {printable(others[0])}); add the rainy ones, or remove it"
                yield Problem(folder, Kind.UNPAIRED, text)


def _folders(files: Files) -> Iterator[str]:
    """Yield the root and all folders below it, each before those in it, sorted."""
    waiting = [("", 0)]
    while waiting:
        folder, depth = waiting.pop()
        yield folder
        if depth < _DEPTH:
            waiting += [(each, depth + 1) for each in reversed(files.subfolders(folder))]


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
