"""Agreement beside chance, against textbook numbers and another formula."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions.agreement import AUTOMATIC, agreements, judgements, kappa
from pipeline.project.editing.editor import Editor
from pipeline.project.storage.database import Project
from tests.conftest import Run


def pairs(**counts: int) -> list[tuple[str, str]]:
    """``yn=5``: five that the first calls y and the second n."""
    return [(name[0], name[1]) for name, number in counts.items() for _ in range(number)]


@pytest.mark.parametrize(
    ("labels", "value"),
    [
        (pairs(yy=20, yn=5, ny=10, nn=15), 0.4),  # grant proposals, two readers: po 0.7, pe 0.5
        (pairs(yy=45, yn=15, ny=25, nn=15), (0.60 - 0.54) / (1 - 0.54)),
        (pairs(yy=25, yn=35, ny=5, nn=35), (0.60 - 0.46) / (1 - 0.46)),
        (pairs(yy=3, nn=2), 1.0),
        (pairs(yn=2, ny=2), -1.0),
        (pairs(yy=1, yn=1, ny=1, nn=1), 0.0),
        (pairs(yy=5, yn=5), 0.0),  # the second's answers depend on nothing of the first's
        (pairs(yy=5), None),
        ([], None),
    ],
)
def test_kappa_of_textbooks(labels: list[tuple[str, str]], value: float | None) -> None:
    assert kappa(labels) == (None if value is None else pytest.approx(value))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=30))
def test_kappa_is_one_less_the_disagreement_in_units_of_chance(labels: list[tuple[str, str]]) -> None:
    """κ = 1 − Σ w·observed / Σ w·expected, with w 0 on the diagonal and 1 beside it (weighted κ's formula)."""
    table = np.zeros((3, 3))
    for one, other in labels:
        table["abc".index(one), "abc".index(other)] += 1 / len(labels)
    weights = 1 - np.eye(3)
    expected = (weights * np.outer(table.sum(1), table.sum(0))).sum()
    found = kappa(labels)
    if expected < 1e-12:
        assert found is None
    else:
        assert found == pytest.approx(1 - (weights * table).sum() / expected)


def test_people_are_compared_by_what_they_said_last(desk: Project) -> None:
    ann, bea = Editor(desk, "Ann"), Editor(desk, "Bea")
    picks = [(s, candidates(desk, analyses(desk, s.id)[0].id)) for s in sequences(desk)]
    for sequence, (best, *_) in picks:
        ann.accept(sequence, best.id)
    (cat, of_cat), (dog, of_dog), (elk, _) = picks
    bea.opine(cat, of_cat[1].id)
    bea.opine(cat, of_cat[0].id)  # changed her mind
    bea.opine(dog, of_dog[1].id)
    bea.opine(elk, None)
    found = {(a.one, a.other): a for a in agreements(judgements(desk))}
    assert set(found) == {("Ann", "Bea"), ("Ann", AUTOMATIC), ("Bea", AUTOMATIC)}
    pair = found["Ann", "Bea"]
    assert (pair.both, pair.both_accepted, pair.same_candidate) == (3, 2, 0.5)
    assert pair.same_verdict == pytest.approx(2 / 3)
    assert pair.kappa_verdict == 0.0 and pair.kappa_choice == pytest.approx((1 / 3 - 1 / 9) / (1 - 1 / 9))
    alone = found["Ann", AUTOMATIC]
    assert (alone.same_verdict, alone.kappa_verdict, alone.same_candidate, alone.kappa_choice) == (1.0, None, 1.0, 1.0)
    # What was taken back counts no more.
    bea.undo()
    assert {(a.one, a.other): a.both for a in agreements(judgements(desk))}["Ann", "Bea"] == 2


def test_the_command(home: Path, desk: Project, here: Run) -> None:
    assert "no sequence was judged by two people" in here("agreement", home).stdout
    cat, *_ = sequences(desk)
    best = candidates(desk, analyses(desk, cat.id)[0].id)[0]
    Editor(desk, "Ann").accept(cat, best.id)
    Editor(desk, "Bea").opine(cat, best.id)
    table = here("agreement", home)
    assert table.returncode == 0, table.stderr
    columns, ann_bea, *_ = table.stdout.splitlines()
    assert columns.split()[:2] == ["one", "other"]
    assert ann_bea.split() == ["Ann", "Bea", "1", "100", "%", "–", "1", "100", "%", "–"]
    document = json.loads(here("agreement", home, "--json").stdout)
    assert document["agreements"][0]["same_verdict"] == 1.0 and document["agreements"][0]["kappa_verdict"] is None
