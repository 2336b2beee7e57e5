"""Licences that people give for their clips: their names on Hugging Face, and the file LICENSE of an export."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.text_format import plain

LICENCE = "LICENSE"

_CREATIVE_COMMONS = re.compile(r"cc-by(-nc)?(-sa|-nd)?-(1\.0|2\.0|2\.5|3\.0|4\.0)")
_OTHERS = {
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "pddl": "https://opendatacommons.org/licenses/pddl/1-0/",
    "odc-by": "https://opendatacommons.org/licenses/by/1-0/",
    "odbl": "https://opendatacommons.org/licenses/odbl/1-0/",
    "mit": "https://opensource.org/license/mit",
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
}
_SPELLINGS = {"cc0": "cc0-1.0", "cc-zero": "cc0-1.0", "apache-2": "apache-2.0", "odbl-1.0": "odbl", "pddl-1.0": "pddl"}
_ON_HUB = frozenset(
    {
        *(f"cc-by-{version}" for version in ("2.0", "2.5", "3.0", "4.0")),
        *("cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0"),
        *("cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"),
        *_OTHERS,
    }
)
"""Identifiers that Hugging Face takes in the head of a card: https://huggingface.co/docs/hub/repositories-licenses"""


class Licence(NamedTuple):
    """A licence as given, with its identifier and its address; both "" where it is not a known one."""

    text: str
    identifier: str
    address: str


def read_licence(text: str) -> Licence:
    """Return what is known of a licence that a person typed, such as ``CC BY 4.0`` or ``cc-by-4.0``."""
    folded = re.sub(r"[\s_-]+", "-", text.strip().casefold())
    folded = _SPELLINGS.get(folded, folded)
    if match := _CREATIVE_COMMONS.fullmatch(folded):
        kind = f"by{match[1] or ''}{match[2] or ''}"
        return Licence(text, folded, f"https://creativecommons.org/licenses/{kind}/{match[3]}/")
    return Licence(text, folded if folded in _OTHERS else "", _OTHERS.get(folded, ""))


def card_licence(texts: Sequence[str]) -> dict[str, object]:
    """Return the licence in the head of a data-set card, as Hugging Face names it.

    texts: of all sequences; "" where none is given.
    """
    different = sorted(set(texts))
    licences = [read_licence(text) for text in different]
    if "" in different:
        return {"license": "unknown"} if len(different) == 1 else _other("given-in-part", "credits.csv")
    if all(each.identifier in _ON_HUB for each in licences):
        names = sorted({each.identifier for each in licences})
        return {"license": names[0] if len(names) == 1 else names}
    if len(different) > 1:
        return _other("several", "credits.csv")
    return _other(re.sub("[^a-z0-9.]+", "-", different[0].casefold()).strip("-") or "given-by-the-authors", "LICENSE")


def _other(name: str, link: str) -> dict[str, object]:
    return {"license": "other", "license_name": name, "license_link": link}


def licence_file(texts: Sequence[str], authors: Sequence[str]) -> bytes | None:
    """Return the file LICENSE; None where the sequences have several licences, or one has none."""
    different = set(texts)
    if len(different) != 1 or "" in different:
        return None
    licence = read_licence(different.pop())
    lines = ["The images of this data set are given under this licence:", "", f"    {plain(licence.text)}"]
    lines += [f"    {licence.address}"] * bool(licence.address)
    named = sorted({plain(author) for author in authors if author})
    if named:
        lines += ["", "Authors of the video sequences:", "", *(f"    {name}" for name in named)]
    lines += [
        "",
        "The people who made the data set entered the licence for each sequence. credits.csv lists licence, author,",
        "source and consent of the sequences.",
    ]
    return ("\n".join(lines) + "\n").encode()
