"""Calls can be read without the definition beside them: long rows of values, and bools, are passed by keyword."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("rainclean", "pipeline", "gui")

MOST_OF_A_CONSTRUCTOR = 4
"""Positional parameters of an `__init__`, and positional fields of a dataclass."""

MOST_OF_A_FUNCTION = 5
"""Positional parameters of a function or method."""

MOST_IN_A_TUPLE = 2
"""Values of a tuple that a function returns; more are a record."""

KERNELS = {"compiled", "jit"}
"""Decorators of kernels, which take no keywords and return no records: neither numba nor Triton compiles those."""

SETTER = "a setter with a single flag, as Qt's own: set_blind(True)"
PREDICATE = "the predicate comes first, as after `assert`: _check(x > 0, message)"
AUTOGRAD = "torch fixes the signature: gradients as a plain tuple"

EXEMPT = {
    "gui/actions.py: Actions.set_at_desk": SETTER,
    "gui/compare/area.py: PictureArea.set_blinking": SETTER,
    "gui/pages/restore.py: RestoreOffer._set_idle": SETTER,
    "gui/state/session.py: Session.set_blind": SETTER,
    "pipeline/project/editing/made_recipes.py: _check": PREDICATE,
    "pipeline/project/exchange/lines.py: _check": PREDICATE,
    "pipeline/project/recovery/soundness.py: _check": PREDICATE,
    "rainclean/spanet/_irnn_cpu.py: backward": AUTOGRAD,
    "rainclean/spanet/_irnn_triton.py: backward": AUTOGRAD,
    "rainclean/spanet/irnn.py: _": AUTOGRAD,
    "rainclean/spanet/irnn.py: _gradients": AUTOGRAD,
    "rainclean/spanet/irnn.py: _irnn_backward": AUTOGRAD,
    "rainclean/video/images.py: natural_key": "a key to sort by, which is compared and never taken apart",
}
"""Why a function, by file and name, need not keep the rules."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def decorators(node: Function | ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Last name of each decorator, and the decorator."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        yield called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", ""), decorator


def annotation(node: ast.expr | None) -> ast.expr | None:
    """An annotation; one in quotes is read."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.parse(node.value, mode="eval").body
    return node


def is_bool(node: ast.expr | None) -> bool:
    """Whether an annotation says bool, or bool or None."""
    found = annotation(node)
    if isinstance(found, ast.BinOp):
        return is_bool(found.left) or is_bool(found.right)
    return isinstance(found, ast.Name) and found.id == "bool"


def longest_tuple(returns: ast.expr | None) -> int:
    """Values of the longest tuple of fixed length in an annotation."""
    lengths = [0]
    found = annotation(returns)
    for node in ast.walk(found) if found is not None else ():
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "tuple":
            values = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if not any(isinstance(value, ast.Constant) and value.value is ... for value in values):
                lengths.append(len(values))
    return max(lengths)


def of_function(function: Function, *, is_method: bool) -> list[str]:
    """Rules that a function breaks."""
    if any(name in KERNELS for name, _ in decorators(function)):
        return []
    positional = [*function.args.posonlyargs, *function.args.args]
    if is_method and not any(name == "staticmethod" for name, _ in decorators(function)):
        positional = positional[1:]
    problems = []
    most = MOST_OF_A_CONSTRUCTOR if function.name == "__init__" else MOST_OF_A_FUNCTION
    if len(positional) > most:
        problems.append(f"{len(positional)} positional parameters")
    problems += [f"positional bool {each.arg}" for each in positional if is_bool(each.annotation)]
    length = longest_tuple(function.returns)
    if length > MOST_IN_A_TUPLE:
        problems.append(f"returns a tuple of {length}")
    return problems


def says(call: ast.expr | None, keyword: str, value: object) -> bool:
    """Whether a call has a keyword with this constant."""
    given = [each.value for each in call.keywords if each.arg == keyword] if isinstance(call, ast.Call) else []
    return any(isinstance(each, ast.Constant) and each.value is value for each in given)


def of_class(node: ast.ClassDef) -> list[str]:
    """Rules that a class breaks, but for those that its methods break."""
    dataclass = [decorator for name, decorator in decorators(node) if name == "dataclass"]
    if not dataclass or says(dataclass[0], "kw_only", True):
        return []
    positional = 0
    for field in node.body:
        if not isinstance(field, ast.AnnAssign):
            continue
        words = ast.unparse(field.annotation)
        if words.split(".")[-1] == "KW_ONLY":
            break
        if not ("ClassVar" in words or says(field.value, "init", False) or says(field.value, "kw_only", True)):
            positional += 1
    return [f"{positional} positional fields"] if positional > MOST_OF_A_CONSTRUCTOR else []


def problems_in(source: str) -> list[tuple[str, str]]:
    """Name of what breaks a rule, with the classes it is in, and the rule."""
    found: list[tuple[str, str]] = []

    def visit(node: ast.AST, names: tuple[str, ...], *, in_class: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                name = ".".join((*names, child.name))
                found.extend((name, problem) for problem in of_class(child))
                visit(child, (*names, child.name), in_class=True)
            elif isinstance(child, Function):
                name = ".".join((*names, child.name))
                found.extend((name, problem) for problem in of_function(child, is_method=in_class))
                visit(child, names, in_class=False)
            else:
                visit(child, names, in_class=in_class)

    visit(ast.parse(source), (), in_class=False)
    return found


def test_calls_can_be_read() -> None:
    broken: dict[str, list[str]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            for name, problem in problems_in(path.read_text(encoding="utf-8")):
                broken.setdefault(f"{place}: {name}", []).append(problem)
    assert {key: problems for key, problems in broken.items() if key not in EXEMPT} == {}
    assert EXEMPT.keys() <= broken.keys(), "not needed any more"


FOUR = "class C:\n    a: int\n    b: int\n    c: int\n    d: int"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("def f(a, b, c, d, e): ...", None),
        ("def f(a, b, c, d, e, f): ...", ("f", "6 positional parameters")),
        ("def f(a, b, c, /, d, e, f): ...", ("f", "6 positional parameters")),
        ("def f(a, b, c, d, *, e, f): ...", None),
        ("async def f(a, b, c, d, e, f): ...", ("f", "6 positional parameters")),
        ("@compiled\ndef f(a, b, c, d, e, f: bool) -> tuple[int, int, int]: ...", None),
        ("@compiled(parallel=True)\ndef f(a, b, c, d, e, f): ...", None),
        ("@triton.jit\ndef f(a, b, c, d, e, f): ...", None),
        ("class C:\n    def f(self, a, b, c, d, e): ...", None),
        ("class C:\n    def f(self, a, b, c, d, e, f): ...", ("C.f", "6 positional parameters")),
        ("class C:\n    @staticmethod\n    def f(a, b, c, d, e, f): ...", ("C.f", "6 positional parameters")),
        ("class C:\n    def __init__(self, a, b, c, d): ...", None),
        ("class C:\n    def __init__(self, a, b, c, d, e): ...", ("C.__init__", "5 positional parameters")),
        ("class C:\n    def __init__(self, a, b, c, *, d, e): ...", None),
        ("def f(on: bool): ...", ("f", "positional bool on")),
        ("def f(on: 'bool'): ...", ("f", "positional bool on")),
        ("def f(on: bool | None = None): ...", ("f", "positional bool on")),
        ("def f(*, on: bool): ...", None),
        ("def f(stopped: Callable[[], bool]): ...", None),
        ("def f():\n    def g(on: bool): ...", ("g", "positional bool on")),
        ("if True:\n    def f(on: bool): ...", ("f", "positional bool on")),
        ("def f() -> tuple[int, int]: ...", None),
        ("def f() -> tuple[int, ...]: ...", None),
        ("def f() -> tuple[int, int, int]: ...", ("f", "returns a tuple of 3")),
        ("def f() -> tuple[list[int], dict[str, int], int]: ...", ("f", "returns a tuple of 3")),
        ("def f() -> 'tuple[int, int, int] | None': ...", ("f", "returns a tuple of 3")),
        ("def f() -> Iterator[tuple[int, int, int, int]]: ...", ("f", "returns a tuple of 4")),
        (f"@dataclass\n{FOUR}", None),
        (f"@dataclass\n{FOUR}\n    e: int = 0", ("C", "5 positional fields")),
        (f"@dataclasses.dataclass(frozen=True)\n{FOUR}\n    e: int", ("C", "5 positional fields")),
        (f"@dataclass(kw_only=True)\n{FOUR}\n    e: int", None),
        ("@dataclass\nclass C:\n    a: int\n    _: KW_ONLY\n    b: int\n    c: int\n    d: int\n    e: int", None),
        (f"@dataclass\n{FOUR}\n    e: ClassVar[int] = 0", None),
        (f"@dataclass\n{FOUR}\n    e: int = field(init=False)", None),
        (f"@dataclass\n{FOUR}\n    e: int = field(kw_only=True)", None),
        (f"{FOUR}\n    e: int", None),
    ],
)  # fmt: skip
def test_a_broken_rule_is_seen(source: str, problem: tuple[str, str] | None) -> None:
    assert problems_in(source) == ([] if problem is None else [problem])
