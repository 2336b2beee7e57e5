"""Simulated clips, for scripts and notebooks."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.simulate import SimulateSettings, simulate, simulate_folder
from pipeline.stages import Progress, finish
from rainclean.errors import UsageError
from rainclean.simulate import Backdrop, Rain, Simulation, TruthDocument, preset


@dataclass(frozen=True, eq=False)
class SimulatedClip:
    """A clip with simulated rain, whose ground truth is known.

    Attributes:
        clip: path of the rainy clip.
        truth: path of its ground truth, a clip or a picture. `rainclean.simulate.truth` reads its frames.
        record: what truth.json says: all parameters, seed, files.
    """

    clip: Path
    truth: Path
    record: TruthDocument


def simulate_clip(
    background: Path | str,
    folder: Path | str,
    name: str = "medium",
    *,
    seed: int = 0,
    frames: int | None = None,
    size: tuple[int, int] | None = None,
    rate: Fraction | None = None,
    progress: Callable[[Progress], None] | None = None,
    **changes: Any,
) -> SimulatedClip:
    """Make a rain clip whose ground truth is known, as ``rainclean simulate`` does.

    Args:
        background: a picture, a video file, or a folder of images.
        folder: to write to; made if it is not there.
        name: of the preset: "light", "medium", "heavy", … (`rainclean.simulate.PRESETS`).
        seed: another number gives other rain and noise.
        frames: how many; None for all of a clip, or as many over a picture as the preset has.
        size: width and height in px; None for the background's own.
        rate: frames a second; None for the clip's own, or 25.
        progress: called with each step. What it raises ends the work, and nothing is left behind.
        changes: values that differ from the preset, as the flags of the command: density=0.002, noise=2.

    Returns:
        Where clip and ground truth are.

    Raises:
        InputError: the background cannot be read.
        UsageError: no such preset, or a value that cannot be meant.
        RaincleanError: the folder cannot be used.

    >>> import rainclean as rc, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = rc.simulate_clip("sample_sequences/table/background.png", folder, "light", frames=3)
    ...     with rc.open_clip(made.clip) as clip:
    ...         clip.info.frame_count
    3
    """
    known = {field.name for kind in (Simulation, Rain) for field in fields(kind)}
    for change in changes:
        if change not in known:
            raise UsageError(f"{change}: not a parameter of a simulation; use one of {', '.join(sorted(known))}")
    settings = SimulateSettings(preset(name, **changes), name, seed=seed, frames=frames, size=size, rate=rate)
    folder = Path(folder)
    with Backdrop(background) as backdrop, simulate_folder(folder, Path(background)) as output:
        record = finish(simulate(backdrop, settings, output), progress)
    return SimulatedClip(folder / record["clip"], folder / record["truth"], record)
