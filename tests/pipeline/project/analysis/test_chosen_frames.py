"""In point, out point and region that a person chose: the next analysis uses them, and decisions stay."""

from pathlib import Path

import pytest

from pipeline.export.plan import ExportSettings
from pipeline.export.run import export
from pipeline.project.analysis.live import open_live
from pipeline.project.analysis.records import analyses, candidates, rain_amounts
from pipeline.project.clips.properties import Properties
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import AutoPlan, auto_plan, decisions
from pipeline.project.editing.editor import Editor
from pipeline.project.exchange.export_file import export_decisions
from pipeline.project.exchange.import_files import import_decisions
from pipeline.project.history import history
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.dataset import FrameChoice
from rainclean.errors import InputError
from rainclean.video import Region
from tests.pipeline.project.conftest import Add, Analyze


def test_new_frames_and_a_new_region_are_analysed_anew_and_the_decision_stays(
    project: Project, put: Add, work: Analyze, three_clips: list[Path], tmp_path: Path
) -> None:
    put(*three_clips[:2])
    work(recipe="median")
    (old,) = candidates(project, analyses(project, 1)[0].id)
    editor, one = Editor(project, "Ann"), sequences(project)[0]
    editor.accept(one, old.id)
    rain = rain_amounts(project, analyses(project, 1)[0].id)
    editor.set_properties([one], Properties(first=14, stop=20, region=Region(8, 8, 40, 32)))
    (line, other) = overview(project)
    assert (line.outdated, other.outdated, line.state) == (True, False, "accepted")
    assert auto_plan(project) == AutoPlan(fit=1, decided=1)
    now = line.sequence
    assert rain_amounts(project, analyses(project, 1)[0].id) == rain[14:20]
    with pytest.raises(InputError, match="has other frames than when it was analysed"):
        finish(open_live(project, now, analyses(project, 1)[0], 20, tmp_path))
    # Exported as it was decided: the old picture, and pairs of the frames that are left.
    said = finish(export(project, ExportSettings("spa", FrameChoice.parse("all")), tmp_path / "out"))
    assert sum(said.pairs.values()) == 6
    assert any("frames or region changed since the analysis, analyse again: place0" in note for note in said.notes)

    result = work(recipe="median")
    assert (result.done, result.skipped) == (["place0"], ["place1"])
    new, before = analyses(project, 1)
    assert (new.region, before.region) == (Region(8, 8, 40, 32), Region(0, 0, 72, 56))
    assert 14 <= new.reference_frame < 20 and len(rain_amounts(project, new.id)) == 6
    assert decisions.current(project)[1].candidate_id == old.id
    (line, _) = overview(project)
    assert (line.outdated, line.state) == (False, "accepted")
    assert work(recipe="median").skipped == ["place0", "place1"]

    # Back to what was analysed first: that analysis counts again.
    editor.undo()
    assert not overview(project)[0].outdated and sequences(project)[0] == one
    assert [a.id for a in analyses(project, 1)] == [before.id, new.id]
    assert rain_amounts(project, new.id) == [None] * 14 + rain_amounts(project, new.id)[14:20] + [None] * 4
    assert rain_amounts(project, before.id) == rain
    assert work(recipe="median").skipped == ["place0", "place1"]
    assert project.problems() == []
    texts = [entry.text for entry in history(project, one)]
    assert "set in point to frame 14, set out point to frame 19, set region to 40×32 px at 8, 8 (undone)" in texts
    assert any(text.startswith("accepted ") for text in texts)


def test_decisions_travel_by_the_shot_and_removed_sequences_stay_at_home(
    project: Project, put: Add, work: Analyze, three_clips: list[Path], tmp_path: Path
) -> None:
    put(*three_clips)
    work(recipe="median")
    editor, (one, two, three) = Editor(project, "Ann"), sequences(project)
    for each in (one, two, three):
        editor.accept(each, candidates(project, analyses(project, each.id)[0].id)[0].id)
    editor.choose_frames(one, [3, 15])
    editor.set_properties([one], Properties(first=10, licence="CC0"))
    editor.remove([two])
    lines = export_decisions(project, tmp_path / "a.jsonl")
    assert (lines["decision"], lines["edit"]) == (2, 1)
    with Project.create(tmp_path / "other") as other:
        from pipeline.clean.settings import CleanSettings
        from pipeline.project.analysis.run import analyze
        from pipeline.project.clips.import_clips import Origin, add

        finish(add(other, three_clips, Origin()))
        finish(analyze(other, (), CleanSettings(recipe="median", workers=1)))
        found = import_decisions(other, [tmp_path / "a.jsonl"])
        assert found.added == {"decision": 2, "edit": 1} and not found.refused
        assert [line.state for line in overview(other)] == ["accepted", "ready", "accepted"]
        assert (sequences(other)[0].first, sequences(other)[0].licence) == (0, "")
    # Back home, where the sequence has other frames now, the same lines are known.
    assert import_decisions(project, [tmp_path / "a.jsonl"]).known == 3

    again = put(three_clips[1])
    assert again.returned == [f"{three_clips[1]}: is back as place1"]
    assert [line.state for line in overview(project)] == ["accepted"] * 3
    assert [entry.text for entry in history(project, two)][-2:] == ["removed", "brought back"]
