"""What is seen of cuts and motion, and up to which window it is harmless."""

import numpy as np
import pytest

from pipeline.clean.survey import Findings, Watch
from rainclean.candidates.selection import Selection

WINDOWS = ((40, 60), (30, 70), (0, 100))


def findings(shifts: dict[int, float | None], cuts: list[int]) -> Findings:
    return Findings(Selection(tuple(range(100)), 50, WINDOWS), shifts, cuts)


@pytest.mark.parametrize(
    ("shifts", "cuts", "still"),
    [
        ({}, [], 2),
        ({0: 0.1, 30: 0.0, 40: 0.0, 59: 0.1, 69: 0.2, 99: 0.3}, [], 2),
        ({0: 0.1, 30: 0.0, 40: 0.0, 59: 0.1, 69: 0.2, 99: 0.9}, [], 1),
        ({0: 9.0, 30: 0.6, 40: 0.0, 59: 0.1, 69: 0.2, 99: 0.9}, [], 0),
        ({0: None, 30: 0.1, 40: 0.0, 59: 0.1, 69: 0.2, 99: None}, [], 1),
        ({0: None, 30: None, 40: None}, [], 2),
        ({}, [75], 1),
        ({}, [50], 0),
        ({}, [40], 0),
    ],
)
def test_the_largest_window_of_one_still_shot(shifts: dict[int, float | None], cuts: list[int], still: int) -> None:
    assert findings(shifts, cuts).still_window == still


def test_warnings_say_which_candidates_suffer() -> None:
    assert findings({0: 0.1, 99: 0.2}, []).warnings() == []
    (moves,) = findings({0: 3.0, 40: 0.1, 99: 0.2}, []).warnings()
    assert "up to 3.0 px" in moves and "candidates of more than 40 frames" in moves
    (far,) = findings({0: None, 40: 2.0, 99: 30.0}, []).warnings()
    assert "at least 30.0 px" in far and "all candidates" in far
    (cut,) = findings({}, [62]).warnings()
    assert "frame 62: candidates of more than 20 frames" in cut


def test_a_watch_measures_a_shift_and_finds_a_cut() -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8).repeat(6, 0).repeat(6, 1)
    watch = Watch(Selection(tuple(range(10, 50)), 20, ((10, 30), (0, 40))))
    for i in range(40):
        watch.add_frame(np.roll(picture, 3, axis=1) if i == 0 else picture)
    found = watch.result()
    assert found.shifts[10] == pytest.approx(3, abs=0.1) and found.shifts[20] == pytest.approx(0, abs=0.05)
    assert found.cuts == [] and found.still_window == 0
    assert np.array_equal(watch.reference, picture)
