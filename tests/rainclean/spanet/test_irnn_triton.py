"""The CUDA kernels in triton's interpreter, beside the CPU torch, and compiled for a card that need not be there."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(
    find_spec("triton") is None, reason="triton is not installed: pip install 'triton==3.7.*'"
)

COMPARE = """
import sys, torch
sys.path.insert(0, {folder!r})
from tests.helpers.irnn_inputs import gradients, inputs
from tests.helpers.released_files import FOLDER, arrays, relative
from rainclean.spanet import _irnn_triton
from rainclean.spanet.irnn import irnn_reference
cases = []
for shape in [(1, 1, 1, 1), (2, 3, 1, 7), (1, 2, 9, 1), (2, 5, 6, 11), (1, 33, 4, 3)]:
    tensors = inputs(shape)
    grad = torch.randn(shape[0], 4 * shape[1], *shape[2:])
    cases.append((tensors, grad, irnn_reference(*tensors), gradients(irnn_reference, tensors, grad)))
if FOLDER.is_dir():
    given = arrays("irnn.npz")
    for case in (0, 1, 2, 3, 7):
        tensors = [torch.from_numpy(given[f"{{case}}_{{name}}"]) for name in "xwb"]
        out, grad = (torch.from_numpy(given[f"{{case}}_{{n}}"]).transpose(0, 1).flatten(1, 2) for n in ("out", "gout"))
        cases.append((tensors, grad, out, [given[f"{{case}}_g{{name}}"] for name in "xwb"]))
for number, (tensors, grad, expected, expected_gradients) in enumerate(cases):
    for memory in (torch.contiguous_format, torch.channels_last)[number % 2 :]:
        out = _irnn_triton.forward(tensors[0].contiguous(memory_format=memory), *tensors[1:])
        assert out.is_contiguous(memory_format=torch.channels_last)
        assert relative(out, expected) < 1e-5
        found = _irnn_triton.backward(grad.contiguous(memory_format=memory), out, tensors[1])
        for gradient, reference in zip(found, expected_gradients, strict=True):
            assert relative(gradient, reference) < 5e-5
doubles = inputs((1, 2, 4, 5), dtype=torch.float64)
assert torch.allclose(_irnn_triton.forward(*doubles), irnn_reference(*doubles), atol=1e-12)
print("compared", len(cases))
"""

COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from rainclean.spanet import _irnn_triton
for kernel, constants in [
    (_irnn_triton._scan, {}), (_irnn_triton._scan, {"batch": 1, "height": 1, "channels": 1}),
    (_irnn_triton._gradients, {}), (_irnn_triton._gradients, {"direction": 1, "batch": 1, "width": 1}),
]:
    constants = {"LINES": 4, "CHANNELS": 32, **constants}
    memory = ("x", "weight", "bias", "out", "grad", "gx", "gw", "gb")
    names = kernel.arg_names
    signature = {n: "*fp32" if n in memory else "constexpr" if n in constants else "i32" for n in names}
    source = ASTSource(fn=kernel, signature=signature, constexprs={(names.index(n),): v for n, v in constants.items()})
    assert triton.compile(source, target=GPUTarget("cuda", 80, 32), options={"num_warps": 4}).asm["cubin"]
print("compiled")
"""


def run(script: str, interpret: bool) -> str:
    environment = {**os.environ, "TRITON_INTERPRET": "1" if interpret else "0"}
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_interpreted_kernels_agree_with_plain_torch_and_the_given_cases() -> None:
    assert "compared" in run(COMPARE.format(folder=str(ROOT)), interpret=True)


def test_the_kernels_compile_for_a_card() -> None:
    assert "compiled" in run(COMPILE, interpret=False)


@pytest.mark.skipif("not __import__('torch').cuda.is_available()", reason="no CUDA device here")
def test_on_a_real_card() -> None:
    import torch

    from rainclean.spanet.irnn import irnn, irnn_reference
    from tests.helpers.irnn_inputs import gradients, inputs
    from tests.helpers.released_files import relative

    tensors = [t.cuda() for t in inputs((2, 32, 65, 130))]
    grad = torch.randn(2, 128, 65, 130, device="cuda")
    assert relative(irnn(*tensors), irnn_reference(*tensors)) < 1e-5
    for ours, plain in zip(gradients(irnn, tensors, grad), gradients(irnn_reference, tensors, grad), strict=True):
        assert relative(ours, plain) < 5e-5
