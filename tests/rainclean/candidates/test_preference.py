"""What people prefer: a simulated annotator's taste is found, chance is not taken for taste; against plain writings."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rainclean.candidates import preference
from rainclean.candidates.preference import FEATURES, LEAST, Judgement, Preference, Table, features, learn
from rainclean.candidates.preference_reasons import reasons

F64 = NDArray[np.float64]

LOW_AND_CLEAN = {"offset": -2.0, "streaks": -2.0}
"""A taste that the scores do not have."""


def table(seed: int, line_ups: int, most: int = 8) -> Table:
    """Line-ups of made-up candidates, ordered by their scores."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, most + 1, line_ups)
    starts = np.cumsum([0, *sizes])
    many = int(starts[-1])
    defects = np.abs(rng.normal(0.3, 0.2, (many, 4))) * np.repeat(np.exp(rng.normal(0, 0.5, line_ups)), sizes)[:, None]
    group = np.repeat(np.arange(line_ups), sizes)
    defects = defects[np.lexsort((defects.sum(axis=1), group))]
    eta = np.repeat(rng.integers(20, 45, line_ups), sizes).astype(np.float64)
    return Table(
        starts=starts,
        defects=defects,
        rank=(np.arange(many) - np.repeat(starts[:-1], sizes) + 1).astype(np.float64),
        percentile=eta + rng.choice([-10.0, -5.0, 0.0, 5.0, 10.0], many),
        eta=eta,
        frames=rng.choice([20.0, 40.0, 100.0, 200.0], many),
        rule=rng.choice([0, 0, 1, 2], many),
        spread=np.abs(rng.normal(1, 0.4, line_ups)),
    )


def chosen(of: Table, taste: dict[str, float], seed: int) -> list[Judgement]:
    """What an annotator with a taste and some doubt chooses (Gumbel noise: Luce's choice); no taste: by chance."""
    weights = np.array([taste.get(name, 0.0) for name in FEATURES])
    utility = features(of) @ weights + np.random.default_rng(seed).gumbel(size=len(of.rank))
    found = []
    for number, (a, b) in enumerate(zip(of.starts[:-1], of.starts[1:], strict=True)):
        best = int(a + np.argmax(utility[a:b]))
        found.append(Judgement(best, tuple(i for i in range(a, b) if i != best), number))
    return found


def hits(found: Preference, of: Table, judged: list[Judgement]) -> float:
    """Share of line-ups of which the first is what was chosen."""
    return float(np.mean(found.tops(of)[0] == [j.chosen for j in judged]))


@pytest.mark.parametrize("taste", [LOW_AND_CLEAN, {"frames": 4.0}, {"rainfree": 4.0, "place": -1.0}])
def test_a_taste_is_found_and_holds_for_sequences_that_were_not_seen(taste: dict[str, float]) -> None:
    of, new = table(1, 60), table(2, 400)
    lesson, judged = learn(of, chosen(of, taste, 3)), chosen(new, taste, 4)
    assert lesson.preference is not None and lesson.preference.order == "learned"
    assert lesson.sequences == lesson.judgements == 60 and lesson.hits > lesson.hits_of_scores
    by_scores = float(np.mean(new.rank[[j.chosen for j in judged]] == 1))
    share = hits(lesson.preference, new, judged)
    assert share > by_scores + 0.25
    # As sure as it says: on the whole, and where it says that it is sure.
    chance = lesson.preference.tops(new)[2]
    sure = chance > np.median(chance)
    right = lesson.preference.tops(new)[0] == [j.chosen for j in judged]
    assert abs(chance.mean() - share) < 0.08 and abs(chance[sure].mean() - right[sure].mean()) < 0.1


def test_chance_is_no_taste() -> None:
    said = [
        learn(of, chosen(of, {}, 100 + seed)).preference for seed in range(20) for of in [table(seed, 12 + 4 * seed)]
    ]
    assert sum(found is not None for found in said) <= 1


def test_nothing_is_said_before_enough_was_seen() -> None:
    of = table(1, LEAST)
    judged = chosen(of, {"detail": 9.0}, 1)
    assert learn(of, judged).preference is not None
    assert learn(of, judged[1:]).preference is None
    twice = [*judged[1:], judged[1]]  # judged by two people, but not another sequence
    lesson = learn(of, twice)
    assert lesson.preference is None and (lesson.sequences, lesson.judgements) == (LEAST - 1, LEAST)
    alone = [*judged[1:], Judgement(judged[0].chosen, (), judged[0].sequence)]
    assert learn(of, alone).sequences == LEAST - 1


def test_where_people_follow_the_scores_it_is_known_how_far() -> None:
    of, new = table(5, 80), table(6, 400)
    lesson = learn(of, chosen(of, {"place": -3.0}, 7))
    assert lesson.preference is not None and lesson.preference.order == "scores"
    first, second, chance = lesson.preference.tops(new)
    assert np.array_equal(new.rank[first], np.ones(400)) and np.array_equal(new.rank[second], np.full(400, 2.0))
    assert abs(chance.mean() - hits(lesson.preference, new, chosen(new, {"place": -3.0}, 8))) < 0.08


def loss(differences: F64, weight: F64, prior: F64, weights: F64) -> float:
    """The penalised likelihood, pair by pair."""
    total = preference.RIDGE / 2 * sum((w - p) ** 2 for w, p in zip(weights, prior, strict=True))
    for row, w in zip(differences, weight, strict=True):
        total += w * math.log(1 + math.exp(-sum(float(a) * float(b) for a, b in zip(row, weights, strict=True))))
    return float(total)


def test_the_fit_is_the_minimum_by_a_plain_writing() -> None:
    of = table(9, 20, 4)
    pairs = preference._Pairs.from_judgements(of, chosen(of, LOW_AND_CLEAN, 9))
    prior = np.zeros(len(FEATURES))
    prior[0] = -1
    weights, hessian = preference._fit(pairs, prior)
    least = loss(pairs.differences, pairs.weight, prior, weights)
    for column in range(len(FEATURES)):
        step = np.zeros(len(FEATURES))
        step[column] = 1e-3
        up, down = (loss(pairs.differences, pairs.weight, prior, weights + sign * step) for sign in (1, -1))
        assert up > least < down and abs(up - down) / 2e-3 < 1e-3
        assert (up + down - 2 * least) / 1e-6 == pytest.approx(hessian[column, column], rel=1e-3)


def test_left_out_is_nearly_as_fitted_anew() -> None:
    of = table(10, 30)
    judged = chosen(of, LOW_AND_CLEAN, 10)
    prior = np.zeros(len(FEATURES))
    prior[0] = -1
    pairs = preference._Pairs.from_judgements(of, judged)
    quick = preference._left_out(pairs, *preference._fit(pairs, prior))
    values, exact = features(of), []
    for number, one in enumerate(judged):
        weights, _ = preference._fit(
            preference._Pairs.from_judgements(of, judged[:number] + judged[number + 1 :]), prior
        )
        exact += [float((values[one.chosen] - values[other]) @ weights) for other in one.others]
    assert np.corrcoef(quick, exact)[0, 1] > 0.995
    assert np.mean((quick > 0) == (np.array(exact) > 0)) > 0.97


def test_what_several_people_say_of_one_sequence_is_left_out_together() -> None:
    of = table(11, 20)
    judged = chosen(of, LOW_AND_CLEAN, 11)
    pairs = preference._Pairs.from_judgements(of, sorted([*judged, *chosen(of, {}, 12)[:5]], key=lambda j: j.sequence))
    prior = np.zeros(len(FEATURES))
    weights, hessian = preference._fit(pairs, prior)
    margins = preference._left_out(pairs, weights, hessian)
    # One sequence by hand.
    mine = np.flatnonzero(pairs.sequence[pairs.judgement] == 0)
    miss = [1 / (1 + math.exp(float(pairs.differences[i] @ weights))) for i in mine]
    own, gradient = np.zeros_like(hessian), np.zeros(len(prior))
    for i, m in zip(mine, miss, strict=True):
        own += pairs.weight[i] * m * (1 - m) * np.outer(pairs.differences[i], pairs.differences[i])
        gradient += pairs.weight[i] * m * pairs.differences[i]
    without = weights - np.linalg.inv(hessian - own) @ gradient
    assert len({int(j) for j in pairs.judgement[mine]}) == 2
    assert np.allclose(margins[mine], pairs.differences[mine] @ without)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 3))
def test_a_candidate_is_seen_beside_those_of_its_line_up_alone(seed: int, line_up: int) -> None:
    of = table(seed, 4)
    a, b = of.starts[line_up], of.starts[line_up + 1]
    turned = np.arange(a, b)[::-1]
    alone = Table(
        starts=np.array([0, b - a]),
        defects=of.defects[turned],
        rank=of.rank[turned],
        percentile=of.percentile[turned],
        eta=of.eta[turned],
        frames=of.frames[turned],
        rule=of.rule[turned],
        spread=of.spread[line_up : line_up + 1],
    )
    assert np.allclose(features(alone)[::-1], features(of)[a:b])
    # The order of the scores is the order of "place".
    assert np.array_equal(np.argsort(features(of)[a:b, 0], kind="stable"), np.arange(b - a))


def test_another_order_than_that_of_the_totals_is_kept() -> None:
    of = table(3, 1)
    other = Table(
        starts=of.starts,
        defects=of.defects,
        rank=of.rank[::-1].copy(),
        percentile=of.percentile,
        eta=of.eta,
        frames=of.frames,
        rule=of.rule,
        spread=of.spread,
    )
    assert np.array_equal(np.argsort(features(other)[:, 0]), np.arange(len(of.rank))[::-1])


def test_chances_are_those_of_choices_among_several() -> None:
    of, weights = table(13, 5), np.random.default_rng(13).normal(size=len(FEATURES))
    found = Preference(weights, np.zeros((len(weights), len(weights))), 0.7, "learned")
    first, second, chance = found.tops(of)
    for number, (a, b) in enumerate(zip(of.starts[:-1], of.starts[1:], strict=True)):
        utility = [float(row @ weights) for row in features(of)[a:b]]
        ranked = sorted(range(len(utility)), key=lambda i: -utility[i])
        assert (first[number] - a, second[number] - a) == (ranked[0], ranked[1])
        odds = [math.exp(0.7 * u) for u in utility]
        assert chance[number] == pytest.approx(max(odds) / sum(odds))
    doubtful = Preference(weights, np.eye(len(weights)) * 9, 0.7, "learned").tops(of)
    assert np.array_equal(doubtful[0], first) and (doubtful[2] < chance).all()


def two(**differing: tuple[float, float]) -> Table:
    """Two candidates that are alike but for some columns."""
    defects = np.full((2, 4), 0.3)
    for column, name in enumerate(preference.DEFECTS):
        defects[:, column] = differing.get(name, (0.3, 0.3))
    columns = {
        name: np.array(differing.get(name, (value, value)))
        for name, value in (("percentile", 30.0), ("eta", 35.0), ("frames", 100.0), ("rule", 0.0))
    }
    return Table(
        starts=np.array([0, 2]),
        defects=defects,
        rank=np.array([1.0, 2.0]),
        percentile=columns["percentile"],
        eta=columns["eta"],
        frames=columns["frames"],
        rule=columns["rule"].astype(np.int64),
        spread=np.array([0.5]),
    )


def because(of: Table, **taste: float) -> tuple[str, ...]:
    """Reasons of the first against the second."""
    weights = np.array([taste.get(name, 0.0) for name in FEATURES])
    return reasons(Preference(weights, np.zeros((len(weights), len(weights))), 1.0, "learned"), of, 0, 1)


def test_reasons_are_what_made_the_difference() -> None:
    assert because(two(streaks=(0.21, 0.34)), place=-1) == ("fewer leftover streaks (0.21 against 0.34)",)
    assert because(two(detail=(0.001, 0.004)), detail=-1) == ("less lost detail (0.001 against 0.004)",)
    assert because(two(percentile=(30, 35)), offset=-1) == ("η* − 5 rather than η*",)
    assert because(two(percentile=(30, 35)), offset=1) == ()
    assert because(two(frames=(200, 100)), frames=1) == ("more frames (200 against 100)",)
    assert because(two(rule=(2, 0)), rainfree=1) == ("the rain-free mean rather than a percentile",)
    # A defect that is worse recommends nothing, whatever was learned of it; what hardly counts is not said.
    assert because(two(darkening=(0.4, 0.3)), darkening=1) == ()
    both = two(streaks=(0.1, 0.9), detail=(0.30, 0.32))
    assert because(both, streaks=-1, detail=-0.01) == ("fewer leftover streaks (0.10 against 0.90)",)
