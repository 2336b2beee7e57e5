"""What an export would hold, against exports that are then made."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.clean.settings import CleanSettings
from pipeline.export.plan import ExportSettings
from pipeline.export.run import export
from pipeline.export.size_estimate import estimate, most_crops
from pipeline.project.analysis.run import analyze
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import choose_best
from pipeline.project.decisions.decisions import accept, candidate_of
from pipeline.project.editing.editor import Editor
from pipeline.project.editing.masks import keep_mask
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from pipeline.text_format import size_in_words
from rainclean.dataset.pairs import CropChoice, FrameChoice
from rainclean.errors import RaincleanError
from tests.conftest import ROOT, Run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four samples, decided; a corner of one is excluded."""
    folder = tmp_path_factory.mktemp("samples")
    mask = np.zeros((240, 352), np.uint8)
    mask[:60, 200:] = 255
    cv2.imwrite(str(folder / "mask.png"), mask)
    with Project.create(folder / "project") as project:
        finish(add(project, sorted((ROOT / "sample_sequences").glob("*/clip.mp4")), Origin(licence="CC0")))
        finish(analyze(project, (), CleanSettings(recipe="median", workers=1)))
        choose_best(project)
        (table,) = sequences(project, ["table"])
        mask_kept = keep_mask(project, folder / "mask.png", candidate_of(project, table, "n100-p50"))
        accept(project, table, "n100-p50", "Ann", exclude=mask_kept)
    return folder / "project"


@pytest.fixture
def project(home: Path) -> Iterator[Project]:
    with Project(home) as opened:
        yield opened


def asked(
    frames: str, crops: str, layout: str = "spa", smallest_rain_share: float = 0.0, most_excluded: float = 0.0
) -> ExportSettings:
    cut = CropChoice.parse(crops, smallest_rain_share=smallest_rain_share, most_excluded=most_excluded)
    return ExportSettings(layout, FrameChoice.parse(frames), cut)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "settings",
    [
        asked("differ:3", "whole"),
        asked("every:40", "grid:96", "paired"),
        asked("every:40", "grid:96:40"),
        asked("every:40", "grid:64:100"),
        asked("every:40", "random:80:5", most_excluded=0.2),
    ],
    ids=lambda settings: f"{settings.frames.text}, {settings.crops.text}",
)
def test_an_export_holds_what_was_estimated(project: Project, tmp_path: Path, settings: ExportSettings) -> None:
    found = estimate(project, settings)
    made = finish(export(project, settings, tmp_path / "out"))
    assert found.exact
    assert (found.pairs, found.scenes) == (made.pairs, made.scenes)
    assert set(found.empty) == {note for note in made.notes if note.startswith("no scene is left")}
    assert bool(found.empty) is (0 in made.scenes.values()) and set(found.empty) <= set(found.notes)
    assert sum(found.sequences.values()) == 4
    assert found.bytes == pytest.approx(size_of(tmp_path / "out"), rel=0.25)


def test_with_a_rain_threshold_it_is_an_upper_bound(project: Project, tmp_path: Path) -> None:
    settings = asked("every:40", "grid:48", smallest_rain_share=0.3)
    found = estimate(project, settings)
    made = finish(export(project, settings, tmp_path / "out"))
    assert not found.exact
    assert all(found.pairs[split] >= number for split, number in made.pairs.items())
    assert sum(found.pairs.values()) > sum(made.pairs.values())


def test_frames_chosen_by_hand_count(project: Project) -> None:
    before = estimate(project, asked("every:20", "whole"))
    (cat,) = sequences(project, ["cat"])
    editor = Editor(project, "Ann")
    editor.choose_frames(cat, [1, 2, 3, 50, 60, 61, 62])
    try:
        after = estimate(project, asked("every:20", "whole"))
    finally:
        editor.choose_frames(cat, None)
    assert sum(after.pairs.values()) - sum(before.pairs.values()) == 7 - 4
    assert after.bytes > before.bytes


def test_an_older_project_has_no_rainy_frame_to_go_by(home: Path, tmp_path: Path) -> None:
    with Project(Path(shutil.copytree(home, tmp_path / "older"))) as project:
        with project.transaction():
            project.execute("UPDATE analysis SET reference = ''")
        found = estimate(project, asked("differ:3", "whole"))
        finish(export(project, asked("differ:3", "whole"), tmp_path / "out"))
    assert found.bytes == pytest.approx(size_of(tmp_path / "out"), rel=0.25)


def test_more_crops_than_anybody_looks_at_are_counted_at_once(project: Project) -> None:
    found = estimate(project, asked("all", "grid:64:1"))
    assert not found.exact  # of the sequence with an exclusion mask they are not looked at one by one
    assert sum(found.pairs.values()) == (100 + 3 * 80) * (352 - 63) * (240 - 63)


@pytest.mark.parametrize(
    "text", ["whole", "grid:7", "grid:7:3", "grid:5:9", "grid:40x30", "grid:40x30:1", "random:9:4"]
)
@pytest.mark.parametrize("size", [(40, 30), (61, 47)])
def test_the_most_crops_are_those_of_a_frame_without_rule(text: str, size: tuple[int, int]) -> None:
    choice, picture = CropChoice.parse(text), np.zeros((size[1], size[0], 3), np.uint8)
    assert most_crops(choice, *size) == len(choice.choose(picture, picture, sequence="a", frame=0))


def test_nothing_decided_is_said_as_the_export_says_it(project: Project) -> None:
    settings = ExportSettings("spa", person_only=True, names=("cat",))
    with pytest.raises(RaincleanError, match="accepted by a person"):
        estimate(project, settings)


def test_the_command(home: Path, tmp_path: Path, here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    said = here("export", home, "--estimate", "--frames", "every:20")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("train 12 pairs of 3 scenes, test ") and "; about " in said.stdout
    found = json.loads(here("export", home, "-o", tmp_path / "out", "--estimate", "--json").stdout)
    assert sum(found["pairs"].values()) == 40 and found["exact"] and found["bytes"] > 1e6
    assert sorted(tmp_path.iterdir()) == before
    refused = here("export", home)
    assert refused.returncode == 2 and "-o" in refused.stderr


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (3.44e6, "3.4 MB"), (2.1e7, "21 MB"), (9.96e9, "10 GB"),
     (2.5e12, "2.5 TB")],
)  # fmt: skip
def test_sizes_in_words(size: float, words: str) -> None:
    assert size_in_words(size) == words
