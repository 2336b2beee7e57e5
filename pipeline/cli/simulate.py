"""``rainclean simulate``: rain with known ground truth over an image or a clip."""

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import follow, print_json, print_text
from pipeline.text_format import counted
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from rainclean.simulate import Rain, Simulation

_OF_RAIN = ("density", "length", "width", "slant", "strength", "colour")
_OF_CLIP = (
    "light", "veil", "gradient", "noise", "drift", "flicker", "flicker_period", "jitter", "walk", "pan",
    "walkers", "walker_height", "walker_speed", "crf",
)  # fmt: skip
_OF_WEATHER = {
    "rain_rate": "rate_mm_h",
    "exposure_time": "exposure_s",
    "focal_length": "focal_px",
    "near": "near_m",
    "far": "far_m",
}


@dataclass(frozen=True, kw_only=True)
class Simulate:
    """Make a rain clip with known ground truth, over any image or clip.

    Presets: clear, light, medium, heavy, torrent, noisy, night, gradient, drift, flicker, walker, jitter, pan, codec,
    everything, handheld, walking, driving, foliage, crowd, lorries, sun, watermark, water, short, short-cars, frozen,
    busy. Flags change single values of a preset. The presets from handheld on resemble real footage, with for example a
    moving camera, objects near it, people and cars, and changing exposure.

    Writes clip.mkv (lossless) or clip.mp4 (with --crf), the ground truth and truth.json. Also writes
    rain.mkv (opacity of the rain) and, if the simulation has them, passers.mkv (foreground objects), water.mkv (water)
    and overlay.png (a sign). The same seed and versions give the same frames.
    """

    input: Annotated[Positional[Path], arg(metavar="INPUT")]
    """Image, video file, or folder of images."""
    output: Annotated[Path, arg(aliases=["-o"], metavar="FOLDER")]
    """Folder to write to; created if missing."""
    preset: Annotated[str, arg(metavar="NAME")] = "medium"
    """Preset to start from."""
    seed: Annotated[int, arg(metavar="N")] = 0
    """Seed of rain, noise and jitter."""
    frames: Annotated[int | None, arg(metavar="N")] = None
    """Number of frames. Default: all of a clip; over an image, the number of the preset (usually 80)."""
    size: Annotated[str | None, arg(metavar="WxH")] = None
    """Frame size; the input is scaled to cover it and cropped. Default: the size of the input."""
    rate: Annotated[str | None, arg(metavar="FPS")] = None
    """Frames per second, such as 25 or 30000/1001. Default: the rate of the clip; 25 over an image."""

    density: Annotated[float | None, arg(metavar="D")] = None
    """Streaks per pixel and frame."""
    length: Annotated[float | None, arg(metavar="PX")] = None
    """Mean length of the streaks."""
    width: Annotated[float | None, arg(metavar="PX")] = None
    """Mean width of the streaks."""
    slant: Annotated[float | None, arg(metavar="DEGREES")] = None
    """Angle from the vertical; positive values fall to the right."""
    strength: Annotated[float | None, arg(metavar="0…1")] = None
    """Largest opacity of a streak."""
    colour: Annotated[float | None, arg(metavar="0…255")] = None
    """Grey level of the drops."""

    rain_rate: Annotated[float | None, arg(metavar="MM/H")] = None
    """Rain rate; density, length, width and strength follow from it and the four flags below."""
    exposure_time: Annotated[float | None, arg(metavar="S")] = None
    """With --rain-rate: exposure time of a frame in seconds. Default: 1/120 s."""
    focal_length: Annotated[float | None, arg(metavar="PX")] = None
    """With --rain-rate: focal length. Default: 1000 px."""
    near: Annotated[float | None, arg(metavar="M")] = None
    """With --rain-rate: distance of the nearest drops. Default: 1 m."""
    far: Annotated[float | None, arg(metavar="M")] = None
    """With --rain-rate: distance beyond which single drops are invisible. Default: 4 m."""

    light: Annotated[float | None, arg(metavar="FACTOR")] = None
    """Factor for the grey levels of the scene; 0.25 gives night."""
    veil: Annotated[float | None, arg(metavar="0…1")] = None
    """Opacity of a constant mist. It is part of the ground truth."""
    gradient: Annotated[tuple[float, float] | None, arg(metavar="TOP BOTTOM")] = None
    """Factors for the opacity of the rain at the top and the bottom of the frame."""
    noise: Annotated[float | None, arg(metavar="LEVELS")] = None
    """Standard deviation of the sensor noise in grey levels."""
    drift: Annotated[float | None, arg(metavar="SHARE")] = None
    """Let the exposure change from 1 − SHARE to 1 + SHARE over the clip."""
    flicker: Annotated[float | None, arg(metavar="SHARE")] = None
    """Amplitude of a periodic change of exposure."""
    flicker_period: Annotated[float | None, arg(metavar="FRAMES")] = None
    """Period of the flicker in frames."""
    jitter: Annotated[float | None, arg(metavar="PX")] = None
    """Standard deviation of the camera's position in each frame, in px."""
    walk: Annotated[float | None, arg(metavar="PX")] = None
    """Standard deviation of the random walk of the camera, in px per frame."""
    pan: Annotated[float | None, arg(metavar="PX")] = None
    """Distance that the camera moves to the right over the clip, in px."""
    walkers: Annotated[int | None, arg(metavar="N")] = None
    """Number of people who walk through, one after the other."""
    walker_height: Annotated[float | None, arg(metavar="PX")] = None
    """Height of a walking person; the width is 34/80 of it."""
    walker_speed: Annotated[float | None, arg(metavar="PX")] = None
    """Distance that a walking person moves, in px per frame."""
    crf: Annotated[int | None, arg(metavar="0…51")] = None
    """Encode as H.264 with this constant rate factor; the ground truth is then the rain-free clip, encoded likewise."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Make the clip and write it."""
        simulation = self._simulation()

        from pipeline.simulate import SimulateSettings, simulate, simulate_folder
        from rainclean.simulate import Backdrop

        size, rate = _parse_size(self.size), _parse_rate(self.rate)
        settings = SimulateSettings(simulation, self.preset, seed=self.seed, frames=self.frames, size=size, rate=rate)
        with Backdrop(self.input) as backdrop, simulate_folder(self.output, self.input) as folder:
            made = follow(simulate(backdrop, settings, folder))
        if self.json:
            print_json(made)
            return
        width, height = made["size"]
        clip = self.output / made["clip"]
        frames = counted(made["frames"], "frame")
        print_text(f"{clip}: {frames} of {width}×{height} px, {self.preset}, seed {self.seed}")
        others = sorted({*made["files"]} - {made["clip"], made["truth"]})
        print_text(f"ground truth: {self.output / made['truth']}; beside it {', '.join(others)}")

    def _simulation(self) -> "Simulation":
        from rainclean.simulate import preset

        names = (*_OF_RAIN, *_OF_CLIP)
        changes = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        weather = {key: getattr(self, name) for name, key in _OF_WEATHER.items() if getattr(self, name) is not None}
        if weather:
            seen = self._seen(weather)
            changes = {**{name: getattr(seen, name) for name in _FROM_WEATHER}, **changes}
        return preset(self.preset, **changes)

    def _seen(self, weather: dict[str, float]) -> "Rain":
        if self.rain_rate is None:
            raise UsageError("--exposure-time, --focal-length, --near and --far need --rain-rate")
        given = [name for name in ("density", "length", "width", "strength") if getattr(self, name) is not None]
        if given:
            raise UsageError(f"--rain-rate: {given[0]} follows from it; give only one of the two")
        from rainclean.simulate import Rain

        return Rain.from_weather(**weather)


_FROM_WEATHER = ("density", "length", "width", "strength", "rate_mm_h", "depth_ratio")


def _parse_size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,5})[x×]([0-9]{1,5})", text)
    if not match:
        raise UsageError(f"--size {text}: give width and height in px, such as 352x240")
    return int(match[1]), int(match[2])


def _parse_rate(text: str | None) -> Fraction | None:
    if text is None:
        return None
    try:
        return Fraction(text).limit_denominator(1001)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--rate {text}: give frames per second, such as 25 or 30000/1001") from None
