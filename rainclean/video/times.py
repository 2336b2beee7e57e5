"""Make times of frames from what a container says, which can be missing, equal, out of order or shuffled."""

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SLOWEST, _FASTEST = Fraction(1, 1000), Fraction(1000)
"""Frames per second that a header is believed."""

_WORTH_A_WORD = 0.5
"""Seconds. Many files begin some frames after zero, for pictures that are stored in another order."""

_BAD_SHARE = 10
"""Times are put right where at most one in so many goes back; with more of them none is worth keeping."""


class Clock(NamedTuple):
    """When the frames of a clip are shown.

    times: (N,) float64 seconds from the container's zero, strictly rising.
    notes: what a person should know about the times, one line each.
    """

    times: NDArray[np.float64]
    notes: tuple[str, ...] = ()


def clock_of(ticks: Sequence[int | None], tick: Fraction, rate: Fraction | None) -> Clock:
    """Make times of presentation times in display order.

    A few times that are missing, equal or out of order move between their neighbours, and all others stay.
    Where most are unusable, frames are counted.

    Args:
        ticks: presentation times in units of ``tick``, None where the container has none.
        tick: seconds.
        rate: frames per second that the header promises, None where it does not say.
    """
    if not ticks:
        return counted_clock(0, rate)
    kept = _rising(ticks)
    bad = len(ticks) - len(kept)
    if not bad:
        times = np.array(ticks, np.float64) * float(tick)
        if _usable(times):
            return Clock(times)
    elif bad <= _most_bad(ticks):
        times = _filled(ticks, kept) * float(tick)
        if _usable(times):
            what = "1 presentation time is" if bad == 1 else f"{bad} of {len(ticks)} presentation times are"
            note = f"{what} missing, equal to another or out of order: interpolated from the neighbours"
            return Clock(times, (note,))
    return _counted(len(ticks), _regular_rate(ticks, tick) or rate)


def counted_clock(count: int, rate: Fraction | None) -> Clock:
    """Make times of frames that have none in the file: index / rate."""
    return Clock(np.arange(count) / float(_sane(rate)))


def _regular_rate(ticks: Sequence[int | None], tick: Fraction) -> Fraction | None:
    """Return frames per second by the times, whatever their order, if most are equally far apart."""
    gaps = [b - a for a, b in pairwise(sorted({t for t in ticks if t is not None}))]
    usual = median(gaps) if gaps else 0
    regular = sum(abs(g - usual) <= 0.1 * usual for g in gaps)
    return 1 / (Fraction(usual) * tick) if usual and 2 * regular > len(ticks) else None


def _counted(count: int, rate: Fraction | None) -> Clock:
    even = f"an even rate of {float(_sane(rate)):.6g} frames per second is assumed"
    note = f"presentation times in the file are unusable: {even}"
    return Clock(counted_clock(count, rate).times, (note,))


def _sane(rate: Fraction | None) -> Fraction:
    return rate if rate and _SLOWEST <= rate <= _FASTEST else Fraction(25)


def _usable(times: NDArray[np.float64]) -> bool:
    # Numbers that fill 64 bits are too coarse as floats.
    return bool(np.isfinite(times).all() and (np.diff(times) > 0).all())


def _most_bad(ticks: Sequence[int | None]) -> int:
    """Return how many times may be corrected. Where none goes back, at least the order is confirmed by the times."""
    known = [t for t in ticks if t is not None]
    goes_back = any(b < a for a, b in pairwise(known))
    return max(1, len(ticks) // _BAD_SHARE) if goes_back else len(ticks) // 2


def _rising(ticks: Sequence[int | None]) -> list[int]:
    """Find the positions of a longest strictly rising row of times; of equal ones the first.

    Patience sorting; where several rows are as long, each step back takes the time that lies nearest to the
    usual distance, so that of a time that jumps and the one behind it the one that jumped is left out.
    """
    levels: list[list[int]] = []  # positions that end rising rows of the same length, the newest last
    ends: list[int] = []  # the smallest time that ends a row of this length
    for i, t in enumerate(ticks):
        if t is None:
            continue
        level = bisect_left(ends, t)
        if level == len(ends):
            ends.append(t)
            levels.append([i])
        elif ends[level] != t:
            ends[level] = t
            levels[level].append(i)
    if len(levels) == len(ticks):
        return [level[0] for level in levels]
    usual = _usual_gap(ticks)
    row: list[int] = []
    for level_positions in reversed(levels):
        row.append(_nearest(level_positions, row[-1] if row else None, ticks, usual))
    return row[::-1]


def _nearest(positions: Sequence[int], after: int | None, ticks: Sequence[int | None], usual: float) -> int:
    """Return the position before ``after`` that a time at the usual distance would have; the first of equals."""
    if after is None:
        return positions[0]
    end = ticks[after] or 0
    fit = [i for i in positions if i < after and (ticks[i] or 0) < end]
    return min(fit, key=lambda i: abs(end - (ticks[i] or 0) - usual * (after - i)))


def _usual_gap(ticks: Sequence[int | None]) -> float:
    known = [t for t in ticks if t is not None]
    gaps = [b - a for a, b in pairwise(known) if b > a]
    return float(median(gaps)) if gaps else 1.0


def _filled(ticks: Sequence[int | None], kept: Sequence[int]) -> NDArray[np.float64]:
    """Return all times in ticks: those at the kept positions unchanged, the others evenly between and around them."""
    known = np.array([ticks[i] for i in kept], np.float64)
    places = np.arange(len(ticks))
    filled = np.interp(places, kept, known)
    gap = _usual_gap([ticks[i] for i in kept])
    filled[: kept[0]] = known[0] - gap * (kept[0] - places[: kept[0]])
    filled[kept[-1] + 1 :] = known[-1] + gap * (places[kept[-1] + 1 :] - kept[-1])
    return filled


def since_start(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return seconds from the clip's first frame, (N,): what a person means by a time, and what players show.

    Args:
        times: (N,) seconds, as a source has them; the container's zero may be elsewhere.
    """
    return times - times[:1]


def start_notes(times: NDArray[np.float64]) -> list[str]:
    """Return a note where the container's zero is not the clip's beginning."""
    start = float(times[0])
    if abs(start) < _WORTH_A_WORD:
        return []
    return [f"the first frame is at {start:.3f} s by the file's clock: times are counted from that frame"]


def time_notes(times: NDArray[np.float64], tick: float) -> list[str]:
    """Return a note where the intervals between frames differ by more than rounding to ticks explains."""
    if not is_variable(times, tick):
        return []
    gaps = np.diff(times) * 1000
    return [f"variable frame times: {gaps.min():.1f} to {gaps.max():.1f} ms between frames"]


def is_variable(times: NDArray[np.float64], tick: float = 0.0) -> bool:
    """Return whether the intervals differ: by more than two ticks and by more than 5 % of the median."""
    gaps = np.diff(times)
    return len(gaps) > 1 and bool(np.ptp(gaps) > max(2.001 * tick, 0.05 * float(np.median(gaps))))
