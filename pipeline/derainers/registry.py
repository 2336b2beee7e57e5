"""The kinds of derainers: one entry each, and a call to add more."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.derainers.base import Derainer, Options
from rainclean.errors import UsageError

Opener = Callable[[str, Path, Options], Derainer]
"""Opens a derainer: its name in tables, its file or folder, options."""

_OF_RUNS = ("best.safetensors", "last.safetensors")
"""Names of the weights files of every run (`pipeline.training.run_folder`, which is not needed here)."""


def _weights(name: str, path: Path, options: Options) -> Derainer:
    from pipeline.derainers.weights import open_weights

    return open_weights(name, path, options)


def _outputs(name: str, path: Path, options: Options) -> Derainer:
    from pipeline.derainers.outputs import Outputs

    return Outputs(name, path)


def _onnx(name: str, path: Path, options: Options) -> Derainer:
    from pipeline.derainers.onnx import OnnxModel

    return OnnxModel(name, path, options)


def _torchscript(name: str, path: Path, options: Options) -> Derainer:
    from pipeline.derainers.torchscript import ScriptModel

    return ScriptModel(name, path, options)


_OURS: dict[str, Opener] = {
    "weights": _weights,
    "outputs": _outputs,
    "onnx": _onnx,
    "torchscript": _torchscript,
}
_MORE: dict[str, Opener] = {}


class Choice(NamedTuple):
    """A method to score. kind: of the registry. name: in tables; "" for that of its file or folder."""

    kind: str
    path: Path
    name: str = ""


def register_derainer(kind: str, opener: Opener) -> None:
    """Add a kind of derainers; ``evaluate --method KIND:PATH`` opens one.

    Args:
        kind: Its name, of lower-case letters, digits and _.
        opener: Called with the name in tables, the path, and `Options`; returns a `Derainer`.

    Raises:
        ValueError: The name is taken, or no plain word.
    """
    if kind in _OURS or kind in _MORE:
        raise ValueError(f"a kind of derainers {kind!r} is registered already")
    if not kind.isidentifier() or kind != kind.lower():
        raise ValueError(f"derainer {kind!r}: use lower-case letters, digits and _")
    _MORE[kind] = opener


def unregister_derainer(kind: str) -> None:
    """Forget a kind that was registered from outside. Raises ValueError for one of ours, or none."""
    if kind not in _MORE:
        raise ValueError(f"no kind of derainers {kind!r} was registered")
    del _MORE[kind]


def choose(kind: str, text: str) -> Choice:
    """Return the choice that a person typed.

    Args:
        kind: Of the registry; "" where the text begins with it, ``KIND:PATH``.
        text: ``PATH`` or ``NAME=PATH``. An existing path may hold a ``=``.

    Raises:
        UsageError: The name or the path is empty, or the kind unknown.
    """
    if not kind:
        kind, _, text = text.partition(":")
    if kind not in _OURS and kind not in _MORE:
        raise UsageError(f"no kind of methods {kind!r}: use {', '.join((*_OURS, *_MORE))}")
    name, equals, path = text.partition("=")
    if not equals or Path(text).exists():
        name, path = "", text
    if not path or (equals and not name and path != text):
        raise UsageError(f"--{kind} {text}: give PATH or NAME=PATH")
    return Choice(kind, Path(path), name.strip())


def open_derainers(choices: Sequence[Choice], options: Options, taken: str) -> list[Derainer]:
    """Open methods under names of their own.

    Args:
        choices: What to open.
        options: For all of them.
        taken: A name that none may have.

    Raises:
        UsageError: A method is given twice, or two have one name.
        RaincleanError: A file cannot be used, or a library is missing.
    """
    names = method_names(choices, taken)
    return [(_OURS | _MORE)[each.kind](name, each.path, options) for name, each in zip(names, choices, strict=True)]


def method_names(choices: Sequence[Choice], taken: str) -> list[str]:
    """Return the names of methods: given ones, else stems, with as many folders before them as make them unique.

    Files of one folder that differ only in their extension, such as net.onnx and net.pt, keep it.
    The weights of a run are named after its folder: ``best`` and ``last`` tell no run from another.
    """
    places = [each.path.parent.resolve() / each.path.name for each in choices]
    for place, given in Counter(zip(places, (each.name for each in choices), strict=True)).items():
        if given > 1:
            raise UsageError(f"{place[0]} is given twice")
    stems = [place.name if place.is_dir() else place.stem for place in places]
    beside = Counter((place.parent, stem) for place, stem in zip(places, stems, strict=True))
    alike = {stem for (_, stem), number in beside.items() if number > 1}
    stems = [place.name if stem in alike else stem for place, stem in zip(places, stems, strict=True)]
    named = [place.parent.name if place.name in _OF_RUNS else "" for place in places]
    names = [each.name or run or stem for each, run, stem in zip(choices, named, stems, strict=True)]
    for depth in range(2, max(len(place.parts) for place in places) + 1):
        count = Counter((taken, *names))
        names = [
            "/".join((*place.parts[-depth:-1], stem)) if count[name] > 1 and not each.name else name
            for name, place, stem, each in zip(names, places, stems, choices, strict=True)
        ]
    names = [each.name or str(place) if Counter(names)[n] > 1 else n
             for n, place, each in zip(names, places, choices, strict=True)]  # fmt: skip
    for name, number in Counter((taken, *names)).items():
        if number > 1:
            raise UsageError(f"two methods are called {name!r}; name one of them, NAME=PATH")
    return names
