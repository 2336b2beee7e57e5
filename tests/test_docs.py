"""README and docs/: links lead somewhere, pictures are there, the guide names the window's keys, facts hold."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import rainclean
from tools.docs_site import door_page, doors, led_to_site

ROOT = Path(__file__).parents[1]
TEXTS = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob(".github/**/*.md"),
    ]
)


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
    from gui.actions import HELD, TABLE

    guide = (ROOT / "docs" / "user-guide.md").read_text(encoding="utf-8")
    section = guide.partition("### Keys\n")[2].partition("\n### ")[0].replace("`", "")
    keys = [key for action in TABLE if not action.id.startswith("candidate_") for key in action.keys]
    wanted = (*keys, *(held.key for held in HELD))
    assert [key for key in wanted if not re.search(rf"(?<![\w+]){re.escape(key)}(?![\w+])", section)] == []


def test_messages_that_the_guide_quotes_are_said() -> None:
    """Fragments between … and numbers, in literals of the code; a placeholder there is … as well."""
    said = []
    for path in (path for floor in ("rainclean", "pipeline", "gui") for path in (ROOT / floor).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                said.append("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                said.append(node.value)
    guide = (ROOT / "docs" / "user-guide.md").read_text(encoding="utf-8")
    sections = (
        guide.partition("What the notes mean:")[2].partition("\n## ")[0],
        guide.partition("## When it stops")[2],
    )
    quoted = [words for section in sections for words in re.findall(r"\*([^*\n]+)\*", section)]
    fragments = [part.strip(" ,:;%.") for words in quoted for part in re.split(r"…|\d+ of \d+|`[^`]*`", words)]
    assert len(quoted) > 40
    assert [part for part in fragments if len(part) > 3 and not any(part in text for text in said)] == []


def test_readme_is_short_and_starts_with_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert "\nmake demo " in text and "\nmake test " in text
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= set(targets)


def test_readme_names_commands_that_there_are() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    words = {name.split(".")[0] for name in project["entry-points"]["rainclean.commands"]}
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"^```\n.*?^```$", text, re.MULTILINE | re.DOTALL))
    named = set(re.findall(r"^rainclean (\w+)", blocks, re.MULTILINE))
    assert named and named <= words


@pytest.mark.skipif(not (ROOT / "rainclean" / "__init__.pyi").exists(), reason="rainclean has no names of its own")
def test_readme_uses_names_of_the_library() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    names = set(re.findall(r"\brc\.(\w+)", text))
    assert names and [name for name in names if not hasattr(rainclean, name)] == []


def test_the_version_is_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"] and "version" not in project["project"]
    source = (ROOT / project["tool"]["hatch"]["version"]["path"]).read_text(encoding="utf-8")
    assert re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE) == [rainclean.__version__]


def test_the_site_has_a_page_for_each_door() -> None:
    listed = doors(ROOT)
    assert {"rainclean.video", "rainclean.spanet", "pipeline.project.storage"} <= set(listed)
    assert not any(name.startswith("gui") for name in listed)
    page = door_page(ROOT, "rainclean.video")
    assert "::: rainclean.video\n" in page and '"open_source"' in page


@pytest.mark.parametrize(
    ("link", "source", "site", "led"),
    [
        ("[a](docs/results.md#the-demo)", "README.md", "index.md", "[a](results.md#the-demo)"),
        ("![a](docs/images/b.png)", "README.md", "index.md", "![a](images/b.png)"),
        ("[a](../README.md)", "docs/formats.md", "formats.md", "[a](index.md)"),
        ("[a](adr/0008-exports.md)", "docs/formats.md", "formats.md", "[a](adr/0008-exports.md)"),
        ("[a](../formats.md#b)", "docs/adr/0008-exports.md", "adr/0008-exports.md", "[a](../formats.md#b)"),
        ("[a](../tests/fuzz/)", "docs/reliability.md", "reliability.md", "a (`tests/fuzz`)"),
        ("[NOTICE](NOTICE)", "README.md", "index.md", "`NOTICE`"),
        ("[a](https://example.org)", "README.md", "index.md", "[a](https://example.org)"),
        ("[a](#b)", "README.md", "index.md", "[a](#b)"),
        ("```\n[a](docs/b.md)\n```", "README.md", "index.md", "```\n[a](docs/b.md)\n```"),
    ],
)
def test_links_hold_in_the_site(link: str, source: str, site: str, led: str) -> None:
    assert led_to_site(link, source, site) == led


def test_the_glossary_has_each_word_once() -> None:
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    tables = [line for line in lines if line.startswith("|")]
    assert {line for line in tables if line.startswith("| word")} == {"| word | means | also seen as, formerly |"}
    rows = [line.split("|") for line in tables if line.startswith("| ") and not line.startswith("| word")]
    assert all(len(row) == 5 and row[2].strip() for row in rows)
    words = [row[1].strip() for row in rows]
    assert len(words) == len(set(words)) > 100


def unknown_arguments(source: str) -> list[str]:
    """Names in the ``Args:`` sections of functions that are no parameters of theirs."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        section = re.search(r"^Args:\n((?:    .*\n|\n)+)", (ast.get_docstring(node) or "") + "\n", re.MULTILINE)
        arguments = node.args
        each = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        known = {argument.arg for argument in each if argument}
        for names in re.findall(r"^    (\S[^:\n]*):", section[1] if section else "", re.MULTILINE):
            named = re.split(r", | and ", re.sub(r"[`*]| \(.*\)", "", names))
            found += [f"{node.name}: {name}" for name in named if name not in known]
    return found


def test_documented_arguments_are_there() -> None:
    paths = [
        path
        for floor in ("rainclean", "pipeline", "gui", "benchmarks", "tools")
        for path in (ROOT / floor).rglob("*.py")
    ]
    found = [
        f"{path.relative_to(ROOT)}: {name}" for path in paths for name in unknown_arguments(path.read_text("utf-8"))
    ]
    assert found == []


def test_an_argument_that_is_not_there_is_seen() -> None:
    text = '''
def f(a, b, *rest, key=1):
    """Do it.

    Args:
        a, b: px.
        *rest: more.
        `key`: one
            long: line.
        lost: gone.

    Returns:
        none: of this.
    """
'''
    assert unknown_arguments(text) == ["f: lost"]
