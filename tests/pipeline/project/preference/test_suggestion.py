"""What is suggested: learned from people alone, from what stands, and said nowhere before it is worth saying."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import choose_best, decisions, opinions
from pipeline.project.editing.editor import Editor
from pipeline.project.model import Sequence
from pipeline.project.preference import judgements, suggestion
from pipeline.project.preference.judgements import Choice
from pipeline.project.storage.database import Project
from rainclean.candidates import preference
from rainclean.compositing.composite import Shape
from tests.conftest import Run
from tests.helpers.edited_projects import kept_one
from tests.helpers.judged_projects import fill, judge, judged_project, line_up, lowest


def said_of(project: Project) -> set[tuple[int, int]]:
    """Sequence and candidate of all choices that are learned from."""
    facts = judgements.read(project)
    assert facts is not None
    return {(c.sequence_id, c.candidate_id) for c in facts.choices}


def test_a_taste_is_learned_and_suggested_with_reasons(project: Project) -> None:
    judged_project(project)
    learned = suggestion.suggestions(project)
    assert learned.learned and (learned.sequences, learned.judgements, learned.people) == (16, 16, 1)
    assert learned.label.startswith("learned from 16 sequences (16 judgements by 1 person); ")
    for sequence in fill(project, 3, seed=1):
        suggested = suggestion.suggestions(project).for_sequence(sequence.id)
        assert suggested is not None and suggested.candidate_id == lowest(project, sequence).id
    found = [suggestion.suggestions(project).for_sequence(s.id) for s in sequences(project)]
    assert all(one is not None and 0 < one.chance < 1 for one in found)
    assert any("η* − 10 rather than η*" in one.label for one in found if one is not None)
    assert suggestion.suggestions(project).unsure.keys() == {s.id for s in sequences(project)}


def test_nothing_is_said_of_few_judgements_or_of_chance(project: Project) -> None:
    made = fill(project, 14)
    assert judgements.MIN_SEQUENCES == preference.LEAST
    assert suggestion.suggestions(project) == suggestion.NOTHING
    for sequence in made[:11]:
        judge(project, sequence, lowest(project, sequence))
    few = suggestion.suggestions(project)
    assert not few.learned and few.for_sequence(made[0].id) is None and few.unsure == {}
    assert few.label == "none yet: people have judged 11 of the 12 sequences needed"
    assert few.to_json()["order"] is None
    rng = np.random.default_rng(3)
    for sequence in made:
        judge(project, sequence, line_up(project, sequence)[rng.integers(5)], "Ann")
    by_chance = suggestion.suggestions(project)
    assert not by_chance.learned and by_chance.for_sequence(made[0].id) is None and by_chance.label.startswith("none: ")


def test_where_people_follow_the_scores_the_order_stays_and_doubt_is_known(project: Project) -> None:
    for sequence in fill(project, 20):
        judge(project, sequence, line_up(project, sequence)[0])
    learned = suggestion.suggestions(project)
    assert not learned.learned and len(learned.unsure) == 20 and learned.to_json()["order"] == "scores"
    assert learned.for_sequence(1) is None and learned.label.startswith("by score")


def test_automatic_choices_and_what_was_taken_back_are_not_learned_from(project: Project) -> None:
    made = judged_project(project)
    choose_best(project, [s.name for s in fill(project, 3, seed=2)])
    before = said_of(project)
    assert before == {(s.id, lowest(project, s).id) for s in made}
    decisions.undo(project, made[0], "Ben")
    decisions.reject(project, made[1], "Ann")
    judge(project, made[2], line_up(project, made[2])[0])
    assert said_of(project) == {(s.id, lowest(project, s).id) for s in made[3:]} | {
        (made[2].id, line_up(project, made[2])[0].id)
    }


def test_removed_sequences_are_not_learned_from(project: Project) -> None:
    made = judged_project(project)
    first = judgements.read(project)
    Editor(project, "Ann").remove([made[0]])
    after = judgements.read(project, first)
    assert first is not None and after is not None and after is not first
    assert said_of(project) == {(s.id, lowest(project, s).id) for s in made[1:]}
    Editor(project, "Ann").undo()
    assert made[0].id in {number for number, _ in said_of(project)}


def test_opinions_are_learned_from_and_the_same_said_twice_counts_once(project: Project) -> None:
    made = judged_project(project)
    Editor(project, "Ben").opine(made[0], line_up(project, made[0])[0].id)
    Editor(project, "Ann").opine(made[1], lowest(project, made[1]).id)
    facts = judgements.read(project)
    assert facts is not None and facts.people == 2 and len(facts.choices) == 17
    Editor(project, "Ben").undo()
    assert opinions.opinions(project)[made[0].id] == [] and len(said_of(project)) == 16


def test_what_was_read_is_kept_until_it_changes(project: Project) -> None:
    made = judged_project(project)
    first = judgements.read(project)
    assert first is not None and judgements.read(project, first) is first
    Editor(project, "Ann").star(made[0], on=True)
    assert judgements.read(project, first) is first
    with Project(project.folder) as other:
        judge(other, made[0], line_up(other, made[0])[0], "Ben")
    second = judgements.read(project, first)
    assert second is not None and second is not first and second.values is first.values and second.people == 2
    fill(project, 1, seed=5)
    third = judgements.read(project, second)
    assert third is not None and len(third.main) == len(second.main) + 1
    assert replace(third, key=()).choices == second.choices


def test_recipes_say_their_rule(project: Project) -> None:
    made = judged_project(project)
    for rank, rule in ((1, "rainfree"), (2, "local"), (3, "one that is still to be invented")):
        with project.transaction():
            number = line_up(project, made[0])[rank - 1].id
            recipe = json.dumps({"frames": 40, "rule": rule})
            project.execute("UPDATE candidate SET recipe = ?, recipe_hash = ? WHERE id = ?", recipe, rule, number)
    facts = judgements.read(project)
    assert facts is not None
    rows = [facts.rows[c.id] for c in line_up(project, made[0])]
    assert [preference.RULES[int(facts.recipes[row, 1])] for row in rows[:4]] == [
        "rainfree", "local", "other", "percentile",
    ]  # fmt: skip
    assert facts.recipes[rows[0], 0] == 40 and facts.recipes[rows[3], 0] == 100


def test_an_automatic_choice_is_what_was_learned_and_says_so(home: Path, project: Project, here: Run) -> None:
    made = judged_project(project)
    new = fill(project, 3, seed=1)
    done = here("select", project.folder, "--auto", "--note", "tonight")
    assert "chosen automatically: 3; 16 decided before" in done.stdout and "learned from 16" in done.stdout
    current = decisions.current(project)
    for sequence in new:
        decision = current[sequence.id]
        assert (decision.kind, decision.candidate_id) == ("automatic", lowest(project, sequence).id)
        assert decision.note.startswith("tonight; suggested") and "learned from 16 sequences" in decision.note
    assert all(current[s.id].kind == "person" for s in made)
    document = json.loads(here("select", project.folder, "--auto", "--json").stdout)
    assert document["chosen"] == {} and document["suggested"]["order"] == "learned"
    # Without enough judgements it is the best-scored one, as ever.
    best = json.loads(here("select", home, "--auto", "--json").stdout)
    with Project(home) as other:
        assert best["chosen"] == {s.name: line_up(other, s)[0].name for s in sequences(other)}
        assert best["suggested"]["order"] is None and decisions.current(other)[1].note == ""


def test_sequences_without_candidates_fail_as_ever(project: Project) -> None:
    judged_project(project)
    (new,) = fill(project, 1, seed=1)
    project.execute("DELETE FROM analysis WHERE sequence_id = ?", new.id)
    result, learned = suggestion.choose_suggested(project)
    assert learned.learned and list(result.failed) == [new.name] and len(result.kept) == 16
    assert learned.for_sequence(new.id) is None and new.id not in learned.unsure


def test_status_tells_what_is_at_work(project: Project, here: Run) -> None:
    made = fill(project, 13)
    assert "suggested" not in here("status", project.folder).stdout
    judge(project, made[0], lowest(project, made[0]))
    assert "suggested candidates: none yet: people have judged 1 of the 12" in here("status", project.folder).stdout
    assert json.loads(here("status", project.folder, made[0].name, "--json").stdout)["suggested"] is None
    for sequence in made[1:]:
        judge(project, sequence, lowest(project, sequence))
    assert "suggested candidates: learned from 13 sequences" in here("status", project.folder).stdout
    document = json.loads(here("status", project.folder, "--json").stdout)
    assert document["suggested"]["order"] == "learned" and document["suggested"]["sequences"] == 13
    assert all(0 < line["unsure"] < 1 for line in document["sequences"])
    details = json.loads(here("status", project.folder, made[0].name, "--json").stdout)["suggested"]
    assert details["candidate"] == lowest(project, made[0]).name and details["people"] == 1
    text = here("status", project.folder, made[0].name).stdout
    assert "suggested" in text and " %)" in text


@pytest.fixture
def cat(desk: Project) -> Sequence:
    """A sequence with a clip, in a project in which enough others were judged."""
    judged_project(desk, 12)
    return sequences(desk)[0]


def choice_of(desk: Project, cat: Sequence) -> Choice | None:
    """What is learned from a sequence."""
    facts = judgements.read(desk)
    assert facts is not None
    return next((c for c in facts.choices if c.sequence_id == cat.id), None)


def test_a_composite_speaks_for_its_base_and_not_of_what_was_painted_with(desk: Project, cat: Sequence) -> None:
    there, ann = line_up(desk, cat), Editor(desk, "Ann")
    ann.paint(cat, there[1].id, there[2].id, Shape("rectangle", ((5.0, 5.0), (30.0, 30.0))))
    made = ann.accept(cat, there[1].id)
    assert made.candidate_id != there[1].id
    assert choice_of(desk, cat) == Choice(cat.id, there[1].id, there[1].analysis_id, (there[2].id,))
    assert suggestion.suggestions(desk).judgements == 13


def test_a_kept_candidate_was_chosen_among_those_of_the_analysis(desk: Project, cat: Sequence) -> None:
    sequence, kept = kept_one(desk, Editor(desk, "Ann"))
    assert sequence == cat
    Editor(desk, "Ann").accept(cat, kept.id)
    assert choice_of(desk, cat) == Choice(cat.id, kept.id, line_up(desk, cat)[0].analysis_id)
    assert suggestion.suggestions(desk).judgements == 13
    # Scored against another scoring_target it does not compare.
    desk.execute("UPDATE analysis SET scoring_target = 'another' WHERE id = ?", kept.analysis_id)
    fill(desk, 1, seed=9)
    assert choice_of(desk, cat) is None
