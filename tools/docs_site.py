"""Hook of mkdocs: pages that lie outside docs/, a page for each package door, and links between them all.

mkdocs.yml names it. Documents are written so that their links hold in the repository; here they are led to the site.
"""

import ast
import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "rainclean/spanet/shipped/MODEL-CARD.md": "model-card.md",
    "sample_sequences/README.md": "samples.md",
}
"""Path in the repository → path in the site, of documents that are not in docs/."""

FLOORS = ("rainclean", "pipeline")
"""Top-level packages whose doors get a page; the window is no library."""

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def doors(root: Path) -> list[str]:
    """Return the dotted names of packages that list what others may use, parents first."""
    stubs = (path for floor in FLOORS for path in (root / floor).rglob("__init__.pyi"))
    return sorted((".".join(path.parent.relative_to(root).parts) for path in stubs), key=lambda name: name.split("."))


def door_page(root: Path, package: str) -> str:
    """Return the page of a door: its docstring, and every name that its ``__init__.pyi`` lists."""
    stub = root.joinpath(*package.split("."), "__init__.pyi")
    listed = next(n.value for n in ast.parse(stub.read_text(encoding="utf-8")).body if isinstance(n, ast.Assign))
    names = ", ".join(f'"{name}"' for name in ast.literal_eval(listed))
    return f"# {package}\n\n::: {package}\n    options:\n      members: [{names}]\n"


def led_to_site(markdown: str, source: str, site: str) -> str:
    """Return a document with its links led to the site.

    Args:
        markdown: The text.
        source: Its path in the repository, which its links are relative to.
        site: Its path in the site.

    Returns:
        The text; a link to a file that the site does not have became the file's path in the repository.
    """

    def led(match: "re.Match[str]") -> str:
        mark, words, link = match.groups()
        if re.match(r"[a-z]+:|#", link):
            return match[0]
        name, hash_, anchor = link.partition("#")
        path = normpath(PurePosixPath(source).parent / name)
        if path in OUTSIDE:
            target = OUTSIDE[path]
        elif path == "docs/adr":
            target = "adr/0001-three-top-level-packages.md"
        elif path.startswith("docs/"):
            target = path.removeprefix("docs/")
        else:
            return f"`{path}`" if words.strip("`") == path else f"{words} (`{path}`)"
        return f"{mark}[{words}]({relpath(target, PurePosixPath(site).parent)}{hash_}{anchor})"

    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else LINK.sub(led, part) for part in parts)


def on_config(config: "MkDocsConfig") -> "MkDocsConfig":
    """Fill the sections of decisions and of the API."""
    nav: list[Any] = config.nav or []
    for entry in nav:
        if isinstance(entry, dict) and "Decisions" in entry:
            entry["Decisions"] = [f"adr/{path.name}" for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]
        elif isinstance(entry, dict) and "API" in entry:
            entry["API"] = [{name: f"api/{name}.md"} for name in doors(ROOT)]
    return config


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the documents outside docs/ and the pages of the API."""
    from mkdocs.structure.files import File

    for source, site in OUTSIDE.items():
        files.append(File.generated(config, site, abs_src_path=str(ROOT / source)))
    for name in doors(ROOT):
        files.append(File.generated(config, f"api/{name}.md", content=door_page(ROOT, name)))
    return files


def on_page_markdown(markdown: str, page: "Page", config: "MkDocsConfig", files: "Files") -> str:
    """Lead the links of a document to the site."""
    site = page.file.src_uri
    if site.startswith("api/"):
        return markdown
    source = next((path for path, name in OUTSIDE.items() if name == site), f"docs/{site}")
    return led_to_site(markdown, source, site)
