"""Rain/clean image pairs from real rain videos: ``import rainclean as rc``.

>>> import rainclean as rc
>>> with rc.open_clip("sample_sequences/table/clip.mp4") as clip:
...     frame = next(clip.read([50]))
>>> frame.rgb.shape, frame.rgb.dtype
((240, 352, 3), dtype('uint8'))

Ground floor: the library. Arrays and frames in, arrays out; no Qt, no project, no printing. Everything is loaded when
it is asked for. What lies above and is offered here all the same announces itself (docs/adr/0019).
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_OWN = {
    "DatasetArrays": "rainclean.dataset:DatasetArrays",
    "Derainer": "rainclean.spanet:Derainer",
    "InputError": "rainclean.errors:InputError",
    "PairArrays": "rainclean.dataset:PairArrays",
    "Picture": "rainclean.picture:Picture",
    "RaincleanError": "rainclean.errors:RaincleanError",
    "ResourceError": "rainclean.errors:ResourceError",
    "UsageError": "rainclean.errors:UsageError",
    "load_derainer": "rainclean.spanet:load_derainer",
    "open_clip": "rainclean.video:open_source",
    "read_dataset": "rainclean.dataset:read_arrays",
    "score": "rainclean.metrics:score",
    "simulate": "rainclean.simulate:",
    "spanet": "rainclean.spanet:",
}
"""Where names are found: module and name in it, or a module."""

_ABOVE = (
    "CandidateImage", "CandidateSet", "Evaluation", "ProjectView", "SimulatedClip",
    "make_candidates", "open_project", "read_scores", "simulate_clip",
)  # fmt: skip
"""Names that other packages announce by the entry-point group "rainclean.api"."""

__all__ = sorted(["__version__", *_OWN, *_ABOVE])


def __getattr__(name: str) -> Any:
    if name in _OWN:
        module, _, attribute = _OWN[name].partition(":")
        found = import_module(module)
        value = getattr(found, attribute) if attribute else found
    elif name in _ABOVE:
        value = _from_above(name)
    else:
        raise AttributeError(f"module 'rainclean' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)


def _from_above(name: str) -> Any:
    from importlib.metadata import entry_points

    from rainclean._packages import in_the_way
    from rainclean.errors import RaincleanError

    (entry,) = entry_points(group="rainclean.api", name=name)
    package = entry.module.partition(".")[0]
    if file := in_the_way(package):
        what = f"rainclean.{name} needs rainclean's package {package}, but {file} has its name"
        raise RaincleanError(f"{what}; rename it, or take its folder out of PYTHONPATH")
    return entry.load()
