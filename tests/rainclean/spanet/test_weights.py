import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from pipeline.cli.main import main
from rainclean.errors import InputError, RaincleanError
from rainclean.spanet import Origin, require_torch, save
from rainclean.spanet import load as load_lazily
from rainclean.spanet.checkpoint import import_checkpoint
from rainclean.spanet.network import SPANet
from rainclean.spanet.weights import load, read
from tests.conftest import Run
from tests.helpers.released_files import CHECKPOINT, needs_released

ORIGIN = Origin(direction_attention=False, kind="made for a test")


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    torch.manual_seed(4)
    return dict(SPANet().state_dict())


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(4)
    save(SPANet(), tmp_path / "w.safetensors", ORIGIN)
    return tmp_path / "w.safetensors"


def refused(call: Callable[[], object]) -> InputError:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    return caught.value


def test_what_is_saved_is_loaded(weights: Path, state: dict[str, Any]) -> None:
    net = load(weights)
    assert not net.training and not any(p.requires_grad for p in net.parameters())
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in state.items())
    assert read(weights)[0] == ORIGIN
    assert load_lazily is load
    assert [p.name for p in weights.parent.iterdir()] == ["w.safetensors"]
    assert all(p.is_contiguous() for p in net.parameters())


def test_direction_attention_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save(SPANet(direction_attention=True), path, Origin(direction_attention=True, kind="paper"))
    assert load(path).direction_attention
    with pytest.raises(ValueError, match="direction_attention"):
        save(SPANet(), path, Origin(direction_attention=True, kind="paper"))


def test_weights_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    net = SPANet()
    with torch.no_grad():
        net.get_parameter("conv_in.0.weight")[0, 0, 0, 0] = float("inf")
    assert "conv_in.0.weight holds NaN or infinity" in str(refused(lambda: save(net, tmp_path / "w", ORIGIN)))
    assert not list(tmp_path.iterdir())
    assert "no/w" in str(refused(lambda: save(SPANet(), tmp_path / "no" / "w", ORIGIN)))


def rewritten(weights: Path, change: Callable[[dict[str, Any], dict[str, str]], None]) -> Path:
    content = weights.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    tensors = safetensors.torch.load(content)
    change(tensors, metadata)
    weights.write_bytes(safetensors.torch.save(tensors, metadata))
    return weights


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t, m: t.pop("conv_in.0.weight"), "tensors are not those of SPANet"),
        (lambda t, m: t.update(more=torch.zeros(1)), "tensors are not those of SPANet"),
        (lambda t, m: t.update({"conv_in.0.weight": torch.zeros(32, 3, 3)}), "32×3×3, not 32×3×3×3"),
        (lambda t, m: t["conv_in.0.weight"].fill_(float("nan")), "NaN"),
        (lambda t, m: t.update({"conv_in.0.weight": t["conv_in.0.weight"].half()}), "float16"),
        (lambda t, m: m.clear(), "not weights written by rainclean"),
        (lambda t, m: m.update(format_version="2"), "format version '2'"),
        (lambda t, m: m.update(format_version="\n" * 300), "format version"),
        (lambda t, m: m.update(colour_order="BGR"), "colour order 'BGR'"),
        (lambda t, m: m.update(direction_attention="perhaps"), "direction attention"),
    ],
)
def test_weights_of_another_kind_are_refused(weights: Path, change: Any, reason: str) -> None:
    assert reason in str(refused(lambda: load(rewritten(weights, change))))


@pytest.mark.parametrize("keep", [0, 5, 8, 100, 5000, 500_000, -1])
def test_cut_off_files_are_refused(weights: Path, keep: int) -> None:
    weights.write_bytes(weights.read_bytes()[:keep])
    refused(lambda: load(weights))


def test_damaged_headers_are_refused(weights: Path) -> None:
    content = weights.read_bytes()
    for length in (0, 3, 1 << 20, 1 << 40, (1 << 64) - 1):
        weights.write_bytes(struct.pack("<Q", length) + content[8:])
        refused(lambda: load(weights))
    weights.write_bytes(content[:8] + b"[" * 5000 + content[5008:])
    refused(lambda: load(weights))


def test_files_of_absurd_size_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(5 << 30)
    for path in (tmp_path / "huge", tmp_path / "none", tmp_path):
        refused(lambda path=path: load(path))  # type: ignore[misc]
        refused(lambda path=path: import_checkpoint(path, tmp_path / "w"))  # type: ignore[misc]


class Runs:
    """What a hostile pickle would have us call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def checkpoints(state: dict[str, Any], mark: Path) -> dict[str, Any]:
    first = "conv_in.0.weight"
    endless: list[Any] = []
    for _ in range(40):
        endless = [endless] * 10
    itself: dict[str, Any] = {}
    itself["net"] = itself
    return {
        "runs code": {"net": Runs(os.mkdir, str(mark))},
        "runs code beside weights": {"net": state, "more": Runs(os.mkdir, str(mark))},
        "wants 64 GB": {"net": Runs(bytearray, 64 << 30)},
        "list": [state],
        "number": 5,
        "numbers as names": {1: 2},
        "itself": itself,
        "endless": {"net": endless},
        "empty": {"net": {}},
        "text": {"net": {**state, first: "weights"}},
        "missing": {name: value for name, value in state.items() if name != first},
        "more": {**state, "and\nmore" * 99: torch.zeros(1)},
        "shape": {**state, first: torch.zeros(32, 3, 5, 5)},
        "expanded": {**state, first: torch.zeros(1).expand(1 << 20, 1 << 20)},
        "whole numbers": {**state, first: torch.zeros(32, 3, 3, 3, dtype=torch.int64)},
        "sparse": {**state, first: state[first].to_sparse()},
        "nan": {**state, first: state[first] * float("nan")},
        "beyond float32": {**state, first: state[first].double() * 1e300},
    }


@pytest.mark.parametrize("archive", [True, False], ids=["zip", "legacy"])
def test_other_checkpoints_are_refused_and_nothing_in_them_runs(
    state: dict[str, Any], tmp_path: Path, archive: bool
) -> None:
    path = tmp_path / "c.pth"
    for name, content in checkpoints(state, tmp_path / "it ran").items():
        torch.save(content, path, _use_new_zipfile_serialization=archive)
        assert refused(lambda: import_checkpoint(path, tmp_path / "w")).path == path, name
    assert [p.name for p in tmp_path.iterdir()] == ["c.pth"]


def hostile_files() -> dict[str, bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/data.pkl", bytes(40 << 20))
    saved = io.BytesIO()
    torch.save({"net": {"a": torch.zeros(7777)}}, saved, _use_new_zipfile_serialization=False)
    before, after = saved.getvalue().split(b"M" + struct.pack("<H", 7777), 1)
    code = pickle.dumps({"net": Runs(os.abort)}, 2)
    hidden = io.BytesIO(code)
    hidden.seek(0, io.SEEK_END)
    with zipfile.ZipFile(hidden, "a") as file:
        file.writestr("a/data.pkl", pickle.dumps({}, 2))
    return {
        "zip bomb": packed.getvalue(),
        "claims a storage of 4 TB": before + b"\x8a\x06" + (1 << 40).to_bytes(6, "little") + after,
        "deeply nested": b"\x80\x02" + b"(" * 100_000,
        "plain pickle": code,
        "pickle with an archive behind it": hidden.getvalue(),
        "newer pickle": pickle.dumps({"net": Runs(os.abort)}, 5),
        "picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "text": b"# A heading\n" * 9,
        "empty": b"",
    }


@pytest.mark.parametrize("name", hostile_files())
def test_hostile_files_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "c.pth"
    path.write_bytes(hostile_files()[name])
    refused(lambda: import_checkpoint(path, tmp_path / "w"))


@pytest.mark.parametrize("archive", [True, False], ids=["zip", "legacy"])
def test_checkpoints_in_the_wild_are_read(state: dict[str, Any], tmp_path: Path, archive: bool) -> None:
    path = tmp_path / "c.pth"
    optimizer = {
        "state": {0: {"step": 5, "exp_avg": torch.zeros(3)}},
        "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.99)}],
    }
    modules = {"module." + name: torch.nn.Parameter(value) for name, value in state.items()}
    for content in (state, {"net": modules, "clock": 40, "opt": optimizer}, {"state_dict": modules}):
        torch.save(content, path, _use_new_zipfile_serialization=archive)
        origin = import_checkpoint(path, tmp_path / "w")
        found = read(tmp_path / "w")[1]
        assert torch.equal(found["conv_in.0.weight"], state["conv_in.0.weight"][:, [2, 1, 0]])
        assert torch.equal(found["conv_out.0.weight"], state["conv_out.0.weight"][[2, 1, 0]])
        assert torch.equal(found["SAM1.conv2.weight"], state["SAM1.conv2.weight"])
        assert origin.steps == ("40" if "clock" in content else "") and origin.source == "c.pth"


@needs_released
def test_the_released_checkpoint_cut_off(tmp_path: Path) -> None:
    content = CHECKPOINT.read_bytes()
    for keep in (10, 300, 20_000, 100_000, len(content) // 2):
        (tmp_path / "c.pth").write_bytes(content[:keep])
        refused(lambda: import_checkpoint(tmp_path / "c.pth", tmp_path / "w"))


@needs_released
def test_the_commands(here: Run, tmp_path: Path) -> None:
    target = tmp_path / "w.safetensors"
    result = here("weights", "import", CHECKPOINT, "-o", target)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == f"{target}: SPANet as released with the paper, 2019, 283,716 parameters"
    document = json.loads(here("weights", "info", target, "--json").stdout)
    assert document["direction_attention"] is False and document["colour_order"] == "RGB"
    assert document["parameters"] == 283716 and document["steps"] == "40000"
    assert document["source_sha256"].startswith("3b5d58d0")


def test_the_commands_refuse(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "import", str(weights), "-o", str(tmp_path / "new")]) == 1
    assert "is a safetensors file, not a checkpoint" in capsys.readouterr().err
    assert main(["weights", "import", str(tmp_path / "none"), "-o", str(weights)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main(["weights", "info", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err == f"rainclean: {tmp_path / 'none'}: no such file\n"
    assert main(["weights", "info", str(weights)]) == 0
    assert "not applied (as released)" in capsys.readouterr().out


def test_without_torch_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rainclean.spanet.requirements.find_spec", lambda name: None)
    with pytest.raises(RaincleanError, match=r"needs torch and safetensors: pip install 'rainclean\[spanet\]'"):
        require_torch()


def test_the_same_weights_are_the_same_file(tmp_path: Path) -> None:
    torch.manual_seed(2)
    net = SPANet()
    origin = Origin(False, "drawn at random", source="nowhere – ωeights", source_sha256="0" * 64, steps="7")
    for number in range(6):
        save(net, tmp_path / f"{number}.safetensors", origin)
    assert len({(tmp_path / f"{number}.safetensors").read_bytes() for number in range(6)}) == 1
    assert read(tmp_path / "0.safetensors")[0] == origin
