"""Measures weights on scenes that the shipped ones never saw, and on a real clip.

    python -m tools.shipped_weights.judge_weights WEIGHTS [--yard CLIP]

Scenes are those of sample_sequences/: frames of the sample clips, and rain rendered anew over their backgrounds. Of a
real clip the truth is not known: its best-scored clean image stands for it. Needs a checkout and torch.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.run import clean
from pipeline.clean.settings import CleanSettings
from pipeline.clean.survey import STILL_PX
from pipeline.stages import finish
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.metrics import score
from rainclean.simulate import passers, preset, truth
from rainclean.simulate.record import BACKGROUND, Record
from rainclean.simulate.render import Renderer
from rainclean.temporal.prior import luma
from rainclean.video import open_source
from rainclean.video.pictures import read_picture
from rainclean.video.tracking import camera_shift

if TYPE_CHECKING:
    from rainclean.spanet.network import SPANet

U8 = NDArray[np.uint8]

PROTOCOL = "basicsr-rgb"
SAMPLES = Path(__file__).parents[2] / "sample_sequences"
FRAMES = (5, 25, 45, 65)
"""Frames of each sample clip; where passers-by are in one, the nearest without any."""

PRESETS = ("light", "medium", "heavy", "night", "torrent")
SEED = 77
"""Of the rain rendered anew; the samples and the training data have others."""

STILL_FRAMES = 5
"""Frames of a real clip besides the reference frame."""


@dataclass(frozen=True)
class Judged:
    """One picture: PSNR by `PROTOCOL` of the rainy picture and of what the network made of it, dB."""

    scene: str
    picture: str
    rainy: float
    output: float

    @property
    def gain(self) -> float:
        """How much closer the output is than the rainy picture, dB."""
        return self.output - self.rainy


def judge_samples(net: "SPANet", folder: Path = SAMPLES) -> Iterator[Judged]:
    """Score pictures of all samples, sample by sample. Raises InputError for a folder without samples."""
    samples = sorted(path.parent for path in folder.glob("*/truth.json"))
    if not samples:
        raise InputError(folder, "holds no samples", "run this in a checkout of the repository")
    for sample in samples:
        record = Record.read(sample)
        frames = sorted({_without_passers(sample, frame, int(record.document["frames"])) for frame in FRAMES})
        with open_source(sample / record.document["clip"]) as source:
            for frame in source.read(frames):
                name = f"frame {frame.index} of the clip"
                yield _judge(net, sample.name, name, frame.rgb, truth(sample, frame.index))
        background = read_picture(sample / BACKGROUND)
        # Where the background is lit already, it is not made darker once more.
        lit = {"light": 1.0} if record.document["simulation"]["light"] != 1.0 else {}
        for name in PRESETS:
            renderer = Renderer(preset(name, **lit), (background.shape[0], background.shape[1]), 1, SEED)
            rendered = renderer.render(0, renderer.scene(background))
            yield _judge(net, sample.name, f"rain anew, {name}", rendered.frame, rendered.truth)


def judge_clip(net: "SPANet", clip: Path) -> list[Judged]:
    """Score the reference frame of a real clip, and frames that are aligned with it.

    Each is compared with the best-scored candidate of `clean`.
    """
    with open_source(clip) as source:
        with finish(clean(source, CleanSettings())) as result:
            truth, reference = result.picture(result.candidates[0]), result.reference_rgb
            index = result.selection.reference_frame
        judged = [_judge(net, clip.name, f"frame {index}, the reference frame", reference, truth)]
        count = source.info.frame_count
        wanted = sorted({round(share * (count - 1)) for share in np.linspace(0, 1, 8 * STILL_FRAMES)} - {index})
        still = [frame.index for frame in source.read(wanted) if _stands(luma(reference), luma(frame.rgb))]
        chosen = sorted({still[round(k)] for k in np.linspace(0, len(still) - 1, STILL_FRAMES)}) if still else []
        judged += [_judge(net, clip.name, f"frame {f.index}", f.rgb, truth) for f in source.read(chosen)]
    return judged


def table(judged: Sequence[Judged]) -> list[str]:
    """Return lines: one a picture, each scene's mean, and the mean of the scenes' means."""
    lines = [f"{'':36}{'rainy dB':>9}{'output dB':>11}{'gain':>8}   ({PROTOCOL})"]
    means = []
    for scene in dict.fromkeys(one.scene for one in judged):
        own = [one for one in judged if one.scene == scene]
        lines += [_line(f"  {one.picture}", one.rainy, one.output) for one in own]
        means.append((float(np.mean([one.rainy for one in own])), float(np.mean([one.output for one in own]))))
        lines.append(_line(f"{scene}, mean", *means[-1]))
    if len(means) > 1:
        lines.append(_line("mean of the scenes", *np.mean(means, axis=0)))
    return lines


def _line(name: str, rainy: float, output: float) -> str:
    return f"{name:36}{rainy:9.2f}{output:11.2f}{output - rainy:+8.2f}"


def _judge(net: "SPANet", scene: str, picture: str, rainy: U8, clean_picture: U8) -> Judged:
    from rainclean.spanet.inference import derain, to_levels

    output = to_levels(derain(net, rainy)[0], np.uint8)
    against = partial(score, truth=clean_picture, protocol=PROTOCOL)
    return Judged(scene, picture, against(rainy).psnr, against(output).psnr)


def _without_passers(sample: Path, frame: int, count: int) -> int:
    """Find the frame nearest to this one that shows no foreground: the network is not asked to remove it."""
    by_distance = sorted(range(count), key=lambda other: abs(other - frame))
    return next(other for other in by_distance if not passers(sample, other).any())


def _stands(reference: U8, picture: U8) -> bool:
    shift = camera_shift(reference, picture)
    return shift is not None and shift <= STILL_PX


def main(arguments: Sequence[str]) -> None:
    """Measure and print. Raises UsageError for other arguments than those of the module's text."""
    weights, *rest = arguments or [""]
    if not weights or (rest and (len(rest) != 2 or rest[0] != "--yard")):
        raise UsageError("usage: python -m tools.shipped_weights.judge_weights WEIGHTS [--yard CLIP]")
    from rainclean.spanet import load

    net = load(weights)
    sys.stdout.write("\n".join(table(list(judge_samples(net)))) + "\n")
    if rest:
        sys.stdout.write("\n".join(table(judge_clip(net, Path(rest[1])))) + "\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RaincleanError as error:
        sys.exit(f"judge_weights: {error}")
