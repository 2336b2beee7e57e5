"""An estimator that is added from outside has names, hashes and labels like ours."""

import json

import pytest

from rainclean.candidates import rule_versions
from rainclean.candidates.estimators import (
    PERCENTILE,
    Estimator,
    estimators,
    find_estimator,
    register_estimator,
    sweep_estimators,
    unregister_estimator,
)
from rainclean.candidates.recipe import Recipe
from rainclean.errors import RaincleanError, UsageError
from tests.helpers.toy_estimators import Darkest, Plain, Trimmed, TrimmedInSweep, registered


def test_its_recipes_are_named_parsed_and_stored() -> None:
    with registered(Trimmed()):
        recipe = Recipe.parse("n20s2-trimmed-steady")
        assert recipe == Recipe(20, stride=2, rule="trimmed", steady=True)
        assert recipe.words == "20 frames (1 in 2), trimmed mean, stabilized"
        document = json.loads(json.dumps(recipe.to_json()))
        assert Recipe.from_json(document) == recipe and document["rule"] == "trimmed"
        assert recipe.hash != Recipe(20, stride=2, steady=True).hash
        with pytest.raises(UsageError, match="percentile"):
            Recipe(20, rule="trimmed", percentile=50.0)
        with pytest.raises(UsageError, match="offset"):
            Recipe(20, rule="trimmed", offset=5.0)
    with pytest.raises(RaincleanError, match="n20-trimmed"):
        Recipe.parse("n20-trimmed")
    with pytest.raises(UsageError, match="it is percentile, local, rainfree, near"):
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
