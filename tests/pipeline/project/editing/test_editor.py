"""The commands of the window: on disk at once, undone and done again over the whole project and over restarts."""

import json
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import tzinfo
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.project.analysis.records import all_candidates, analyses, candidate, candidates
from pipeline.project.analysis.scoring_target import read_reference, read_scoring_target
from pipeline.project.clips.properties import Properties
from pipeline.project.clips.sequence_records import lookalike, sequences
from pipeline.project.decisions import choose_best, decisions, opinions
from pipeline.project.editing.drafts import Draft
from pipeline.project.editing.editor import REASONS, Editor
from pipeline.project.editing.edits import edits_of
from pipeline.project.editing.made_candidates import picture_of
from pipeline.project.editing.masks import read_mask
from pipeline.project.model import Sequence
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from rainclean.candidates.quality import Scores, score
from rainclean.candidates.recipe import Recipe
from rainclean.compositing.composite import Shape
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.png import decode_png
from rainclean.temporal.prior import luma
from tests.conftest import Run
from tests.helpers.edited_projects import LEFT, kept_one, sequence_at
from tests.helpers.rainy_clips import SIZE, rainy_frames

DOT = Shape("brush", ((40.0, 20.0), (44.0, 22.0)), radius=4.0)


@pytest.fixture
def ann(desk: Project) -> Editor:
    return Editor(desk, "Ann")


def test_a_draft_is_what_the_edits_come_to(desk: Project, ann: Editor) -> None:
    cat, (best, second, third, *_) = sequence_at(desk)
    ann.star(cat, on=True)
    ann.note(cat, "  the gutter \n drips ")
    ann.choose_frames(cat, [7, 3, 7])
    ann.paint(cat, best.id, second.id, LEFT)
    ann.paint(cat, best.id, third.id, DOT)
    drawn = ann.paint(cat, best.id, second.id, DOT)
    ann.feather(cat, str(third.id), 9)
    ann.exclude(cat, LEFT)
    draft = ann.draft(cat)
    assert (draft.star, draft.note, draft.frames) == (True, "the gutter drips", (3, 7))
    assert (draft.base, draft.guide) == (best.id, best.id)
    assert [(layer.candidate, layer.shapes) for layer in draft.layers] == [(second.id, (LEFT, DOT)), (third.id, (DOT,))]
    assert draft.layers[0] == drawn.layers[0] and draft.layers[1].feather == 9
    assert draft.exclude == (LEFT,)
    # The same from the disk, whoever asks.
    assert Editor(desk, "Bea").draft(cat.id) == draft
    ann.remove_layer(cat, str(second.id))
    assert [layer.candidate for layer in ann.draft(cat).layers] == [third.id]
    assert Editor(desk, "Ann").draft(cat.id) == ann.draft(cat)


def test_what_changes_nothing_is_no_edit(desk: Project, ann: Editor) -> None:
    cat, _ = sequence_at(desk)
    ann.star(cat, on=False)
    ann.note(cat, "")
    ann.choose_frames(cat, None)
    ann.unset(cat)
    assert edits_of(desk, cat.id) == [] and ann.can_undo() is None


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda e, s: e.choose_frames(s, []), "at least one"),
        (lambda e, s: e.choose_frames(s, [3, 24]), "frames 0 to 23, not 24"),
        (lambda e, s: e.reject(s, ["boredom"]), "reason 'boredom': use streaks, camera"),
        (lambda e, s: e.feather(s, "9", 3.0), "no layer 9"),
        (lambda e, s: e.remove_layer(s, "9"), "no layer 9"),
        (lambda e, s: e.accept(s, 99), "no candidate with id 99"),
        (lambda e, s: e.paint(s, 1, 99, DOT), "no candidate with id 99"),
        (lambda e, s: e.opine(s, 99), "no candidate with id 99"),
        (lambda e, s: e.note(s, "bell\a"), "not text"),
    ],
)
def test_what_cannot_be_meant_is_said_and_changes_nothing(
    desk: Project, ann: Editor, act: Callable[[Editor, Sequence], object], said: str
) -> None:
    cat, _ = sequence_at(desk)
    with pytest.raises(RaincleanError, match=said):
        act(ann, cat)
    assert edits_of(desk, cat.id) == [] and decisions.journal(desk) == []


def test_rows_cannot_be_changed_or_removed(desk: Project, ann: Editor) -> None:
    cat, _ = sequence_at(desk)
    ann.star(cat, on=True)
    ann.opine(cat, None)
    for table in ("edit", "opinion"):
        for change in (f"DELETE FROM {table}", f"UPDATE {table} SET who = 'Bea'"):
            with pytest.raises(sqlite3.IntegrityError, match="appended"), desk.transaction():
                desk.execute(change)


Acts = st.lists(
    st.sampled_from(
        ["star", "note", "frames", "paint", "other layer", "remove", "feather", "exclude", "accept", "reject", "unset",
         "opine", "undo", "undo", "redo", "restart", "other sequence"]
    ),
    max_size=25,
)  # fmt: skip


def act_on(desk: Project, editor: Editor, place: int, act: str, number: int) -> None:
    """One of the acts; ``number`` makes each different from those before."""
    cat, (best, second, third, *_) = sequence_at(desk, place)
    layers = editor.draft(cat).layers
    commands: dict[str, Callable[[], object]] = {
        "star": lambda: editor.star(cat, on=not editor.draft(cat).star),
        "note": lambda: editor.note(cat, f"note {number}"),
        "frames": lambda: editor.choose_frames(cat, [number % 24]),
        "paint": lambda: editor.paint(cat, best.id, second.id, DOT),
        "other layer": lambda: editor.paint(cat, second.id, third.id, LEFT, "mine"),
        "remove": partial(editor.remove_layer, cat, layers[-1].key) if layers else list,
        "feather": partial(editor.feather, cat, layers[0].key, number + 20) if layers else list,
        "exclude": lambda: editor.exclude(cat, DOT),
        "accept": lambda: editor.accept(cat, third.id),
        "reject": lambda: editor.reject(cat, [REASONS[number % 8][0]]),
        "unset": lambda: editor.unset(cat),
        "opine": lambda: editor.opine(cat, best.id),
    }
    commands[act]()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(Acts)
def test_undo_and_redo_walk_along_one_line(desk: Project, acts: list[str]) -> None:
    """Independent model: a list of states, and a place in it; something new cuts off what lies ahead."""
    who = uuid.uuid4().hex  # each example is another person's
    editors = [Editor(desk, who)]

    def state() -> object:
        both = sequences(desk)[:2]
        said = [[(o.verdict, o.candidate_id) for o in opinions.opinions(desk, s.id)[s.id]] for s in both]
        lines = [(line.state, line.chosen, line.star, line.note) for line in overview(desk, [s.name for s in both])]
        return [editors[-1].draft(s) for s in both], lines, said

    line, at, place = [state()], 0, 0
    for number, act in enumerate(acts):
        editor = editors[-1]
        if act == "restart":
            editors.append(Editor(desk, who))
        elif act == "other sequence":
            place = 1 - place
        elif act in ("undo", "redo"):
            expected = editor.can_undo() if act == "undo" else editor.can_redo()
            found = editor.undo() if act == "undo" else editor.redo()
            there = at > 0 if act == "undo" else at < len(line) - 1
            assert found == expected and (found is not None) == there
            at += (-1 if act == "undo" else 1) if there else 0
        else:
            top = editor.can_undo()
            act_on(desk, editor, place, act, number)
            if editor.can_undo() != top:
                line, at = [*line[: at + 1], state()], at + 1
        assert state() == line[at]
    while editors[-1].undo():
        at -= 1
    assert at == 0 and state() == line[0] and desk.problems() == []


def test_shapes_of_one_batch_go_together(desk: Project, ann: Editor) -> None:
    cat, (best, second, *_) = sequence_at(desk)
    ann.star(cat, on=True)
    for x in (5.0, 25.0):
        ann.paint(cat, best.id, second.id, Shape("rectangle", ((x, 0.0), (x + 9, 9.0))), batch="suggested")
    ann.exclude(cat, LEFT, best.id, batch="suggested")
    ann.undo()
    assert ann.draft(cat) == Draft(star=True)
    ann.redo()
    assert len(ann.draft(cat).layers[0].shapes) == 2 and ann.draft(cat).exclude == (LEFT,)


def test_what_can_be_done_again_is_what_is_done_again(desk: Project, ann: Editor) -> None:
    cat, (_, second, third, *_) = sequence_at(desk)
    ann.paint(cat, second.id, third.id, DOT)  # two edits in one: another base, and the stroke
    taken_back, again = ann.undo(), ann.can_redo()
    assert taken_back is not None and taken_back.kind == "paint" and again == taken_back
    assert ann.redo() == again and ann.can_undo() == taken_back


def test_strokes_go_by_what_they_were_painted_on(desk: Project, ann: Editor) -> None:
    cat, (best, second, third, *_) = sequence_at(desk)
    assert ann.guide(cat, second.id) == second.id
    ann.paint(cat, second.id, third.id, DOT)
    ann.paint(cat, best.id, third.id, LEFT)  # another base: the strokes stay what they were
    assert ann.draft(cat).base == best.id and ann.guide(cat, best.id) == second.id
    ann.remove_layer(cat, str(third.id))
    assert ann.guide(cat, best.id) == best.id
    ann.exclude(cat, DOT, third.id)
    assert ann.guide(cat, best.id) == third.id


def test_edits_say_what_they_were(desk: Project, ann: Editor) -> None:
    cat, (best, second, *_) = sequence_at(desk)
    words = []
    for act in (
        lambda: ann.paint(cat, best.id, second.id, DOT),
        lambda: ann.paint(cat, best.id, second.id, replace(LEFT, erase=True)),
        lambda: ann.exclude(cat, LEFT),
        lambda: ann.star(cat, on=True),
        lambda: ann.star(cat, on=False),
        lambda: ann.accept(cat, second.id),
        lambda: ann.reject(cat, ["camera"]),
        lambda: ann.unset(cat),
        lambda: ann.opine(cat, None),
    ):
        act()
        made = ann.can_undo()
        assert made is not None and made.sequence_id == cat.id
        words.append(made.label)
    assert words == [
        "brush stroke on place0", "erasing rectangle on place0", "rectangle in the exclusion mask of place0",
        "star on place0", "removal of the star of place0", "acceptance of place0", "rejection of place0",
        "reopening of place0", "opinion on place0",
    ]  # fmt: skip


def test_everybody_undoes_their_own(desk: Project, ann: Editor) -> None:
    cat, (best, *_) = sequence_at(desk)
    dog, _ = sequence_at(desk, 1)
    bea = Editor(desk, "Bea")
    ann.star(cat, on=True)
    bea.star(dog, on=True)
    ann.accept(cat, best.id)
    bea.reject(cat)
    assert overview(desk)[0].conflict
    undone = ann.undo()
    assert undone is not None and undone.label == "acceptance of place0"
    assert overview(desk)[0].state == "rejected" and not overview(desk)[0].conflict
    with Project(desk.folder) as elsewhere:
        assert Editor(elsewhere, "Bea").undo() is not None
    assert overview(desk)[0].state == "ready"
    ann.redo()
    assert overview(desk)[0].chosen == best.name
    ann.undo()
    ann.undo()
    assert [line.star for line in overview(desk)] == [False, True, False]
    assert ann.can_undo() is None and bea.can_undo() is not None


def test_a_draft_in_memory_sees_what_others_write(desk: Project, ann: Editor) -> None:
    cat, _ = sequence_at(desk)
    assert not ann.draft(cat).star
    with Project(desk.folder) as elsewhere:
        Editor(elsewhere, "Bea").star(sequences(elsewhere)[0], on=True)
    assert ann.draft(cat).star


def test_undo_by_command_and_in_the_window_get_along(desk: Project, ann: Editor) -> None:
    cat, (best, second, *_) = sequence_at(desk)
    ann.star(cat, on=True)
    ann.accept(cat, best.id)
    ann.accept(cat, second.id)
    decisions.undo(desk, cat, "Ann")  # as `select --undo` does: the second
    passed_over = ann.undo()
    assert passed_over is not None and overview(desk)[0].state == "ready"  # the first; the second was passed over
    decisions.accept(desk, cat, second.name, "Ann")
    assert ann.redo() is not None  # a decision by command is no edit, so that nothing is lost
    assert ann.undo() is not None
    assert overview(desk)[0].chosen == second.name
    last = ann.undo()
    assert last is not None and last.kind == "star"
    assert ann.undo() is None and overview(desk)[0].chosen == second.name


def test_unset_takes_everybody_s_decisions_back_at_once(desk: Project, ann: Editor) -> None:
    cat, (best, *_) = sequence_at(desk)
    choose_best(desk)
    decisions.reject(desk, cat, "Bea")
    ann.accept(cat, best.id)
    ann.unset(cat)
    assert overview(desk)[0].state == "ready"
    ann.undo()
    assert overview(desk)[0].state == "accepted"
    ann.redo()
    assert overview(desk)[0].state == "ready"


def test_a_composite_is_made_scored_and_accepted(desk: Project, ann: Editor) -> None:
    cat, (best, second, third, *_) = sequence_at(desk)
    ann.paint(cat, best.id, second.id, LEFT)
    ann.feather(cat, str(second.id), 0)
    ann.exclude(cat, DOT)
    made = ann.accept(cat, best.id, "left of the gutter")
    assert made.candidate_id is not None and made.note == "left of the gutter"
    joined = candidate(desk, made.candidate_id)
    expected = picture_of(desk, best)
    expected[:, :30] = picture_of(desk, second)[:, :30]
    np.testing.assert_array_equal(picture_of(desk, joined), expected)
    assert joined.label == "composite of 2 candidates" and joined.name.startswith("composite-")
    (like, own) = (analyses(desk, cat.id)[0], next(a for a in analyses(desk, cat.id) if a.origin == "composite"))
    assert (own.region, own.reference_frame, own.scoring_target) == (
        like.region,
        like.reference_frame,
        like.scoring_target,
    )
    scoring_target, reference = read_scoring_target(desk, own), read_reference(desk, own)
    assert scoring_target is not None and reference is not None
    scores = score(expected, luma(reference), scoring_target)
    assert joined.score == pytest.approx(scores.total)
    mask = read_mask(desk, made.exclude)
    assert mask[20, 41] == 255 and mask[40, 10] == 0
    # The same once more is the same candidate; another is another one.
    assert ann.accept(cat, best.id).candidate_id == joined.id
    ann.paint(cat, best.id, third.id, DOT)
    assert ann.accept(cat, best.id).candidate_id != joined.id
    assert overview(desk)[0].chosen.startswith("composite-")
    # It is a candidate as any other, but none that is chosen automatically.
    assert decisions.candidate_of(desk, cat, joined.name) == joined
    assert joined.id in {c.id for c in all_candidates(desk, cat.id)}
    for _ in range(3):
        ann.undo()
    ann.unset(cat)
    assert choose_best(desk, [cat.name]).chosen == {cat.name: best.name}


def test_layers_that_change_nothing_make_no_composite(desk: Project, ann: Editor) -> None:
    cat, (best, second, *_) = sequence_at(desk)
    ann.paint(cat, best.id, second.id, LEFT)
    ann.paint(cat, best.id, second.id, replace(LEFT, erase=True))
    assert ann.accept(cat, best.id).candidate_id == best.id


def test_another_candidate_than_the_base_is_accepted_as_it_is(desk: Project, ann: Editor) -> None:
    cat, (best, second, third, *_) = sequence_at(desk)
    ann.paint(cat, best.id, second.id, LEFT)
    assert ann.accept(cat, third.id).candidate_id == third.id


def test_a_composite_has_its_name_in_commands(desk: Project, ann: Editor, here: Run) -> None:
    cat, (best, second, *_) = sequence_at(desk)
    ann.paint(cat, best.id, second.id, LEFT)
    made = candidate(desk, ann.accept(cat, best.id).candidate_id or 0)
    shown = here("status", desk.folder, cat.name)
    assert made.name in shown.stdout and "composite of 2 candidates" in shown.stdout
    assert made.name in here("status", desk.folder).stdout
    chosen = here("select", desk.folder, cat.name, "--candidate", made.name, "--who", "Bea")
    assert f"accepted {made.name}" in chosen.stdout


def test_what_a_person_works_with_outlives_another_analysis(desk: Project, ann: Editor) -> None:
    from pipeline.clean.settings import CleanSettings
    from pipeline.project.analysis.run import analyze
    from pipeline.stages import finish

    cat, (best, second, *_) = sequence_at(desk)
    ann.paint(cat, best.id, second.id, LEFT)
    finish(analyze(desk, [cat.name], CleanSettings(workers=1), again=True))
    assert ann.accept(cat, best.id).candidate_id not in (best.id, None)


def test_a_kept_candidate_is_as_analyze_would_have_it(home: Path, desk: Project, ann: Editor, here: Run) -> None:
    cat, made = kept_one(desk, ann)
    assert (made.name, made.score, made.percentile) == ("n24-p37_5", 1.0, 37.5)
    assert kept_one(desk, ann)[1] == made  # once
    assert made.name in [c.name for c in all_candidates(desk, cat.id)]
    assert analyses(desk, cat.id)[0].settings.recipe is None  # the sweep stays the main one
    done = json.loads(here("analyze", home, cat.name, "--recipe", made.name, "--json").stdout)
    assert done["skipped"] == [cat.name]
    with pytest.raises(UsageError, match="another size"):
        ann.keep(
            cat,
            Recipe.parse("n24-p30"),
            np.zeros((9, 9, 3), np.uint8),
            eta=45,
            silent_share=0.0,
            scores=Scores(streaks=0, detail=0, darkening=0, disagreement=0),
        )


def test_taking_a_kept_candidate_back_hides_it_unless_it_is_decided_on(desk: Project, ann: Editor) -> None:
    cat, made = kept_one(desk, ann)
    assert ann.draft(cat).hidden == frozenset()
    ann.undo()
    assert ann.draft(cat).hidden == {made.id}
    ann.redo()
    assert ann.draft(cat).hidden == frozenset()
    ann.undo()
    assert kept_one(desk, ann)[1] == made and ann.draft(cat).hidden == frozenset()
    Editor(desk, "Bea").accept(cat, made.id)
    ann.undo()
    assert ann.draft(cat).hidden == frozenset()


def test_kept_ones_of_a_batch_go_together(desk: Project, ann: Editor) -> None:
    cat, _ = sequence_at(desk)
    picture = np.zeros((*SIZE[::-1], 3), np.uint8)
    for name in ("n24-p30", "n24-p33"):
        ann.keep(
            cat,
            Recipe.parse(name),
            picture,
            eta=45,
            silent_share=0.0,
            scores=Scores(streaks=0, detail=0, darkening=0, disagreement=0),
            batch="together",
        )
    ann.undo()
    assert len(ann.draft(cat).hidden) == 2 and ann.can_undo() is None


def test_a_second_opinion_changes_no_decision(desk: Project, ann: Editor) -> None:
    cat, (best, second, *_) = sequence_at(desk)
    ann.accept(cat, best.id)
    bea = Editor(desk, "Bea")
    assert not bea.has_opinion(cat)
    bea.opine(cat, second.id)
    bea.opine(cat, None, ["camera"])
    assert bea.has_opinion(cat.id) and not ann.has_opinion(cat)
    assert overview(desk)[0].chosen == best.name and not overview(desk)[0].conflict
    assert [o.verdict for o in opinions.opinions(desk)[cat.id]] == ["rejected"]
    bea.undo()
    assert [o.candidate_id for o in opinions.opinions(desk)[cat.id]] == [second.id]
    bea.undo()
    assert not bea.has_opinion(cat)


def test_reasons_are_kept_in_their_order(desk: Project, ann: Editor) -> None:
    cat, _ = sequence_at(desk)
    assert ann.reject(cat, ["consent", "streaks", "consent"], "signs").reasons == ("streaks", "consent")


def test_a_clock_that_was_set_back_changes_no_order(
    desk: Project, ann: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    cat, (best, *_) = sequence_at(desk)
    ann.accept(cat, best.id)
    monkeypatch.setattr("pipeline.project.journals.datetime", _Early)
    ann.reject(cat)
    ann.note(cat, "one")
    ann.note(cat, "two")
    assert overview(desk)[0].state == "rejected" and overview(desk)[0].note == "two"
    assert datetime.now(UTC).year > 2000


class _Early:
    """A clock that stands in the past."""

    from datetime import datetime as _real

    fromisoformat = _real.fromisoformat

    @classmethod
    def now(cls, zone: tzinfo | None) -> object:
        return cls._real(2001, 1, 1, tzinfo=zone)


def test_crowd_and_reference_frame_come_back(desk: Project) -> None:
    cat, _ = sequence_at(desk)
    (main, *_) = analyses(desk, cat.id)
    scoring_target, reference = read_scoring_target(desk, main), read_reference(desk, main)
    assert scoring_target is not None and reference is not None
    assert scoring_target.dtype == np.float32 and scoring_target.shape == SIZE[::-1]
    np.testing.assert_array_equal(reference, rainy_frames(0)[main.reference_frame])
    best = candidates(desk, main.id)[0]
    picture = decode_png(desk.artefacts.read(best.picture), "best")
    # Scores are those of the analysis, but for what rounding to 1/64 level does.
    assert score(picture, luma(reference), scoring_target).total == pytest.approx(best.score, abs=0.01)
    others = [luma(picture_of(desk, c)).astype(float) for c in candidates(desk, main.id)[1:]]
    assert main.spread == pytest.approx(np.mean([np.abs(o - luma(picture)).mean() for o in others]), abs=1e-4)
    assert overview(desk)[0].thumbnail == main.reference and overview(desk)[0].spread == main.spread


def test_a_project_that_cannot_be_written_to_can_be_looked_at(
    desk: Project, ann: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    cat, _ = sequence_at(desk)
    ann.star(cat, on=True)
    desk.close()
    monkeypatch.setattr("pipeline.project.storage.connection.os.access", lambda path, mode: False)
    with Project(desk.folder) as archive:
        editor = Editor(archive, "Ann")
        assert editor.draft(cat).star and editor.can_undo() is not None
        with pytest.raises(RaincleanError, match="readonly"):
            editor.star(cat, on=False)
        assert editor.draft(cat).star


def test_stars_and_frames_by_command(home: Path, desk: Project, here: Run) -> None:
    said = here("select", home, "place1", "--pair-frames", "7,3,12", "--star", "--who", "Ann")
    assert said.returncode == 0 and "starred; rainy frames: 3, 7, 12" in said.stdout, said.stderr
    draft = Editor(desk, "Ann").draft(sequences(desk)[1])
    assert (draft.star, draft.frames) == (True, (3, 7, 12))
    assert "place1*" in here("status", home).stdout
    again = here("select", home, "place1", "--pair-frames", "any", "--unstar", "--json")
    assert json.loads(again.stdout) == {"schema": 1, "sequence": "place1", "star": False, "pair_frames": None}
    rejected = here("select", home, "place1", "--reject", "--reason", "camera", "streaks", "--who", "Ann")
    assert rejected.returncode == 0, rejected.stderr
    assert "rejected (leftover streaks, camera moves)" in here("status", home, "place1").stdout
    for words, code, line in (
        (["--pair-frames", "3,x"], 2, "use frame indices"),
        (["--pair-frames", "99"], 2, "not 99"),
        (["--reject", "--reason", "boredom"], 2, "reason 'boredom'"),
        (["--star", "--unstar"], 2, "cannot be used together"),
        (["--star", "--reason", "camera"], 2, "needs --reject"),
    ):
        refused = here("select", home, "place1", *words)
        assert refused.returncode == code and line in refused.stderr, refused.stderr
    with pytest.raises(InputError):
        sequences(desk, ["nowhere"])


def test_a_base_is_not_painted_with_itself(desk: Project) -> None:
    sequence = sequences(desk)[0]
    best = candidates(desk, analyses(desk, sequence.id)[0].id)[0]
    with pytest.raises(UsageError, match="a candidate other than the base"):
        Editor(desk, "ann").paint(sequence, best.id, best.id, Shape("rectangle", ((1, 1), (9, 9))))


def test_changes_together_are_one_step_or_none(desk: Project, ann: Editor) -> None:
    cat, (best, *_) = sequence_at(desk)
    with ann.together():
        ann.star(cat, on=True)
        ann.accept(cat, best.id)
        ann.set_properties([cat], Properties(author="Ann"))
    (row,) = overview(desk, [cat.name])
    assert (row.star, row.state, row.sequence.author) == (True, "accepted", "Ann")
    edit = ann.undo()
    (row,) = overview(desk, [cat.name])
    assert edit is not None and edit.others == 2
    assert (row.star, row.state, row.sequence.author) == (False, "ready", cat.author)
    with pytest.raises(UsageError), ann.together():
        ann.star(cat, on=True)
        ann.reject(cat, ["no such reason"])
    assert not ann.draft(cat).star and not overview(desk, [cat.name])[0].star
    ann.star(cat, on=True)  # a step of its own again
    assert ann.undo() is not None and ann.undo() is None


def test_removed_sequences_have_an_overview_when_asked_for(desk: Project, ann: Editor) -> None:
    cat, _ = sequence_at(desk)
    ann.remove([cat])
    assert cat.name not in [row.sequence.name for row in overview(desk)]
    assert [row.sequence.name for row in overview(desk, which="removed")] == [cat.name]
    assert cat.name in [row.sequence.name for row in overview(desk, which="all")]


def test_a_lookalike_is_found(desk: Project) -> None:
    cat, _ = sequence_at(desk)
    assert lookalike(desk, cat) is None
    desk.execute("UPDATE sequence SET looks_like = id WHERE id = ?", cat.id)
    found = lookalike(desk, cat)
    assert found is not None and found.name == cat.name
