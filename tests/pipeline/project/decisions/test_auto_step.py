"""The automatic choice: asked for in numbers, and one step to undo."""

import json
from typing import Any

import pytest

from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import AutoPlan, auto_plan, choose_best
from pipeline.project.decisions.decisions import current, journal
from pipeline.project.editing.editor import Editor
from pipeline.project.preference import choose_suggested
from pipeline.project.storage.database import Project
from rainclean.verdict.rules import Reason, Verdict
from tests.helpers.judged_projects import fill, judge, judged_project, lowest


def verdict(project: Project, number: int, state: Any) -> None:
    words = json.dumps(Verdict(state, (Reason("camera", "the camera moves", state, 0.5),)).to_json())
    project.execute("UPDATE analysis SET verdict = ? WHERE sequence_id = ?", words, number)


def test_the_plan_counts_what_the_choice_does(project: Project) -> None:
    made = fill(project, 8)
    verdict(project, 1, "look")
    verdict(project, 2, "unfit")
    project.execute("UPDATE analysis SET verdict = '' WHERE sequence_id = 3")
    project.execute("UPDATE analysis SET error = 'gone' WHERE sequence_id = 4")
    project.execute("UPDATE sequence SET chosen_first = first + 1 WHERE id = 5")
    judge(project, made[5], lowest(project, made[5]))
    plan = auto_plan(project)
    assert plan == AutoPlan(fit=2, look=1, unfit=1, not_judged=1, outdated=1, decided=1, failed=1)
    result = choose_best(project)
    assert (len(result.chosen), len(result.kept), len(result.failed)) == (plan.fit, plan.decided, plan.failed)
    assert sorted(one.trust for one in result.left.values()) == ["look", "no verdict yet", "out of date", "unfit"]
    assert any("out of date: frames or region were changed" in line for line in result.summary)


@pytest.mark.parametrize("learned", [False, True])
def test_all_of_it_is_one_step(project: Project, learned: bool) -> None:
    if learned:
        judged_project(project, 16)
    made = fill(project, 3, seed=4)
    Editor(project, "Bea").note(made[0], "wet")
    _, suggestions = choose_suggested(project, who="Bea")
    assert suggestions.learned == learned
    before = {s.id: current(project)[s.id].candidate_id for s in made}
    bea = Editor(project, "Bea")
    step = bea.undo()
    assert step is not None and step.label == f"acceptance of {made[2].name} and 2 others"
    assert not current(project).keys() & before.keys()
    step = bea.redo()
    assert step is not None and step.label == f"acceptance of {made[2].name} and 2 others"
    bea.undo()
    step = bea.undo()
    assert step is not None and step.kind == "note"
    assert Editor(project, "Ann").can_undo() is None


def test_what_it_withdrew_comes_back_too(project: Project) -> None:
    made = fill(project, 2)
    choose_suggested(project)
    first = current(project)
    verdict(project, 1, "unfit")
    choose_suggested(project, who="Ann")
    assert list(current(project)) == [2]
    Editor(project, "Ann").undo()
    assert current(project) == first and len(journal(project, made[0].id)) == 3
    assert [s.name for s in sequences(project)] == ["made0", "made1"]
