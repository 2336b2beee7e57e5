"""What is added from outside is used like ours: estimators have names, hashes and labels; defects count."""

import json
from dataclasses import replace

import numpy as np
import pytest

from rainclean.candidates import Defect, defect_label, register_defect, rule_versions, score, unregister_defect
from rainclean.candidates.estimators import (
    PERCENTILE,
    Estimator,
    estimators,
    find_estimator,
    register_estimator,
    sweep_estimators,
    unregister_estimator,
)
from rainclean.candidates.quality import total_map
from rainclean.candidates.recipe import Recipe
from rainclean.errors import RaincleanError, UsageError
from rainclean.temporal import luma
from tests.helpers.toys import (
    BLUE_CAST,
    Darkest,
    Plain,
    Trimmed,
    TrimmedInSweep,
    registered,
    scored_by,
)


def test_its_recipes_are_named_parsed_and_stored() -> None:
    with registered(Trimmed()):
        recipe = Recipe.parse("n20s2-trimmed-steady")
        assert recipe == Recipe(20, stride=2, rule="trimmed", steady=True)
        assert recipe.description == "20 frames (1 in 2), trimmed mean, stabilized"
        document = json.loads(json.dumps(recipe.to_json()))
        assert Recipe.from_json(document) == recipe and document["rule"] == "trimmed"
        assert recipe.hash != Recipe(20, stride=2, steady=True).hash
        with pytest.raises(UsageError, match="percentile"):
            Recipe(20, rule="trimmed", percentile=50.0)
        with pytest.raises(UsageError, match="offset"):
            Recipe(20, rule="trimmed", offset=5.0)
    with pytest.raises(RaincleanError, match="n20-trimmed"):
        Recipe.parse("n20-trimmed")
    with pytest.raises(UsageError, match="use one of percentile, local, rainfree, near"):
        Recipe(20, rule="trimmed")


def test_another_version_is_another_hash() -> None:
    class Newer(Trimmed):
        version = 4

    with registered(Trimmed()):
        older = Recipe(20, rule="trimmed").hash
        assert rule_versions("n20-trimmed") == {"trimmed": 3}
    with registered(Newer()):
        assert Recipe(20, rule="trimmed").hash != older
    assert rule_versions("n20-rainfree") == {"rainfree": 2}
    assert rule_versions("n20-vote") == rule_versions("released") == rule_versions("n20-trimmed") == {}


def test_a_sweep_knows_it_and_is_made_again_for_it() -> None:
    ours = [each.rule for each in sweep_estimators()]
    assert ours == ["local", "rainfree", "near"] and rule_versions(None) == {}
    with registered(Darkest(), Plain(), TrimmedInSweep()):
        rules = [each.rule for each in sweep_estimators()]
        assert rules == ["local", "trimmed", "rainfree", "plain", "near", "darkest"]
        assert rule_versions(None) == {"trimmed": 3, "plain": 1, "darkest": 1}


def test_what_cannot_be_an_estimator_is_refused() -> None:
    class Nameless(Trimmed):
        rule = "with space"

    class Steady(Trimmed):
        rule = "my-steady"

    class Ours(Trimmed):
        rule = PERCENTILE

    class OfNoKind(Estimator):
        rule = "kindless"

    for wrong in (Nameless(), Steady(), Ours(), OfNoKind()):
        with pytest.raises(ValueError, match=r"rule|no SortedEstimator"):
            register_estimator(wrong)
    for rule in ("local", "trimmed"):
        with pytest.raises(ValueError, match=rule):
            unregister_estimator(rule)
    assert [each.rule for each in estimators()] == ["percentile", "local", "rainfree", "near"]


@pytest.mark.parametrize("rule", ["trimmed", None, 7, ["local"], {}])
def test_the_rule_of_a_strange_project_is_of_no_estimator(rule: object) -> None:
    assert find_estimator(rule) is None


def test_a_defect_is_scored_beside_ours_and_added_up() -> None:
    rng = np.random.default_rng(0)
    candidate = rng.integers(0, 256, (40, 50, 3), np.uint8)
    reference, target = luma(rng.integers(0, 256, (40, 50, 3), np.uint8)), luma(candidate).astype(np.float32)
    plain = score(candidate, reference, target)
    assert plain.more == {} and list(plain.by_name) == ["streaks", "detail", "darkening", "disagreement"]
    with scored_by(BLUE_CAST):
        scores = score(candidate, reference, target)
        small = total_map(luma(candidate), reference, target)
    expected = 0.5 * luma(candidate).mean() / 100
    assert scores.more == {"blue_cast": pytest.approx(expected, rel=1e-5)}
    assert scores.total == pytest.approx(plain.total + expected)
    assert np.allclose(small - total_map(luma(candidate), reference, target), expected, atol=1e-3)
    assert scores.judged(7.0).more == scores.more


def test_what_cannot_be_a_defect_is_refused() -> None:
    for wrong in (Defect("x", "x", "x"), replace(BLUE_CAST, name="A b"), replace(BLUE_CAST, name="detail")):
        with pytest.raises(ValueError, match="defect"):
            register_defect(wrong)
    for name in ("detail", "blue_cast"):
        with pytest.raises(ValueError, match=name):
            unregister_defect(name)
    assert defect_label("detail") == "lost detail" and defect_label("blue_cast") == "blue_cast"
