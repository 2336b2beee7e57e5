"""A network as an ONNX file, run by onnxruntime; torch is not needed."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.derainers.base import U8, Options, Result
from pipeline.derainers.returned import result_of
from pipeline.ownership import sha256
from pipeline.padding import multiple_of, padded, planes_of
from pipeline.text_format import counted, few
from rainclean.dataset import DatasetPair, image_size
from rainclean.errors import InputError, RaincleanError, UsageError, printable

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_MULTIPLE = re.compile(r"(\d{1,4})\s*\*")
"""How an exporter names a size that must be a multiple: ``8*height``."""

_ADVICE = "export it with one float input of (1, 3, H, W)"


class OnnxModel:
    """A model with one input, float32 or float16 (1, 3, H, W) RGB in 0…1, and a picture of that shape as an output.

    H and W may be fixed, dynamic, or named as multiples (``8*h``). Smaller pictures are mirrored beyond their lower and
    right edge, and the output is cut.
    """

    libraries: tuple[str, ...] = ("onnxruntime",)

    def __init__(self, name: str, path: Path, options: Options) -> None:
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise RaincleanError(f"{path}: needs onnxruntime: pip install 'rainclean[onnx]'") from error
        self.name, self.path = name, path
        if not path.is_file():
            raise InputError(path, "no such file" if not path.exists() else "is a folder")
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), settings, providers=_providers(onnxruntime.get_available_providers(), options.device)
            )
        except UsageError:
            raise
        except Exception as error:  # its own kinds of errors have no common base
            raise InputError(path, f"is no ONNX model that onnxruntime can run ({_short(error)})") from error
        self._input = _input_of(path, self._session.get_inputs())
        self._sizes = self._input.sizes
        self._multiples = tuple(max(options.pad_to, each) for each in self._input.multiples)

    def prepare(self, pairs: Sequence[DatasetPair]) -> None:
        """Refuse pictures that are larger than a fixed size."""
        if self._sizes == (0, 0):
            return
        height, width = self._sizes
        large = []
        for pair in pairs:
            size = image_size(pair.rainy)
            if (width and size[0] > width) or (height and size[1] > height):
                large.append(f"{pair.rainy.name} is {size[0]}×{size[1]} px")
        if large:
            reason = f"takes images up to {width or 'any'}×{height or 'any'} px"
            count = f"{len(large)} of {counted(len(pairs), 'pair')} are larger ({few(large, 3)})"
            raise InputError(self.path, f"{reason}; {count}", "export it with dynamic sizes")

    def derain(self, rainy: U8, pair: DatasetPair) -> Result:
        """Run the model on a picture."""
        size = rainy.shape[:2]
        height, width = (
            fixed or multiple_of(side, number)
            for fixed, side, number in zip(self._sizes, size, self._multiples, strict=True)
        )
        given = padded(planes_of(rainy), height, width)
        try:
            outputs = self._session.run(None, {self._input.name: given.astype(self._input.type, copy=False)})
        except Exception as error:
            what = f"fails for {pair.rainy} ({width}×{height} px): {_short(error)}"
            advice = "if it needs sides that are multiples of a number, use --pad-to"
            raise InputError(self.path, what, advice) from error
        return result_of(
            self.path, [each for each in outputs if isinstance(each, np.ndarray)], (size[0], size[1]), given
        )

    def identity(self) -> dict[str, Any]:
        """Return file, checksum, sizes (0: any) and multiples."""
        height, width = self._sizes
        return {
            "onnx": {
                "file": str(self.path),
                "sha256": sha256(self.path),
                "height": height,
                "width": width,
                "padded_to": list(self._multiples),
                "provider": self._session.get_providers()[0],
            }
        }

    def description(self) -> str:
        """Return the file."""
        return f"{self.path}: ONNX, {self._session.get_providers()[0]}"


def _providers(available: Sequence[str], device: str) -> list[str]:
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device {device}: auto, cpu or cuda")
    cuda = "CUDAExecutionProvider"
    if device == "cuda" and cuda not in available:
        raise UsageError("--device cuda: onnxruntime finds no GPU here; --device cpu works everywhere")
    return [cuda, "CPUExecutionProvider"] if device != "cpu" and cuda in available else ["CPUExecutionProvider"]


class _Input(NamedTuple):
    """Name and type of an input; (height, width), 0 where dynamic, and what numbers these are multiples of."""

    name: str
    type: type[Any]
    sizes: tuple[int, int]
    multiples: tuple[int, int]


def _input_of(path: Path, inputs: Sequence[Any]) -> _Input:
    """Return the input of a model. Raises InputError where it does not take pictures."""
    if len(inputs) != 1:
        raise InputError(path, f"has {len(inputs)} inputs ({few([each.name for each in inputs])})", _ADVICE)
    (one,) = inputs
    shape = list(one.shape or [])
    if one.type not in _TYPES:
        raise InputError(path, f"its input is {one.type}", _ADVICE)
    fits = len(shape) == 4 and all(not isinstance(n, int) or n == of for n, of in zip(shape, (1, 3), strict=False))
    if not fits:
        raise InputError(path, f"its input has the shape {tuple(shape)}", _ADVICE)
    height, width = (side if isinstance(side, int) and side > 0 else 0 for side in shape[2:])
    down, right = (_multiple(side) for side in shape[2:])
    return _Input(str(one.name), _TYPES[one.type], (height, width), (down, right))


def _multiple(side: object) -> int:
    found = _MULTIPLE.match(side) if isinstance(side, str) else None
    return max(1, int(found[1])) if found else 1


def _short(error: Exception) -> str:
    text = printable(" ".join(str(error).split()))
    return text if len(text) <= 160 else text[:157] + "…"
