"""Properties and removal of sequences: undone exactly, checked against the clip, and seen by everything that lists."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.project.clips.properties import Properties, set_properties
from pipeline.project.clips.sequence_records import describe, lookalikes, sequences
from pipeline.project.decisions import auto_plan, choose_best
from pipeline.project.decisions.decisions import current
from pipeline.project.editing.editor import Editor
from pipeline.project.history import history
from pipeline.project.overview import overview
from pipeline.project.progress import progress
from pipeline.project.storage.database import Project
from rainclean.errors import InputError, UsageError
from rainclean.video import Region
from tests.helpers.judged_projects import fill

COLUMNS = (
    "name, display_name, scene, scene_by, source, author, licence, consent, notes, chosen_first, chosen_last, "
    "chosen_region, removed"
)


@pytest.fixture
def some(project: Project) -> Project:
    """Four sequences without clips; the last looks like the first."""
    return made(project)


def made(project: Project) -> Project:
    fill(project, 4)
    project.execute("UPDATE sequence SET first = 0, last = 99 WHERE id = 1")
    project.execute("UPDATE sequence SET first = id, last = 90 + id WHERE id > 1")
    project.execute("UPDATE sequence SET looks_like = 1, scene_by = 'suggestion', scene = 'made0' WHERE id = 4")
    return project


def state(project: Project) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in project.rows(f"SELECT {COLUMNS} FROM sequence ORDER BY id")]


CHANGES = st.builds(
    Properties,
    display_name=st.none() | st.sampled_from(["", "a", "Straße"]),
    scene=st.none() | st.sampled_from(["mill", "yard"]),
    licence=st.none() | st.sampled_from(["", "CC0"]),
    first=st.none() | st.integers(0, 20),
    stop=st.none() | st.integers(30, 99),
    region=st.none() | st.just("whole") | st.just(Region(1, 2, 30, 40)),
    confirm_scene=st.none() | st.just(True),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["properties", "remove", "restore", "star", "reject", "undo", "redo"]),
        st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True),
        CHANGES,
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=25)
@given(STEPS)
def test_undo_and_redo_restore_everything_exactly(steps: list[tuple[str, list[int], Properties]]) -> None:
    """The model is a list of whole states, as any editor keeps it."""
    with ExitStack() as until_done:
        folder = until_done.enter_context(TemporaryDirectory())
        project = made(until_done.enter_context(Project.create(Path(folder) / "project")))
        ann, all_of_it = Editor(project, "Ann"), sequences(project)

        def whole() -> object:
            decided = {number: one.verdict for number, one in current(project).items()}
            return state(project), decided, [ann.draft(s).star for s in all_of_it]

        past, future = [whole()], list[object]()
        for kind, places, changes in steps:
            chosen = [all_of_it[place] for place in places]
            before = ann.can_undo()
            if kind == "undo":
                assert (ann.undo() is not None) == (len(past) > 1)
                if len(past) > 1:
                    future.append(past.pop())
                assert whole() == past[-1]
                continue
            if kind == "redo":
                assert (ann.redo() is not None) == bool(future)
                if future:
                    past.append(future.pop())
                assert whole() == past[-1]
                continue
            if kind == "properties":
                ann.set_properties(chosen, changes)
            elif kind == "reject":
                ann.reject(chosen[0])
            elif kind == "star":
                ann.star(chosen[0], on=not ann.draft(chosen[0]).star)
            else:
                (ann.remove if kind == "remove" else ann.restore)(chosen)
            after = ann.can_undo()
            if after is None or (before is not None and before.id == after.id):
                continue  # nothing was changed, so there is nothing to undo
            past.append(whole())
            future.clear()
        while len(past) > 1:
            assert ann.undo() is not None
            past.pop()
            assert whole() == past[-1]
        assert ann.can_undo() is None and project.problems() == []
        for one in all_of_it:
            assert history(project, one)


def test_a_batch_is_one_step_with_a_name_and_who_and_when(some: Project) -> None:
    ann = Editor(some, "Ann")
    ann.set_properties(sequences(some)[:3], Properties(licence="CC BY 4.0", display_name=" night\n "))
    assert [s.label for s in sequences(some)] == ["night", "night", "night", "made3"]
    step = ann.can_undo()
    assert step is not None and step.label == "display name and licence of made2 and 2 others"
    rows = some.rows("SELECT who, batch, at FROM edit")
    assert {row["who"] for row in rows} == {"Ann"} and len({row["batch"] for row in rows}) == 1
    assert Editor(some, "Bea").undo() is None
    before = state(some)
    ann.undo()
    assert [s.licence for s in sequences(some)] == [""] * 4
    ann.redo()
    assert state(some) == before


def test_what_another_person_set_later_stays_when_the_earlier_is_undone(some: Project) -> None:
    (one, *_) = sequences(some)
    ann, bea = Editor(some, "Ann"), Editor(some, "Bea")
    ann.set_properties([one], Properties(licence="CC0", author="Ann"))
    bea.set_properties([one], Properties(licence="CC BY 4.0"))
    ann.undo()
    (now, *_) = sequences(some)
    assert (now.licence, now.author) == ("CC BY 4.0", "")
    bea.undo()
    assert sequences(some)[0].licence == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (Properties(first=5, stop=5), "first 5 and stop 5 do not fit"),
        (Properties(stop=100), "stop at most 99, the frames of the clip"),
        (Properties(first=-1), "first -1 and stop 92 do not fit"),
        (Properties(first=7, stop=8), "leave 1 frame"),
        (Properties(region=Region(50, 0, 30, 20)), "lies outside the frame, which has 72×56 px"),
        (Properties(region=Region(0, 0, 0, 20)), "lies outside the frame"),
        (Properties(scene=" "), "a scene needs a name"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(some: Project, changes: Properties, words: str) -> None:
    before = state(some)
    with pytest.raises(UsageError, match=words):
        Editor(some, "Ann").set_properties(sequences(some)[:2][::-1], changes)
    assert state(some) == before and some.value("SELECT count(*) FROM edit") == 0


def test_the_whole_is_no_choice(some: Project) -> None:
    one = sequences(some)[1]
    editor = Editor(some, "Ann")
    editor.set_properties([one], Properties(first=one.first, stop=one.stop, region=Region(0, 0, 72, 56)))
    assert some.value("SELECT count(*) FROM edit") == 0
    editor.set_properties([one], Properties(first=0, stop=9, region=Region(1, 2, 3, 4)))
    now = sequences(some)[1]
    assert (now.first, now.stop, now.region, now.shot) == (0, 9, (1, 2, 3, 4), (one.first, one.stop))
    assert [line.outdated for line in overview(some)] == [False, True, False, False]
    editor.set_properties([one], Properties(first=one.first, stop=one.stop, region="whole"))
    assert sequences(some)[1] == one and not any(line.outdated for line in overview(some))


def test_a_suggested_scene_is_confirmed_and_no_longer_follows(some: Project) -> None:
    first, *_, last = sequences(some)
    ann = Editor(some, "Ann")
    ann.set_properties([first, last], Properties(confirm_scene=True))
    assert [(s.scene, s.scene_by) for s in sequences(some)][::3] == [("made0", "name"), ("made0", "person")]
    describe(some, ["made0"], Properties(scene="mill"), "Bea")
    assert sequences(some)[3].scene == "made0" and lookalikes(some) == [("made3", "made0")]
    ann.undo()
    assert (sequences(some)[3].scene, sequences(some)[3].scene_by) == ("mill", "suggestion")
    assert [entry.text for entry in history(some, last)] == [
        "added",
        "analysed by rainclean 1: 5 candidates, fit",
        "confirmed the scene (undone)",
    ]


def test_a_removed_sequence_is_in_no_list_and_its_decision_comes_back_with_it(some: Project) -> None:
    one, two, *_ = sequences(some)
    ann = Editor(some, "Ann")
    ann.reject(two)
    ann.remove([one, two])
    assert [s.name for s in sequences(some)] == ["made2", "made3"]
    assert [s.name for s in sequences(some, which="removed")] == ["made0", "made1"]
    assert len(overview(some)) == progress(some).total == 2
    assert lookalikes(some) == []
    assert auto_plan(some).fit == 2 and list(choose_best(some).chosen) == ["made2", "made3"]
    with pytest.raises(InputError, match=r"'made1' was removed; bring it back with: rainclean remove .* made1 --undo"):
        overview(some, ["made1"])
    ann.restore(sequences(some, ["made1"], which="removed"))
    line = overview(some)[0]
    assert (line.sequence.name, line.state) == ("made1", "rejected")
    step = ann.undo()
    assert step is not None and step.label == "return of made1"
    step = ann.undo()
    assert step is not None and step.label == "removal of made1 and 1 other"
    assert len(sequences(some)) == 4


@pytest.fixture
def written(some: Project) -> Iterator[Project]:
    with some.transaction():
        set_properties(some, sequences(some)[:1], Properties(region=Region(1, 2, 30, 40), first=3), "Ann")
    yield some


def test_a_region_that_no_rainclean_wrote_is_damage(written: Project) -> None:
    assert written.problems() == []
    written.execute("UPDATE sequence SET chosen_region = '[1, 2]' WHERE id = 1")
    assert written.problems()
