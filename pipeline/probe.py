"""Describe a clip by decoding it once: the stage behind ``rainclean probe``."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stages import Progress
from rainclean.video import DamagedInput, FrameSource, SourceInfo, open_source

_DRIFT_EVERY = 10  # frames: drift is slow, and each measurement costs as much as one step of motion


@dataclass(frozen=True, kw_only=True)
class FrameTimes:
    """Presentation times in seconds; intervals between neighbouring frames in milliseconds.

    The intervals are None for a single frame.
    """

    first: float
    last: float
    mean_interval: float | None
    shortest_interval: float | None
    longest_interval: float | None
    variable: bool


@dataclass(frozen=True, kw_only=True)
class CameraMotion:
    """Camera motion, in px of the full frame (mean over its corners), without cuts.

    Attributes:
        median, percentile_95: From one frame to the next.
        drift: Largest distance from the first frame of the shot, measured every 10 frames; None where not measurable.
        further: Whether some of these distances were too large to measure, so that drift is a lower bound.
        still: Whether the median is below 0.1 px.
        moving: (first, last) of each run of frames that moved by 0.1 px or more since the frame before.
        untold: Number of frames whose motion is not measurable: too little texture, or too much change.
    """

    median: float
    percentile_95: float
    drift: float | None
    further: bool
    still: bool
    moving: tuple[tuple[int, int], ...]
    untold: int


@dataclass(frozen=True, kw_only=True)
class ProbeReport:
    """The properties of a clip. Sizes in px, upright; duration in seconds; cuts are first frames of new shots.

    frames_announced: number of frames that the file states, None where it states none.
    colours: how they are read, in words.
    cuts, motion: None where they were not measured; ``notes`` gives the reason.
    """

    path: Path
    backend: str
    container: str
    codec: str
    pixel_format: str
    width: int
    height: int
    rotation: int
    mirrored: bool
    transfer: str
    full_range: bool
    colours: str
    frames_announced: int | None
    frames_decodable: int
    duration: float
    times: FrameTimes
    cuts: tuple[int, ...] | None
    motion: CameraMotion | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Pass:
    """The result of decoding the whole clip once."""

    decoded: int
    cuts: tuple[int, ...] | None
    motion: CameraMotion | None
    repeats: tuple[str, ...] = ()


def probe(path: Path, *, salvage: bool = False, matrix: str = "") -> Generator[Progress, None, ProbeReport]:
    """Decode a clip once, in bounded memory, and report its properties.

    Of damaged and truncated files, reports what is left. Of files whose colours are not supported, leaves out cuts and
    motion.

    Args:
        path: Video file or folder of images.
        salvage: Read a damaged file without trying it as a whole first.
        matrix: Colour matrix, where the file does not state it; "" for none.

    Yields:
        Progress of the stage "decode".

    Raises:
        InputError: Nothing of the file can be read.
    """
    notes: list[str] = []
    announced: int | None = None
    try:
        source = open_source(path, salvage=salvage, matrix=matrix)
        announced = source.info.frame_count
        found = yield from _decode(source)
    except DamagedInput as damage:
        if salvage:
            raise
        notes.append(f"{damage.reason}; clean {damage.advice}")
        announced = damage.announced or announced
        source = open_source(path, salvage=True, matrix=matrix)
        found = yield from _decode(source)
    with source:
        info, times = source.info, source.times
    if info.refused:
        notes.append(f"{info.refused}: cuts and motion are not measured; convert it to H.264 in BT.709 before use")
    # The damage said already what --salvage leaves out.
    notes += [note for note in info.notes if not (notes and note.startswith("salvaged"))]
    return _report(info, times, found, announced, (*notes, *found.repeats))


def _decode(source: FrameSource) -> Generator[Progress, None, _Pass]:
    total = source.info.frame_count
    decoded = 0
    if source.info.refused:
        video: Any = source  # images are read or cannot be opened
        for _ in video.decode_only():
            decoded += 1
            yield Progress("decode", decoded, total)
        return _Pass(decoded, None, None)

    from rainclean.video import Repeats, describe, scene_cuts, thumbnail

    thumbnails: list[NDArray[np.uint8]] = []
    tracker, repeats = _Tracker(), Repeats()
    for frame in source.read():
        decoded += 1
        thumbnails.append(thumbnail(frame.rgb))
        tracker.add(frame.rgb, last=decoded == total)
        repeats.add_frame(frame.rgb)
        yield Progress("decode", decoded, total)
    cuts = tuple(scene_cuts(np.stack(thumbnails)))
    return _Pass(decoded, cuts, tracker.motion(cuts), tuple(describe(repeats.result(), range(decoded))))


class _Tracker:
    """Follows the camera through the frames of a clip; keeps two pictures, not more."""

    def __init__(self) -> None:
        from rainclean.video import tracking

        self._motion = tracking
        self._reference: tracking.Reduced | None = None
        self._before: tracking.Reduced | None = None
        self._shifts: list[float | None] = []
        self._drifts: list[float] = []
        self._further = False

    def add(self, rgb: NDArray[np.uint8], *, last: bool) -> None:
        """Take the next frame, (H, W, 3) uint8."""
        now = self._motion.Reduced(self._motion.luma(rgb))
        shift = self._motion.shift_between(self._before, now) if self._before is not None else None
        self._shifts.append(shift)
        # Where nothing of the frame before is found again, a new shot begins; cuts are found later.
        if self._reference is None or shift is None:
            self._reference = now
        elif last or len(self._shifts) % _DRIFT_EVERY == 0:
            drift = self._motion.shift_between(self._reference, now)
            self._drifts += [] if drift is None else [drift]
            self._further |= drift is None
        self._before = now

    def motion(self, cuts: tuple[int, ...]) -> CameraMotion | None:
        """Return the motion of the whole clip; None where no step was measurable."""
        steps = [s for i, s in enumerate(self._shifts) if i and i not in cuts]
        known = np.array([s for s in steps if s is not None])
        if not len(known):
            return None
        median = float(np.median(known))
        return CameraMotion(
            median=median,
            percentile_95=float(np.percentile(known, 95)),
            drift=max(self._drifts, default=None),
            further=self._further,
            still=median < self._motion.STILL_THRESHOLD_PX,
            moving=_stretches(
                [
                    i
                    for i, s in enumerate(self._shifts)
                    if i not in cuts and (s or 0.0) >= self._motion.STILL_THRESHOLD_PX
                ]
            ),
            untold=len(steps) - len(known),
        )


def _stretches(indices: list[int]) -> tuple[tuple[int, int], ...]:
    """Join neighbouring indices: [3, 4, 5, 9] to ((3, 5), (9, 9))."""
    joined: list[tuple[int, int]] = []
    for i in indices:
        if joined and joined[-1][1] == i - 1:
            joined[-1] = (joined[-1][0], i)
        else:
            joined.append((i, i))
    return tuple(joined)


def _report(
    info: SourceInfo,
    times: NDArray[np.float64],
    found: _Pass,
    announced: int | None,
    notes: tuple[str, ...],
) -> ProbeReport:
    gaps = np.diff(times)
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    mean, shortest, longest = (
        (float(1000 * f(gaps)) for f in (np.mean, np.min, np.max)) if len(gaps) else (None, None, None)
    )
    variable = any(note.startswith("variable frame times") for note in info.notes)
    return ProbeReport(
        path=info.path,
        backend=info.backend,
        container=info.container,
        codec=info.codec,
        pixel_format=info.pixel_format,
        width=info.width,
        height=info.height,
        rotation=info.rotation,
        mirrored=info.mirrored,
        transfer=info.transfer,
        full_range=info.full_range,
        colours=info.colours,
        frames_announced=announced,
        frames_decodable=found.decoded,
        # The last frame is shown for as long as frames usually are.
        duration=float(times[-1] - times[0]) + usual,
        times=FrameTimes(
            first=float(times[0]),
            last=float(times[-1]),
            mean_interval=mean,
            shortest_interval=shortest,
            longest_interval=longest,
            variable=variable,
        ),
        cuts=found.cuts,
        motion=found.motion,
        notes=notes,
    )
