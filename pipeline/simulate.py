"""Simulated clips: rain with known ground truth over a picture or a clip, written frame by frame.

Frames are made and encoded one at a time, so memory does not grow with the length of the clip.
"""

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from pipeline.clean import write_png
from pipeline.output_folder import OutputFolder
from pipeline.stages import Progress
from pipeline.unchanged import unchanged
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.simulate import (
    BACKGROUND,
    MANIFEST,
    NAMES,
    Backdrop,
    ClipWriter,
    Renderer,
    Simulation,
    TruthDocument,
    describe,
    to_text,
)
from rainclean.video import check_pixels

DEFAULT_RATE = Fraction(25)


@dataclass(frozen=True)
class SimulateSettings:
    """Settings of `simulate`. Raises UsageError for values out of range.

    preset: name that the simulation came from, kept for the record. frames: None for all of a clip, or, over a picture,
    the number of the simulation. size: (width, height) px; None for the size of the input. rate: frames per second;
    None for the rate of the clip, or DEFAULT_RATE.
    """

    simulation: Simulation = field(default_factory=Simulation)
    preset: str = "medium"
    _: KW_ONLY
    seed: int = 0
    frames: int | None = None
    size: tuple[int, int] | None = None
    rate: Fraction | None = None

    def __post_init__(self) -> None:
        if self.frames is not None and self.frames < 1:
            raise UsageError(f"--frames {self.frames}: give at least 1")
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: give a whole number from 0")
        if self.rate is not None and not Fraction(1, 100) <= self.rate <= 1000:
            raise UsageError(f"--rate {self.rate}: give 0.01 to 1000 frames per second")
        if self.size is None:
            return
        width, height = self.size
        if min(width, height) < 16 or max(width, height) > 16384:
            raise UsageError(f"--size {width}x{height}: give 16 to 16384 px per side")
        if self.simulation.crf is not None and (width % 2 or height % 2):
            even = f"{width + width % 2}x{height + height % 2}"
            raise UsageError(f"--size {width}x{height}: H.264 (4:2:0) needs even sides, such as {even}")


def simulate_folder(output: Path, source: Path) -> OutputFolder:
    """Open the folder to write to. Raises RaincleanError where it cannot be used."""
    if output.is_dir() and source.exists():
        inside = source.resolve().parent == output.resolve() and source.name in NAMES
        if inside or output.samefile(source):
            raise RaincleanError(f"{output}: {source.name} in it is the input; choose another folder with -o")
    return OutputFolder(output, MANIFEST, NAMES, keys=("clip", "truth", "simulation"))


def simulate(
    backdrop: Backdrop, settings: SimulateSettings, folder: OutputFolder
) -> Generator[Progress, None, TruthDocument]:
    """Make and write one clip, its ground truth and its masks.

    Args:
        backdrop: Picture or clip to rain over.
        settings: What to simulate.
        folder: From `simulate_folder`.

    Yields:
        Progress of the stages "start up" and "simulate".

    Returns:
        The content of truth.json.

    Raises:
        RaincleanError: The settings do not fit the input, or a file cannot be read or written.
    """
    renderer, rate = plan(backdrop, settings)
    still, crf = backdrop.frames is None, settings.simulation.crf
    plain = still and settings.simulation.plain
    suffix = "mkv" if crf is None else "mp4"
    yield Progress("start up", 0, None)
    with folder.filling() as partial, unchanged(backdrop.path), ExitStack() as open_files:

        def writer(name: str, crf: int | None, *, grey: bool = False) -> ClipWriter:
            return open_files.enter_context(ClipWriter(partial / name, renderer.size, rate, crf=crf, grey=grey))

        clip = writer(f"clip.{suffix}", crf)
        truth = None if plain and crf is None else writer(f"truth.{suffix}", crf)
        rain = writer("rain.mkv", None, grey=True)
        passers = writer("passers.mkv", None, grey=True) if settings.simulation.passes else None
        water = writer("water.mkv", None, grey=True) if settings.simulation.water else None
        scene = None
        for index, picture in enumerate(backdrop.pictures(renderer.frames)):
            if scene is None or not (still or renderer.shown[index] < index):
                scene = renderer.scene(picture)
            rendered = renderer.render(index, scene)
            clip.write(rendered.frame)
            rain.write(rendered.rain)
            if truth is not None:
                truth.write(rendered.truth)
            if passers is not None and rendered.passers is not None:
                passers.write(rendered.passers)
            if water is not None and rendered.water is not None:
                water.write(rendered.water)
            yield Progress("simulate", index + 1, renderer.frames)
        open_files.close()
        if plain and scene is not None:
            write_png(partial / BACKGROUND, scene)
        if renderer.sign is not None:
            write_png(partial / "overlay.png", np.rint(255 * renderer.sign[1][..., 0]).astype(np.uint8))
        files = sorted([*(p.name for p in partial.iterdir()), MANIFEST])
        document = describe(renderer, preset=settings.preset, source=backdrop.path, rate=rate, plain=plain, files=files)
        document["sums"] = folder.sums()
        (partial / MANIFEST).write_text(to_text(document), encoding="utf-8")
    return document


def plan(backdrop: Backdrop, settings: SimulateSettings) -> tuple[Renderer, Fraction]:
    """Return a renderer of the right size and number of frames, and the frame rate. Raises RaincleanError."""
    frames = settings.frames or backdrop.frames or settings.simulation.frames
    if backdrop.frames is not None and frames > backdrop.frames:
        raise InputError(backdrop.path, f"has only {backdrop.frames} of {frames} frames", "lower --frames")
    height, width = backdrop.size
    if settings.size is not None:
        width, height = settings.size
    elif settings.simulation.crf is not None:
        width, height = width - width % 2, height - height % 2  # 4:2:0 needs even sides
    if min(width, height) < 16:
        raise InputError(backdrop.path, f"{width}×{height} px are too small", "enlarge it with --size")
    renderer = Renderer(settings.simulation, (height, width), frames, settings.seed)
    scene_height, scene_width = renderer.scene_size
    check_pixels(backdrop.path, scene_width, scene_height)
    return renderer, settings.rate or backdrop.rate or DEFAULT_RATE
