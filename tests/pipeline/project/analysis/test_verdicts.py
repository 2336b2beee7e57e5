"""Verdicts in a project: stored by analyze, shown by status, kept to by the automatic choice."""

import json
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.export.plan import ExportSettings, plan_export
from pipeline.project.analysis.findings import verdict_of
from pipeline.project.analysis.records import analyses
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import choose_best, decisions
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from rainclean.png import decode_png
from rainclean.verdict.rules import Reason, Verdict
from tests.pipeline.project.conftest import Add, Analyze

LOOK = Verdict("look", (Reason("few-fitted", "40 of 100 frames fitted", "look", 0.6),))
UNFIT = Verdict("unfit", (Reason("few-fitted", "12 of 167 frames fitted", "unfit", 0.93),))


def give(project: Project, name: str, verdict: Verdict | None) -> None:
    """A sequence has this verdict from now on."""
    (sequence,) = sequences(project, [name])
    text = "" if verdict is None else json.dumps(verdict.to_json())
    project.execute("UPDATE analysis SET verdict = ? WHERE sequence_id = ?", text, sequence.id)


def states(project: Project) -> dict[str, str]:
    return {line.sequence.name: line.state for line in overview(project)}


def test_analyze_judges_and_status_says_it(project: Project, put: Add, work: Analyze, three_clips: list[Path],
                                           capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    put(*three_clips[:2])
    assert work("place0", frames=8).done == ["place0"]
    work("place1")
    few, fit = overview(project)
    assert few.verdict is not None and few.trust == "look"
    assert few.verdict.reasons[0].description == "8 frames are too few to tell rain from background"
    assert fit.verdict == Verdict("fit") and fit.places == ""
    folder = str(project.folder)
    assert main(["status", folder]) == 0
    said = capsys.readouterr().out
    assert "verdict" in said.splitlines()[0] and "verdicts: fit 1, needs a look 1" in said
    assert main(["status", folder, "place0"]) == 0
    assert "needs a look: 8 frames are too few" in capsys.readouterr().out
    assert main(["status", folder, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdicts"] == {"look": 1, "fit": 1}
    assert document["sequences"][0]["verdict"]["reasons"][0]["code"] == "few-frames"


def test_what_an_older_rainclean_analysed_is_not_judged_and_analysed_again(
    project: Project, put: Add, work: Analyze, three_clips: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    put(three_clips[0])
    work(frames=20)
    give(project, "place0", None)
    assert overview(project)[0].trust == "no verdict yet"
    assert main(["status", str(project.folder)]) == 0
    said = capsys.readouterr().out
    assert "verdicts: no verdict yet 1" in said and "next: rainclean analyze" in said
    assert main(["select", str(project.folder), "--auto", "--include", "look"]) == 0
    said = capsys.readouterr().out
    assert "chosen automatically: 0" in said and "skipped, no verdict yet (rainclean analyze" in said
    assert states(project) == {"place0": "ready"}
    assert work(frames=20).done == ["place0"]
    assert overview(project)[0].trust == "fit" and work(frames=20).skipped == ["place0"]


def test_places_are_kept_as_a_picture(project: Project, put: Add, work: Analyze, three_clips: list[Path],
                                      monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    import numpy as np

    from pipeline.clean import run

    def judge(facts: object) -> Verdict:
        places = np.zeros((56, 72), bool)
        places[:7] = True
        return Verdict("look", LOOK.reasons, places)

    monkeypatch.setattr(run, "judge", judge)
    put(three_clips[0])
    work(frames=20)
    (line,) = overview(project)
    picture = decode_png(project.artefacts.read(line.places), "places")
    assert (picture[:7] == 255).all() and not picture[7:].any()
    assert project.problems() == []


def test_the_automatic_choice_takes_what_is_fit(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    give(desk, "place1", LOOK)
    give(desk, "place2", UNFIT)
    folder = str(desk.folder)
    assert main(["select", folder, "--auto"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "chosen automatically: 1",
        "skipped, verdict needs a look (--include look accepts these, too): 1",
        "skipped, verdict unfit (never accepted automatically): 1",
        "  place1: needs a look, 40 of 100 frames fitted",
        "  place2: unfit, 12 of 167 frames fitted",
    ]
    assert states(desk) == {"place0": "accepted automatically", "place1": "ready", "place2": "ready"}
    assert main(["select", folder, "--auto", "--include", "look", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["chosen"]) == ["place1"] and document["kept"] == ["place0"]
    assert document["left"] == {
        "place2": {"trust": "unfit", "reasons": ["12 of 167 frames fitted"], "taken_back": False}
    }
    assert states(desk)["place2"] == "ready"
    # What was chosen with a look stays without it: a second run changes nothing.
    assert main(["select", folder, "--auto"]) == 0
    assert states(desk)["place1"] == "accepted automatically"


def test_an_automatic_choice_is_taken_back_when_it_turns_out_unfit(
    desk: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    choose_best(desk)
    (sequence,) = sequences(desk, ["place1"])
    decisions.accept(desk, sequence, best_of(desk, sequence.id), "Ann")
    for name in ("place0", "place1"):
        give(desk, name, UNFIT)
    result = choose_best(desk)
    assert result.left["place0"].taken_back and "place1" not in result.left
    assert states(desk) == {"place0": "ready", "place1": "accepted", "place2": "accepted automatically"}
    assert not choose_best(desk).left["place0"].taken_back
    # A person's choice stands, and an export says what it is of.
    plan = plan_export(desk, ExportSettings("paired"))
    assert "accepted although their verdict is unfit: place1" in plan.notes


def best_of(project: Project, sequence_id: int) -> str:
    from pipeline.project.analysis.records import candidates

    return candidates(project, analyses(project, sequence_id)[0].id)[0].name


def test_include_goes_with_auto(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["select", str(home), "place0", "--reject", "--include", "look"]) == 2
    assert "--include needs --auto" in capsys.readouterr().err


def test_a_damaged_verdict_is_told(desk: Project) -> None:
    desk.execute('UPDATE analysis SET verdict = \'{"state": "splendid"}\' WHERE id = 1')
    assert any("verdict" in line for line in desk.problems())
    with pytest.raises(ValueError, match="verdict"):
        verdict_of('{"state": "splendid"}')
