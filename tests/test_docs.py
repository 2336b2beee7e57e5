"""README and docs/: links lead somewhere, pictures are there, the guide names the window's keys."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])


def anchors(text: str) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", TEXTS, ids=[str(path.relative_to(ROOT)) for path in TEXTS])
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), f"{path.name}: {link}"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{path.name}: {link}"


def test_pictures_are_used() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in TEXTS)
    assert [p.name for p in (ROOT / "docs" / "images").iterdir() if f"images/{p.name})" not in texts] == []


def test_guide_has_the_keys() -> None:
    pytest.importorskip("PySide6.QtGui", exc_type=ImportError)  # system libraries that Qt needs may be missing
    pytest.importorskip("PySide6.QtGui", exc_type=ImportError)
    from gui.actions import HELD, TABLE

    guide = (ROOT / "docs" / "user-guide.md").read_text(encoding="utf-8")
    section = guide.partition("### Keys\n")[2].partition("\n### ")[0].replace("`", "")
    keys = [key for action in TABLE if not action.id.startswith("candidate_") for key in action.keys]
    wanted = (*keys, *(held.key for held in HELD))
    assert [key for key in wanted if not re.search(rf"(?<![\w+]){re.escape(key)}(?![\w+])", section)] == []
