"""The packages that come with this one and lie beside it, told from others that have their names."""

import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

NAMES = ("pipeline", "gui", "sample_sequences")
ROOT = Path(__file__).parents[1]


class _OwnPackages:
    """Finder of these packages where they lie beside this one, and of nothing else."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [str(ROOT)]) if name in NAMES else None


def put_first() -> None:
    """Import these packages from here from now on, whatever the current folder or PYTHONPATH hold.

    For a process that is ours alone: in it, foreign modules of these names cannot be imported any more.
    """
    if _OwnPackages not in sys.meta_path:
        sys.meta_path.insert(0, _OwnPackages)
    for name in NAMES:
        module = sys.modules.get(name)
        if module is not None and not _is_own(name, getattr(module, "__spec__", None)):
            for loaded in [each for each in sys.modules if each.partition(".")[0] == name]:
                del sys.modules[loaded]  # imported by a .pth file or sitecustomize


def in_the_way(name: str) -> str:
    """Return the file of a foreign module that has the name of one of these packages, or "" where there is none."""
    try:
        spec = find_spec(name)
    except ValueError:  # loaded, but by nothing that says where it is
        return f"a module {name}"
    if spec is None or _is_own(name, spec):
        return ""
    return spec.origin or ", ".join(spec.submodule_search_locations or ())


def _is_own(name: str, spec: ModuleSpec | None) -> bool:
    own = (ROOT / name).resolve()
    return spec is not None and any(Path(place).resolve() == own for place in spec.submodule_search_locations or ())
