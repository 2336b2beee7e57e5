"""Verdicts: which facts make which reasons, and what is written is what is read."""

import io
import json
import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.clean.judging import facts_of
from pipeline.cli.console import print_verdict
from pipeline.cli.main import main
from rainclean.candidates.recipe import Recipe
from rainclean.candidates.selection import Selection
from rainclean.moving.detection import Findings
from rainclean.moving.detectors import KINDS
from rainclean.moving.residual_grid import Grid
from rainclean.number_text import percent
from rainclean.png import decode_png
from rainclean.verdict.rules import NO_RAIN, RULES, STATES, Facts, Reason, Verdict, judge
from rainclean.video import Region
from tests.helpers.rainy_clips import rainy_clip


def area(share: float) -> Any:
    """(10, 100) bool, so much of it from the left."""
    mask = np.zeros((10, 100), bool)
    mask[:, : round(100 * share)] = True
    return mask


GOOD = {"used": 80, "asked": 80, "fitted": 80, "kept": 0.95, "drift": 0.1, "rain": 5.0, "free": 0.5}
"""A clip as they should be; the areas of nothing are empty."""


def facts(**changed: Any) -> Facts:
    return Facts(**{**GOOD, "areas": {"moving": area(0.1), "unsure": area(0.02), "darker": area(0)}, **changed})


def test_a_good_clip_is_fit_and_so_is_one_of_which_little_is_known() -> None:
    assert judge(facts()) == judge(Facts(used=12)) == Verdict("fit")
    assert judge(facts()).places is None and judge(facts()).description == "fit"


@pytest.mark.parametrize(
    ("changed", "state", "codes", "words"),
    [
        ({"asked": 167, "fitted": 12}, "unfit", ["few-fitted"], "unfit: only 12 of 167 frames could be aligned"),
        ({"asked": 100, "fitted": 45}, "look", ["few-fitted"], "needs a look: only 45 of 100 frames could be aligned"),
        ({"asked": 100, "fitted": 60}, "fit", [], "fit"),
        ({"drift": 1.5}, "look", ["unsteady"], "up to 1.5 px"),
        ({"drift": math.inf}, "unfit", ["unsteady"], "too far to measure"),
        ({"kept": 0.3}, "look", ["little-kept"], "only 30 % of the frame"),
        ({"kept": 0.1}, "unfit", ["little-kept"], "only 10 % of the frame"),
        ({"used": 9}, "look", ["few-frames"], "9 frames are too few"),
        ({"used": 10}, "fit", [], "fit"),
        ({"used": 2}, "look", ["few-frames"], "2 frames"),
        ({"rain": 0.0}, "look", ["no-rain"], "no rain found"),
        ({"rain": -0.4}, "look", ["no-rain"], "no rain found"),
        ({"rain": NO_RAIN + 0.01}, "fit", [], "fit"),
        ({"free": 0.02}, "look", ["dense-rain"], "only 2.0 % of the pixel values"),
        ({"areas": {"moving": area(0.6)}}, "look", ["moving"], "in 60 % of the frame"),
        ({"areas": {"moving": area(1.0)}}, "unfit", ["moving"], "in 100 % of the frame"),
        ({"areas": {"unsure": area(0.5)}}, "unfit", ["unsure"], "ambiguous in 50 %"),
        ({"areas": {"darker": area(0.02)}}, "look", ["darker"], "2.0 % of the clean image is darker"),
        ({"areas": {"brighter": area(0.5)}}, "unfit", ["brighter"], "50 % of the clean image is brighter"),
        ({"areas": {"blurred": area(0.15)}}, "look", ["blurred"], "15 % of the clean image is blurrier"),
        (
            {"used": 5, "asked": 60, "fitted": 5, "areas": {"unsure": area(0.2), "darker": area(0.3)}},
            "unfit", ["few-fitted", "darker", "few-frames", "unsure"],
            "unfit: only 5 of 60 frames could be aligned; 30 % of",
        ),
    ],
)  # fmt: skip
def test_what_makes_a_sequence_bad(changed: dict[str, Any], state: str, codes: list[str], words: str) -> None:
    verdict = judge(facts(**changed))
    assert (verdict.state, [reason.code for reason in verdict.reasons]) == (state, codes)
    assert words in verdict.description and "\n" not in verdict.description
    for reason in verdict.reasons:
        assert reason.share is None or 0 <= reason.share <= 1


def test_places_are_those_of_the_reasons_alone() -> None:
    low, bad = area(0.05), area(0)
    bad[5:, 60:] = True
    verdict = judge(facts(areas={"unsure": low, "darker": bad, "moving": area(0.1)}))
    assert [reason.code for reason in verdict.reasons] == ["darker"] and verdict.places is not None
    np.testing.assert_array_equal(verdict.places, bad)
    both = judge(facts(areas={"unsure": area(0.4), "darker": bad})).places
    np.testing.assert_array_equal(both, area(0.4) | bad)


def test_each_rule_stands_once_and_says_what_it_says_in_one_line() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert all(rule.look <= rule.unfit for rule in RULES)
    assert STATES == ("fit", "look", "unfit")


def test_a_verdict_is_read_as_it_was_written() -> None:
    verdict = judge(facts(used=3, areas={"darker": area(0.5)}))
    document = json.loads(json.dumps(verdict.to_json()))
    assert Verdict.from_json(document) == verdict and Verdict.from_json(document).places is None
    assert document["state"] == "unfit"
    assert document["reasons"][0] == {
        "code": "darker", "severity": "unfit", "share": 0.5,
        "words": "50 % of the clean image is darker than the background that other frames show",
    }  # fmt: skip


REASON = Reason("darker", "dark", "look", 0.5).to_json()


@pytest.mark.parametrize(
    "document",
    [
        None, [], {}, {"state": "fit"}, {"state": "good", "reasons": []}, {"state": "look", "reasons": []},
        {"state": "fit", "reasons": [REASON]}, {"state": "look", "reasons": [REASON | {"more": 1}]},
        {"state": "look", "reasons": [REASON | {"share": 2}]}, {"state": "look", "reasons": [REASON | {"share": "1"}]},
        {"state": "look", "reasons": [REASON | {"severity": "bad"}]}, {"state": "look", "reasons": ["dark"]},
        {"state": "look", "reasons": [REASON | {"words": None}]}, {"state": "look", "reasons": [REASON | {"code": ""}]},
        {"state": "look", "reasons": [REASON | {"severity": []}]},
        {"state": "look", "reasons": [REASON | {"share": math.nan}]},
    ],
)  # fmt: skip
def test_what_no_verdict_looks_like_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="verdict"):
        Verdict.from_json(document)


def test_shares_are_said_so_that_small_ones_are_not_nothing() -> None:
    assert [percent(s, None) for s in (0, 0.004, 0.06, 0.099, 0.5, 1)] == [
        "0 %",
        "0.4 %",
        "6.0 %",
        "10 %",
        "50 %",
        "100 %",
    ]


def test_it_loads_no_numpy() -> None:
    code = "import sys, rainclean.verdict.rules; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_clean_says_it_first_and_leaves_the_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, out = rainy_clip(tmp_path / "clip.mkv", 1, 8), tmp_path / "out"
    assert main(["clean", str(clip), "-o", str(out), "--region", "8,4,48,40"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "clip.mkv: needs a look: 8 frames are too few to tell rain from background"
    assert "do not use clean.png" not in said.err and not (out / "verdict.png").exists()

    places = np.zeros((40, 48), bool)
    places[:, 30:] = True
    unfit = Verdict("unfit", (Reason("darker", "38% is darker", "unfit", 0.375),), places)
    monkeypatch.setattr("pipeline.clean.run.judge", lambda facts: unfit)
    # In a pipe, and beside JSON, it is said on standard error; the exit code is that of work that was done.
    assert main(["clean", str(clip), "-o", str(out), "--region", "8,4,48,40", "--json"]) == 0
    said = capsys.readouterr()
    assert "unfit: 38% is darker: do not use clean.png as a target" in said.err
    assert (
        json.loads(said.out)["verdict"] == json.loads((out / "report.json").read_text())["verdict"] == unfit.to_json()
    )
    np.testing.assert_array_equal(decode_png((out / "verdict.png").read_bytes(), "v") > 0, places)
    # Where nothing is to be shown any more, the picture of before goes.
    monkeypatch.setattr("pipeline.clean.run.judge", lambda facts: Verdict("fit"))
    assert main(["clean", str(clip), "-o", str(out), "--region", "8,4,48,40"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "clip.mkv: fit" and not (out / "verdict.png").exists()


@pytest.mark.parametrize("colours", [True, False])
def test_the_state_has_its_colour_on_a_terminal(colours: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(written, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdout", written)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not colours:
        monkeypatch.setenv("NO_COLOR", "1")
    print_verdict(Verdict("unfit", (Reason("darker", "da\x1b[2Jrk", "unfit"),)), "a.mp4")
    state = "\x1b[1;31munfit\x1b[0m" if colours else "unfit"
    assert written.getvalue() == f"a.mp4: {state}: da\\x1b[2Jrk\n"


def test_what_is_excluded_does_not_count() -> None:
    """Of places that speak against a clean image, those that nobody trains on are left out."""
    shape, grid = (40, 60), Grid(40, 60, 1)
    doubtful, passing = np.zeros(shape, bool), np.zeros((3, *shape), bool)
    doubtful[:10], passing[1, 10:20], passing[2, 20:30] = True, True, True
    moving = Findings(
        areas=dict.fromkeys(KINDS, doubtful),
        doubtful=doubtful,
        share=passing.mean(axis=(1, 2)),
        labels=[],
        grid=grid,
        packed=np.packbits(passing.reshape(3, -1), axis=1),
    )
    still: Any = SimpleNamespace(
        stabilization=None,
        region=Region(0, 0, 60, 40),
        sizes=[3],
        shifts={},
        selection=Selection((0, 1, 2), 1, ((0, 3),)),
    )
    facts = facts_of(
        still, Recipe(3), (60, 40), refined=None, posterior=None, moving=moving, near=None,
        evidence={"brighter": np.ones(shape, bool)},
    )  # fmt: skip
    assert facts.share("brighter") == 0.5 and facts.share("moving") == 0.25
