"""Recipes: one name, one hash, one meaning."""

import dataclasses
import json
import re
import subprocess
import sys
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.candidates.recipe import MAX_FRAMES, RULES_VERSION, Recipe
from rainclean.errors import RaincleanError

TENTHS = st.integers(0, 1000).map(lambda tenths: tenths / 10)
WINDOWS: tuple[Literal["centre", "first"], ...] = ("centre", "first")
SHIFTS = st.integers(-1000, 1000).map(lambda tenths: tenths / 10)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    frames = draw(st.integers(2, MAX_FRAMES))
    window = draw(st.sampled_from(WINDOWS))
    stride = draw(st.integers(1, 1000))
    if draw(st.booleans()):
        return Recipe(frames, window=window, stride=stride, percentile=draw(TENTHS))
    return Recipe(frames, window=window, stride=stride, offset=draw(SHIFTS))


many = settings(deadline=None, max_examples=200)


@many
@given(recipes())
def test_a_name_can_be_parsed_back(recipe: Recipe) -> None:
    assert Recipe.parse(recipe.name) == recipe
    assert Recipe.parse(recipe.name).hash == recipe.hash


@many
@given(recipes())
def test_names_are_safe_as_file_names(recipe: Recipe) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", recipe.name)


@many
@given(recipes(), recipes())
def test_different_recipes_have_different_names_hashes_and_words(one: Recipe, other: Recipe) -> None:
    for text in ("name", "hash", "description"):
        assert (getattr(one, text) == getattr(other, text)) == (one == other)


@many
@given(recipes(), st.sampled_from(["frames", "window", "stride", "rule"]))
def test_changing_one_parameter_changes_name_and_hash(recipe: Recipe, which: str) -> None:
    changes: dict[str, dict[str, Any]] = {
        "frames": {"frames": recipe.frames ^ 1 if recipe.frames > 3 else 5},
        "window": {"window": "first" if recipe.window == "centre" else "centre"},
        "stride": {"stride": recipe.stride + 1},
        "rule": {"percentile": 50.0, "offset": 0.0} if recipe.percentile is None else {"percentile": None},
    }
    other = dataclasses.replace(recipe, **changes[which])
    assert other.name != recipe.name
    assert other.hash != recipe.hash


@many
@given(recipes())
def test_json_goes_there_and_back(recipe: Recipe) -> None:
    document = json.loads(json.dumps(recipe.to_json()))
    assert Recipe.from_json(document) == recipe
    assert (document["name"], document["hash"], document["version"]) == (recipe.name, recipe.hash, RULES_VERSION)


@pytest.mark.parametrize(
    ("recipe", "name", "words"),
    [
        (Recipe(100), "n100-vote", "100 frames, η*"),
        (Recipe(40, stride=2, offset=-5.0), "n40s2-vote-minus5", "40 frames (1 in 2), η* − 5"),
        (Recipe(40, stride=13, offset=2.5), "n40s13-vote-plus2_5", "40 frames (1 in 13), η* + 2.5"),
        (Recipe(100, window="first"), "first100-vote", "first 100 frames, η*"),
        (Recipe(20, rule="local", offset=-5.0), "n20-local-minus5", "20 frames, adaptive percentile − 5"),
        (Recipe(20, percentile=50.0), "n20-p50", "20 frames, median"),
        (Recipe(20, percentile=0.0), "n20-p0", "20 frames, percentile 0"),
        (Recipe(40, stride=2, percentile=37.5), "n40s2-p37_5", "40 frames (1 in 2), percentile 37.5"),
    ],
)
def test_names_and_words_for_a_person(recipe: Recipe, name: str, words: str) -> None:
    assert (recipe.name, recipe.description) == (name, words)
    assert Recipe.parse(name) == recipe


def test_hashes_are_the_same_for_ever() -> None:
    assert RULES_VERSION == 1, "new rules, new hashes: write them here"
    assert Recipe(100).hash == "b7117986dcbf611d"
    assert Recipe(40, window="first", stride=2, percentile=37.5).hash == "8a4d2e1405400a09"


def test_hashes_are_the_same_in_every_process() -> None:
    recipe = "Recipe(40, window='first', stride=2, percentile=37.5)"
    code = f"from rainclean.candidates.recipe import Recipe; print({recipe}.hash)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == Recipe(40, window="first", stride=2, percentile=37.5).hash


def test_equal_recipes_have_equal_hashes() -> None:
    for one, other in (
        (Recipe(20, percentile=50), Recipe(20, percentile=50.0)),
        (Recipe(20, offset=5), Recipe(20, offset=5.0)),
        (Recipe(20, offset=0.0), Recipe(20, offset=-0.0)),
        (Recipe(20, percentile=0.0), Recipe(20, percentile=-0.0)),
    ):
        assert one == other and one.name == other.name
        assert one.hash == other.hash


def test_hashes_depend_on_the_version_of_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Recipe(20).hash
    monkeypatch.setattr("rainclean.candidates.recipe.RULES_VERSION", RULES_VERSION + 1)
    assert Recipe(20).hash != before


def test_recipes_are_frozen_and_hashable() -> None:
    recipe = Recipe(20)
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.frames = 30  # type: ignore[misc]
    assert len({recipe, Recipe(20), Recipe(40)}) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"frames": 1},
        {"frames": 0},
        {"frames": -20},
        {"frames": 20, "stride": 0},
        {"frames": 20, "percentile": -0.1},
        {"frames": 20, "percentile": 100.1},
        {"frames": 20, "percentile": float("nan")},
        {"frames": 20, "offset": 100.1},
        {"frames": 20, "offset": -100.1},
    ],
)
def test_recipes_that_make_no_picture_are_refused_in_one_line(arguments: dict[str, Any]) -> None:
    with pytest.raises(RaincleanError) as caught:
        Recipe(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"percentile": 37.54},  # percentiles come in tenths: n20-p37_5 is another recipe
        {"percentile": 50.0, "offset": 5.0},  # n20-p50 is another recipe
        {"offset": 0.04},
        {"offset": float("nan")},
        {"offset": 1e17},  # a plus sign in the name
    ],
)
def test_what_a_name_cannot_say_is_refused(arguments: dict[str, Any]) -> None:
    try:
        recipe = Recipe(20, **arguments)
    except RaincleanError:
        return
    assert Recipe.parse(recipe.name) == recipe


@pytest.mark.parametrize(
    "name",
    [
        "", "n20", "vote", "N20-vote", "n20-vote ", " n20-vote", "n20-vote\n", "n-vote", "n20_vote", "n20-p",
        "n20-p50.5", "n20-p50_55", "n20-vote-5", "n20-vote-minus", "n20-vote-plus-5", "n-20-vote", "n20s-vote",
        "n1-vote", "n0-vote", "n65536-vote", "n20s0-vote", "n20-p101", "n20-p100_1", "last20-vote",
        "n20-vote/../x", "n20-mean",
        "released", "median",
    ],
)  # fmt: skip
def test_wrong_names_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(RaincleanError) as caught:
        Recipe.parse(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["n020-vote", "n٢٠-vote", "n20s1-vote", "n20-p50_0", "n20-p050", "n20-vote-minus0", "n20-vote-plus0_0"],
)
def test_only_names_as_written_are_read(name: str) -> None:
    with pytest.raises(RaincleanError):
        Recipe.parse(name)


def test_endless_numbers_in_names_are_refused_like_others() -> None:
    with pytest.raises(RaincleanError):
        Recipe.parse(f"n{'9' * 5000}-vote")


@many
@given(st.text(max_size=20))
def test_any_text_is_a_recipe_or_refused_in_one_line(text: str) -> None:
    try:
        Recipe.parse(text)
    except RaincleanError as error:
        assert "\n" not in str(error)


def test_recipes_of_other_rules_are_refused() -> None:
    document = Recipe(20).to_json()
    for version in (0, 2, None, "1"):
        with pytest.raises(RaincleanError, match="version"):
            Recipe.from_json({**document, "version": version})


@many
@given(SHIFTS, st.integers(0, 100))
def test_offsets_are_clamped(offset: float, eta: int) -> None:
    assert Recipe(20, offset=offset).resolve(eta) == min(max(eta + offset, 0), 100)
    assert Recipe(20, percentile=37.5).resolve(eta) == 37.5
