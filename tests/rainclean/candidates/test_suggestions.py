"""Suggestions: a planted fault is found, covered and named; agreement leaves a person in peace."""

import cv2
import numpy as np
import pytest

from rainclean.candidates.suggestions import MOST, STOOD, Suggestion, suggest
from rainclean.compositing.composite import mask_of
from rainclean.moving.detectors import KINDS
from rainclean.moving.encoding import Areas
from rainclean.temporal.prior import luma

Place = tuple[slice, slice]


def scene(height: int = 360, width: int = 480) -> np.ndarray:
    """(H, W, 3) uint8: slopes and blocks."""
    y, x = np.mgrid[:height, :width]
    grey = 70 + 0.1 * x + 0.1 * y
    grey[height // 3 : height // 2, width // 4 : width // 2] += 50
    return np.repeat(np.rint(grey)[..., None], 3, axis=-1).astype(np.uint8)


def candidates(clean: np.ndarray, count: int = 8) -> list[np.ndarray]:
    """Noisy versions, each a little brighter than the last, as rising percentiles are."""
    rng = np.random.default_rng(0)
    return [np.clip(clean + rng.normal(k - count / 2, 2, clean.shape), 0, 255).astype(np.uint8) for k in range(count)]


def midpoint_of(clean: np.ndarray) -> np.ndarray:
    return luma(clean).astype(np.float32)


def rectangle(clean: np.ndarray, place: Place) -> np.ndarray:
    mask = np.zeros(clean.shape[:2], bool)
    mask[place] = True
    return mask


def overlap(suggestion: Suggestion, clean: np.ndarray, place: Place) -> tuple[float, float]:
    """Recall of the planted place, and intersection over union."""
    planted, found = rectangle(clean, place), mask_of(suggestion.shapes, clean) >= 128
    both = (planted & found).sum()
    return both / planted.sum(), both / (planted | found).sum()


@pytest.mark.parametrize("size", [(360, 480), (1080, 1440)])
def test_a_ghost_in_the_current_candidate_is_covered_and_a_better_one_named(size: tuple[int, int]) -> None:
    clean = scene(*size)
    pictures = candidates(clean)
    unit = size[0] // 360
    place = (slice(100 * unit, 180 * unit), slice(300 * unit, 360 * unit))
    for ghostly in (2, 4):  # one of the better ones has it, too
        pictures[ghostly][place] -= 40
    (found,) = suggest(iter(pictures), midpoint_of(clean), clean, 2)
    assert found.kind == "compose" and found.candidate in (3, 5)
    assert 25 < found.strength < 90
    recall, union = overlap(found, clean, place)
    assert recall > 0.97 and union > 0.5
    assert f"{found.strength:.0f} grey levels better" in found.reason
    assert all(shape.tool == "lasso" for shape in found.shapes)
    # Whoever looks at another candidate has nothing to mend, and one outlier is no reason to exclude.
    assert suggest(pictures, midpoint_of(clean), clean, 3) == []


def test_leftover_streaks_are_a_reason_to_compose() -> None:
    clean = scene()
    pictures = candidates(clean)
    for x in range(200, 300, 8):
        cv2.line(pictures[4], (x, 60), (x + 6, 110), (240, 240, 240), 2)
    found = suggest(pictures, midpoint_of(clean), clean, 4)
    assert [f.kind for f in found] == ["compose"]
    assert overlap(found[0], clean, (slice(60, 110), slice(200, 300)))[0] > 0.9


def test_places_where_candidates_disagree_are_proposed_for_exclusion() -> None:
    clean = scene()
    pictures = candidates(clean)
    place = (slice(200, 260), slice(60, 150))
    for k, picture in enumerate(pictures):
        picture[place] = 30 + 20 * k
    found = suggest(pictures, None, clean, 0)
    assert [(f.kind, f.candidate) for f in found] == [("exclude", None)]
    recall, union = overlap(found[0], clean, place)
    assert recall > 0.97 and union > 0.5
    x, y, width, height = found[0].region
    assert x <= 60 and y <= 200 and x + width >= 150 and y + height >= 260


@pytest.mark.parametrize("count", [1, 2, 9])
def test_candidates_that_agree_give_nothing(count: int) -> None:
    clean = scene()
    assert suggest([clean] * count, midpoint_of(clean), clean, 0) == []
    assert suggest(candidates(clean, count), midpoint_of(clean), clean, 0) == []


def test_a_candidate_that_is_worse_all_over_gives_nothing() -> None:
    clean = scene()
    assert suggest([clean, clean - 30], midpoint_of(clean), clean, 1) == []
    uneven = cv2.resize(np.random.default_rng(0).integers(0, 40, (9, 12)).astype(np.uint8), (480, 360))
    worse = [clean, clean - uneven[..., None]]
    assert [f.kind for f in suggest(worse, midpoint_of(clean), clean, 1) if f.kind == "compose"] == []


def test_specks_are_dropped_and_the_rest_is_limited_strongest_first() -> None:
    clean = scene()
    other = clean.copy()
    other[10:14, 10:14] = 255
    for i in range(12):
        y, x = 60 + 100 * (i // 4), 40 + 110 * (i % 4)
        other[y : y + 40, x : x + 40] -= np.uint8(30 + 2 * i)
    found = suggest([clean, other], midpoint_of(clean), clean, 1)
    strengths = [f.strength for f in found]
    assert strengths == sorted(strengths, reverse=True)
    for kind in ("compose", "exclude"):
        of_kind = [f for f in found if f.kind == kind]
        assert len(of_kind) == MOST
        assert all(f.region.x > 20 for f in of_kind)


def test_wrong_input_is_refused() -> None:
    clean = scene()
    with pytest.raises(ValueError, match="candidate 2 of 2"):
        suggest([clean, clean], None, clean, 2)
    with pytest.raises(ValueError, match="the reference frame of"):
        suggest([clean[:-1]], None, clean, 0)


def test_where_something_moves_is_suggested_once_and_with_its_reason() -> None:
    clean = scene()
    pictures = candidates(clean)
    place, other = (slice(60, 120), slice(80, 160)), (slice(200, 260), slice(300, 380))
    for k, picture in enumerate(pictures):
        for where in (place, other):
            picture[where] = np.clip(picture[where].astype(int) + 12 * k, 0, 255)
    kinds = {kind: np.zeros(clean.shape[:2], bool) for kind in KINDS}
    kinds["swaying"][place] = True
    kinds["passing"][place] = True
    kinds["passing"][300:340, 20:60] = True  # somebody went through, and is gone
    kinds["passing"][300:340, 400:440] = True
    doubtful = kinds["swaying"].copy()
    doubtful[300:340, 400:440] = True
    found = suggest(iter(pictures), midpoint_of(clean), clean, 0, Areas(kinds, doubtful))
    excluded = [one for one in found if one.kind == "exclude"]
    assert [one.reason for one in excluded[:2]] == ["something sways, such as foliage", STOOD]
    assert overlap(excluded[0], clean, place)[0] > 0.99 and overlap(excluded[0], clean, place)[1] > 0.7
    assert overlap(excluded[1], clean, (slice(300, 340), slice(400, 440)))[1] > 0.6
    # The other place, of which nothing was found, is told by how far the candidates are apart.
    assert len(excluded) == 3 and "differ by" in excluded[2].reason
    assert overlap(excluded[2], clean, other)[0] > 0.97
    with pytest.raises(ValueError, match="areas of"):
        suggest(iter(pictures), None, clean, 0, Areas({}, doubtful[1:]))
