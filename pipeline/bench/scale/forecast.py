"""Work out what thousands of clips take on several machines, from what one clip costs. On paper: nothing is run."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.bench.scale.clip_cost import ClipCost

SHARED_STORAGE = 1.0e9
"""Bytes in a second that storage shared by all machines gives: a file server on 10 gigabit Ethernet."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a number of machines need.

    Attributes:
        machines: Their number.
        hours: Until all clips are analysed.
        storage_share: Share of `SHARED_STORAGE` that reading clips and writing results takes.
        writer_share: Share of the time in which the one process that writes the store is busy.
        limit: What ends the growth: "processors", "shared storage" or "the writer of the store".
    """

    machines: int
    hours: float
    storage_share: float
    writer_share: float
    limit: str


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What all clips need, however many machines there are.

    Attributes:
        clips: Number of clips.
        cpu_hours: Of one core.
        clip_bytes, result_bytes, store_bytes: Bytes of clips, of results, and of the store.
        result_files: Number of files.
        kept_bytes, kept_files: Of results with ``--keep best:8``.
    """

    clips: int
    cpu_hours: float
    clip_bytes: int
    result_bytes: int
    store_bytes: int
    result_files: int
    kept_bytes: int = 0
    kept_files: int = 0


def needs(cost: ClipCost, clips: int) -> Needs:
    """Return what a number of clips like this one need."""
    return Needs(
        clips=clips,
        cpu_hours=clips * cost.cpu_seconds / 3600,
        clip_bytes=clips * cost.clip_bytes,
        result_bytes=clips * cost.result_bytes,
        store_bytes=clips * cost.store_bytes,
        result_files=clips * cost.result_files,
        kept_bytes=clips * cost.kept_bytes,
        kept_files=clips * cost.kept_files,
    )


def forecast(
    cost: ClipCost, *, clips: int, cores: int, intake_seconds: float, machines: Sequence[int] = (1, 10, 100)
) -> list[Forecast]:
    """Return what numbers of machines like this one need.

    Args:
        cost: Of one clip.
        clips: Their number.
        cores: Of each machine, all in use.
        intake_seconds: What the writer of the store takes for the results of one clip.
        machines: Numbers of machines.
    """
    moved = clips * (cost.clip_bytes + cost.result_bytes)
    result = []
    for count in machines:
        seconds = {
            "processors": clips * cost.cpu_seconds / (count * cores),
            "shared storage": moved / SHARED_STORAGE,
            "the writer of the store": clips * intake_seconds,
        }
        limit = max(seconds, key=lambda name: seconds[name])
        result.append(
            Forecast(
                machines=count,
                hours=seconds[limit] / 3600,
                storage_share=seconds["shared storage"] / seconds[limit],
                writer_share=seconds["the writer of the store"] / seconds[limit],
                limit=limit,
            )
        )
    return result
