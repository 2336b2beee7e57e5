"""What an analysis found is kept, read again as it was, and goes along with what people make of it."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.clean.settings import CleanSettings
from pipeline.export.verification import check
from pipeline.project.analysis.findings import (
    MotionSummary,
    covered_frames,
    frames_at_hand,
    motion_summary,
    read_areas,
    read_foreground,
    read_places,
    read_posterior,
    read_stabilization,
    verdict_of,
)
from pipeline.project.analysis.frames import open_frames
from pipeline.project.analysis.live import kept_candidate, live_recipe, open_live
from pipeline.project.analysis.records import (
    FINDING_FILES,
    analyses,
    analysis,
    candidates,
    rain_amounts,
    wanted_artefacts,
)
from pipeline.project.analysis.run import analyze
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import decisions
from pipeline.project.editing import made_candidates
from pipeline.project.editing.editor import Editor
from pipeline.project.exchange.export_file import export_decisions
from pipeline.project.exchange.import_files import import_decisions
from pipeline.project.model import Analysis, Sequence
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.candidates.quality import Scores
from rainclean.candidates.recipe import Recipe
from rainclean.compositing.composite import Shape
from rainclean.errors import InputError
from rainclean.moving.encoding import Areas, ForegroundMasks
from rainclean.video import Region
from tests.conftest import Run
from tests.helpers import stabilized as known
from tests.helpers.rainy_clips import rainy_clip, write_clip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return known.make(tmp_path_factory.mktemp("stabilized"))


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Iterator[Project]:
    with Project(Path(shutil.copytree(made, tmp_path / "copy"))) as opened:
        yield opened


def main_of(project: Project) -> tuple[Sequence, Analysis]:
    (sequence,) = sequences(project)
    return sequence, analyses(project, sequence.id)[0]


def test_what_was_found_is_read_as_it_was(project: Project) -> None:
    _, made = main_of(project)
    stabilization, posterior = read_stabilization(project, made.stabilization), read_posterior(project, made)
    assert stabilization.to_json() == known.stabilization().to_json()
    assert posterior is not None and np.abs(posterior.mean - known.posterior().mean).max() <= 1 / 256
    areas, foreground = read_areas(project, made), read_foreground(project, made)
    assert areas is not None and foreground is not None
    for kind, mask in known.moving().areas.items():
        np.testing.assert_array_equal(areas.kinds[kind], mask)
    np.testing.assert_array_equal(areas.doubtful, known.moving().doubtful)
    for index in range(known.FRAMES):
        passed = foreground.mask(index)
        expected = known.passing(index)
        assert (passed is None) == (not expected.any())
        if passed is not None:
            np.testing.assert_array_equal(passed, expected)
    assert covered_frames(made) == {known.COVERED}
    summary = motion_summary(made)
    assert summary is not None and summary.labels == ("something sways",)
    assert summary.areas["swaying"] == pytest.approx(0.1)
    assert {getattr(made, name) for name in FINDING_FILES} <= wanted_artefacts(project)
    assert verdict_of(made.verdict) == known.verdict()
    np.testing.assert_array_equal(read_places(project, made.places), known.verdict().places)
    assert not finish(check(project.folder)).problems


def test_frames_are_read_as_the_analysis_used_them(project: Project) -> None:
    sequence, made = main_of(project)
    assert tuple(frames_at_hand(project, sequence, made)) == known.USED
    assert [i for i, amount in enumerate(rain_amounts(project, made.id)) if amount is None] == [5, 20, 21, 22, 23]
    with open_frames(project, sequence, made) as source:
        for frame in source.read(known.USED, made.region):
            np.testing.assert_array_equal(frame.rgb, known.stabilized_frame(frame.index))
        (part,) = source.read([2], Region(10, 9, 20, 10))
        np.testing.assert_array_equal(part.rgb, known.stabilized_frame(2)[3:13, 2:22])
        with pytest.raises(IndexError, match="frame 5 cannot be stabilized: blurred"):
            next(source.read([known.DROPPED], made.region))
    with open_frames(project, sequence, replace(made, stabilization="")) as source:
        assert next(source.read([known.DROPPED])).rgb.shape == (56, 72, 3)


def test_a_damaged_or_missing_file_is_told(project: Project) -> None:
    sequence, made = main_of(project)
    project.artefacts.path(made.passing).write_bytes(b"rainclean passing 1\n{}\n")
    project.artefacts.path(made.areas).unlink()
    with pytest.raises(InputError, match="changed"):
        read_foreground(project, made)
    with pytest.raises(InputError, match="analyze --again"):
        read_areas(project, made)
    for data in (b"", b"no", b"rainclean passing 1\n{}\n", b"rainclean passing 1\n[]\nx"):
        with pytest.raises(InputError, match="foreground masks"):
            ForegroundMasks.decode(data, "file")
    no_json = project.artefacts.put(b"[]", ".json")
    with pytest.raises(InputError, match="no valid stabilization"):
        open_frames(project, sequence, replace(made, stabilization=no_json))


def test_nothing_found_takes_no_files(tmp_path: Path) -> None:
    nothing = known.moving()
    for mask in nothing.areas.values():
        mask[:] = False
    nothing.doubtful[:] = False
    nothing.packed[:] = 0
    nothing.share[:] = 0
    with Project(known.make(tmp_path, moving=nothing, posterior=None, stabilization=None)) as project:
        _, made = main_of(project)
        assert {made.stabilization, made.posterior_mean, made.posterior_sd, made.areas, made.passing} == {""}
        assert motion_summary(made) == MotionSummary(labels=("something sways",), areas={}, doubtful=0.0, shares={})
        assert read_posterior(project, made) is None
        assert read_areas(project, made) is None and read_foreground(project, made) is None
    assert Areas.from_findings(nothing).encode() == b""


def test_what_people_make_has_what_its_analysis_found(project: Project, tmp_path: Path) -> None:
    sequence, made = main_of(project)
    editor = Editor(project, "Ann")
    picture = known.rain_free()
    recipe = Recipe(19, percentile=30.0, steady=True)
    one = editor.keep(
        sequence,
        recipe,
        picture,
        eta=40,
        silent_share=0.0,
        scores=Scores(streaks=0.1, detail=0.1, darkening=0.1, disagreement=0.1),
    )
    like = analysis(project, one.analysis_id)
    assert like.origin == "kept" and like.findings == made.findings
    assert rain_amounts(project, like.id) == rain_amounts(project, made.id)


def stored(project: Project) -> list[object]:
    """What there is of analyses, candidates and decisions, and the files of the store."""
    rows = [tuple(row) for of in ("analysis", "candidate", "decision") for row in project.rows(f"SELECT * FROM {of}")]
    return [rows, sorted(path for path in (project.folder / "artefacts").rglob("*"))]


def test_stabilized_candidates_go_to_another_project(project: Project, made: Path, tmp_path: Path) -> None:
    sequence, of = main_of(project)
    editor = Editor(project, "Ann")
    recipe = Recipe(19, percentile=30.0, steady=True)
    one = editor.keep(
        sequence,
        recipe,
        known.rain_free(),
        eta=40,
        silent_share=0.0,
        scores=Scores(streaks=0.1, detail=0.1, darkening=0.1, disagreement=0.1),
    )
    decisions.accept(project, sequence, one.name, "Ann")
    export_decisions(project, tmp_path / "ann.jsonl")
    assert (tmp_path / "ann.jsonl.pictures" / of.stabilization).is_file()
    # The same analysis is there, or one that differs in a digit: all that it found holds. Another one: how frames were
    # stabilized goes along.
    for name, changed in (("same", None), ("alike", "f" * 64 + ".json"), ("other", "")):
        folder = Path(shutil.copytree(made, tmp_path / name))
        with Project(folder) as other:
            if changed is not None:
                with other.transaction():
                    other.execute("UPDATE analysis SET stabilization = ?", changed)
            assert import_decisions(other, [tmp_path / "ann.jsonl"]).added["decision"] == 1
            decision = decisions.current(other)[sequences(other)[0].id]
            got = analysis(
                other, made_candidates.of_sequence(other, sequences(other)[0], decision.candidate_id or 0).analysis_id
            )
            assert got.stabilization == of.stabilization
            assert got.posterior_sd == ("" if changed == "" else of.posterior_sd)
            assert rain_amounts(other, got.id)[known.DROPPED] is None
    lines = (tmp_path / "ann.jsonl").read_text()
    (tmp_path / "bad.jsonl").write_text(lines.replace(of.stabilization, "../../x.json"))
    third = Path(shutil.copytree(made, tmp_path / "third"))
    with Project(third) as other:
        before = stored(other)
        found = import_decisions(other, [tmp_path / "bad.jsonl"])
        (refused,) = found.refused
        assert refused == f"{tmp_path / 'bad.jsonl'}: line 2: a stabilization is not named by its SHA-256"
        assert not found.added and not found.known and found.lines == 1
        assert stored(other) == before


def test_the_sliders_go_over_stabilized_frames(project: Project, tmp_path: Path) -> None:
    sequence, made = main_of(project)
    with finish(open_live(project, sequence, made, 200, tmp_path)) as live:
        assert live.selection.indices == known.USED
        for position in (0, 3, 18):
            np.testing.assert_array_equal(live.frame(position), known.stabilized_frame(known.USED[position]))
        recipe = live_recipe(live, made, 19, 40.0)
        assert recipe.name == "n19-p40-steady"
        assert np.abs(kept_candidate(live, recipe).picture.astype(int) - known.rain_free()).mean() < 1
        with pytest.raises(ValueError, match="no live picture"):
            kept_candidate(live, Recipe(19, rule="rainfree", steady=True))


def test_the_command_says_what_was_found(project: Project, here: Run) -> None:
    said = here("status", project.folder, "pan")
    text = " ".join(said.stdout.split())
    for part in (
        "registered: translation",
        "0.05 px",
        "1 frame: blurred",
        "exposure changes",
        "something sways",
        "in doubt",
    ):
        assert part in text
    found = json.loads(here("status", project.folder, "pan", "--json").stdout)["found"]
    assert found["stabilization"]["dropped"] == {"5": "blurred"} and found["posterior"]


def test_an_analysis_keeps_what_clean_finds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    large = (np.repeat(np.repeat(frame, 3, axis=0), 3, axis=1) for frame in known.frames())
    frames = [np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255).astype(np.uint8) for frame in large]
    with Project.create(tmp_path / "project") as project:
        finish(
            add(project, [write_clip(tmp_path / "pan.mkv", frames), rainy_clip(tmp_path / "still.mkv", 1)], Origin())
        )
        result = finish(analyze(project, (), CleanSettings(workers=1)))
        assert not result.failed
        pan, still = (analyses(project, s.id)[0] for s in sequences(project))
        assert not still.stabilization and None not in rain_amounts(project, still.id)
        assert still.posterior_mean and still.moving
        assert pan.stabilization
        at_hand = frames_at_hand(project, sequences(project)[0], pan)
        assert [i for i, a in enumerate(rain_amounts(project, pan.id)) if a is not None] == list(at_hand)
        posterior = read_posterior(project, pan)
        assert posterior is not None and posterior.sd.shape == (pan.region.height, pan.region.width)
        assert candidates(project, pan.id)[0].name.endswith("-steady")
        editor, sequence = Editor(project, "Ann"), sequences(project)[0]
        one, other = candidates(project, pan.id)[:2]
        editor.paint(sequence, one.id, other.id, Shape("rectangle", ((2.0, 2.0), (30.0, 30.0))))
        decision = editor.accept(sequence, one.id)
        chosen = made_candidates.of_sequence(project, sequence, decision.candidate_id or 0)
        like = analysis(project, chosen.analysis_id)
        assert like.findings == pan.findings
