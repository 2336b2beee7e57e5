"""What `evaluate` scores beside weights: folders of outputs, ONNX, TorchScript, kinds that were added."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from pipeline.cli.main import main
from pipeline.derainers import Choice, Result, choose, register_derainer, unregister_derainer
from pipeline.derainers.registry import method_names
from pipeline.evaluation.run import EvaluateSettings, evaluate, evaluation_folder
from pipeline.stages import finish
from rainclean.dataset.reader import read_dataset, read_rgb
from rainclean.errors import InputError, UsageError
from rainclean.metrics import score
from rainclean.png import decode_png, encode_png
from tests.helpers.datasets import keys, write

PSNR = "basicsr-rgb"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "set", "paired").root


def rgb(path: Path) -> Any:
    return decode_png(path.read_bytes(), path)


def outputs(data: Path, folder: Path, change: Any = lambda rainy: 255 - rainy, suffix: str = ".png") -> Path:
    """A folder as another program writes it: one picture for each rainy one."""
    folder.mkdir(parents=True)
    for pair in read_dataset(data).split("test"):
        cv2.imwrite(str(folder / f"{pair.rainy.stem}{suffix}"), change(rgb(pair.rainy))[..., ::-1])
    return folder


def run(data: Path, out: Path, *texts: str, **changes: Any) -> dict[str, Any]:
    methods = tuple(choose("", text) for text in texts)
    settings = EvaluateSettings(methods=methods, **{"gallery": 0, "protocols": (PSNR,), "device": "cpu", **changes})
    with evaluation_folder(out, data) as folder:
        return finish(evaluate(data, settings, folder)).to_json()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mean(report: dict[str, Any], method: str) -> float:
    (row,) = (row for row in report["summary"] if row["method"] == method and row["protocol"] == PSNR)
    return float(row["psnr_db"])


def wanted(data: Path, change: Any) -> float:
    pairs = read_dataset(data).split("test")
    return float(np.mean([score(change(rgb(p.rainy)), rgb(p.clean), PSNR).psnr for p in pairs]))


def test_folders_of_outputs_side_by_side(data: Path, tmp_path: Path) -> None:
    outputs(data, tmp_path / "negative", suffix=".bmp")
    outputs(data, tmp_path / "dark" / "deep", lambda rainy: (rainy.astype(np.uint16) * 257) // 2)  # 16 bits
    report = run(
        data, tmp_path / "out", f"outputs:{tmp_path / 'negative'}", f"outputs:half={tmp_path / 'dark'}", gallery=1
    )
    assert [method["name"] for method in report["methods"]] == ["rainy", "negative", "half"]
    assert mean(report, "negative") == pytest.approx(wanted(data, lambda rainy: 255 - rainy), abs=1e-6)
    assert mean(report, "half") == pytest.approx(wanted(data, lambda rainy: rainy.astype(float) / 255 / 2), abs=0.02)
    known = report["methods"][1]["outputs"]
    assert known["pictures"] == 3 and len(known["sha256"]) == 64
    assert "torch" not in report["versions"] and "scipy" in report["versions"]
    assert [picture["shows"] for picture in report["cases"][0]["pictures"]] == ["picture", "clean", "error"] * 3
    page = (tmp_path / "out" / "index.html").read_text()
    assert f"3 images in {tmp_path / 'negative'}" in page


def test_outputs_need_no_torch(data: Path, tmp_path: Path) -> None:
    outputs(data, tmp_path / "made")
    code = f"""
import sys
from pipeline.cli.main import main
assert main(["evaluate", {str(data)!r}, "--outputs", {str(tmp_path / "made")!r}, "-o", {str(tmp_path / "out")!r}]) == 0
assert "torch" not in sys.modules and "onnxruntime" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "method  PSNR, 95 % interval" in done.stdout and "rainy − made" in done.stdout


def test_pictures_in_sub_folders_belong_to_pairs_of_such_folders(tmp_path: Path) -> None:
    found = write(tmp_path / "plain", "paired", [key for key in keys() if key.split == "test"][:2]).root
    first, other = read_dataset(found).split("test")
    for pair, folder in ((first, "x"), (other, "y")):
        (tmp_path / "made" / folder).mkdir(parents=True)
        shutil.copy(pair.clean, tmp_path / "made" / folder / pair.rainy.name)
    report = run(found, tmp_path / "out", f"outputs:{tmp_path / 'made'}")
    assert report["summary"][1]["infinite"] == 2
    shutil.copy(first.clean, tmp_path / "made" / "y" / first.rainy.name)
    with pytest.raises(InputError, match=rf"1 of 2 pairs have several \({first.rainy.stem}: .* in several folders\)"):
        run(found, tmp_path / "out2", f"outputs:{tmp_path / 'made'}")
    (tmp_path / "made" / "x").rename(tmp_path / "made" / "test")  # as the data set calls its folder
    assert run(found, tmp_path / "out3", f"outputs:{tmp_path / 'made'}")["summary"][1]["infinite"] == 2


def test_what_is_wrong_with_outputs_is_one_line(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = outputs(data, tmp_path / "made")
    first, other, third = sorted(made.iterdir())
    first.unlink()
    cv2.imwrite(str(other), np.zeros((12, 15, 3), np.uint8))
    third.write_bytes(third.read_bytes()[:20])
    out = tmp_path / "out"
    assert main(["evaluate", str(data), "--outputs", str(made), "-o", str(out)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and not out.exists()
    assert f"1 of 3 pairs have no image here ({first.stem})" in said
    assert "2 images cannot be used" in said and f"{other.name} is 15×12 px, the rainy image 16×12" in said
    for path, words in ((tmp_path / "none", "no such folder"), (first, "no such folder"), (third, "is a file")):
        with pytest.raises(InputError, match=words):
            run(data, out, f"outputs:{path}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        run(data, out, f"outputs:{tmp_path / 'empty'}")


class Negative(torch.nn.Module):
    """Its sides must be even; an attention map comes along."""

    def forward(self, rainy: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        half = torch.nn.functional.avg_pool2d(rainy, 2)
        odd = 0 * torch.nn.functional.interpolate(half, scale_factor=2.0, mode="nearest")
        return 1 - rainy + odd, rainy.mean(1, keepdim=True)


def onnx_model(path: Path, height: int | str, width: int | str, scale: float = 1.0) -> Path:
    """A model file, written by hand: scale − input, and the mean of its channels."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    shape = [1, 3, height, width]
    nodes = [
        helper.make_node("Sub", ["one", "rainy"], ["clean"]),
        helper.make_node("ReduceMean", ["rainy"], ["seen"], axes=[1], keepdims=1),
    ]
    graph = helper.make_graph(
        nodes, "negative",
        [helper.make_tensor_value_info("rainy", kind, shape)],
        [helper.make_tensor_value_info("seen", kind, [1, 1, height, width]),
         helper.make_tensor_value_info("clean", kind, shape)],
        [helper.make_tensor("one", kind, [], [scale])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("sizes", [("h", "w"), (20, 32), ("8*h", "8*w"), ("h", 16)])
def test_an_onnx_model_of_any_sizes(data: Path, tmp_path: Path, sizes: tuple[Any, Any]) -> None:
    path = onnx_model(tmp_path / "negative.onnx", *sizes)
    report = run(data, tmp_path / "out", f"onnx:{path}", gallery=1)
    assert mean(report, "negative") == pytest.approx(wanted(data, lambda rainy: 255 - rainy), abs=1e-3)
    assert report["methods"][1]["onnx"]["provider"] == "CPUExecutionProvider"
    assert report["methods"][1]["onnx"]["padded_to"] == ([8, 8] if sizes[0] == "8*h" else [1, 1])
    assert "onnxruntime" in report["versions"] and "torch" not in report["versions"]
    assert "attention" in [picture["shows"] for picture in report["cases"][0]["pictures"]]


def test_onnx_models_that_cannot_be_used(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    small = onnx_model(tmp_path / "small.onnx", 8, 8)
    with pytest.raises(InputError, match=r"takes images up to 8×8 px; 3 of 3 pairs are larger .*dynamic sizes"):
        run(data, out, f"onnx:{small}")
    with pytest.raises(InputError, match=r"a mean of \d+; export it with outputs in 0…1"):
        run(data, out, f"onnx:{onnx_model(tmp_path / 'bytes.onnx', 'h', 'w', 255)}")
    (tmp_path / "broken.onnx").write_bytes(b"broken")
    for name, words in (("broken", "is no ONNX model"), ("none", "no such file")):
        with pytest.raises(InputError, match=words):
            run(data, out, f"onnx:{tmp_path / name}.onnx")
    with pytest.raises(UsageError, match="--device cuda: onnxruntime finds no GPU"):
        run(data, out, f"onnx:{small}", device="cuda")
    assert not out.exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_torchscript_file(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    torch.jit.script(Negative()).save(str(path))  # type: ignore[no-untyped-call]
    odd = write(tmp_path / "odd", "paired").root
    for pair in read_dataset(odd).split("test"):
        for side in (pair.rainy, pair.clean):
            side.write_bytes(encode_png(rgb(side)[:, :15]))
    with pytest.raises(InputError, match=r"script\.pt: fails for .* \(15×12 px\).*use --pad-to"):
        run(odd, tmp_path / "out", f"torchscript:{path}")
    report = run(odd, tmp_path / "out", f"torchscript:N={path}", pad_to=4)
    assert mean(report, "N") == pytest.approx(wanted(odd, lambda rainy: 255 - rainy), abs=1e-3)
    assert report["methods"][1]["torchscript"]["padded_to"] == 4
    (tmp_path / "broken.pt").write_bytes(b"broken")
    with pytest.raises(InputError, match="is no TorchScript file"):
        run(data, tmp_path / "out", f"torchscript:{tmp_path / 'broken.pt'}")


@pytest.mark.parametrize("name", ["basicsr-lmdb", "huggingface", "webdataset"])
def test_outputs_and_models_of_a_fixed_size_for_pairs_in_containers(tmp_path: Path, name: str) -> None:
    packed = write(tmp_path / "packed", name).root
    made = tmp_path / "made"
    made.mkdir()
    for pair in read_dataset(packed).split("test"):
        cv2.imwrite(str(made / f"{pair.stem}.png"), 255 - read_rgb(pair.rainy)[..., ::-1])
    report = run(packed, tmp_path / "out", f"outputs:{made}", f"onnx:{onnx_model(tmp_path / 'net.onnx', 20, 32)}")
    pairs = [(read_rgb(pair.rainy), read_rgb(pair.clean)) for pair in read_dataset(packed).split("test")]
    inverse = np.mean([score(255 - rainy, clean, PSNR).psnr for rainy, clean in pairs])
    assert mean(report, "made") == mean(report, "net") == pytest.approx(inverse, abs=1e-3)
    first = min(made.iterdir())
    first.unlink()
    with pytest.raises(InputError, match=rf"1 of 3 pairs have no image here \({first.stem}\)"):
        run(packed, tmp_path / "out2", f"outputs:{made}")
    cv2.imwrite(str(first), np.zeros((12, 15, 3), np.uint8))
    with pytest.raises(InputError, match="is 15×12 px, the rainy image 16×12"):
        run(packed, tmp_path / "out2", f"outputs:{made}")


def test_files_that_differ_in_their_extension_keep_it(tmp_path: Path) -> None:
    names = [tmp_path / "x" / "net.onnx", tmp_path / "x" / "net.pt", tmp_path / "y" / "other.pt"]
    choices = [Choice("weights", path, "") for path in names]
    assert method_names(choices, "rainy") == ["net.onnx", "net.pt", "other"]
    more = [*choices, Choice("weights", tmp_path / "y" / "net.onnx", "")]
    assert method_names(more, "rainy") == ["x/net.onnx", "net.pt", "other", "y/net.onnx"]


def test_names_are_given_and_unique(data: Path, tmp_path: Path) -> None:
    made = outputs(data, tmp_path / "a=b")
    assert choose("outputs", str(made)) == ("outputs", made, "")
    assert choose("outputs", f"x={made}") == ("outputs", made, "x")
    for text in ("=made", "x=", ""):
        with pytest.raises(UsageError, match="give PATH or NAME=PATH"):
            choose("outputs", text)
    with pytest.raises(UsageError, match="no kind of methods 'other': use weights, outputs, onnx, torchscript"):
        choose("", "other:x")
    with pytest.raises(UsageError, match="two methods are called 'rainy'"):
        run(data, tmp_path / "out", f"outputs:rainy={made}")
    with pytest.raises(UsageError, match="is given twice"):
        run(data, tmp_path / "out", f"outputs:{made}", f"outputs:{made}")
    with pytest.raises(UsageError, match="--pad-to 0"):
        EvaluateSettings(pad_to=0)


def test_a_kind_that_was_added(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Darker:
        libraries = ()

        def __init__(self, name: str, path: Path, options: object) -> None:
            self.name, self.path = name, path

        def prepare(self, pairs: object) -> None: ...

        def derain(self, rainy: Any, pair: object) -> Result:
            return Result(rainy // 2)

        def identity(self) -> dict[str, Any]:
            return {"darker": 2}

        def description(self) -> str:
            return "half as bright"

    register_derainer("darker", Darker)  # type: ignore[arg-type]
    try:
        words = ["--method", f"darker:half={tmp_path}", "--protocols", PSNR, "--gallery", "0", "--json"]
        assert main(["evaluate", str(data), "-o", str(tmp_path / "out"), *words]) == 0
        with pytest.raises(ValueError, match="registered already"):
            register_derainer("darker", Darker)  # type: ignore[arg-type]
    finally:
        unregister_derainer("darker")
    report = json.loads(capsys.readouterr().out)
    assert report["methods"][1] == {"name": "half", "darker": 2}
    assert mean(report, "half") == pytest.approx(wanted(data, lambda rainy: rainy // 2), abs=1e-6)
    with pytest.raises(ValueError, match="no kind"):
        unregister_derainer("outputs")


def test_masks_give_variants_under_names_of_their_own(data: Path, tmp_path: Path) -> None:
    masked = Path(shutil.copytree(data, tmp_path / "masked"))
    dataset = read_dataset(masked)
    train = dataset.split("train")
    assert train[0].exclude is not None and train[0].confidence is not None
    exclude, confidence = (np.zeros((12, 16), np.uint8) for _ in range(2))
    exclude[:, :8], confidence[:] = 255, np.arange(16) * 16
    train[0].exclude.write_bytes(encode_png(exclude))
    train[0].confidence.write_bytes(encode_png(confidence))
    made = tmp_path / "made"
    made.mkdir()
    for pair in train:
        (made / pair.rainy.name).write_bytes(encode_png(255 - rgb(pair.rainy)))
    plain = run(masked, tmp_path / "plain", f"outputs:{made}", split="train")
    report = run(masked, tmp_path / "out", f"outputs:{made}", split="train", masks=True)
    assert list(report["protocols"]) == [PSNR, f"{PSNR}-masked", f"{PSNR}-weighted"]
    assert [row for row in report["summary"] if row["protocol"] == PSNR] == plain["summary"]
    assert "masks are used by basicsr-rgb-masked, basicsr-rgb-weighted alone" in report["notes"][1]
    found = {(row["image"], row["method"], row["protocol"]): row for row in rows(tmp_path / "out" / "scores.csv")}
    image = train[0].rainy.relative_to(masked).as_posix()
    rainy, clean = rgb(train[0].rainy), rgb(train[0].clean)
    known = score(rainy, clean, f"{PSNR}-masked", 255 - exclude)
    assert float(found[image, "rainy", f"{PSNR}-masked"]["psnr_db"]) == pytest.approx(known.psnr, abs=1e-6)
    # Images without a mask count whole.
    other = train[1].rainy.relative_to(masked).as_posix()
    assert (
        found[other, "rainy", f"{PSNR}-masked"]["psnr_db"] == found[other, "rainy", PSNR]["psnr_db"]
    )  # fmt: skip
    train[0].exclude.write_bytes(encode_png(np.full((12, 16), 255, np.uint8)))  # no score by the variants
    report = run(masked, tmp_path / "out", f"outputs:{made}", split="train", masks=True, gallery=3)
    assert [row["images"] for row in report["summary"] if row["method"] == "rainy"] == [3, 2, 2]
    assert "–" in (tmp_path / "out" / "index.html").read_text()
    with pytest.raises(InputError, match=r"has no exclusion masks or confidence images \(split test\)"):
        run(data, tmp_path / "no", f"outputs:{made}", masks=True)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven scenes of two pictures, with rain on a part that grows from scene to scene; clean within each scene."""
    root = tmp_path_factory.mktemp("scenes") / "set"
    random = np.random.default_rng(5)
    for scene in range(7):
        for frame in range(2):
            clean = random.integers(0, 200, (16, 20, 3), dtype=np.uint8)
            rainy = clean.copy()
            rainy[:, : 1 + 3 * scene] += 40
            for side, picture in (("input", rainy), ("target", clean)):
                path = root / "test" / side / f"place{scene}_{frame}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encode_png(picture))
    return root


def test_statistics_are_written_everywhere(scenes: Path, tmp_path: Path) -> None:
    import rainclean as rc

    made = outputs(scenes, tmp_path / "less_&_rain", lambda rainy: rainy - (rainy > 220) * np.uint8(20))
    out = tmp_path / "out"
    report = run(scenes, out, f"outputs:{made}", protocols=(PSNR, "spanet-skimage"))
    how = report["statistics"]
    assert (how["bootstrap"], how["level"], how["rain_from"]) == ("BCa", 0.95, "measured")
    for row in report["summary"]:
        assert row["psnr_low"] < row["psnr_db"] < row["psnr_high"] and row["ssim_low"] < row["ssim"] < row["ssim_high"]
    compared = rows(out / "comparisons.csv")
    assert [(r["protocol"], r["measure"], r["method"], r["other"]) for r in compared] == [
        (p, m, "rainy", "less_&_rain") for p in (PSNR, "spanet-skimage") for m in ("psnr_db", "ssim")
    ]
    scored = rows(out / "scores.csv")
    ours, rainy = (
        {r["image"]: float(r["psnr_db"]) for r in scored if r["method"] == m and r["protocol"] == PSNR}
        for m in ("less_&_rain", "rainy")
    )
    difference = np.mean([rainy[image] - ours[image] for image in rainy])
    assert float(compared[0]["difference"]) == pytest.approx(difference, abs=1e-5)
    assert report["comparisons"][0]["p_holm"] == report["comparisons"][0]["p"]  # one pair of methods
    rain = rows(out / "by_rain.csv")
    assert len({r["rain_low"] for r in rain}) >= 3 and {r["protocol"] for r in rain} == set(report["protocols"])
    shares = {r["image"]: float(r["rain_share"]) for r in scored}
    for row in rain:
        low, high = float(row["rain_low"]), float(row["rain_high"])
        own = [
            float(r["psnr_db"])
            for r in scored
            if (r["method"], r["protocol"]) == (row["method"], row["protocol"]) and low <= shares[r["image"]] < high
        ]
        assert int(row["images"]) == len(own) and float(row["psnr_db"]) == pytest.approx(np.mean(own), abs=1e-5)
    psnr = {row["method"]: f"{row['psnr_db']:.2f}" for row in report["summary"] if row["protocol"] == PSNR}
    markdown = (out / "tables" / "scores.md").read_text()
    assert f"| rainy | {psnr['rainy']} [" in markdown  # the better one is bold
    assert rf"| less\_&\_rain | **{psnr['less_&_rain']} [" in markdown
    latex = (out / "tables" / "scores.tex").read_text()
    assert rf"less\_\&\_rain & \textbf{{{psnr['less_&_rain']} {{[}}" in latex and latex.count("\\\\\n") == 3
    assert {p.name for p in (out / "tables").iterdir()} == {
        f"{name}.{suffix}"
        for name in ("scores", "comparisons", f"by-rain-{PSNR}", "by-rain-spanet-skimage")
        for suffix in ("tex", "md")
    }
    page = (out / "index.html").read_text()
    assert how["description"].split(".")[0] in page
    read = rc.read_scores(out)
    assert list(read.comparisons["p"]) == [row["p"] for row in report["comparisons"]]
    assert len(read.by_rain) == len(rain) and (read.summary["psnr_low"] < read.summary["psnr_db"]).all()


def test_an_evaluation_of_an_older_version_is_read(scenes: Path, tmp_path: Path) -> None:
    import rainclean as rc

    made, out = outputs(scenes, tmp_path / "made"), tmp_path / "out"
    run(scenes, out, f"outputs:{made}")
    report = json.loads((out / "report.json").read_text())
    for key in ("comparisons", "by_rain", "statistics"):
        del report[key]
    for row in report["summary"]:
        for key in ("psnr_low", "psnr_high", "ssim_low", "ssim_high"):
            del row[key]
    (out / "report.json").write_text(json.dumps(report))
    lines = [line.rpartition(",")[0] for line in (out / "scores.csv").read_text().splitlines()]
    (out / "scores.csv").write_text("\n".join(lines) + "\n")
    read = rc.read_scores(out)
    assert len(read.scores) == 28 and read.comparisons.empty and read.summary["psnr_low"].isna().all()
