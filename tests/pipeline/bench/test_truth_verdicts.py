"""What a clean image is worth by the truth, and verdicts held against it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pipeline.clean.run
from pipeline.bench.truth.case_table import cases
from pipeline.bench.truth.run import Measured
from pipeline.bench.truth.scores import Figures, compare
from pipeline.bench.truth.thresholds import check_thresholds, verdicts
from pipeline.bench.truth.verdict_table import TrueWorth, right, stained_share, true_worth
from pipeline.cli.main import main
from rainclean.errors import UsageError
from rainclean.simulate.presets import FILMED, LADDER
from rainclean.verdict.rules import Verdict
from tests.helpers.measured_clips import measured_clip

SIDE = (60, 80)
RNG = np.random.default_rng(3)
KNOWN = RNG.integers(60, 180, (*SIDE, 3), dtype=np.uint8)
ALL, NONE = np.ones(SIDE, bool), np.zeros(SIDE, bool)
STREAKS = np.zeros(SIDE, bool)
STREAKS[:, ::9] = True
RAINY = np.where(STREAKS[..., None], np.minimum(KNOWN + 60, 255), KNOWN).astype(np.uint8)


def noisy(levels: float) -> Any:
    return np.clip(np.rint(KNOWN + levels * RNG.standard_normal(KNOWN.shape)), 0, 255).astype(np.uint8)


def judged(picture: Any, kept: Any = ALL, aside: Any = NONE, limit: float | None = None) -> TrueWorth:
    return true_worth(picture, RAINY, KNOWN, kept=kept, aside=aside, frame=KNOWN.shape[0] * KNOWN.shape[1], limit=limit)


def stained(rows: slice, columns: slice, levels: int = -40) -> Any:
    picture = noisy(1).astype(int)
    picture[rows, columns] += levels
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_a_picture_near_the_truth_is_good() -> None:
    found = judged(noisy(1))
    assert found.worth == "good" and found.gain > 10 and found.stained == 0 and found.kept == 1


def test_the_rainy_frame_itself_is_poor_unless_nothing_better_can_be_had() -> None:
    assert judged(RAINY).worth == "poor" and judged(RAINY).gain == 0
    assert judged(RAINY, limit=20.0).worth == "good"
    assert judged(RAINY, limit=40.0).worth == "poor"


def test_what_is_far_below_the_rainy_frame_is_a_ruin() -> None:
    assert judged(noisy(35)).worth == "ruin"
    assert judged(np.zeros_like(KNOWN)).worth == "ruin"


def test_a_dark_smear_is_a_ruin_although_it_gains() -> None:
    smeared = stained(np.s_[20:32], np.s_[30:46])
    found = judged(smeared)
    assert found.worth == "ruin" and found.gain > -3 and 0.02 < found.stained < 0.08
    left_out = ~(smeared.astype(int) - KNOWN < -20).any(axis=2)
    assert judged(smeared, kept=left_out).worth == "good"
    # Where something passes in this frame its picture cannot be compared; a smear in its place is one all the same.
    assert judged(smeared, aside=~left_out).worth == "ruin"


def test_streaks_and_noise_are_no_stains() -> None:
    thin = KNOWN.astype(int)
    thin[:, ::9] += 35
    for picture in (noisy(8), np.clip(thin, 0, 255).astype(np.uint8)):
        assert stained_share(picture, KNOWN, ALL) < 0.001
    assert stained_share(stained(np.s_[:10], np.s_[:10]), KNOWN, ALL) == pytest.approx(100 / 4800, rel=0.5)
    assert stained_share(np.zeros_like(KNOWN), KNOWN, NONE) == 0


def test_a_picture_of_which_little_is_left_is_poor() -> None:
    corner = NONE.copy()
    corner[:20, :20] = True
    assert judged(noisy(1), kept=corner).worth == "poor"
    assert judged(noisy(1), kept=NONE).worth == "poor"


def test_figures_of_a_part_are_those_of_its_pixels() -> None:
    picture = stained(np.s_[:30], np.s_[:])
    lower = np.zeros(SIDE, bool)
    lower[30:] = True
    part, alone = compare(picture, KNOWN, kept=lower), compare(picture[30:], KNOWN[30:])
    assert part.psnr == pytest.approx(alone.psnr) and part.worst == pytest.approx(alone.worst)
    assert compare(picture, KNOWN).psnr < part.psnr - 5


@pytest.mark.parametrize(
    ("said", "worth", "so"),
    [("fit", "good", True), ("look", "good", False), ("fit", "poor", False), ("look", "ruin", True),
     ("unfit", "poor", True), ("fit", "ruin", False)],
)  # fmt: skip
def test_a_verdict_is_right_where_fit_means_good(said: str, worth: Any, so: bool) -> None:
    assert right(said, worth) == so


def measured(case: str, said: str | None, worth: Any, regret: float = 0.0) -> Measured:
    figures = {name: Figures(psnr=30.0, ssim=0.9, worst=3.0) for name in ("rainy", "released", "suggestion")}
    figures["best"] = Figures(psnr=30.0 + regret, ssim=0.9, worst=3.0)
    true = TrueWorth(4.0, 0.0, 1.0, worth)
    return measured_clip(case, figures, {"a": 30.0}, filmed=case in FILMED, said=said, true=true)


def verdict_of(clips: list[Measured], what: str) -> str:
    (threshold,) = (each for each in check_thresholds(clips) if what in each.what)
    return threshold.verdict


def test_thresholds_on_verdicts() -> None:
    ladder = [measured("medium", "fit", "good"), measured("torrent", "look", "good")]
    assert verdict_of(ladder, "called fit, or") == "met"
    assert verdict_of([*ladder, measured("heavy", "look", "good")], "called fit, or") == "missed"
    films = [measured("crowd", "fit", "good")] * 19
    assert verdict_of([*films, measured("water", "look", "good")], "are right") == "met"
    assert verdict_of([*films[1:], *2 * [measured("water", "fit", "poor")]], "are right") == "missed"
    assert verdict_of([*films, measured("water", "fit", "poor")], "ruins") == "met"
    assert verdict_of([*films, measured("water", "fit", "ruin")], "ruins") == "missed"
    silent = [replace(clip, said=None) for clip in [*ladder, *films]]
    assert not [each for each in check_thresholds(silent) if "fit" in each.what or "verdict" in each.what]


def test_thresholds_on_regret_are_of_each_kind() -> None:
    clips = [measured("medium", None, "good", 0.3), measured("heavy", None, "good"), measured("light", None, "good")]
    assert verdict_of([*clips, measured("crowd", None, "good", 0.9)], "mean regret") == "met"
    held = {
        each.case: each.verdict
        for each in check_thresholds([*clips, measured("crowd", None, "good", 1.1)])
        if "regret" in each.what
    }
    assert held == {"ladder": "met", "films": "missed"}


def test_the_confusion_table_counts_each_pair() -> None:
    clips = [measured("crowd", "fit", "good"), measured("water", "fit", "ruin"), measured("sun", "look", "ruin")]
    told = verdicts([*clips, measured("busy", None, "good")])
    assert told is not None and (told["fit"], told["fit_right"]) == (2, 1)
    assert told["confusion"]["fit"] == {"good": 1, "poor": 0, "ruin": 1}
    assert sum(sum(row.values()) for row in told["confusion"].values()) == 3
    assert verdicts([measured("busy", None, "good")]) is None


def test_cases_can_be_asked_for_by_kind() -> None:
    assert [case.name for case in cases(["films"])] == list(FILMED)
    assert {case.preset for case in cases(["ladder"])} == set(LADDER) - {"clear"}
    assert [case.name for case in cases(["films", "crowd", "light"])] == [*FILMED, "light"]
    with pytest.raises(UsageError, match="drizzle"):
        cases(["drizzle"])


def test_the_command_holds_verdicts_against_the_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    Image.fromarray(RNG.integers(40, 190, (9, 12, 3), dtype=np.uint8)).resize((80, 60)).save(tmp_path / "a.png")
    monkeypatch.setattr(pipeline.clean.run, "judge", lambda facts: Verdict("fit"))
    words = ["bench", "truth", "--cases", "short", "light", "--frames", "12", "--size", "64x48"]
    assert main([*words, "--backgrounds", str(tmp_path / "a.png")]) == 0
    text = capsys.readouterr().out
    assert "fit was right in 2 of 2" in text and "share of verdicts that are right" in text
    assert main([*words[:4], *words[5:], "--backgrounds", str(tmp_path / "a.png"), "--json"]) == 0
    (clip,) = json.loads(capsys.readouterr().out)["clips"]
    assert (
        clip["filmed"]
        and clip["frames"] == 12
        and (clip["said"], clip["reasons"]) == ("fit", [])
        and clip["true"]["worth"] == "good"
    )
