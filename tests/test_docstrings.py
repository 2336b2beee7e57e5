"""Public docstrings of the library say what to do and name what goes in."""

import ast
import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "rainclean"

HELD = (
    "compositing", "live", "moving", "rainfree", "simulate", "spanet", "stabilization", "temporal", "video",
)  # fmt: skip
"""Packages whose docstrings are held to this."""

NOT_IMPERATIVE = {"a", "an", "the", "what", "whether", "how", "why", "where", "which"}
MANY = 3
"""Parameters from which on a function needs an `Args:` section."""

SECTIONS = ("Args:", "Returns:", "Raises:", "Yields:", "Attributes:", "Example:", "Examples:", "Notes:", "References:")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def parameters(function: Function, is_method: bool) -> list[str]:
    args = function.args
    names = [each.arg for each in (*args.posonlyargs, *args.args)]
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list)
    if is_method and not static:
        names = names[1:]
    names += [each.arg for each in args.kwonlyargs]
    names += [each.arg for each in (args.vararg, args.kwarg) if each is not None]
    return names


def described(docstring: str) -> list[str] | None:
    """Names in the `Args:` section, in order; None where there is no such section."""
    lines = docstring.splitlines()
    if "Args:" not in [line.strip() for line in lines]:
        return None
    start = [line.strip() for line in lines].index("Args:")
    names = []
    for line in lines[start + 1 :]:
        if line.strip() in SECTIONS or (line.strip() and not line.startswith("    ")):
            break
        if line.startswith("    ") and not line.startswith("     "):
            names.append(line.split(":")[0].strip().lstrip("*"))
    return [name.strip().lstrip("*") for entry in names for name in entry.split(",")]


def problems(function: Function, is_method: bool = False) -> list[str]:
    """Each rule that the docstring of a function breaks, in words."""
    docstring = ast.get_docstring(function)
    names = parameters(function, is_method)
    if docstring is None:
        return ["has no docstring"]
    first = docstring.split("\n", 1)[0]
    result = []
    if not first.endswith("."):
        result.append("first line does not end with a period")
    if first.split()[0].lower() in NOT_IMPERATIVE:
        result.append(f"first line begins with {first.split()[0]}")
    entries = described(docstring)
    if entries is None and len(names) >= MANY:
        result.append("has no Args:")
    if entries is not None and sorted(entries) != sorted(names):
        result.append(f"Args: names {entries}, not {names}")
    return result


def named_by(door: Path) -> Iterator[tuple[Path, str]]:
    """File and name of everything that a door names; a module's public names one by one."""
    for node in ast.parse(door.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ImportFrom):
            continue
        for alias in node.names:
            if node.module is None:
                path = door.parent / f"{alias.name}.py"
                yield from ((path, each.name) for each in definitions(path) if not each.name.startswith("_"))
            else:
                yield door.parent / f"{node.module}.py", alias.name


def definitions(path: Path) -> list[Function | ast.ClassDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, kinds)]


def public_functions(package: str) -> Iterator[tuple[str, Function, bool]]:
    """Functions and methods with parameters that a package's door names: place, node, whether it is a method."""
    for path, name in sorted(set(named_by(ROOT / package / "__init__.pyi"))):
        for node in definitions(path):
            if node.name != name:
                continue
            if not isinstance(node, ast.ClassDef):
                yield f"{package}/{path.name}:{node.lineno} {name}", node, False
                continue
            for method in node.body:
                if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) and not method.name.startswith("_"):
                    yield f"{package}/{path.name}:{method.lineno} {name}.{method.name}", method, True


@pytest.mark.parametrize("package", HELD)
def test_public_docstrings_are_imperative_and_name_their_parameters(package: str) -> None:
    wrong = [
        f"{place}: {problem}"
        for place, function, is_method in public_functions(package)
        if parameters(function, is_method)
        for problem in problems(function, is_method)
    ]
    assert not wrong, "\n".join(wrong)


EXAMPLES = sorted(path for path in ROOT.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted and not result.failed


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('def f(a):\n    """Return a."""', None),
        ('def f(a):\n    """Return a"""', "period"),
        ('def f(a):\n    """Whether a holds."""', "begins with Whether"),
        ('def f(a, b, c):\n    """Return a."""', "has no Args:"),
        (
            'def f(a, *, b):\n    """Do.\n\n    Args:\n        a: One.\n        b: Two.\n            More.\n    """',
            None,
        ),
        ('def f(a, b):\n    """Return a.\n\n    Args:\n        a: One.\n    """', "Args: names ['a']"),
        ('def f(a):\n    """Return a.\n\n    Args:\n        a: One.\n\n    Returns:\n        x: Two.\n    """', None),
    ],
)
def test_a_broken_rule_is_seen(source: str, problem: str | None) -> None:
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    found = problems(function)
    assert found == [] if problem is None else problem in found[0]
