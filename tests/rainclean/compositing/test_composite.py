"""Strokes and composites: covers what was drawn, the same on each replay, and never more than that."""

import json
import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.compositing.composite import GrowingStroke, Layer, Shape, compose, exclusion_mask, mask_of, paint, soften
from rainclean.compositing.strokes import within
from rainclean.errors import RaincleanError, UsageError
from rainclean.video.source import Region

GREY = np.full((60, 80, 3), 100, np.uint8)
points = st.tuples(st.floats(-30, 110), st.floats(-30, 90))
far_points = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
brushes = st.builds(
    Shape,
    st.just("brush"),
    st.lists(points, min_size=1, max_size=6).map(tuple),
    radius=st.floats(0.1, 30),
    softness=st.floats(0, 1),
    edge_aware=st.booleans(),
    erase=st.booleans(),
)
shapes = st.one_of(
    brushes,
    st.builds(Shape, st.just("rectangle"), st.tuples(points, points), erase=st.booleans()),
    st.builds(Shape, st.just("lasso"), st.lists(points, min_size=1, max_size=7).map(tuple), erase=st.booleans()),
    st.builds(Shape, st.just("fill"), st.tuples(points), tolerance=st.floats(0, 255), erase=st.booleans()),
)


def picture(seed: int, height: int = 60, width: int = 80) -> np.ndarray:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 10, width // 10, 3)).astype(np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def distance_to(shape: Shape, height: int, width: int) -> np.ndarray:
    """Distance of each pixel's centre to a brush's way, the plain way."""
    y, x = np.mgrid[:height, :width] + 0.5
    best = np.full((height, width), np.inf)
    ends = [*zip(shape.points, shape.points[1:], strict=False)] or [(shape.points[0], shape.points[0])]
    for (ax, ay), (bx, by) in ends:
        square = (bx - ax) ** 2 + (by - ay) ** 2
        t = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / square, 0, 1) if square else 0.0
        best = np.minimum(best, np.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)))
    return best


def winding_area(shape: Shape, height: int, width: int, fine: int = 8) -> np.ndarray:
    """Share of each pixel within a lasso by winding numbers at fine×fine points, the plain way."""
    y, x = (np.mgrid[: height * fine, : width * fine] + 0.5) / fine
    winding = np.zeros(x.shape, int)
    for (ax, ay), (bx, by) in zip(shape.points, (*shape.points[1:], shape.points[0]), strict=True):
        if ay != by:
            crosses = (y >= min(ay, by)) & (y < max(ay, by)) & (ax + (y - ay) / (by - ay) * (bx - ax) <= x)
            winding += crosses * (1 if by > ay else -1)
    return (winding != 0).reshape(height, fine, width, fine).mean(axis=(1, 3))


@pytest.mark.parametrize("radius", [0.4, 3.0, 12.5])
@pytest.mark.parametrize("softness", [0.0, 0.3, 1.0])
def test_a_brush_covers_by_distance(radius: float, softness: float) -> None:
    shape = Shape("brush", ((10, 10), (60, 30), (20.5, 50), (20.5, 50)), radius, softness)
    mask, away = mask_of([shape], GREY), distance_to(shape, 60, 80)
    assert (mask[away < radius * (1 - softness) - 0.51] == 255).all()
    assert (mask[away > radius + 0.51] == 0).all()
    order = np.argsort(away, axis=None)
    assert (np.diff(mask.ravel()[order].astype(int)) <= 1).all()  # falls with the distance
    if softness == 0 and radius > 1:
        assert mask.sum() / 255 == pytest.approx((away < radius).sum(), rel=0.03)


def test_a_long_slanted_stroke_has_no_seams() -> None:
    shape = Shape("brush", ((-500, -200), (900, 700)), 6.0, 1.0)
    guide = np.zeros((300, 400, 3), np.uint8)
    mask, away = mask_of([shape], guide), distance_to(shape, 300, 400)
    assert mask.max() >= 254
    fall = np.clip((6.5**2 - away**2) / 6.5**2, 0, 1)
    assert np.abs(mask - 255 * (3 * fall**2 - 2 * fall**3)).max() < 2


def test_a_stroke_is_no_stronger_where_it_crosses_itself() -> None:
    once = mask_of([Shape("brush", ((10, 30), (70, 30)), 8, 1)], GREY)
    twice = mask_of([Shape("brush", ((10, 30), (70, 30), (10, 30)), 8, 1)], GREY)
    np.testing.assert_array_equal(once, twice)


@given(brushes, st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_a_growing_stroke_ends_as_the_whole(shape: Shape, seed: int) -> None:
    guide = picture(seed)
    before = mask_of([Shape("brush", ((5, 5), (75, 50)), 15, 0.7)], guide)
    whole = before.copy()
    paint(whole, shape, guide)
    grown = before.copy()
    start = Shape(
        "brush", shape.points[:1], shape.radius, shape.softness, edge_aware=shape.edge_aware, erase=shape.erase
    )
    stroke = GrowingStroke(grown, start, guide)
    for x, y in shape.points[1:]:
        last = grown.copy()
        changed = stroke.add(x, y)
        if changed is not None:
            last[within(changed)] = grown[within(changed)]
        np.testing.assert_array_equal(last, grown)
    finished, region = stroke.finish()
    assert finished == shape
    np.testing.assert_array_equal(grown, whole)
    if region is not None:
        before[within(region)] = grown[within(region)]
    np.testing.assert_array_equal(before, grown)


def test_a_growing_stroke_can_be_taken_back() -> None:
    mask = mask_of([Shape("rectangle", ((0, 0), (40, 60)))], GREY)
    before = mask.copy()
    stroke = GrowingStroke(mask, Shape("brush", ((50, 30),), 8), GREY)
    stroke.add(70, 30)
    assert (mask != before).any()
    assert stroke.cancel() == Region(42, 22, 36, 16)
    np.testing.assert_array_equal(mask, before)
    assert stroke.cancel() is None
    with pytest.raises(ValueError, match="not brush"):
        GrowingStroke(mask, Shape("lasso", ((50, 30),)), GREY)


def test_an_edge_aware_stroke_stays_on_its_side() -> None:
    rng = np.random.default_rng(1)
    height, width, edge = 200, 240, 120
    levels = np.where(np.arange(width) < edge, 80, 150)[None, :, None] + np.zeros((height, 1, 3))
    levels += np.linspace(0, 20, height)[:, None, None]  # shading along the stroke
    guide = np.clip(cv2.GaussianBlur(levels, (3, 3), 0) + rng.normal(0, 4, levels.shape), 0, 255).astype(np.uint8)
    way = ((100.0, 40.0), (102.0, 100.0), (98.0, 160.0))
    free = mask_of([Shape("brush", way, 40, 0)], guide).astype(float)
    held = mask_of([Shape("brush", way, 40, 0, edge_aware=True)], guide).astype(float)
    assert (held <= free).all()
    assert held[:, edge + 1 :].sum() < 0.01 * free[:, edge + 1 :].sum()
    assert held[:, : edge - 1].sum() > 0.97 * free[:, : edge - 1].sum()


def test_an_edge_aware_stroke_does_not_reach_over_a_gap() -> None:
    guide = np.full((100, 150, 3), 90, np.uint8)
    guide[:, 70:76] = 200  # the same colour lies beyond
    held = mask_of([Shape("brush", ((50, 20), (50, 80)), 40, 0, edge_aware=True)], guide)
    assert held[20:80, 20:69].min() > 240
    assert held[:, 72:].max() < 10


@given(st.lists(points, min_size=1, max_size=7))
@settings(max_examples=40, deadline=None)
def test_a_lasso_covers_what_it_goes_around(outline: list[tuple[float, float]]) -> None:
    shape = Shape("lasso", tuple(outline))
    mask = mask_of([shape], GREY[:30, :40])
    expected = 255 * winding_area(shape, 30, 40)
    # Four sub-rows against eight, and slanted edges: a quarter of a pixel, and hardly anything on the whole.
    assert np.abs(mask - expected).max() <= 255 * 0.3
    assert abs(mask.mean() - expected.mean()) < 255 * 0.01


def test_lassos_that_enclose_nothing_and_twice() -> None:
    for flat in [((5, 5),), ((5, 5), (50, 40)), ((5, 5), (25, 20), (45, 35)), ((3, 7), (30, 7), (60, 7))]:
        assert not mask_of([Shape("lasso", flat)], GREY).any()
    square = ((10, 10), (50, 10), (50, 40), (10, 40))
    once = mask_of([Shape("lasso", square)], GREY)
    np.testing.assert_array_equal(mask_of([Shape("lasso", square * 2)], GREY), once)
    np.testing.assert_array_equal(once, mask_of([Shape("rectangle", ((50, 40), (10, 10)))], GREY))
    assert (once == 255).sum() == 40 * 30 and once.sum() == 255 * 40 * 30


def test_a_rectangle_covers_by_area() -> None:
    mask = mask_of([Shape("rectangle", ((10.5, 20.0), (20.0, 30.2)))], GREY)
    assert (mask[20:30, 11:20] == 255).all()
    assert (mask[20:30, 10] == 128).all() and (mask[30, 11:20] == 51).all()
    assert mask.sum() / 255 == pytest.approx(9.5 * 10.2, abs=0.3)


def test_a_fill_takes_what_is_joined_and_alike() -> None:
    guide = GREY.copy()
    guide[20:40, 20:60] = 120
    guide[30, 30:50] = (120, 135, 120)
    guide[50:55, 70:75] = 120  # alike, not joined
    mask = np.zeros((60, 80), np.uint8)
    region = paint(mask, Shape("fill", ((25.5, 21.9),), tolerance=10), guide)
    expected = np.zeros_like(mask)
    expected[20:40, 20:60] = 255
    expected[30, 30:50] = 0
    np.testing.assert_array_equal(mask, expected)
    assert region == Region(20, 20, 40, 20)
    assert paint(mask, Shape("fill", ((80.0, 21),), tolerance=10), guide) is None


@given(st.lists(shapes, max_size=5), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_replays_are_equal_and_regions_hold_all_changes(drawn: list[Shape], seed: int) -> None:
    guide = picture(seed)
    guide.setflags(write=False)
    mask = np.zeros(guide.shape[:2], np.uint8)
    for shape in drawn:
        before = mask.copy()
        region = paint(mask, shape, guide)
        assert (mask <= before).all() if shape.erase else (mask >= before).all()
        if region is not None:
            assert (mask != before).any()
            before[within(region)] = mask[within(region)]
        np.testing.assert_array_equal(before, mask)
    again = [Shape.from_json(json.loads(json.dumps(shape.to_json()))) for shape in drawn]
    assert again == drawn
    np.testing.assert_array_equal(mask_of(again, guide), mask)
    np.testing.assert_array_equal(exclusion_mask(again, guide), 255 * (mask >= 128).astype(np.uint8))


@given(
    st.sampled_from(["brush", "lasso", "rectangle", "fill"]),
    st.lists(far_points, min_size=2, max_size=8),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_strokes_far_outside_are_well_defined(tool: str, way: list[tuple[float, float]], aware: bool) -> None:
    count = {"rectangle": 2, "fill": 1}.get(tool, len(way))
    shape = Shape(tool, tuple(way[:count]), 20, 0.5, edge_aware=aware)  # type: ignore[arg-type]
    np.testing.assert_array_equal(mask_of([shape], GREY), mask_of([shape], GREY))


def test_erasing_undoes_painting() -> None:
    for erase in (
        Shape("rectangle", ((0, 0), (80, 60)), erase=True),
        Shape("fill", ((5, 5),), erase=True),
        Shape("brush", ((40, 30),), 70, erase=True),
        Shape("lasso", ((-5, -5), (90, -5), (90, 70), (-5, 70)), erase=True),
    ):
        assert not mask_of([Shape("brush", ((10, 10), (70, 50)), 12, 0.4), erase], GREY).any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tool": "pencil"}, "tool 'pencil'"),
        ({"tool": None}, "without a tool"),
        ({"tool": []}, "without a tool"),
        ({"points": []}, "0 point"),
        ({"points": "ab"}, "list of points"),
        ({"points": [[1, 2, 3]]}, "x and y"),
        ({"points": [[1, math.nan]]}, "coordinate nan"),
        ({"points": [[1, "2"]]}, "coordinate '2'"),
        ({"points": [[1, 1e9]]}, "too far"),
        ({"radius": -1}, "radius -1"),
        ({"radius": 0}, "radius 0"),
        ({"radius": math.inf}, "radius inf"),
        ({"radius": True}, "radius True"),
        ({"softness": 1.5}, "softness 1.5"),
        ({"erase": 1}, "erase 1"),
        ({"edge_aware": "yes"}, "edge_aware 'yes'"),
        ({"colour": 3}, "unknown colour"),
        ({"tool": "rectangle"}, "1 point"),
        ({"tool": "fill", "tolerance": 256}, "tolerance 256"),
        ({"tool": "fill", "points": [[1, 2], [3, 4]]}, "2 point"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(change: dict[str, object], said: str) -> None:
    good = {"tool": "brush", "points": [[1, 2]], "radius": 3, "softness": 0.5, "edge_aware": False, "erase": False}
    Shape.from_json(good)
    with pytest.raises(RaincleanError, match=said) as raised:
        Shape.from_json({**good, **change})
    assert "\n" not in str(raised.value)
    with pytest.raises(RaincleanError):
        Shape.from_json([good])


def test_equal_strokes_are_equal() -> None:
    assert Shape("lasso", ((1.04, 2), (-0.01, 3), (4, 4)), radius=9, softness=1, edge_aware=True) == Shape(
        "lasso", ((1.0, 2.0), (0.0, 3.0), (4.0, 4.0))
    )
    assert math.copysign(1, Shape("fill", ((-0.01, 0),)).points[0][0]) == 1


@given(st.integers(0, 9), st.lists(st.tuples(shapes, st.floats(0, 25)), max_size=3))
@settings(max_examples=30, deadline=None)
def test_identical_pictures_compose_to_themselves(seed: int, layers: list[tuple[Shape, float]]) -> None:
    base = picture(seed)
    laid = [(base.copy(), mask_of([shape], base), feather) for shape, feather in layers]
    np.testing.assert_array_equal(compose(base, laid), base)


@given(st.integers(0, 9), st.floats(0, 60), shapes)
@settings(max_examples=30, deadline=None)
def test_empty_and_full_masks(seed: int, feather: float, shape: Shape) -> None:
    base, other, below = picture(seed), picture(seed + 1), picture(seed + 2)
    empty, full = np.zeros((60, 80), np.uint8), np.full((60, 80), 255, np.uint8)
    np.testing.assert_array_equal(compose(base, [(other, empty, feather)]), base)
    under = (below, mask_of([shape], base), feather)
    np.testing.assert_array_equal(compose(base, [under, (other, full, feather)]), other)


@given(st.lists(st.tuples(shapes, st.floats(0, 25)), min_size=1, max_size=3), points, points)
@settings(max_examples=40, deadline=None)
def test_a_part_is_composed_as_in_the_whole(
    layers: list[tuple[Shape, float]], first: tuple[float, float], second: tuple[float, float]
) -> None:
    base = picture(0)
    laid = [(picture(i + 1), mask_of([shape], base), feather) for i, (shape, feather) in enumerate(layers)]
    xs, ys = (sorted(int(np.clip(p[i], 0, n - 1)) for p in (first, second)) for i, n in ((0, 80), (1, 60)))
    part = Region(xs[0], ys[0], xs[1] - xs[0] + 1, ys[1] - ys[0] + 1)
    whole = compose(base, laid)
    np.testing.assert_array_equal(compose(base, laid, part), whole[within(part)])


def test_a_feather_softens_exactly_its_width() -> None:
    base, other = np.zeros((50, 120, 3), np.uint8), np.full((50, 120, 3), 200, np.uint8)
    mask = mask_of([Shape("rectangle", ((0, 0), (60, 50)))], base)
    np.testing.assert_array_equal(compose(base, [(other, mask, 0)])[25, :, 0], np.where(np.arange(120) < 60, 200, 0))
    for feather in (1, 2, 7, 20):
        row = compose(base, [(other, mask, feather)])[25, :, 0].astype(int)
        assert (row[: 60 - feather] == 200).all() and (row[60 + feather :] == 0).all()
        assert (np.diff(row) <= 0).all()
        np.testing.assert_allclose(
            row[60 - feather : 60 + feather] + row[60 - feather : 60 + feather][::-1], 200, atol=1
        )
        np.testing.assert_allclose(row, soften(mask, feather)[25] * (200 / 255), atol=1)


def test_later_layers_lie_on_top() -> None:
    base = np.zeros((10, 10, 3), np.uint8)
    full = np.full((10, 10), 255, np.uint8)
    half = np.full((10, 10), 51, np.uint8)
    result = compose(base, [(base + 100, full, 0), (base + 200, half, 0)])
    assert (result == 120).all()


def test_wrong_arrays_and_feathers_are_refused() -> None:
    mask = np.zeros((60, 80), np.uint8)
    with pytest.raises(ValueError, match="a mask of"):
        paint(mask[:-1], Shape("fill", ((1, 1),)), GREY)
    with pytest.raises(ValueError, match="a picture of"):
        compose(GREY, [(GREY[..., 0], mask, 0)])
    with pytest.raises(ValueError, match="region"):
        compose(GREY, [], Region(70, 0, 20, 10))
    for feather in (-1, math.nan, 1e9):
        with pytest.raises(UsageError, match="feather"):
            compose(GREY, [(GREY, mask, feather)])
        with pytest.raises(UsageError, match="feather"):
            Layer("a", 1, feather=feather)
