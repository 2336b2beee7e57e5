"""Verdicts: which facts make which reasons, and what is written is what is read."""

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from rainclean.verdict import NO_RAIN, RULES, STATES, Facts, Reason, Verdict, judge, percent


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
    assert judge(facts()).places is None and judge(facts()).words == "fit"


@pytest.mark.parametrize(
    ("changed", "state", "codes", "words"),
    [
        ({"asked": 167, "fitted": 12}, "unfit", ["few-fitted"], "unfit: 12 of 167 frames fitted"),
        ({"asked": 100, "fitted": 45}, "look", ["few-fitted"], "look: 45 of 100 frames fitted"),
        ({"asked": 100, "fitted": 60}, "fit", [], "fit"),
        ({"drift": 1.5}, "look", ["unsteady"], "up to 1.5 px"),
        ({"drift": math.inf}, "unfit", ["unsteady"], "too far to tell"),
        ({"kept": 0.3}, "look", ["little-kept"], "only 30% of the frame"),
        ({"kept": 0.1}, "unfit", ["little-kept"], "only 10% of the frame"),
        ({"used": 9}, "look", ["few-frames"], "9 frames are too few"),
        ({"used": 10}, "fit", [], "fit"),
        ({"used": 2}, "look", ["few-frames"], "2 frames"),
        ({"rain": 0.0}, "look", ["no-rain"], "no rain in this clip"),
        ({"rain": -0.4}, "look", ["no-rain"], "no rain in this clip"),
        ({"rain": NO_RAIN + 0.01}, "fit", [], "fit"),
        ({"free": 0.02}, "look", ["dense-rain"], "only 2.0% of the values"),
        ({"areas": {"moving": area(0.6)}}, "look", ["moving"], "60% of the picture moves"),
        ({"areas": {"moving": area(1.0)}}, "unfit", ["moving"], "100% of the picture moves"),
        ({"areas": {"unsure": area(0.5)}}, "unfit", ["unsure"], "contradicts itself in 50%"),
        ({"areas": {"darker": area(0.02)}}, "look", ["darker"], "2.0% of the picture is darker"),
        ({"areas": {"brighter": area(0.5)}}, "unfit", ["brighter"], "50% of the picture is brighter"),
        ({"areas": {"blurred": area(0.15)}}, "look", ["blurred"], "15% of the picture is blurred"),
        (
            {"used": 5, "asked": 60, "fitted": 5, "areas": {"unsure": area(0.2), "darker": area(0.3)}},
            "unfit", ["few-fitted", "darker", "few-frames", "unsure"], "unfit: 5 of 60 frames fitted; 30% of",
        ),
    ],
)  # fmt: skip
def test_what_makes_a_sequence_bad(changed: dict[str, Any], state: str, codes: list[str], words: str) -> None:
    verdict = judge(facts(**changed))
    assert (verdict.state, [reason.code for reason in verdict.reasons]) == (state, codes)
    assert words in verdict.words and "\n" not in verdict.words
    for reason in verdict.reasons:
        assert reason.share is None or 0 <= reason.share <= 1


def test_places_are_those_of_the_reasons_alone() -> None:
    low, bad = area(0.05), area(0)
    bad[5:, 60:] = True
    verdict = judge(facts(areas={"unsure": low, "darker": bad, "moving": area(0.2)}))
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
        "words": "50% of the picture is darker than other frames show it",
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
    assert [percent(s) for s in (0, 0.004, 0.06, 0.099, 0.5, 1)] == ["0%", "0.4%", "6.0%", "10%", "50%", "100%"]


def test_it_loads_no_numpy() -> None:
    code = "import sys, rainclean.verdict; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
