import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from rainclean.spanet import _irnn_cpu
from rainclean.spanet.irnn import irnn, irnn_reference
from tests.helpers.irnn_inputs import gradients, inputs
from tests.helpers.released_files import arrays, needs_released, relative

BACK_ENDS = pytest.mark.parametrize("function", [irnn, irnn_reference])


def numpy_loop(x: NDArray[Any], w: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Independent of both: one position after the other, as the paper has it."""
    batch, channels, height, width = x.shape
    out = np.zeros((4, batch, channels, height, width), x.dtype)
    rows, columns = range(height), range(width)
    for i in reversed(rows):
        before = out[0, :, :, i + 1] * w[0][:, None] + b[0][:, None] if i + 1 < height else 0
        out[0, :, :, i] = np.maximum(before + x[:, :, i], 0)
    for j in columns:
        before = out[1, :, :, :, j - 1] * w[1][:, None] + b[1][:, None] if j else 0
        out[1, :, :, :, j] = np.maximum(before + x[..., j], 0)
    for i in rows:
        before = out[2, :, :, i - 1] * w[2][:, None] + b[2][:, None] if i else 0
        out[2, :, :, i] = np.maximum(before + x[:, :, i], 0)
    for j in reversed(columns):
        before = out[3, :, :, :, j + 1] * w[3][:, None] + b[3][:, None] if j + 1 < width else 0
        out[3, :, :, :, j] = np.maximum(before + x[..., j], 0)
    return np.concatenate(list(out), axis=1)


@needs_released
@BACK_ENDS
@pytest.mark.parametrize("case", range(8))
def test_the_given_cases(function: Any, case: int) -> None:
    given = arrays("irnn.npz")
    tensors = [torch.from_numpy(given[f"{case}_{name}"]) for name in "xwb"]
    expected, grad = (torch.from_numpy(given[f"{case}_{n}"]).transpose(0, 1).flatten(1, 2) for n in ("out", "gout"))
    assert relative(function(*tensors), expected) < 1e-5
    for gradient, name in zip(gradients(function, tensors, grad), "xwb", strict=True):
        assert relative(gradient, given[f"{case}_g{name}"]) < 5e-5


@BACK_ENDS
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 1, 7), (1, 2, 9, 1), (2, 5, 6, 8)])
def test_every_position_of_an_independent_loop(function: Any, shape: tuple[int, int, int, int]) -> None:
    x, w, b = inputs(shape, dtype=torch.float64)
    np.testing.assert_allclose(function(x, w, b).numpy(), numpy_loop(x.numpy(), w.numpy(), b.numpy()), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_shape_and_memory_gives_what_plain_torch_gives(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 20), st.integers(1, 70)))
    x, w, b = inputs(shape, data.draw(st.integers(0, 99)))
    expected = irnn_reference(x, w, b)
    memory = data.draw(st.sampled_from(["contiguous", "channels last", "every second", "transposed", "expanded"]))
    if memory == "channels last":
        x = x.contiguous(memory_format=torch.channels_last)
    elif memory == "every second":
        x = x.repeat_interleave(2, 3)[..., ::2]
    elif memory == "transposed":
        x = x.transpose(2, 3).contiguous().transpose(2, 3)
    elif memory == "expanded":
        x = x[:1].expand(shape)
        expected = irnn_reference(x, w, b)
    out = irnn(x, w.t().contiguous().t(), b)
    assert torch.equal(out, expected)
    assert out.is_contiguous(memory_format=torch.channels_last)
    # In float64: the gradients of weights are sums in which float32 may lose all but a few digits, in either order.
    doubles = [tensor.double() for tensor in (x, w, b)]
    grad = torch.randn(out.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))
    for ours, plain in zip(gradients(irnn, doubles, grad), gradients(irnn_reference, doubles, grad), strict=True):
        assert relative(ours, plain) < 1e-10


@BACK_ENDS
@pytest.mark.parametrize("shape", [(2, 2, 3, 4), (1, 1, 1, 1), (1, 3, 1, 5)])
def test_gradients_are_those_of_finite_differences(function: Any, shape: tuple[int, int, int, int]) -> None:
    leaves = [t.requires_grad_() for t in inputs(shape, 3, torch.float64)]
    assert torch.autograd.gradcheck(function, leaves)


def test_gradients_of_a_grown_picture_keep_their_precision() -> None:
    tensors = inputs((1, 4, 300, 500), 5)
    grad = torch.randn(1, 16, 300, 500)
    exact = gradients(irnn, [t.double() for t in tensors], grad.double())
    for ours, reference in zip(gradients(irnn, tensors, grad), exact, strict=True):
        assert relative(ours.double(), reference) < 5e-6


def test_torch_finds_the_operator_well_registered() -> None:
    leaves = tuple(t.requires_grad_() for t in inputs((2, 3, 4, 5)))
    torch.library.opcheck(torch.ops.rainclean.irnn.default, leaves)
    out = irnn(*leaves).detach()
    torch.library.opcheck(torch.ops.rainclean.irnn_backward.default, (torch.randn_like(out), out, leaves[1].detach()))


def test_compiles_without_a_break() -> None:
    def graph(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return (irnn(x * 2, w, b) + 1).sin()

    leaves = inputs((1, 3, 5, 6))
    compiled = torch.compile(graph, backend="aot_eager", fullgraph=True)
    assert torch.allclose(compiled(*leaves), graph(*leaves))
    grad = torch.randn(1, 12, 5, 6)
    for ours, plain in zip(gradients(compiled, leaves, grad), gradients(graph, leaves, grad), strict=True):
        assert torch.allclose(ours, plain, atol=1e-5)


def test_stays_in_float32_under_autocast() -> None:
    x, w, b = inputs((1, 3, 5, 6))
    with torch.autocast("cpu", torch.bfloat16):
        half = torch.nn.functional.conv2d(x, torch.eye(3)[:, :, None, None])
        assert half.dtype == torch.bfloat16
        out = irnn(half, w, b)
    assert out.dtype == torch.float32
    assert torch.equal(out, irnn(half.float(), w, b))


def test_nothing_is_kept_without_gradients() -> None:
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    leaves = [t.requires_grad_() for t in inputs((1, 3, 5, 6))]
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        with torch.no_grad():
            assert irnn(*leaves).grad_fn is None
        with torch.inference_mode():
            assert irnn(*leaves).grad_fn is None
        assert not kept
        out = irnn(*leaves)
    assert len(kept) == 2 and kept[0].shape == out.shape and kept[1].shape == (4, 3)  # and not x


def test_nan_stays_nan() -> None:
    x, w, b = inputs((1, 2, 4, 5))
    x[0, 0, 1, 2] = float("nan")
    assert torch.equal(irnn(x, w, b).isnan(), irnn_reference(x, w, b).isnan())


def test_the_result_does_not_depend_on_threads() -> None:
    tensors = inputs((1, 8, 90, 200), 7)
    grad = torch.randn(1, 32, 90, 200)
    assert tensors[0].numel() > _irnn_cpu.SMALL
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            results.append([irnn(*tensors), *gradients(irnn, tensors, grad)])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for run in results[1:] for one, other in zip(results[0], run, strict=True))


def test_an_error_in_one_part_is_not_lost() -> None:
    def fail() -> None:
        raise ArithmeticError("part")

    with pytest.raises(ArithmeticError), _irnn_cpu.team(1 << 20) as run:
        run([fail] * 4)


def test_several_threads_at_once() -> None:
    tensors = inputs((1, 8, 90, 200), 8)
    expected = irnn(*tensors)
    start = threading.Barrier(3)

    def work() -> bool:
        start.wait()
        return all(torch.equal(irnn(*tensors), expected) for _ in range(5))

    with ThreadPoolExecutor(3) as pool:
        assert all(future.result() for future in [pool.submit(work) for _ in range(3)])


def _in_a_child(connection: Any, tensors: list[Tensor]) -> None:
    # Torch's own threads do not outlive a fork; a DataLoader's worker does without them. Ours are to work.
    torch.set_num_threads(1)
    torch.get_num_threads = lambda: 2
    connection.send(irnn(*tensors).numpy().tobytes())


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_in_a_child_process_after_use_in_the_parent(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    tensors = inputs((1, 8, 90, 200), 9)
    expected = irnn(*tensors).numpy().tobytes()
    context = multiprocessing.get_context(method)
    here, there = context.Pipe()
    child = context.Process(target=_in_a_child, args=(there, tensors))  # type: ignore[attr-defined]
    child.start()
    try:
        assert here.poll(180), "the child hangs"
        assert here.recv() == expected
    finally:
        child.join(10)
        child.kill()


@pytest.mark.parametrize(
    ("x", "w", "b", "message"),
    [
        (torch.zeros(3, 4, 5), torch.zeros(4, 3), torch.zeros(4, 3), "not \\(B, C, H, W\\)"),
        (torch.zeros(1, 3, 0, 5), torch.zeros(4, 3), torch.zeros(4, 3), "at least 1"),
        (torch.zeros(1, 3, 4, 5), torch.zeros(4, 2), torch.zeros(4, 3), "not \\(4, 3\\)"),
        (torch.zeros(1, 3, 4, 5), torch.zeros(4, 3), torch.zeros(3), "not \\(4, 3\\)"),
    ],
)
def test_wrong_shapes_are_refused(x: Tensor, w: Tensor, b: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        irnn(x, w, b)


def test_wrong_types_and_devices_are_refused() -> None:
    x, w, b = inputs((1, 3, 4, 5))
    for wrong in ([x.half(), w.half(), b.half()], [x, w.double(), b], [x.int(), w.int(), b.int()]):
        with pytest.raises(TypeError, match="float32"):
            irnn(*wrong)
