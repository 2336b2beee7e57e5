"""Targets that cannot be what their rainy pictures show: told from rain, however heavy it is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rainclean.dataset.likeness import Fit, Likeness
from rainclean.simulate import preset
from tests.helpers.datasets import a_row
from tests.helpers.rainy_clips import background
from tests.helpers.simulated_scenes import frames_of, make

U8 = NDArray[np.uint8]
HEIGHT, WIDTH = 192, 256


def place() -> U8:
    return background(4, (WIDTH, HEIGHT))


@pytest.fixture(scope="module", params=["medium", "torrent"])
def rained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[U8]:
    folder = make(tmp_path_factory.mktemp(request.param), preset(request.param), place(), frames=6)
    return frames_of(folder / json.loads((folder / "truth.json").read_text())["clip"])


def fit(rainy: list[U8], target: U8, crop: int = 0, exclude: U8 | None = None) -> Fit | None:
    """What is told of the pairs of a target, whole or cut into crops at random places."""
    rng, rows, boxes = np.random.default_rng(1), [], []
    for number in range(len(rainy)):
        for _ in range(4 if crop else 1):
            y, x = (int(rng.integers(0, side - crop + 1)) if crop else 0 for side in target.shape[:2])
            height, width = (crop, crop) if crop else target.shape[:2]
            # The crop lies elsewhere in the upright frame, and not on the grid of cells.
            rows.append(a_row(x=x + 37, y=y + 5, width=width, height=height))
            boxes.append((number, np.s_[y : y + height, x : x + width]))
    likeness = Likeness(rows)
    for row, (number, box) in zip(rows, boxes, strict=True):
        take = likeness.pair(row)
        if exclude is not None:
            take("exclude", exclude[box])
        take("rainy", np.ascontiguousarray(rainy[number][box]))
        take("clean", np.ascontiguousarray(target[box]))
        take("confidence", np.zeros(row.height, np.uint8))
    return dict(likeness.fits()).get("yard-1")


def ruins() -> dict[str, U8]:
    """What comes of clips whose frames lie wrongly over one another, and the like."""
    clean = place()
    return {
        "darkest of shifted ones": np.min([np.roll(clean, shift, 1) for shift in range(0, 64, 8)], axis=0),
        "half as bright": clean // 2,
        "black": clean // 60,
        "another place": background(5, (WIDTH, HEIGHT)),
    }


@pytest.mark.parametrize("crop", [0, 96])
def test_the_truth_is_never_far_however_hard_it_rains(rained: list[U8], crop: int) -> None:
    found = fit(rained, place(), crop)
    assert found is not None and not found.is_far and found.rainy > found.clean
    alone = fit(rained[:1], place())
    assert alone is not None and not alone.is_far and alone.explained is None
    # Fog that comes with the rain, thicker to the right, is light on top.
    fog = np.linspace(0, 0.5, WIDTH)[None, :, None]
    hazy = [(frame * (1 - fog) + 200 * fog).astype(np.uint8) for frame in rained]
    found = fit(hazy, place(), crop)
    assert found is not None and not found.is_far


@pytest.mark.parametrize("ruin", ruins())
@pytest.mark.parametrize("crop", [0, 96])
def test_a_ruin_is_far(rained: list[U8], ruin: str, crop: int) -> None:
    found = fit(rained, ruins()[ruin], crop)
    assert found is not None and found.is_far and found.description


def test_what_is_excluded_does_not_count(rained: list[U8]) -> None:
    target, exclude = place(), np.zeros((HEIGHT, WIDTH), np.uint8)
    target[:, :150], exclude[:, :150] = 3, 255
    spoilt, spared = fit(rained, target), fit(rained, target, exclude=exclude)
    assert spoilt is not None and spoilt.is_far
    assert spared is not None and not spared.is_far and spared.cells < spoilt.cells


def test_too_little_tells_nothing_and_a_wild_manifest_takes_no_memory(rained: list[U8]) -> None:
    small = np.s_[:64, :64]
    assert fit([frame[small] for frame in rained], place()[small]) is None
    rows = [a_row(), replace(a_row(), x=2**31 - 8, y=2**31 - 8)]
    take = Likeness(rows).pair(rows[1])
    for role in ("rainy", "clean"):
        take(role, np.zeros((rows[1].height, rows[1].width, 3), np.uint8))
    assert dict(Likeness([]).fits()) == {}


def test_the_command_names_the_sequence(tmp_path: Path) -> None:
    """A whole export of a ruined target, in place of the one that a person would choose."""
    from pipeline.clean.settings import CleanSettings
    from pipeline.export.plan import ExportSettings
    from pipeline.export.run import export
    from pipeline.export.verification import check
    from pipeline.project.analysis.run import analyze
    from pipeline.project.clips.import_clips import Origin, add
    from pipeline.project.decisions import choose_best
    from pipeline.project.storage.database import Project
    from pipeline.stages import finish
    from rainclean.png import encode_png

    (tmp_path / "clip").mkdir()
    clip = make(tmp_path / "clip", preset("medium"), place(), frames=12)
    with Project.create(tmp_path / "project") as project:
        finish(add(project, [clip / "clip.mkv"], Origin(licence="CC0")))
        finish(analyze(project, (), CleanSettings(recipe="median", workers=1)))
        choose_best(project)
        finish(export(project, ExportSettings("paired"), tmp_path / "good"))
        ruin = project.artefacts.put(encode_png(ruins()["darkest of shifted ones"]), ".png")
        project.execute("UPDATE candidate SET picture = ?", ruin)
        finish(export(project, ExportSettings("paired"), tmp_path / "bad"))
    good, bad = finish(check(tmp_path / "good")), finish(check(tmp_path / "bad"))
    assert good.problems == bad.problems == [] and good.notes == []
    (note,) = bad.notes
    assert note.startswith("out: its 12 clean images (") and "cannot belong to its rainy images" in note
