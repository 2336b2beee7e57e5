"""Evaluation: numbers that are those of the protocols, pages that hold what they say, one line for what goes wrong."""

import csv
import json
import os
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.cli.main import main
from pipeline.derainers.registry import Choice, method_names
from pipeline.evaluation.run import RAINY, EvaluateSettings, choose_split, evaluate, evaluation_folder
from pipeline.evaluation.scores import Mean
from pipeline.stages import finish
from rainclean.dataset.manifest import write_manifest
from rainclean.dataset.reader import read_dataset
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.metrics import PROTOCOLS, score
from rainclean.png import decode_png, encode_png
from rainclean.spanet import Origin, SPANet, load, save
from tests.conftest import Run
from tests.helpers.datasets import keys, picture, write

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """a.safetensors, and below b/ another file of the same name."""
    folder = tmp_path_factory.mktemp("nets")
    (folder / "b").mkdir()
    for seed, name in enumerate(("a.safetensors", "b/a.safetensors")):
        torch.manual_seed(seed)
        save(SPANet(direction_attention=bool(seed)), folder / name, Origin(bool(seed), f"made for a test, seed {seed}"))
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "data", "paired").root


def run(data: Path, output: Path, *weights: Path, **changes: Any) -> dict[str, Any]:
    settings = EvaluateSettings(weights, **{"gallery": 0, **changes})
    with evaluation_folder(output, data) as folder:
        return finish(evaluate(data, settings, folder)).to_json()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rgb(path: Path) -> Any:
    return decode_png(path.read_bytes(), path)


def by_hand(weights: Path, rainy: Any) -> Any:
    with torch.no_grad():
        _, clean = load(weights)(torch.from_numpy(rainy.astype(np.float32) / 255).permute(2, 0, 1)[None])
    return clean[0].permute(1, 2, 0).numpy()


class Page(HTMLParser):
    """Sources, links and texts of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.links: list[str] = []
        self.widths: list[int] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "img":
            assert found["loading"] == "lazy" and found["alt"]
            self.sources.append(found["src"] or "")
            self.widths.append(int(found["width"] or 0))
        if tag == "a":
            self.links.append(found["href"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("layout", ["paired", "spa"])
def test_every_number_is_that_of_its_protocol(tmp_path: Path, nets: Path, layout: str) -> None:
    data = write(tmp_path / "data", layout).root
    weights = (nets / "a.safetensors", nets / "b" / "a.safetensors")
    report = run(data, tmp_path / "out", *weights)
    names = [method["name"] for method in report["methods"]]
    assert names == ["rainy", f"{nets.name}/a", "b/a"]
    pairs = read_dataset(data).split("test")
    expected = {}
    for pair in pairs:
        rainy, clean = rgb(pair.rainy), rgb(pair.clean)
        for name, made in zip(names, (rainy, *(by_hand(w, rainy) for w in weights)), strict=True):
            for protocol in PROTOCOLS:
                image = pair.rainy.relative_to(data).as_posix()
                expected[image, pair.scene, name, protocol] = score(made, clean, protocol)
    found = rows(tmp_path / "out" / "scores.csv")
    assert [(r["image"], r["scene"], r["method"], r["protocol"]) for r in found] == list(expected)
    for row, known in zip(found, expected.values(), strict=True):
        assert float(row["psnr_db"]) == pytest.approx(known.psnr, abs=1e-4)
        assert float(row["ssim"]) == pytest.approx(known.ssim, abs=1e-5)
    for row in [*report["summary"], *rows(tmp_path / "out" / "scenes.csv")]:
        own = [s for key, s in expected.items() if key[2:] == (row["method"], row["protocol"])]
        assert (int(row["images"]), int(row["infinite"])) == (len(pairs), 0)
        assert float(row["psnr_db"]) == pytest.approx(np.mean([s.psnr for s in own]), abs=1e-4)
        assert float(row["ssim"]) == pytest.approx(np.mean([s.ssim for s in own]), abs=1e-5)


def test_scenes_have_their_own_means(tmp_path: Path, nets: Path) -> None:
    made = write(tmp_path / "data", "paired")
    scenes = {made.row("test", 1).rainy: "scene7"}
    moved = [replace(row, scene=scenes.get(row.rainy, row.scene)) for row in made.rows]
    (made.root / "manifest.csv").write_bytes(write_manifest(moved))
    data = made.root
    out = tmp_path / "out"
    assert run(data, out, nets / "a.safetensors")["dataset"]["scenes"] == 2
    scored = rows(out / "scores.csv")
    for row in rows(out / "scenes.csv"):
        own = [float(s["psnr_db"]) for s in scored if all(s[k] == row[k] for k in ("scene", "method", "protocol"))]
        assert len(own) == int(row["images"]) == {"scene1": 2, "scene7": 1}[row["scene"]]
        assert float(row["psnr_db"]) == pytest.approx(np.mean(own), abs=1e-5)


def test_the_report_says_where_everything_comes_from(tmp_path: Path, data: Path, nets: Path) -> None:
    out = tmp_path / "out"
    run(data, out, nets / "b" / "a.safetensors", gallery=2)
    report = json.loads((out / "report.json").read_text())
    written = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert set(report["files"]) == written
    assert report["dataset"]["pairs_sha256"] == read_dataset(data).pairs_sha256
    assert (report["dataset"]["split"], report["dataset"]["layout"]) == ("test", "paired")
    weights = report["methods"][1]["weights"]
    assert weights["origin"]["kind"] == "made for a test, seed 1" and weights["origin"]["direction_attention"]
    assert len(weights["sha256"]) == 64
    assert {name: p["words"] for name, p in report["protocols"].items()} == {
        n: p.description for n, p in PROTOCOLS.items()
    }
    assert report["notes"] == []


def test_equal_pictures_have_infinite_psnr_and_it_is_said(tmp_path: Path, data: Path, nets: Path) -> None:
    pair, *others = read_dataset(data).split("test")
    pair.rainy.write_bytes(pair.clean.read_bytes())
    out = tmp_path / "out"
    report = run(data, out, nets / "a.safetensors", protocols=("matlab-y", "basicsr-rgb"))
    first = [row for row in rows(out / "scores.csv") if row["method"] == "rainy"][:2]
    assert [(row["psnr_db"], row["ssim"]) for row in first] == [("inf", "1.000000")] * 2
    rest = np.mean([score(rgb(p.rainy), rgb(p.clean), "matlab-y").psnr for p in others])
    mean = report["summary"][0]
    assert (mean["method"], mean["protocol"], mean["infinite"]) == ("rainy", "matlab-y", 1)
    assert mean["psnr_db"] == pytest.approx(rest, abs=1e-5)
    assert len(report["notes"]) == 1 and "1 by matlab-y, 1 by basicsr-rgb; of 3" in report["notes"][0]
    assert "infinite PSNR" in Page(out / "index.html").text
    for each in others:
        each.rainy.write_bytes(each.clean.read_bytes())
    report = run(data, out, nets / "a.safetensors", protocols=("matlab-y",))
    assert report["summary"][0]["psnr_db"] is None
    assert rows(out / "scenes.csv")[0]["psnr_db"] == "inf"
    assert "inf / 1.0000" in Page(out / "index.html").text


def test_a_mean_leaves_infinity_out() -> None:
    mean = Mean.over(np.array([20, np.inf, 30, np.nan]), np.array([0.5, 0.5, 0.5, np.nan]))
    assert (mean.psnr, mean.ssim, mean.images, mean.infinite) == (25.0, 0.5, 3, 1)


@pytest.mark.parametrize("protocol", ["basicsr-rgb", "matlab-y"])
@pytest.mark.parametrize("size", [2, 24])
def test_the_gallery_is_worst_first(tmp_path: Path, nets: Path, protocol: str, size: int) -> None:
    data = write(tmp_path / "data", "paired", [key for key in keys(6) if key.split == "test"]).root
    out = tmp_path / "out"
    run(data, out, nets / "a.safetensors", nets / "b" / "a.safetensors", gallery=size, worst_by=protocol)
    ours = [r for r in rows(out / "scores.csv") if r["protocol"] == protocol and r["method"].startswith("nets")]
    worst = [r["image"] for r in sorted(ours, key=lambda r: float(r["psnr_db"]))][:size]
    shown = Page(out / "index.html")
    places = [shown.text.index(f"{rank}. {image}") for rank, image in enumerate(worst, 1)]
    assert places == sorted(places) and f"by {protocol}, worst first" in shown.text
    assert len(shown.sources) == 9 * len(worst) == 9 * min(size, 6)
    assert all((out / name).is_file() for name in shown.sources + shown.links)
    assert {f"gallery/{p.name}" for p in (out / "gallery").iterdir()} == set(shown.sources)
    first = next(p for p in read_dataset(data).split("test") if p.rainy.relative_to(data).as_posix() == worst[0])
    stored = [rgb(out / name) for name in shown.sources[:9]]
    rainy, clean = rgb(first.rainy), rgb(first.clean)
    assert np.array_equal(stored[0], rainy) and np.array_equal(stored[1], clean)
    made = np.clip(by_hand(nets / "a.safetensors", rainy), 0, 1) * 255
    assert np.abs(stored[3] - made).max() < 0.51
    error = np.clip((stored[3].astype(int) - clean) * 8 + 128, 0, 255)
    assert np.array_equal(stored[5], error) and stored[4].ndim == 2


def test_large_pictures_are_shown_smaller_and_odd_names_escaped(tmp_path: Path, nets: Path) -> None:
    data, name = tmp_path / "data", "<i>&\"'#%20.png" if os.name != "nt" else "a&'#%20.png"
    wide = np.random.default_rng(0).integers(0, 256, (12, 800, 3), dtype=np.uint8)
    for side in ("input", "target"):
        (data / "val" / side).mkdir(parents=True)
        (data / "val" / side / name).write_bytes(encode_png(wide if side == "input" else wide // 2))
    out = tmp_path / "out"
    report = run(data, out, nets / "a.safetensors", gallery=3)
    assert report["dataset"]["split"] == "val"
    shown = Page(out / "index.html")
    assert name in shown.text and "<i>" not in (out / "index.html").read_text()
    assert shown.widths == [760] * 6 and all(rgb(out / source).shape[1] == 760 for source in shown.sources)
    full = [link for link in shown.links if link.startswith("gallery/")]
    assert len(full) == 6 and all(rgb(out / link).shape[1] == 800 for link in full)


def test_a_second_run_replaces_the_first(tmp_path: Path, data: Path, nets: Path) -> None:
    out = tmp_path / "out"
    run(data, out, nets / "a.safetensors", gallery=3)
    (out / "gallery" / "mine.txt").write_text("kept")
    report = run(data, out, nets / "a.safetensors", gallery=1)
    written = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert written == {*report["files"], "gallery/mine.txt"} and len(written) == 4 + 2 + 12 + 6 + 1


def test_what_is_broken_off_leaves_nothing(tmp_path: Path, data: Path, nets: Path) -> None:
    out = tmp_path / "deep" / "out"
    with evaluation_folder(out, data) as folder:
        stage = evaluate(data, EvaluateSettings((nets / "a.safetensors",)), folder)
        while next(stage).stage != "score":
            pass
        assert any(out.rglob("*.png"))
        stage.close()
    assert not out.parent.exists()


def test_every_pair_that_cannot_be_read_is_named(tmp_path: Path, data: Path, nets: Path) -> None:
    spoilt = Path(shutil.copytree(data, tmp_path / "spoilt"))
    broken = [pair.rainy for pair in read_dataset(spoilt).split("test")][:2]
    for path in broken:
        path.write_bytes(path.read_bytes()[:60])
    notes = []
    said = pytest.raises(RaincleanError, match=r"2 of \d+ pairs cannot be used")
    with said, evaluation_folder(tmp_path / "out", spoilt) as folder:
        for step in evaluate(spoilt, EvaluateSettings((nets / "a.safetensors",)), folder):
            notes += [step.note] if step.note else []
    assert [str(path) in note for path, note in zip(broken, notes, strict=True)] == [True, True]


def test_splits(tmp_path: Path, nets: Path) -> None:
    train = write(tmp_path / "train", "paired", [key for key in keys() if key.split == "train"]).root
    with pytest.raises(InputError, match=r"neither test nor val pairs; it has train: --split train"):
        run(train, tmp_path / "out", nets / "a.safetensors")
    with pytest.raises(InputError, match="holds no val pairs"):
        run(train, tmp_path / "out", nets / "a.safetensors", split="val")
    report = run(train, tmp_path / "out", nets / "a.safetensors", split="train")
    notes = " ".join(report["notes"])
    assert "split train" in notes and "1 pair has an exclusion mask" in notes
    assert choose_split(read_dataset(write(tmp_path / "both", "paired").root), None) == "test"


def test_names_of_weights(tmp_path: Path) -> None:
    def named(*paths: str) -> list[str]:
        return method_names([Choice("weights", tmp_path / path) for path in paths], RAINY)

    assert named("x/best.safetensors", "y/last.safetensors") == ["x", "y"]
    assert named("x/best.safetensors", "x/last.safetensors", "z.safetensors") == ["x/best", "x/last", "z"]
    assert named("x/w/best.safetensors", "y/w/best.safetensors") == ["x/w/best", "y/w/best"]
    assert named("x/rainy.safetensors") == ["x/rainy"]
    assert len(set(named("x/a.safetensors", "x/a.bin"))) == 2
    with pytest.raises(UsageError, match="given twice"):
        named("x/a.safetensors", "y/../x/a.safetensors")


@pytest.mark.parametrize(
    "changes",
    [
        {"protocols": ("psnr",)}, {"protocols": ()}, {"protocols": ("matlab-y", "matlab-y")}, {"worst_by": "psnr"},
        {"protocols": ("matlab-y",), "worst_by": "basicsr-y"}, {"gallery": -1}, {"split": "dev"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        EvaluateSettings(**{"weights": (Path("a.safetensors"),), **changes})


def test_the_ranking_is_by_a_protocol_that_is_computed() -> None:
    weights = (Path("a.safetensors"),)
    assert EvaluateSettings(weights).ranking == "basicsr-rgb"
    assert EvaluateSettings(weights, protocols=("basicsr-y", "matlab-y")).ranking == "basicsr-y"


def test_the_command(tmp_path: Path, data: Path, nets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(data), "--weights", str(nets / "a.safetensors"), "-o", str(tmp_path / "out"), "--gallery", "1"]
    assert main(["evaluate", *words]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].endswith("test: 3 pairs of 1 scene; mean PSNR in dB / SSIM by protocol")
    assert lines[1].split() == ["method", *PROTOCOLS]
    assert [line.split()[0] for line in lines[2:4]] == ["rainy", "a"]
    assert said.err == ""


def test_unequal_sizes_are_told_before_any_network_runs(tmp_path: Path, data: Path, nets: Path, rainclean: Run) -> None:
    pair = read_dataset(data).split("test")[1]
    pair.clean.write_bytes(encode_png(picture(1)[:, :15]))
    result = rainclean("evaluate", data, "--weights", nets / "a.safetensors", "-o", tmp_path / "out")
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    assert str(pair.rainy) in result.stderr and str(pair.clean) in result.stderr
    assert "16×12" in result.stderr and "15×12" in result.stderr


def test_json(tmp_path: Path, data: Path, nets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, weights = tmp_path / "out", nets / "a.safetensors"
    words = ["--protocols", "basicsr-y", "matlab-y", "--gallery", "0", "--json"]
    assert main(["evaluate", str(data), "--weights", str(weights), "-o", str(out), *words]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report["protocols"]) == ["basicsr-y", "matlab-y"]
    assert report == {"schema": 1, **json.loads((out / "report.json").read_text())}
    assert not (out / "gallery").exists()


def _small(pair: Any) -> None:
    for path in (pair.rainy, pair.clean):
        path.write_bytes(encode_png(picture(0)[:9]))


def _cut(pair: Any) -> None:
    pair.clean.write_bytes(pair.clean.read_bytes()[:300])


def _emptied(pair: Any) -> None:
    pair.rainy.write_bytes(b"")


@pytest.mark.parametrize(("harm", "side"), [(_small, "rainy"), (_cut, "clean"), (_emptied, "rainy")])
def test_pictures_that_cannot_be_scored(
    tmp_path: Path, data: Path, nets: Path, harm: Any, side: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = read_dataset(data).split("test")[2]
    harm(pair)
    out = tmp_path / "out"
    assert main(["evaluate", str(data), "--weights", str(nets / "a.safetensors"), "-o", str(out)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(getattr(pair, side)) in said and "--salvage" not in said
    assert ("11 a side are needed" in said) == (harm is _small)
    assert not out.exists()


def test_small_pictures_will_do_for_a_small_window(tmp_path: Path, data: Path, nets: Path) -> None:
    _small(read_dataset(data).split("test")[0])
    report = run(data, tmp_path / "out", nets / "a.safetensors", protocols=("spanet-skimage",))
    assert report["summary"][0]["images"] == 3


def test_folders_and_files_that_will_not_do(tmp_path: Path, data: Path, nets: Path) -> None:
    (tmp_path / "no.safetensors").write_bytes(b"none")
    for weights in (tmp_path / "no.safetensors", tmp_path / "missing.safetensors"):
        with pytest.raises(InputError, match=weights.name):
            run(data, tmp_path / "out", weights)
    for inside in (data, data / "evaluation"):
        with pytest.raises(RaincleanError, match="lies in the data set"):
            run(data, inside, nets / "a.safetensors")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "scores.csv").write_text("somebody's")
    with pytest.raises(RaincleanError, match="not written by rainclean"):
        run(data, tmp_path / "taken", nets / "a.safetensors")
    assert not (tmp_path / "out").exists() and not (data / "evaluation").exists()
