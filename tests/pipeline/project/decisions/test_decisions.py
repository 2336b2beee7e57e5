"""Decisions: appended, taken back, and never is an automatic one taken for a person's."""

import sqlite3
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import choose_best, decisions
from pipeline.project.editing.masks import keep_mask, read_mask
from pipeline.project.model import Sequence
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from rainclean.errors import InputError, RaincleanError
from tests.helpers.rainy_clips import SIZE
from tests.pipeline.project.conftest import Add, Analyze


@pytest.fixture
def sequence(project: Project, put: Add, work: Analyze, three_clips: list[Path]) -> Sequence:
    put(three_clips[0])
    work(frames=20)
    return sequences(project)[0]


def test_doubtful_scores_are_said(project: Project, sequence: Sequence) -> None:
    project.execute("UPDATE candidate SET streaks = 9.0")
    assert choose_best(project).doubtful == ["place0"]


def state(project: Project) -> tuple[str, str]:
    (line,) = overview(project)
    return line.state, line.chosen


def test_a_decision_says_who_when_and_why(project: Project, sequence: Sequence) -> None:
    chosen = decisions.candidate_of(project, sequence, "n20-vote")
    made = decisions.accept(project, sequence, chosen.name, "Ann", note="no speckle")[0]
    assert (made.kind, made.verdict, made.who, made.note) == ("person", "accepted", "Ann", "no speckle")
    assert made.at.endswith("Z") and len(made.uuid) == 36
    assert state(project) == ("accepted", "n20-vote")


def test_an_automatic_choice_is_the_best_scored_and_yields_to_a_person(project: Project, sequence: Sequence) -> None:
    best = candidates(project, analyses(project, sequence.id)[0].id)[0]
    assert choose_best(project).chosen == {"place0": best.name}
    assert state(project) == ("accepted automatically", best.name)
    assert choose_best(project).kept == ["place0"]  # the second time changes nothing
    assert len(decisions.journal(project)) == 1
    decisions.reject(project, sequence, "Ann", "the camera moves")
    assert state(project)[0] == "rejected"
    assert choose_best(project).kept == ["place0"]
    assert state(project)[0] == "rejected"


def test_undo_brings_back_what_held_before(project: Project, sequence: Sequence) -> None:
    choose_best(project)
    chosen = decisions.candidate_of(project, sequence, "n20-p50")
    decisions.accept(project, sequence, chosen.name, "Ann")
    decisions.reject(project, sequence, "Bea")
    assert decisions.undo(project, sequence, "Ann")[0].who == "Bea"
    assert state(project) == ("accepted", chosen.name)
    decisions.undo(project, sequence, "Ann")
    assert state(project)[0] == "accepted automatically"
    decisions.undo(project, sequence, "Ann")
    assert state(project)[0] == "ready"
    with pytest.raises(RaincleanError, match="has no decision to withdraw"):
        decisions.undo(project, sequence, "Ann")
    assert len(decisions.journal(project)) == 6  # nothing was ever removed


def test_rows_cannot_be_changed_or_removed(project: Project, sequence: Sequence) -> None:
    decisions.reject(project, sequence, "Ann")
    for change in ("DELETE FROM decision", "UPDATE decision SET who = 'Bea'"):
        with pytest.raises(sqlite3.IntegrityError, match="appended"), project.transaction():
            project.execute(change)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["accept", "reject", "auto", "undo"]), max_size=12))
def test_the_journal_is_two_stacks(project: Project, sequence: Sequence, acts: list[str]) -> None:
    """Independent model: one stack of a person's decisions above one of automatic ones."""
    persons: list[str] = []
    automatic: list[str] = []
    before = decisions.current(project)
    while before:  # of an earlier example
        decisions.undo(project, sequence, "clean up")
        before = decisions.current(project)
    chosen = decisions.candidate_of(project, sequence, "n20-p50")
    for act in acts:
        if act == "accept":
            decisions.accept(project, sequence, chosen.name, "Ann")
            persons.append("accepted")
        elif act == "reject":
            decisions.reject(project, sequence, "Ann")
            persons.append("rejected")
        elif act == "auto":
            choose_best(project)
            if not persons and not automatic:
                automatic.append("accepted automatically")
        elif persons or automatic:
            decisions.undo(project, sequence, "Ann")
            (persons or automatic).pop()
    assert state(project)[0] == (persons or automatic or ["ready"])[-1]


def test_what_cannot_be_chosen_is_said(project: Project, put: Add, sequence: Sequence, three_clips: list[Path]) -> None:
    with pytest.raises(InputError, match=r"no candidate 'n7-vote'.*n20"):
        decisions.candidate_of(project, sequence, "n7-vote")
    put(three_clips[1])
    new = sequences(project)[1]
    with pytest.raises(InputError, match="not analysed yet; run rainclean analyze"):
        decisions.candidate_of(project, new, "n20-vote")
    assert list(choose_best(project).failed) == ["place1"]


def test_the_name_of_a_merged_recipe_means_the_one_that_stands_for_it(
    project: Project, sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.execute("UPDATE candidate SET merged = '[\"n12-vote\"]' WHERE name = 'n20-vote'")
    assert decisions.candidate_of(project, sequence, "n12-vote").name == "n20-vote"


def test_a_decision_survives_another_analysis(project: Project, sequence: Sequence, work: Analyze) -> None:
    chosen = decisions.candidate_of(project, sequence, "n20-vote")
    decisions.accept(project, sequence, chosen.name, "Ann")
    work(recipe="median")
    assert state(project) == ("accepted", "n20-vote")
    assert project.artefacts.read(chosen.picture)
    work(frames=20, again=True)
    # What was decided on stays beside what took its place.
    assert project.value("SELECT count(*) FROM analysis") == 3
    work(frames=20, again=True)
    assert project.value("SELECT count(*) FROM analysis") == 3
    assert decisions.candidate_of(project, sequence, "n20-vote").picture == chosen.picture


def mask_file(path: Path, mask: np.ndarray) -> Path:
    cv2.imwrite(str(path), mask)
    return path


def test_an_exclusion_mask_goes_with_the_decision(tmp_path: Path, project: Project, sequence: Sequence) -> None:
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[3:9, 5:20] = 255
    chosen = decisions.candidate_of(project, sequence, "n20-vote")
    for picture in (mask, np.repeat(mask[..., None], 3, 2)):
        kept = keep_mask(project, mask_file(tmp_path / "mask.png", picture), chosen)
        assert (read_mask(project, kept) == mask).all()
    made = decisions.accept(project, sequence, chosen.name, "Ann", exclude=kept)[0]
    assert made.exclude == kept


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (np.zeros((10, 10), np.uint8), "the mask has 10×10 px, the candidate 72×56"),
        (np.full(SIZE[::-1], 128, np.uint8), "may hold only 0 and 255"),
        (np.full((*SIZE[::-1], 3), (255, 0, 0), np.uint8), "may hold only 0 and 255"),
    ],
)
def test_what_is_no_mask_is_refused(
    tmp_path: Path,
    project: Project,
    sequence: Sequence,
    mask: np.ndarray,
    reason: str,
) -> None:
    chosen = decisions.candidate_of(project, sequence, "n20-vote")
    with pytest.raises(InputError, match=reason):
        keep_mask(project, mask_file(tmp_path / "mask.png", mask), chosen)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match="not a PNG image"):
        keep_mask(project, tmp_path / "text.png", chosen)
