"""Describe the folder of a simulated clip (truth.json), and find each frame's ground truth in it.

The ground truth is stored as briefly as possible: one background with a transform and a gain per frame where the scene
is a picture and the clip lossless, else as a clip of its own.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from rainclean import __version__
from rainclean.errors import InputError
from rainclean.json_text import parse_json
from rainclean.simulate.camera import look, truth_of
from rainclean.simulate.render import Renderer
from rainclean.video import open_source, read_picture

U8 = NDArray[np.uint8]

MANIFEST = "truth.json"
BACKGROUND = "background.png"
TRUTHS = (BACKGROUND, "truth.mkv", "truth.mp4")
MASKS = ("rain.mkv", "passers.mkv", "water.mkv")
NAMES = ("clip.mkv", "clip.mp4", *TRUTHS, *MASKS, "overlay.png", MANIFEST)
"""Names of the files that a simulation can write."""


class TruthDocument(TypedDict):
    """The content of truth.json.

    Attributes:
        files: names of all that was written.
        clip: name of the rainy clip.
        truth: name of its ground truth, a clip or a picture.
        input: name of the backdrop.
        preset: name of the case.
        seed: of rain and noise.
        frames: number of frames.
        size: width and height, px.
        rate: frames a second, as a fraction.
        simulation: all parameters; see `Simulation.to_json`.
        versions: of the libraries that made it, by name.
        transforms: of each frame the six numbers of where the scene is seen.
        gains: of each frame the factor of automatic exposure.
        sums: SHA-256 of the files, by name.
    """

    rainclean: str
    files: list[str]
    clip: str
    truth: str
    input: str
    preset: str
    seed: int
    frames: int
    size: list[int]
    rate: str
    simulation: dict[str, Any]
    versions: dict[str, str]
    transforms: list[list[float]]
    gains: list[float]
    sums: NotRequired[dict[str, str]]


def describe(
    renderer: Renderer, *, preset: str, source: Path, rate: Fraction, plain: bool, files: list[str]
) -> TruthDocument:
    """Return the content of truth.json, without checksums.

    Args:
        renderer: of the clip.
        preset: name of the case.
        source: file or folder of the backdrop.
        rate: frames a second.
        plain: whether the ground truth is one picture, moved and exposed.
        files: names of all that was written.
    """
    simulation = renderer.simulation
    lossless = simulation.crf is None
    return {
        "rainclean": __version__,
        "files": files,
        "clip": "clip.mkv" if lossless else "clip.mp4",
        "truth": ("truth.mkv" if lossless else "truth.mp4") if not (plain and lossless) else BACKGROUND,
        "input": os.fsencode(source.name).decode("utf-8", "replace"),
        "preset": preset,
        "seed": renderer.seed,
        "frames": renderer.frames,
        "size": [renderer.size[1], renderer.size[0]],
        "rate": str(rate),
        "simulation": simulation.to_json(),
        "versions": {name: version(name) for name in ("numpy", "numba", "opencv-python", "av")},
        "transforms": renderer.transforms.reshape(-1, 6).tolist(),
        "gains": renderer.gains.tolist(),
    }


def to_text(document: Mapping[str, object]) -> str:
    """Write a document as JSON with one line a key, which people can read although some lines are long."""
    lines = (f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in document.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


@dataclass(frozen=True)
class Record:
    """A folder that `simulate` wrote. Frame indices outside it raise InputError, as damaged files do."""

    folder: Path
    document: dict[str, Any]

    @classmethod
    def read(cls, folder: Path | str) -> "Record":
        """Read the record of a folder.

        Args:
            folder: that `rainclean simulate` wrote.

        Raises:
            InputError: there is no whole simulated clip in it.
        """
        folder = Path(folder)
        try:
            document = parse_json((folder / MANIFEST).read_text(encoding="utf-8"))
        except OSError as error:
            reason = f"holds no simulated clip ({MANIFEST}: {error.strerror})"
            raise InputError(folder, reason, "make one with rainclean simulate") from error
        except ValueError as error:
            raise InputError(folder / MANIFEST, "is damaged", "make the clip again") from error
        known = isinstance(document, dict) and document.get("truth") in TRUTHS
        if not known or not isinstance(document.get("frames"), int):
            raise InputError(folder / MANIFEST, "does not describe a simulated clip", "make the clip again")
        return cls(folder, document)

    def truth(self, frame: int) -> U8:
        """Read the ground truth, (H, W, 3) uint8; see `rainclean.simulate.truth`."""
        self._check(frame)
        name = self.document["truth"]
        if name != BACKGROUND:
            return self._decoded(name, frame)
        try:
            transform = np.array(self.document["transforms"][frame], np.float64).reshape(2, 3)
            gain = float(self.document["gains"][frame])
            width, height = map(int, self.document["size"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            reason = f"does not describe frame {frame}"
            raise InputError(self.folder / MANIFEST, reason, "make the clip again") from error
        seen = look(read_picture(self.folder / name), transform, (height, width))
        return truth_of(seen, gain)

    def rain(self, frame: int) -> U8:
        """Read the opacity of the rain, (H, W) uint8; see `rainclean.simulate.rain`."""
        return self._mask("rain.mkv", frame)

    def passers(self, frame: int) -> U8:
        """Read the opacity of the foreground, (H, W) uint8; see `rainclean.simulate.passers`."""
        return self._mask("passers.mkv", frame)

    def water(self, frame: int) -> U8:
        """Read where water is, (H, W) uint8; see `rainclean.simulate.water`."""
        return self._mask("water.mkv", frame)

    def _mask(self, name: str, frame: int) -> U8:
        self._check(frame)
        if name not in self.document.get("files", ()):
            return np.zeros(self.document["size"][::-1], np.uint8)
        return self._decoded(name, frame)[..., 0]

    def _check(self, frame: int) -> None:
        count = self.document["frames"]
        if not 0 <= frame < count:
            raise InputError(self.folder, f"frame {frame} asked for; it has frames 0 to {count - 1}")

    def _decoded(self, name: str, frame: int) -> U8:
        with open_source(self.folder / name) as source:
            if frame >= source.info.frame_count:
                raise InputError(self.folder / name, f"ends before frame {frame}", "make the clip again")
            return next(iter(source.read([frame]))).rgb
