"""``rainclean probe``: the properties of a clip."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from pipeline.cli.values import Matrix

if TYPE_CHECKING:
    from pipeline.probe import CameraMotion, ProbeReport

RAIN_MOTION_PX = 0.5
"""px that dense rain alone can look like: the four samples, with still cameras, measure up to 0.48."""


@dataclass(frozen=True)
class Probe:
    """Show the properties of a clip: codec, upright size, frames, times, scene cuts, camera motion.

    Decodes the whole clip once. For a damaged file it reports what can be read.
    """

    input: tyro.conf.Positional[Path]
    """Video file (MP4, MOV, MKV, WebM, AVI) or folder of images."""

    matrix: Matrix | None = None
    """Colour matrix, if the video file does not state it."""

    json: bool = False
    """Print one JSON document instead of a table."""

    def run(self) -> None:
        """Probe and print."""
        from dataclasses import asdict

        from pipeline.cli.console import follow, print_json, print_table
        from pipeline.probe import probe

        report = follow(probe(self.input, matrix=self.matrix or ""))
        if self.json:
            print_json(asdict(report) | {"path": str(report.path)})
        else:
            print_table(("clip", report.path.name or str(report.path)), _rows(report))


def _rows(report: "ProbeReport") -> list[tuple[str, str]]:
    return [
        ("format", f"{report.container}, {report.codec}, {report.pixel_format}"),
        ("upright size", f"{report.width}×{report.height} px{_turned(report)}"),
        ("transfer", f"{report.transfer}, {'full' if report.full_range else 'limited'} range"),
        *([("colours", report.colours)] if report.colours else []),
        ("frames decodable", _frames(report)),
        ("duration", f"{report.duration:.3f} s"),
        ("frame times", _times(report)),
        ("scene cuts", _cuts(report.cuts)),
        *_motion(report.motion),
        *[("note" if i == 0 else "", note) for i, note in enumerate(report.notes)],
    ]


def _turned(report: "ProbeReport") -> str:
    if not report.rotation and not report.mirrored:
        return ""
    turn = f"turned {report.rotation}° clockwise" if report.rotation else ""
    return f" ({', '.join(word for word in (turn, 'mirrored' if report.mirrored else '') if word)})"


def _frames(report: "ProbeReport") -> str:
    announced = report.frames_announced
    return str(report.frames_decodable) if announced is None else f"{report.frames_decodable} of {announced}"


def _times(report: "ProbeReport") -> str:
    times = report.times
    if times.mean_interval is None:
        return "one"
    kind = "variable" if times.variable else "constant"
    rate = f"{1000 / times.mean_interval:.3f} frames/s"
    spread = f", {kind} ({times.shortest_interval:.1f} to {times.longest_interval:.1f} ms)" if times.variable else ""
    return f"0.000 to {times.last - times.first:.3f} s, {rate}{spread or f', {kind}'}"


def _cuts(cuts: tuple[int, ...] | None) -> str:
    if cuts is None:
        return "not measured"
    return "none" if not cuts else f"{len(cuts)}: new shot at frame {', '.join(map(str, cuts))}"


def _stillness(motion: "CameraMotion") -> str:
    if not motion.still:
        slight = motion.drift is not None and max(motion.drift, motion.percentile_95) < RAIN_MOTION_PX
        return "moving slightly, or still in dense rain" if slight else "moving"
    return "still except for some frames" if motion.moving else "still"


def _motion(motion: "CameraMotion | None") -> list[tuple[str, str]]:
    if motion is None:
        return [("camera motion", "not measurable")]
    steps = f"median {motion.median:.2f} px per frame, 95 % below {motion.percentile_95:.2f} px"
    least = "at least " if motion.further else ""
    drift = (
        "not measurable" if motion.drift is None else f"{least}{motion.drift:.2f} px from the first frame of the shot"
    )
    rows = [
        ("camera motion", f"{steps}: {_stillness(motion)}"),
        ("largest drift", drift),
    ]
    if motion.still and motion.moving:
        stretches = [str(a) if a == b else f"{a} to {b}" for a, b in motion.moving[:4]]
        rows.append(("moves at frames", ", ".join(stretches) + (", …" if len(motion.moving) > 4 else "")))
    return rows + ([("motion unknown", f"{motion.untold} frames")] if motion.untold else [])
