"""Weights of rainclean: of SPANet, or of a network of the user, whose code they need."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.derainers.base import U8, Derainer, Options, Result
from pipeline.ownership import sha256
from rainclean.dataset import DatasetPair
from rainclean.errors import InputError
from rainclean.spanet import require_torch


def open_weights(name: str, path: Path, options: Options) -> Derainer:
    """Open a weights file, or the best weights of a run's folder."""
    require_torch()
    from pipeline.training import network_of, weights_in

    file = weights_in(path)
    return SpanetWeights(name, file, options) if network_of(file) is None else NetworkWeights(name, file, options)


class SpanetWeights:
    """SPANet with the weights of a file."""

    libraries: tuple[str, ...] = ("torch",)

    def __init__(self, name: str, path: Path, options: Options) -> None:
        from rainclean.spanet import choose_device, load, read

        self.name, self.path = name, path
        self._origin, _ = read(path)
        self._net = load(path).to(choose_device(options.device))

    def prepare(self, pairs: Sequence[DatasetPair]) -> None:
        """Do nothing: SPANet takes pictures of any size."""

    def derain(self, rainy: U8, pair: DatasetPair) -> Result:
        """Run the network on a picture."""
        from rainclean.spanet import derain

        return _finite(Result(*derain(self._net, rainy)), self.path, pair)

    def identity(self) -> dict[str, Any]:
        """Return file, checksum and origin."""
        return {"weights": {"file": str(self.path), "sha256": sha256(self.path), "origin": asdict(self._origin)}}

    def description(self) -> str:
        """Return file, origin, steps and checksum."""
        steps = f", {self._origin.steps} steps" if self._origin.steps else ""
        direction = "applied" if self._origin.direction_attention else "not applied"
        kind = f"{self._origin.kind}{steps}, direction attention {direction}"
        return f"{self.path}: {kind}; SHA-256 {sha256(self.path)[:12]}…"


class NetworkWeights:
    """A network of the user with the weights of a file."""

    libraries: tuple[str, ...] = ("torch",)

    def __init__(self, name: str, path: Path, options: Options) -> None:
        from pipeline.training import load_network, read_network
        from rainclean.spanet import choose_device

        self.name, self.path = name, path
        self._made = load_network(
            path,
            options.networks,
            accept_changed=options.accept_changed,
            device=choose_device(options.device),
        )
        self._origin, _ = read_network(path)

    def prepare(self, pairs: Sequence[DatasetPair]) -> None:
        """Do nothing: pictures are padded to the multiple that the network needs."""

    def derain(self, rainy: U8, pair: DatasetPair) -> Result:
        """Run the network on a picture."""
        return _finite(Result(self._made.derain(rainy)), self.path, pair)

    def identity(self) -> dict[str, Any]:
        """Return file, checksum, origin and network."""
        origin = {key: value for key, value in asdict(self._origin).items() if key != "direction_attention"}
        weights = {"file": str(self.path), "sha256": sha256(self.path), "origin": origin}
        return {"weights": weights, "network": self._made.record.to_json()}

    def description(self) -> str:
        """Return file, network, steps and checksum."""
        kind = f"{self._made.record.factory}, {self._origin.kind}, {self._origin.steps} steps"
        return f"{self.path}: {kind}; SHA-256 {sha256(self.path)[:12]}…"


def _finite(result: Result, path: Path, pair: DatasetPair) -> Result:
    import numpy as np

    if not np.isfinite(result.picture).all():
        raise InputError(path, f"gives NaN or infinity for {pair.rainy}")
    return result
