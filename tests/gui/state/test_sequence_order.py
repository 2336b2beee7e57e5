"""Order and neighbours of the list, against plain writings of the same."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gui.state.sequence_order import FILTERS, SORTS, UNSURE, arrange, nearest, neighbour
from pipeline.project.model import Overview, Sequence, State
from rainclean.verdict.rules import Reason, Verdict


def line(
    number: int, name: str = "", state: State = "ready", score: float | None = 1.0, spread: float = 0.0
) -> Overview:
    """One line of the overview."""
    sequence = Sequence(
        id=number, clip_id=1, name=name or f"s{number}", first=0, stop=9, scene=f"scene of {name}", scene_by="name",
        source="", author="", licence="", consent="", notes="",
    )  # fmt: skip
    return Overview(
        sequence=sequence, state=state, error="", candidates=3, chosen="n3-vote", score=score, decision=None,
        spread=spread,
    )  # fmt: skip


def test_filters_and_sorts_have_the_words_of_the_boxes() -> None:
    lines = [line(1, "b", "new", None), line(2, "a", "ready", 2.0, 5.0), line(3, "c", "rejected", 3.0, 9.0)]
    assert arrange(lines) == [1, 2, 3]
    assert arrange(lines, sort="Name") == [2, 1, 3]
    assert arrange(lines, sort="Score, worst first") == [3, 2, 1]
    assert arrange(lines, sort="Difference between candidates, largest first") == [3, 2, 1]
    assert arrange(lines, filter_by="Rejected") == [3]
    assert arrange(lines, search="SCENE a") == [2]
    assert arrange(lines, search="nothing") == []
    assert set(FILTERS) and set(SORTS)


def test_most_unsure_first_is_what_is_left_to_do() -> None:
    lines = [line(1), line(2, state="accepted"), line(3), line(4, state="accepted automatically"), line(5, state="new")]
    assert arrange(lines, sort=UNSURE) == [1, 2, 3, 4, 5]  # nothing is known yet
    unsure = {1: 0.2, 2: 0.9, 3: 0.7, 4: 0.4}
    assert arrange(lines, sort=UNSURE, unsure=unsure) == [3, 4, 1, 5, 2]
    assert arrange(lines, filter_by="To decide", sort=UNSURE, unsure=unsure) == [3, 4, 1]


@given(st.lists(st.integers(0, 30), unique=True), st.integers(0, 30), st.integers(-3, 3))
def test_neighbours_stay_in_the_list(order: list[int], of: int, step: int) -> None:
    found = neighbour(order, of, step)
    if not order:
        assert found is None
    elif of not in order:
        assert found == order[0]
    else:
        assert found is not None
        assert order.index(found) == min(max(order.index(of) + step, 0), len(order) - 1)


@given(st.lists(st.integers(0, 30), unique=True, min_size=1), st.data())
def test_the_nearest_is_the_next_one_after_else_the_last_one_before(order: list[int], data: st.DataObject) -> None:
    of = data.draw(st.sampled_from(order))
    wanted = data.draw(st.sets(st.sampled_from(order)))
    place = order.index(of)
    after = [n for n in order[place + 1 :] if n in wanted]
    before = [n for n in order[:place] if n in wanted]
    assert nearest(order, of, wanted.__contains__) == (after[0] if after else before[-1] if before else None)


def test_verdicts_can_be_listed_and_ordered() -> None:
    bad = Reason("few-fitted", "12 of 167 frames fitted", "unfit", 0.93)
    verdicts = [Verdict("fit"), None, Verdict("unfit", (bad,)), Verdict("look", (replace(bad, severity="look"),))]
    lines = [replace(line(n), verdict=verdict) for n, verdict in enumerate(verdicts, 1)]
    lines.append(replace(line(5, state="new"), candidates=0))
    assert arrange(lines, sort="Verdict, worst first") == [3, 4, 2, 1, 5]
    shown = ("Fit", "Needs a look", "Unfit", "No verdict yet")
    assert [arrange(lines, filter_by=name) for name in shown] == [[1], [4], [3], [2]]


def test_conflicts_can_be_listed() -> None:
    lines = [line(1), replace(line(2), conflict=True)]
    assert arrange(lines, filter_by="In conflict") == [2]
