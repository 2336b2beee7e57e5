"""Networks of the user: trained, resumed, scored and used; their code runs only where a person names it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.cli.main import main
from pipeline.stages import finish
from pipeline.training import Machine, Trained, load_network, run_folder
from pipeline.training.network_record import network_of, parse_arguments
from pipeline.training.networks import make_network
from pipeline.training.recipe import preset
from pipeline.training.train import begin, resume
from rainclean.dataset.reader import read_dataset
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.metrics import score
from rainclean.png import decode_png
from rainclean.spanet import losses, shipped_weights
from tests.conftest import ROOT
from tests.helpers.training_pairs import write_dataset

pytestmark = pytest.mark.usefixtures("one_thread")

MACHINE = Machine(accelerator="cpu", threads=1)
RECIPE = preset("quick", steps=4, batch=2, size=16, validate_every=2, checkpoint_every=2, validation_pictures=1)

TOY = """
import torch
from torch import nn

class Toy(nn.Module):
    size_multiple = 2

    def __init__(self, width, name):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.norm, self.drop = nn.BatchNorm2d(width), nn.Dropout(0.5)
        self.last = nn.Conv2d(width, 3, 1)

    def forward(self, rainy):
        assert rainy.shape[2] % 2 == rainy.shape[3] % 2 == 0
        return rainy + self.last(self.drop(torch.relu(self.norm(self.first(rainy)))))

def toy(width=4, name="toy"):
    return Toy(width, name)
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "pairs")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("code") / "toy.py"
    path.write_text(TOY)
    return f"{path}:toy"


@pytest.fixture(scope="module")
def whole(dataset: Path, toy: str, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whole") / "run"
    return finish(begin(dataset, folder, RECIPE, MACHINE, network=toy, arguments={"width": 6}))


def test_a_network_with_dropout_resumes_exactly(whole: Trained, dataset: Path, toy: str, tmp_path: Path) -> None:
    stage = begin(dataset, tmp_path / "run", RECIPE, MACHINE, network=toy, arguments={"width": 6})
    while next(stage).done < 1:
        pass
    stage.close()
    assert 1 <= torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["global_step"] < 4
    with pytest.raises(RaincleanError, match=r"trains .*toy\.py:toy, whose code runs here only if you name it"):
        finish(resume(tmp_path / "run", MACHINE))
    with pytest.raises(UsageError, match=r"--network other\.py:toy: .* trains"):
        finish(resume(tmp_path / "run", MACHINE, network="other.py:toy"))
    result = finish(resume(tmp_path / "run", MACHINE, network=toy))
    assert result.anew and (result.step, result.best_psnr) == (4, whole.best_psnr)
    for name in ("last.safetensors", "best.safetensors", "metrics.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (whole.folder / name).read_bytes()
    assert not finish(resume(tmp_path / "run", MACHINE)).anew  # what is finished needs no code


def test_the_run_says_what_the_network_is(whole: Trained, toy: str) -> None:
    record = run_folder.read(whole.folder).network
    assert record is not None and (record.factory, record.arguments) == (toy, {"width": 6})
    assert list(record.sources) == ["toy.py"] and record == network_of(whole.folder / "best.safetensors")
    metrics = (whole.folder / "metrics.csv").read_text().splitlines()
    columns = metrics[0].split(",")
    last = dict(zip(columns, metrics[-1].split(","), strict=True))
    assert last["loss_attention"] == "" and float(last["loss"]) == pytest.approx(
        float(last["loss_l1"]) + float(last["loss_ssim"]), abs=1e-5
    )


def test_a_source_that_has_changed_is_refused(whole: Trained, dataset: Path, tmp_path: Path) -> None:
    code = tmp_path / "toy.py"
    code.write_text(TOY + "# changed\n")
    best, named = whole.folder / "best.safetensors", f"{code}:toy"
    with pytest.raises(InputError, match=r"the source of its network has changed since the training \(toy\.py\)"):
        load_network(best, [named])
    again = load_network(best, ["other:x", named], accept_changed=True)
    rainy = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert again.derain(rainy).shape == (5, 7, 3)
    code.write_text(TOY.replace("3, 1)", "3, 3, padding=1)"))
    with pytest.raises(InputError, match="does not fit the network: size mismatch for last"):
        load_network(best, [named], accept_changed=True)
    code.unlink()
    with pytest.raises(RaincleanError, match=r"toy\.py:toy: no such file"):
        load_network(best, [named])


def test_looking_at_a_run_runs_no_code(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, mark = tmp_path / "loud.py", tmp_path / "ran"
    code.write_text(f"open({str(mark)!r}, 'w').close()\n{TOY}")
    run = tmp_path / "run"
    finish(begin(dataset, run, replace(RECIPE, steps=1), MACHINE, network=f"{code}:toy"))
    mark.unlink()
    assert run_folder.read(run).network is not None
    assert main(["weights", "info", str(run / "best.safetensors"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["network"] == f"{code}:toy"
    assert main(["weights", "info", str(run / "best.safetensors")]) == 0
    table = capsys.readouterr().out
    assert "{" not in table and "arguments" not in table, "of no arguments there is no row"
    assert re.search(r"^sources +loud\.py: [0-9a-f]{64}$", table, re.MULTILINE), table
    for words in (
        ["train", "--resume", str(run)],
        ["evaluate", str(dataset), "-o", str(tmp_path / "out"), "-w", str(run), "--split", "train"],
        ["derain", str(read_dataset(dataset).pairs[0].rainy), "-o", str(tmp_path / "out.png"), "-w", str(run)],
    ):
        main(words)
        assert not mark.exists()
    said = capsys.readouterr().err
    assert said.count(f"whose code runs here only if you name it; if you trust it: --network {code}:toy") == 2


def test_the_network_of_the_documents(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained for two steps, resumed, scored and used, by the commands that the document has."""
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(\"\"\"A small U-Net.*?)^```", text, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("unet.py").write_text(code)
    named = ["--network", "unet.py:unet"]
    flags = ["--preset", "quick", "--batch", "2", "--size", "16", "--accelerator", "cpu", "--threads", "1"]
    flags += ["--steps", "2", "--validation-pictures", "1", "--checkpoint-every", "1"]
    assert main(["train", str(dataset), "-o", "RUN", *named, "--network-arguments", "width=4", *flags]) == 0
    assert main(["train", "--resume", "RUN", *named]) == 0
    assert (
        main(["evaluate", str(dataset), "-o", "scores", "-w", "RUN", *named, "--split", "train", "--gallery", "1"]) == 0
    )
    report = json.loads(Path("scores/report.json").read_text())
    best = report["methods"][1]
    assert best["network"]["arguments"] == {"width": 4} and best["weights"]["origin"]["steps"] in ("0", "2")
    pair = read_dataset(dataset).split("train")[0]
    clean = load_network(Path("RUN/best.safetensors"), ["unet.py:unet"]).derain(decode_png(pair.rainy.read_bytes(), ""))
    known = score(clean, decode_png(pair.clean.read_bytes(), ""), "basicsr-rgb")
    lines = Path("scores/scores.csv").read_text().splitlines()
    (line,) = (li for li in lines if pair.rainy.name in li and f",{best['name']},basicsr-rgb," in li)
    assert float(line.split(",")[4]) == pytest.approx(known.psnr, abs=1e-4)
    assert main(["derain", str(pair.rainy), "-o", "clean.png", "-w", "RUN", *named]) == 0
    written = decode_png(Path("clean.png").read_bytes(), "")
    assert np.abs(written - np.clip(clean, 0, 1) * 255).max() <= 0.51


def test_other_weights_to_start_from(whole: Trained, dataset: Path, toy: str, tmp_path: Path) -> None:
    best, run = whole.folder / "best.safetensors", tmp_path / "run"
    recipe = replace(RECIPE, steps=1, learning_rate=1e-9)
    finish(begin(dataset, run, recipe, MACHINE, network=toy, arguments={"width": 6}, weights=best))
    assert run_folder.read(run).recipe.start == "weights"
    one, other = (
        load_network(path, [toy]).net.state_dict()["last.weight"] for path in (best, run / "last.safetensors")
    )
    assert torch.allclose(one, other, atol=1e-6)
    with pytest.raises(InputError, match=r"simulated-rain\.safetensors: does not fit the network"):
        finish(begin(dataset, tmp_path / "no", recipe, MACHINE, network=toy, weights=shipped_weights()))
    assert not (tmp_path / "no").exists()


def test_a_loss_of_its_own(dataset: Path, tmp_path: Path) -> None:
    code = tmp_path / "own.py"
    own = "\n    def training_loss(self, output, clean, weight):\n        return 7 + 0 * (output - clean).mean()\n"
    lightning = TOY.replace("nn.Module", "LightningModule").replace(
        "import torch\n", "import torch\nfrom lightning.pytorch import LightningModule\n"
    )
    code.write_text(lightning.replace("\ndef toy", f"{own}\ndef toy"))
    run = tmp_path / "run"
    finish(begin(dataset, run, replace(RECIPE, steps=1), MACHINE, network=f"{code}:toy"))
    columns, *_, last = ((run / "metrics.csv").read_text()).splitlines()
    row = dict(zip(columns.split(","), last.split(","), strict=True))
    assert (row["loss"], row["loss_l1"]) == ("7", "")


BODIES: dict[str, tuple[str, str]] = {
    "def f(): return 3": ("returns int, not a torch.nn.Module", "f"),
    "x = 1": ("has no such function", "f"),
    "def f(): return 1 / 0": (r"fails \(ZeroDivisionError", "f"),
    "import nothing_of_this_name": (r"cannot be imported \(ModuleNotFoundError", "f"),
    "import torch\ndef f(): return torch.nn.Identity()": ("has no weights to train", "f"),
    "import torch\ndef f(): return torch.nn.Conv2d(3, 1, 1)": (r"returns \(1, 1, 16, 16\) for an input of", "f"),
    "import torch\ndef f(): return torch.nn.Conv2d(4, 3, 1)": (r"fails for an input of \(1, 3, 16, 16\)", "f"),
    "import torch\ndef f():\n    net = torch.nn.Conv2d(3, 3, 1)\n    net.size_multiple = 5\n    return net": (
        "--size 16: --network .* needs a multiple of 5", "f",
    ),
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
def test_factories_that_will_not_do(body: str, dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(body)
    words, name = BODIES[body]
    with pytest.raises(RaincleanError, match=words):
        finish(begin(dataset, tmp_path / "run", RECIPE, MACHINE, network=f"{tmp_path / 'code.py'}:{name}"))
    assert not (tmp_path / "run").exists()


def test_names_and_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_arguments(["a=1", "b=[2, 3]", "c=text", "d=x=y"]) == {"a": 1, "b": [2, 3], "c": "text", "d": "x=y"}
    for texts in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(UsageError, match="--network-arguments"):
            parse_arguments(texts)
    for name in ("unet.py", "unet:", ":unet", "unet.py:1"):
        with pytest.raises(UsageError, match=r"give MODULE:FACTORY or FILE\.py:FACTORY"):
            make_network(name, {}, 0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_module_of_mine.py").write_text(f"from beside_it import Toy\n{TOY[TOY.index('def toy') :]}")
    (tmp_path / "beside_it.py").write_text(TOY)
    made = make_network("a_module_of_mine:toy", {"name": "x"}, 0)
    assert sorted(made.record.sources) == ["a_module_of_mine.py", "beside_it.py"]
    for one, other in zip(
        made.net.parameters(), make_network("a_module_of_mine:toy", {}, 0).net.parameters(), strict=True
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    "flags",
    [
        ["--network-arguments", "a=1"], ["--accept-changed-network"], ["--network", "a:b", "--start", "identity"],
        ["--network", "a:b", "--direction-attention", "on"],
    ],
)  # fmt: skip
def test_flags_that_do_not_go_together(flags: list[str], tmp_path: Path) -> None:
    assert main(["train", str(tmp_path), "-o", str(tmp_path / "run"), *flags]) == 2


def test_losses_without_attention() -> None:
    tensors: list[Any] = [torch.rand(1, n, 12, 12) for n in (3, 3, 1)]
    output, clean, mask = tensors
    found, with_map = losses(output, None, clean, mask), losses(output, mask, clean, mask)
    assert found.total == found.l1 + found.ssim == with_map.total and found.attention == 0
