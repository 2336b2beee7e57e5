"""A network as a TorchScript file (``torch.jit.save``): it brings its own code, so nothing else is needed."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pipeline.derainers.base import U8, Options, Result
from pipeline.derainers.returned import result_of
from pipeline.ownership import sha256
from pipeline.padding import multiple_of, padded, planes_of
from rainclean.dataset import DatasetPair
from rainclean.errors import InputError, printable
from rainclean.spanet import choose_device


class ScriptModel:
    """A module that maps float32 (1, 3, H, W) RGB in 0…1 to a picture of that shape, alone or in a tuple."""

    libraries: tuple[str, ...] = ("torch",)

    def __init__(self, name: str, path: Path, options: Options) -> None:
        self.name, self.path, self._multiple = name, path, options.pad_to
        self._device = choose_device(options.device)
        if not path.is_file():
            raise InputError(path, "no such file" if not path.exists() else "is a folder")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch.jit is old, and files of it remain
                loaded = torch.jit.load(str(path), map_location=self._device)  # type: ignore[no-untyped-call]
                self._module = loaded.eval()
        except Exception as error:  # its reader raises whatever the bytes lead it to
            reason = f"is no TorchScript file ({_short(error)})"
            raise InputError(path, reason, "write one with torch.jit.trace or torch.jit.script") from error

    def prepare(self, pairs: Sequence[DatasetPair]) -> None:
        """Do nothing: a module does not say what sizes it takes."""

    def derain(self, rainy: U8, pair: DatasetPair) -> Result:
        """Run the module on a picture, padded to the multiple of the options."""
        height, width = (multiple_of(side, self._multiple) for side in rainy.shape[:2])
        given = padded(planes_of(rainy), height, width)
        try:
            with torch.inference_mode(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = self._module(torch.from_numpy(given).to(self._device))
            tensors = found if isinstance(found, (tuple, list)) else (found,)
            outputs = [each.float().cpu().numpy() for each in tensors if isinstance(each, torch.Tensor)]
        except Exception as error:
            what = f"fails for {pair.rainy} ({width}×{height} px): {_short(error)}"
            advice = "if it needs sides that are multiples of a number, use --pad-to"
            raise InputError(self.path, what, advice) from error
        return result_of(self.path, outputs, (rainy.shape[0], rainy.shape[1]), given)

    def identity(self) -> dict[str, Any]:
        """Return file, checksum and multiple."""
        return {"torchscript": {"file": str(self.path), "sha256": sha256(self.path), "padded_to": self._multiple}}

    def description(self) -> str:
        """Return the file."""
        return f"{self.path}: TorchScript"


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    text = printable(lines[-1])
    return text if len(text) <= 160 else text[:157] + "…"
