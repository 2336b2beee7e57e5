"""The language of pairing rules: which pictures are rainy, and the name of the clean picture of each.

A pattern names rainy pictures below the data set's folder, a template the clean picture of each:

    rain/*.png               norain/{stem}.png              the same name in another folder
    rain/rain-*.png          norain/norain-{1}.png          another prefix
    rainy_image/*_*.*        ground_truth/{1}.*             many rainy pictures of one clean picture
    **/*R-*.png              {dir}/{2}C-000.png             beside it, in folders of any depth

Patterns: ``*`` is any text within a name, and takes as much as it can; ``**`` is any number of folders, also none.
Templates: ``{dir}`` is the folder of the rainy picture, ``{stem}`` its name without extension, ``{1}``, ``{2}``, … what
the wildcards took, from the left; ``..`` goes a folder up. ``.*`` at the end of either is the extension of any picture,
and has no number.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from rainclean.dataset.files import Files
from rainclean.dataset.layout_base import PICTURES, stem_of, suffix_of
from rainclean.errors import UsageError, printable

ANY = ".*"
"""Ends a pattern or template: the extension of any picture."""

MOST_WILDCARDS = 6

_EXTENSIONS = sorted(PICTURES)
_HOLE = re.compile(r"\{([^{}]*)\}")


class Match(NamedTuple):
    """A rainy picture that a pattern fits: its folder and name, and what the wildcards took."""

    folder: str
    name: str
    groups: tuple[str, ...]


class _Pattern(NamedTuple):
    folder: re.Pattern[str]
    name: re.Pattern[str]
    wildcards: int


@dataclass(frozen=True)
class Rule:
    """One pairing rule.

    Attributes:
        rainy: Pattern of the rainy pictures.
        clean: Template of the clean picture.
        scene: Template of the scene's name; "" where names do not tell scenes.
        split: Split of the pairs; "" where folders tell it (`pairing.split_of`).
    """

    rainy: str
    clean: str
    scene: str = ""
    split: str = ""

    def check(self) -> None:
        """Raise UsageError, naming the part, for a pattern or template that means nothing."""
        wildcards = self._pattern.wildcards
        for template in (self.clean, self.scene):
            for hole in _HOLE.findall(template):
                if hole not in ("dir", "stem") and not (re.fullmatch("[1-9]", hole) and int(hole) <= wildcards):
                    have = "{dir}, {stem}" + "".join(f", {{{n}}}" for n in range(1, wildcards + 1))
                    raise _meaningless(template, f"{{{hole}}} stands for nothing in {self.rainy}; use {have}")
            if "{" in _HOLE.sub("", template) or "}" in _HOLE.sub("", template):
                raise _meaningless(template, "a brace has no partner")
        if not _HOLE.search(self.clean):
            raise _meaningless(self.clean, "names one image for all; use {stem} or {1}")

    @cached_property
    def _pattern(self) -> _Pattern:
        return _compiled(self.rainy)

    def folder(self, folder: str) -> tuple[str, ...] | None:
        """Return what the wildcards of the pattern's folders take, None where the folder does not fit.

        Args:
            folder: Name below the root; "" for the root.
        """
        found = self._pattern.folder.fullmatch(f"{folder}/" if folder else "")
        return None if found is None else tuple(each or "" for each in found.groups())

    def match(self, folder: str, groups: tuple[str, ...], name: str) -> Match | None:
        """Return the match of a picture in a folder that fits (`folder`), None where its name does not."""
        found = self._pattern.name.fullmatch(name)
        return None if found is None else Match(folder, name, (*groups, *found.groups()))

    def clean_of(self, match: Match, files: Files) -> str | None:
        """Return the existing clean picture of a rainy one, None where there is none."""
        wanted = self.wanted(match)
        if wanted is None:
            return None
        found = next((name for name in _candidates(wanted, match.name) if files.has(name)), None)
        if found is None:  # spelt otherwise
            found = next((name for each in _candidates(wanted, match.name) if (name := files.find(each))), None)
        return None if found == _join(match.folder, match.name) else found

    def wanted(self, match: Match) -> str | None:
        """Return the name of the clean picture by the template, None where it leads out of the data set."""
        name = posixpath.normpath(_filled(self.clean, match).lstrip("/"))
        return None if name == ".." or name.startswith("../") else name

    def scene_of(self, match: Match) -> str:
        """Return the scene of a rainy picture, or ""."""
        return posixpath.normpath(_filled(self.scene, match).strip("/")) if self.scene else ""


def _filled(template: str, match: Match) -> str:
    if "{" not in template:
        return template

    def value(hole: re.Match[str]) -> str:
        text = hole[1]
        return match.folder if text == "dir" else stem_of(match.name) if text == "stem" else match.groups[int(text) - 1]

    return _HOLE.sub(value, template)


def _candidates(wanted: str, rainy: str) -> Iterator[str]:
    """Yield the names that a template may mean: the extension of the rainy picture first."""
    if not wanted.endswith(ANY):
        yield wanted
        return
    stem, own = wanted.removesuffix(ANY), suffix_of(rainy)
    yield stem + own
    for extension in _EXTENSIONS:
        yield from (stem + each for each in (extension, extension.upper()) if each != own)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> _Pattern:
    """Compile a pattern. Raises UsageError for one that means nothing."""
    *folders, last = pattern.removeprefix("./").split("/")
    if not last or pattern.startswith("/") or ".." in folders:
        raise _meaningless(pattern, "give a pattern below the folder of the data set, such as rain/*.png")
    if re.search(r"[?\[\]{}]", pattern) or "**" in last or any("**" in each and each != "**" for each in folders):
        raise _meaningless(pattern, "use * within a name, and ** for whole folders; there are no other wildcards")
    parts = ["(?:(.+)/)?" if each == "**" else _text(each) + "/" for each in folders]
    ending = ""
    if last.endswith(ANY):
        last, ending = last.removesuffix(ANY), rf"\.(?i:{'|'.join(each[1:] for each in _EXTENSIONS)})"
    wildcards = sum(1 if each == "**" else each.count("*") for each in (*folders, last))
    if wildcards > MOST_WILDCARDS:  # each multiplies the ways to fit a name
        raise _meaningless(pattern, f"has more than {MOST_WILDCARDS} wildcards; use fewer")
    return _Pattern(re.compile("".join(parts)), re.compile(_text(last) + ending), wildcards)


def _meaningless(part: str, why: str) -> UsageError:
    return UsageError(printable(f"{part}: {why}"))


def _text(part: str) -> str:
    return "([^/]*)".join(map(re.escape, part.split("*")))


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
