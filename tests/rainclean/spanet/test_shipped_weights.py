"""The weights that come with rainclean keep what their model card says."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.clean.settings import CleanSettings
from pipeline.cli.main import main
from rainclean.spanet import SPANet, load, shipped_weights
from rainclean.spanet.weights import read
from tests.conftest import ROOT
from tools.shipped_weights import judge_weights
from tools.shipped_weights.judge_weights import Judged, judge_clip, judge_samples

U8 = NDArray[np.uint8]

YARD = ROOT.parent / "shared" / "real" / "yard.mp4"
judge = judge_weights._judge


@pytest.fixture
def middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture is judged by the ninth of its area in the middle, in a ninth of the time."""

    def judge_middle(net: SPANet, scene: str, picture: str, rainy: U8, clean: U8) -> Judged:
        height, width = rainy.shape[:2]
        part = (slice(height // 3, height - height // 3), slice(width // 3, width - width // 3))
        return judge(net, scene, picture, rainy[part], clean[part])

    monkeypatch.setattr(judge_weights, "_judge", judge_middle)
    # Of a real clip, frames near the reference are enough for a clean image.
    monkeypatch.setattr(judge_weights, "CleanSettings", partial(CleanSettings, frames=40))


@pytest.fixture(scope="module")
def net(one_thread: None) -> SPANet:
    return load(shipped_weights())


def test_they_are_small_and_say_what_they_are() -> None:
    assert shipped_weights().stat().st_size <= 1.5e6
    origin, _ = read(shipped_weights())
    assert "trained by rainclean" in origin.kind and int(origin.steps) > 0
    card = (shipped_weights().parent / "MODEL-CARD.md").read_text(encoding="utf-8")
    assert origin.source_sha256[:16] in card and f"--steps {origin.steps}" in card


@pytest.mark.usefixtures("middle")
def test_they_beat_the_rainy_input_on_scenes_that_they_never_saw(net: SPANet) -> None:
    judged = list(judge_samples(net))
    scenes = {one.scene for one in judged}
    gains = {scene: float(np.mean([one.gain for one in judged if one.scene == scene])) for scene in scenes}
    assert scenes == {"cat", "launch", "portrait", "table"}
    assert np.mean(list(gains.values())) >= 5, gains
    assert min(gains.values()) > 0, gains


@pytest.mark.usefixtures("middle")
def test_on_a_real_clip_they_do_not_fall_behind_the_rainy_frame(net: SPANet) -> None:
    if not YARD.exists():
        pytest.skip("shared/real/yard.mp4 is not here")
    reference, *others = judge_clip(net, YARD)
    assert reference.gain >= 0, reference
    assert np.mean([one.gain for one in others]) >= 0, others


def test_evaluate_and_derain_take_them_without_being_told(tmp_path: Path) -> None:
    from tests.helpers.training_pairs import write_dataset

    dataset = write_dataset(tmp_path / "pairs", val=True)
    picture = dataset / "val" / "input" / "002-0000_0_0.png"
    assert main(["derain", str(picture), "-o", str(tmp_path / "out.png")]) == 0
    assert main(["evaluate", str(dataset), "-o", str(tmp_path / "scores")]) == 0
    assert "simulated-rain" in (tmp_path / "scores" / "scores.csv").read_text()
