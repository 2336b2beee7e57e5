import copy
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.spanet.measure import network
from benchmarks.spanet.released import released_graph
from rainclean.spanet import _irnn_cpu, bands
from rainclean.spanet.bands import forward_in_bands
from rainclean.spanet.checkpoint import import_checkpoint
from rainclean.spanet.network import SPANet
from rainclean.spanet.weights import load
from tests.conftest import ROOT
from tests.helpers.released_files import CHECKPOINT, arrays, bgr_crop, needs_released, off

SIZES = [(1, 1), (1, 50), (50, 1), (2, 3), (33, 7), (5, 64), (40, 41)]


@pytest.fixture(scope="module", params=[False, True], ids=["as released", "attention applied"])
def net(request: pytest.FixtureRequest) -> SPANet:
    torch.manual_seed(2)
    net = SPANet(direction_attention=request.param)
    for name, value in net.named_parameters():
        if "irnn" in name:
            torch.nn.init.uniform_(value, -0.5, 0.9)
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    import_checkpoint(CHECKPOINT, path)
    return path


@pytest.fixture(scope="module")
def official() -> SPANet:
    """Official weights as they are, for BGR."""
    net = SPANet()
    net.load_state_dict(torch.load(CHECKPOINT, map_location="cpu", weights_only=True)["net"])
    return net.requires_grad_(False)


def crops() -> list[Tensor]:
    """BGR pictures that nothing was tuned on: parts of the sample clip."""
    import av

    with av.open(str(ROOT / "sample_sequences" / "table" / "clip.mp4")) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="bgr24")
    picture = torch.from_numpy(frame.astype(np.float32) / 255).permute(2, 0, 1).unsqueeze(0)
    return [picture[..., :96, :128], picture[..., 30:91, 50:123], picture[..., -1:, :77], picture[..., 10:90, 5:6]]


@needs_released
def test_the_given_crop(weights: Path) -> None:
    given, net = arrays("yard_crop.npz"), load(weights)
    attention, clean = net(bgr_crop().flip(1))
    assert off(attention[0, 0], given["mask"]) < 5e-5
    assert off(clean[0].flip(0), given["out"]) < 5e-6


@needs_released
def test_the_given_crop_with_the_attention_applied(tmp_path: Path) -> None:
    given = arrays("yard_crop.npz")
    import_checkpoint(CHECKPOINT, tmp_path / "w.safetensors", direction_attention=True)
    net = load(tmp_path / "w.safetensors")
    assert net.direction_attention
    attention, clean = net(bgr_crop().flip(1))
    assert off(attention[0, 0], given["mask_attn_applied"]) < 5e-5
    assert off(clean[0].flip(0), given["out_attn_applied"]) < 5e-6


@needs_released
@pytest.mark.parametrize("number", range(4))
def test_other_crops_go_as_through_the_released_graph(weights: Path, official: SPANet, number: int) -> None:
    bgr = crops()[number]
    expected_attention, expected = released_graph(official, bgr)
    net = load(weights)
    for forward in (net, partial(forward_in_bands, net)):
        attention, clean = forward(bgr.flip(1))
        assert off(attention, expected_attention) < 5e-5
        assert off(clean.flip(1), expected) < 5e-6


@needs_released
def test_rgb_into_ours_is_bgr_into_theirs(weights: Path, official: SPANet) -> None:
    bgr = bgr_crop()[..., :40, :50].double()
    expected_attention, expected = released_graph(copy.deepcopy(official).double(), bgr)
    attention, clean = load(weights).double()(bgr.flip(1))
    assert off(attention, expected_attention) < 1e-12
    assert off(clean.flip(1), expected) < 1e-12
    swapped = load(weights).double()(bgr)[1]
    assert off(swapped.flip(1), expected) > 1e-3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pixels", [1, 100, 1 << 16])
def test_bands_are_the_plain_graph(
    net: SPANet, size: tuple[int, int], pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bands, "BAND_PIXELS", pixels)
    monkeypatch.setattr(bands, "FEWEST_ROWS", 1)
    monkeypatch.setattr(_irnn_cpu, "SMALL", 100)  # so that there are threads
    rgb = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(3))
    attention, clean = forward_in_bands(net, rgb)
    plain_attention, plain = net(rgb)
    assert attention.shape == (2, 1, *size) and clean.shape == (2, 3, *size)
    assert off(attention, plain_attention) < 1e-6
    assert off(clean, plain) < 1e-6


def test_bands_of_one_row_are_exact(net: SPANet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "FEWEST_ROWS", 1)
    monkeypatch.setattr(bands, "BAND_PIXELS", 1)
    exact = copy.deepcopy(net).double()
    rgb = torch.rand(1, 3, 9, 11, dtype=torch.float64)
    for one, other in zip(forward_in_bands(exact, rgb), exact(rgb), strict=True):
        assert off(one, other) < 1e-13


def test_torch_keeps_its_threads(net: SPANet) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with ThreadPoolExecutor(1) as pool:
            forward_in_bands(net, torch.rand(1, 3, 60, 60))
            assert torch.get_num_threads() == 3
            assert pool.submit(torch.get_num_threads).result() == 3
    finally:
        torch.set_num_threads(before)


def test_the_result_does_not_depend_on_threads(net: SPANet) -> None:
    rgb = torch.rand(1, 3, 70, 61)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            results.append(torch.cat(forward_in_bands(net, rgb), 1))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


def test_inference_mode_is_kept(net: SPANet) -> None:
    rgb = torch.rand(1, 3, 60, 60)
    with torch.inference_mode():
        found = forward_in_bands(net, rgb)
    assert found[0].is_inference() and torch.equal(found[1], forward_in_bands(net, rgb)[1])


def test_any_memory_of_the_picture(net: SPANet) -> None:
    rgb = torch.rand(2, 20, 31, 6).permute(0, 3, 1, 2)[:, ::2]
    for one, other in zip(forward_in_bands(net, rgb), forward_in_bands(net, rgb.contiguous()), strict=True):
        assert torch.equal(one, other)


def test_names_and_number_of_parameters() -> None:
    names = SPANet().state_dict().keys()
    assert sum(p.numel() for p in SPANet().parameters()) == 283_716
    assert len(names) == 79
    known = {"conv_in.0.weight", "conv_out.0.weight", "SAM1.irnn2.left_weight.bias", "res_block17.group1.conv3.weight"}
    assert known <= set(names)
    assert names == SPANet(direction_attention=True).state_dict().keys()


@needs_released
def test_names_are_those_of_the_checkpoint(official: SPANet) -> None:
    given = torch.load(CHECKPOINT, map_location="cpu", weights_only=True)["net"]
    assert {k: v.shape for k, v in given.items()} == {k: v.shape for k, v in official.state_dict().items()}


def test_gradients_are_those_of_the_released_graph() -> None:
    net = network().double()
    rgb = torch.rand(2, 3, 12, 17, dtype=torch.float64)

    def gradients(graph: Callable[[Tensor], tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        net.zero_grad()
        attention, clean = graph(rgb)
        (attention.square().mean() + (clean - rgb).abs().mean()).backward()  # type: ignore[no-untyped-call]
        return {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}

    ours, theirs = gradients(net), gradients(partial(released_graph, net))
    assert ours.keys() == theirs.keys() and not any("attention_layer" in name for name in ours)
    assert max(off(ours[name], theirs[name]) for name in ours) < 1e-13


def test_with_the_attention_applied_it_is_trained_too() -> None:
    net = SPANet(direction_attention=True)
    attention, clean = net(torch.rand(1, 3, 9, 8))
    (attention.mean() + clean.mean()).backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in net.parameters())


def test_four_directions_are_not_kept_for_the_backward_pass() -> None:
    sizes: list[int] = []

    def note(tensor: Tensor) -> Tensor:
        sizes.append(tensor.shape[1] if tensor.dim() == 4 else 0)
        return tensor

    net = SPANet()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        net(torch.rand(1, 3, 9, 8))
    kept = [size for size in sizes if size == 128]
    assert len(kept) <= 8, "only the weights of the convolutions have 128 channels"


def test_autocast_runs_convolutions_in_bfloat16(net: SPANet) -> None:
    rgb = torch.rand(1, 3, 40, 41)
    with torch.autocast("cpu", torch.bfloat16):
        for clean in (net(rgb)[1], forward_in_bands(net, rgb)[1]):
            assert clean.dtype == torch.bfloat16
            assert off(clean.float(), net(rgb)[1].float()) < 0.05


def test_several_threads_at_once(net: SPANet) -> None:
    pictures = [torch.rand(1, 3, 30, 40) for _ in range(4)]
    expected = [forward_in_bands(net, rgb)[1] for rgb in pictures]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda rgb: forward_in_bands(net, rgb)[1], pictures * 2))
    assert all(off(one, other) < 1e-6 for one, other in zip(found, expected * 2, strict=True))


def test_the_package_is_imported_without_torch() -> None:
    script = (
        "import sys, rainclean.spanet as s; print('torch' in sys.modules); s.SPANet; print('torch' in sys.modules);"
        "import pytest; pytest.raises(AttributeError, lambda: s.nothing)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert result.stdout.split() == ["False", "True"], result.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_inference_needs_a_few_hundred_bytes_a_pixel() -> None:
    script = (
        "import re, torch\nfrom pathlib import Path\nfrom rainclean.spanet.bands import forward_in_bands as take\n"
        "from benchmarks.spanet.measure import network\n"
        "def peak(): return int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) * 1024\n"
        "net = network()\ntake(net, torch.rand(1, 3, 64, 64))\nbefore = peak()\n"
        "take(net, torch.rand(1, 3, 700, 512))\nprint((peak() - before) / (700 * 512))"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert re.match(r"[\d.]+", result.stdout), result.stderr
    assert float(result.stdout) < 700


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_hooks_see_every_module_that_is_used(net: SPANet, mode: type) -> None:
    """The usual way to look at features and attention; also with frozen parameters, which these are."""
    used = {name for name, _ in net.named_modules()} - {name for name, _ in net.named_modules() if "irnn" in name}
    if not net.direction_attention:
        used = {name for name in used if "attention_layer" not in name}
    seen: set[str] = set()
    handles = [
        module.register_forward_hook(lambda *_, name=name: seen.add(name)) for name, module in net.named_modules()
    ]
    try:
        with mode():
            net(torch.rand(1, 3, 12, 9))
    finally:
        for handle in handles:
            handle.remove()
    assert used <= seen


def test_another_network_goes_through_as_it_is() -> None:
    class Doubling(torch.nn.Module):
        def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
            return rgb[:, :1], rgb * 2

    rgb = torch.rand(1, 3, 4, 5, requires_grad=True)
    attention, clean = forward_in_bands(Doubling(), rgb)
    assert torch.equal(clean, 2 * rgb) and attention.shape == (1, 1, 4, 5) and not clean.requires_grad


def test_the_exported_graph_is_the_network(net: SPANet) -> None:
    rgb = torch.rand(1, 3, 16, 18)
    exported = torch.export.export(net, (rgb,))
    assert off(exported.module()(rgb)[1], net(rgb)[1]) < 1e-6
    targets = [str(node.target) for node in exported.graph.nodes if node.op == "call_function"]
    assert sum("conv2d" in target for target in targets) > 50
