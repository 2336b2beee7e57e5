"""Frames of a moving camera are registered under rain; a camera that stands still is left alone."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rainclean.simulate.presets import preset
from rainclean.simulate.render import Renderer
from rainclean.stabilization._registration_kernels import normal_equations, relit_residuals, reweight, sample_bicubic
from rainclean.stabilization.gauss_newton import Target, project_to_model
from rainclean.stabilization.parallax import Nodes, capped, mesh_equations, solve
from rainclean.stabilization.registration import MIN_REGION_FRACTION, FrameAligner, choose_region
from rainclean.stabilization.resampling import bend, resample, shown
from rainclean.stabilization.template import without_rain
from rainclean.video import Region
from tests.helpers.moving_cameras import PATHS, SHAKE, SIZE, clip_of, errors, register, result_of, shift, textured

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]


@pytest.mark.parametrize("model", PATHS)
def test_each_kind_of_motion_is_told_and_registered(model: str) -> None:
    found = register(clip_of(PATHS[model]), 12)
    assert found.model == model and found.moves
    assert found.reference == 12 and np.array_equal(found.placements[12].matrix, np.eye(3))
    assert len(found.fitting) == 24
    wrong = errors(found, PATHS[model])
    assert np.sqrt(np.mean(np.square(wrong))) < 0.1 and max(wrong) < 0.25
    assert max(p.residual for p in found.placements) < 0.2
    assert all(p.mesh is None for p in found.placements)


def test_frames_of_a_shaken_camera_come_to_lie_over_one_another() -> None:
    paths = [shift(x, y) for x, y in 2 * SHAKE]
    found = register(clip_of(paths), 5)
    x, y, width, height = found.region
    assert width * height >= MIN_REGION_FRACTION * SIZE[0] * SIZE[1]
    dry = clip_of(paths, density=0)
    laid = np.mean([found.warp(i, dry[i]) for i in found.fitting], axis=0)
    as_it_is = np.mean([frame[y : y + height, x : x + width] for frame in dry], axis=0)
    truth = dry[5][y : y + height, x : x + width].astype(float)
    assert np.abs(laid - truth).mean() < 2.2 < 4 < np.abs(as_it_is - truth).mean()


@pytest.mark.parametrize("case", ["heavy", "torrent", "noisy", "night", "gradient", "drift", "flicker", "walker"])
def test_a_camera_that_stands_still_is_left_alone(case: str) -> None:
    renderer = Renderer(preset(case), SIZE, 24, 4)
    scene = renderer.scene(textured(SIZE, 4))
    frames = [renderer.render(i, scene).frame for i in range(24)]
    found = register(frames)
    assert found.model == "still" and not found.moves
    assert found.region == Region(0, 0, SIZE[1], SIZE[0]) and len(found.fitting) == 24
    assert np.array_equal(found.warp(7, frames[7]), frames[7])


def test_a_flat_picture_is_no_motion() -> None:
    found = register([np.full((*SIZE, 3), 90, np.uint8)] * 5)
    assert not found.moves and len(found.fitting) == 5


def test_one_frame_is_a_clip() -> None:
    found = register([textured(SIZE)])
    assert not found.moves and found.reference == 0


def test_a_knocked_frame_of_a_still_clip_is_dropped() -> None:
    paths = [shift(0, 0)] * 24
    paths[17] = shift(2.5, -1)
    found = register(clip_of(paths))
    assert not found.moves
    assert [i for i in range(24) if i not in found.fitting] == [17]
    assert "knocked" in found.placements[17].reason
    assert found.run() == (0, 17)


def test_frames_of_another_shot_do_not_fit() -> None:
    frames = clip_of(PATHS["translation"])
    frames[20:] = clip_of(PATHS["translation"], seed=9)[20:]
    found = register(frames, 8)
    assert [i for i in range(24) if i not in found.fitting] == [20, 21, 22, 23]
    assert found.run() == (0, 20)


def test_a_long_pan_keeps_the_frames_that_share_enough() -> None:
    found = register(clip_of([shift(3 * (i - 12), 0.3 * i) for i in range(24)]))
    assert 6 <= found.reference <= 17
    dropped = [i for i in range(24) if i not in found.fitting]
    start, stop = found.run()
    assert dropped == [*range(start), *range(stop, 24)] and stop - start >= 10
    # So few frames share as much as is asked for that the region gives way before they become fewer still.
    assert found.region.width * found.region.height >= 0.7 * SIZE[0] * SIZE[1]


def test_a_large_frame_is_reduced_and_its_matrices_are_in_full_px() -> None:
    """Twice the largest picture that is kept: places are halves between px there."""
    scene = textured((130, 700), 2).repeat(2, axis=0).repeat(2, axis=1)
    scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), 1.5), np.uint8)
    moves = [(6, 4), (9, 3), (2, 5), (12, 8), (7, 1), (4, 6), (11, 2)]
    frames = [scene[y : y + 240, x : x + 1280] for x, y in moves]
    found = register(frames, 0)
    assert found.model == "translation"
    for (x, y), placement in zip(moves, found.placements, strict=True):
        assert placement.matrix[:2, 2] == pytest.approx([6 - x, 4 - y], abs=0.05)


def test_windows_leave_frames_out() -> None:
    aligner = FrameAligner(workers=1)
    for frame in clip_of([shift(0, 0)] * 12):
        aligner.add_frame(frame[..., 1])
    found = result_of(aligner.result(5, [(2, 8), (2, 10)]))
    assert found.fitting == list(range(2, 10))


def test_bad_arguments_are_refused() -> None:
    aligner = FrameAligner(workers=1)
    with pytest.raises(ValueError, match="no frame"):
        next(aligner.result())
    aligner.add_frame(np.zeros((20, 30), np.uint8))
    with pytest.raises(ValueError, match="two sizes"):
        aligner.add_frame(np.zeros((20, 31), np.uint8))
    with pytest.raises(ValueError, match="reference frame 3"):
        next(aligner.result(3))
    with pytest.raises(ValueError, match="height, width"):
        register([textured(SIZE)]).warp(0, textured((20, 30)))


def two_layers(amount: float, count: int = 20) -> tuple[list[U8], list[U8]]:
    """A board in front of a scene, as a camera that moves sideways sees them: rainy and dry."""
    far, near = textured((200, 300), 5).astype(np.float32), textured((200, 300), 6).astype(np.float32)
    sharp = np.zeros((200, 300), np.float32)
    sharp[90:, 110:200] = 1
    board = cv2.GaussianBlur(sharp, (0, 0), 1)
    rain = Renderer(preset("light"), SIZE, count, 1)
    black, flags = np.zeros((*SIZE, 3), np.uint8), cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    rainy, dry = [], []
    for i in range(count):
        x = 10 * (i / (count - 1) - 0.5)
        one, other = shift(62 + x, 40)[:2], shift(62 + x * (1 + amount), 40)[:2]
        behind, front, m = (
            cv2.warpAffine(p, t, SIZE[::-1], flags=flags) for p, t in ((far, one), (near, other), (board, other))
        )
        seen = np.clip(behind * (1 - m[..., None]) + front * m[..., None], 0, 255)
        opacity = rain.render(i, black).rain[..., None] / 255
        dry.append(np.rint(seen).astype(np.uint8))
        rainy.append(np.rint(seen * (1 - opacity) + 232 * opacity).astype(np.uint8))
    return rainy, dry


def test_parallax_is_followed_by_a_mesh() -> None:
    rainy, dry = two_layers(0.25)
    found = register(rainy, 10)
    assert sum(p.mesh is not None for p in found.placements) >= 10
    x, y, width, height = found.region
    truth = dry[10][y : y + height, x : x + width].astype(float)
    plain = [resample(dry[i], found.placements[i].matrix, None, found.region) for i in found.fitting]
    bent = [found.warp(i, dry[i]) for i in found.fitting]
    left, without = (np.abs(np.mean(s, axis=0) - truth).mean() for s in (bent, plain))
    assert left < 0.9 * without


@given(st.floats(-3, 3), st.floats(-3, 3))
@settings(max_examples=20, deadline=None)
def test_a_shift_resamples_what_a_smooth_picture_shows_there(x: float, y: float) -> None:
    def wave(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.float32]:
        grey = 120 + 50 * np.sin(0.7 * xs + 0.2) * np.cos(0.5 * ys)
        return np.stack([grey, grey / 2, 255 - grey], axis=-1).astype(np.float32)

    ys, xs = np.mgrid[0:40, 0:50].astype(float)
    region = (8, 9, 30, 20)
    want = wave(xs + x, ys + y)[9:29, 8:38]
    picture = wave(xs, ys)
    assert np.abs(resample(picture, shift(x, y), None, region) - want).max() < 1.5
    still_turned = shift(x, y)
    still_turned[0, 1] = 1e-9  # no pure shift any more: the general way
    assert np.abs(resample(picture, still_turned, None, region) - want).max() < 3.0
    mesh = np.tile(np.array([x, y], np.float32), (3, 4, 1))
    assert np.abs(resample(picture, np.eye(3), mesh, region) - want).max() < 3.0


def test_a_whole_shift_copies() -> None:
    picture = textured(SIZE)
    found = resample(picture, shift(4, -2), None, (10, 12, 50, 40))
    assert np.array_equal(found, picture[10:50, 14:64])


def bent(matrix: F64, mesh: NDArray[np.float32], size: tuple[int, int], box: tuple[int, int, int, int]) -> F64:
    """Where the px of a box (left, top, width, height) are taken to: (height, width, 2)."""
    left, top, width, height = box
    u, v = np.empty((2, height, width), np.float32)
    bend(matrix, mesh, *size, left, top, u, v)
    return np.stack([u, v], -1).astype(np.float64)


def test_a_mesh_is_bilinear_between_its_nodes_behind_the_matrix() -> None:
    mesh = np.array([[[0, 0], [2, 0]], [[0, 4], [2, 4]]], np.float32)
    found = bent(np.diag([2.0, 2.0, 2.0]), mesh, (51, 101), (0, 0, 101, 51))
    assert found[0, 0] == pytest.approx([0, 0]) and found[25, 50] == pytest.approx([51, 27])
    assert found[50, 100] == pytest.approx([102, 54])
    assert bent(np.eye(3), mesh, (51, 101), (40, 20, 11, 6))[5, 10] == pytest.approx(found[25, 50])
    mesh = np.random.default_rng(4).random((3, 5, 2), np.float32)
    tilted = np.array([[1, 0.1, 3], [-0.1, 1, 2], [1e-4, 0, 1]])
    found = bent(tilted, mesh, (51, 101), (0, 0, 101, 51))
    for j, y in enumerate((0, 25, 50)):
        for i, x in enumerate((0, 25, 50, 75, 100)):
            there = tilted @ (x, y, 1)
            assert found[y, x] == pytest.approx(there[:2] / there[2] + mesh[j, i], abs=1e-4)


def test_a_picture_shows_what_a_matrix_takes_into_it() -> None:
    tilted = np.array([[1.1, 0.1, -3], [-0.1, 1, 2], [1e-3, 2e-3, 1]])
    inside = np.empty((40, 50), bool)
    shown(tilted, inside)
    u, v = np.moveaxis(bent(tilted, np.zeros((2, 2, 2), np.float32), (40, 50), (0, 0, 50, 40)), -1, 0)
    assert np.array_equal(inside, (u >= 0) & (v >= 0) & (u <= 49) & (v <= 39))
    assert 0.5 < inside.mean() < 0.99


def test_samples_are_those_of_a_cubic_and_outside_is_told() -> None:
    picture = np.random.default_rng(0).random((12, 14)).astype(np.float32)
    x, y = np.array([5.0, 5.5, 0.5, 6.25]), np.array([4.0, 4.0, 5.0, 10.9])
    out, inside = np.empty(4, np.float32), np.empty(4, bool)
    none = np.empty(0)
    assert sample_bicubic(picture, np.eye(3), x, y, none, none, out, inside) == 2
    assert inside.tolist() == [True, True, False, False]
    assert out[0] == pytest.approx(picture[4, 5])
    assert out[1] == pytest.approx(picture[4, 4:8] @ [-0.0625, 0.5625, 0.5625, -0.0625])
    assert out[2] == out[3] == 0
    again = np.empty(4, np.float32)
    sample_bicubic(
        picture, np.diag([2.0, 2.0, 2.0]) @ shift(1, 2), x - 3, y - 2, np.full(4, 2.0), np.zeros(4), again, inside
    )
    assert again == pytest.approx(out)


def test_residuals_are_those_of_another_light_and_ranked() -> None:
    rng = np.random.default_rng(5)
    out, values = rng.normal(0, 9, (2, 9001)).astype(np.float32)
    inside, found = rng.random(9001) < 0.7, np.empty(9001, np.float32)
    ranks = relit_residuals(out, values, inside, 1.5, 2.0, 3, found, np.empty(8192, np.uint16))
    assert found == pytest.approx(out - 1.5 * values - 2, abs=1e-5)
    assert ranks == pytest.approx(np.percentile(found[::3][inside[::3]], (25, 50)), abs=0.1)
    far = relit_residuals(out, values + 1e6, inside, 1.5, 2.0, 3, found, np.empty(8192, np.uint16))
    assert far == pytest.approx((-128, -128), abs=0.1)


def banded(matrix: F64, wide: int) -> F64:
    """The rows of a symmetric matrix from its diagonal on, so many numbers of each."""
    padded = np.pad(matrix, ((0, 0), (0, wide)))
    return np.stack([padded[r, r : r + wide] for r in range(len(matrix))])


@pytest.mark.parametrize("size", [(60, 130), (130, 60)])
def test_normal_equations_of_a_mesh_are_those_of_a_design_matrix(size: tuple[int, int]) -> None:
    nodes = Nodes(Target(textured(size)[..., 1].astype(np.float32), np.ones(size, bool), max_places=900))
    (gh, gw), (first, share) = nodes.shape, nodes.hold
    assert sorted(nodes.shape) == [3, 5] and nodes.steps.tolist() == ([0, 3, 1, 4] if gh < gw else [0, 1, 3, 4])
    rng = np.random.default_rng(1)
    count, slopes = len(first), nodes.slopes
    weight, residual = rng.random((2, count), np.float32)
    bands, right = np.zeros_like(nodes.bands), np.zeros(2 * gh * gw)
    mesh_equations(first, share, nodes.cells, nodes.steps, weight, slopes, residual, bands, right)
    design, ways = np.zeros((count, 2 * gh * gw)), np.meshgrid(np.arange(size[1]), np.arange(size[0]))
    for node in range(gh * gw):  # what a shift of one node moves
        for c in (0, 1):
            mesh = np.zeros((gh * gw, 2))
            mesh[node, c] = 1
            design[:, 2 * node + c] = slopes[c] * nodes.at_places(mesh)[c]
            rows, columns = nodes.target.places
            grown = nodes.grown(mesh)
            assert grown is not None
            wanted = bent(np.eye(3), grown, size, (0, 0, size[1], size[0])) - np.stack(ways, -1)
            assert nodes.at_places(mesh)[c] == pytest.approx(wanted[rows, columns, c], abs=1e-4)
    normal, wide = design.T @ (design * weight[:, None]), bands.shape[1]
    assert bands == pytest.approx(banded(normal, wide), rel=1e-4, abs=1e-2)
    assert right == pytest.approx(design.T @ (weight * residual), rel=1e-4, abs=1e-2)
    mesh = rng.normal(size=(gh * gw, 2))
    membrane = nodes.bands + banded(0.1 * np.eye(len(design.T)), wide)
    step = nodes.pull(mesh).ravel() + 0.1 * mesh.ravel()
    solve(membrane, step)
    assert step == pytest.approx(mesh.ravel())


def test_bands_are_solved() -> None:
    rng = np.random.default_rng(2)
    lower = np.tril(rng.random((30, 30))) * np.tri(30, 30, 0) * ~np.tri(30, 30, -7, bool) + 2 * np.eye(30)
    lower[np.arange(7, 30, 2), np.arange(1, 24, 2)] = 0
    wanted = rng.random(30)
    found = lower @ lower.T @ wanted
    solve(banded(lower @ lower.T, 8), found)
    assert found == pytest.approx(wanted, rel=1e-9)


def test_squares_are_capped() -> None:
    residual = np.array([1, -4, 100, 7], np.float32)
    assert capped(residual, np.array([True, True, True, False]), 2.0, 9.0) == pytest.approx((0.25 + 4 + 9) / 3)


def test_normal_equations_of_a_motion_are_those_of_a_design_matrix() -> None:
    rng = np.random.default_rng(3)
    slopes, (weight, residual) = rng.normal(size=(10, 2500)).astype(np.float32), rng.random((2, 2500), np.float32)
    used = np.array([0, 1, 8, 9])
    normal, right = np.zeros((4, 4)), np.zeros(4)
    normal_equations(slopes, used, weight, residual, normal, right)
    assert normal == pytest.approx((slopes[used] * weight) @ slopes[used].T, rel=1e-4, abs=1e-2)
    assert right == pytest.approx((slopes[used] * weight) @ residual, rel=1e-4, abs=1e-2)


def test_another_light_is_found_and_passers_by_are_not_trusted() -> None:
    rng = np.random.default_rng(6)
    values, noise = rng.normal(0, 9, (2, 6001)).astype(np.float32)
    out, inside = 1.2 * values + 3 + 0.1 * noise, rng.random(6001) < 0.9
    out[::5] += 60
    light, residual, weight = np.array([1.0, 0.0]), np.empty(6001, np.float32), np.empty(6001, np.float32)
    scale = reweight(out, values, inside, light, 5, 3, residual, weight, np.empty(8192, np.uint16))
    assert light == pytest.approx([1.2, 3], abs=0.1) and 0.7 < scale < 2
    assert residual == pytest.approx(out - light[0] * values - light[1], abs=1e-4)
    assert not weight[::5].any() and not weight[~inside].any() and np.median(weight[1::5][inside[1::5]]) > 0.8


def test_the_mean_between_two_ranks_counts_only_what_is_shown() -> None:
    rng = np.random.default_rng(2)
    pictures = [rng.integers(0, 255, (9, 11), dtype=np.uint8) for _ in range(10)]
    masks = [rng.random((9, 11)) < 0.6 for _ in range(10)]
    masks[0][3, 4] = True
    for mask in masks:
        mask[2, 2] = False
    found, known = without_rain(pictures, list(masks), 0.2, 0.5)
    assert not known[2, 2] and known.sum() >= 90
    there = np.sort([p[3, 4] for p, m in zip(pictures, masks, strict=True) if m[3, 4]])
    first = int(np.floor(0.2 * len(there)))
    assert found[3, 4] == pytest.approx(there[first : max(first + 1, int(np.ceil(0.5 * len(there))))].mean())
    plain, _ = without_rain(pictures, [None] * 10, 0.2, 0.5)
    assert plain == pytest.approx(np.sort(pictures, axis=0)[2:5].mean(axis=0), abs=1e-3)


@pytest.mark.parametrize("model", PATHS)
def test_the_nearest_matrix_of_a_model_is_itself(model: str) -> None:
    matrix = PATHS[model][20]
    assert project_to_model(model, matrix, SIZE) == pytest.approx(matrix, abs=1e-6)


def test_a_region_leaves_out_what_costs_most() -> None:
    matrices = [shift(0.5 * i, 0) for i in range(15)] + [shift(90, 0)]
    reasons = [""] * 16
    region = choose_region(matrices, [None] * 16, reasons, 0, SIZE)
    assert [i for i, r in enumerate(reasons) if r] == [15]
    assert region.x == 1 and region.x + region.width - 1 <= SIZE[1] - 1 - 7 - 1
