"""Clips of a benchmark as if they had been measured."""

from dataclasses import replace
from typing import Any

from pipeline.bench.truth.run import Measured
from pipeline.bench.truth.scores import Figures
from rainclean.video import Region


def measured_clip(case: str, figures: dict[str, Figures], candidates: dict[str, float], **values: Any) -> Measured:
    """Return a clip of 352×240 px that is kept as a whole, and whose region is the frame.

    Args:
        case: Name of the case; the preset is its first word.
        figures: By method.
        candidates: PSNR of each in dB; a is the suggestion, b the best.
        values: Of other attributes.
    """
    clip = Measured(
        case=case,
        preset=case.split()[0],
        background="scene",
        seed=0,
        frames=80,
        size=(352, 240),
        reference=40,
        region=Region(0, 0, 352, 240),
        kept=1.0,
        kept_of_shared=1.0,
        figures=figures,
        recipes={"suggestion": "a", "best": "b"},
        candidates=candidates,
    )
    return replace(clip, **values)
