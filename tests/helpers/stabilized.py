"""A project with one panning clip whose analysis is known: stabilized, with posterior and moving things."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.project.analysis import findings
from pipeline.project.analysis.records import AnalysisRow, CandidateRow, store_analysis
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.documents import AnalysisSettings, StoredRecipe
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.candidates.quality import Scores
from rainclean.dataset.pairs import rain_amount
from rainclean.moving.detection import Findings
from rainclean.moving.detectors import KINDS
from rainclean.moving.residual_grid import Grid
from rainclean.png import encode_png
from rainclean.rainfree.posterior import Posterior
from rainclean.stabilization.stabilized_source import Pose, Stabilization
from rainclean.verdict.rules import Reason, Verdict
from rainclean.video import Region
from tests.helpers.rainy_clips import background, write_clip

U8 = NDArray[np.uint8]

FRAMES, REFERENCE, DROPPED = 24, 12, 5
USED = tuple(index for index in range(20) if index != DROPPED)
"""Frames that can be stabilized: of the others one was dropped, and four lie outside of those that were used."""

REGION = Region(8, 6, 48, 40)
LIT = 4
"""This frame is 10 levels brighter than the others."""

WALKED, COVERED = 3, 7
"""Something passes in these frames; it covers a tenth, and over a half of them."""

SWAYING = np.s_[4:16, 8:24]
"""Place of the clean image that is in doubt."""

DIM = np.s_[30:40, 0:48]
"""Place where the posterior is wide."""


def wide() -> U8:
    """(56, 90, 3): what the camera pans over."""
    return background(3, (90, 56))


def left_of(index: int) -> int:
    """Where the frame's left border is in the scene."""
    return index // 2


def rain_free() -> U8:
    """The scene in the region of the reference frame."""
    x, y, width, height = REGION
    x += left_of(REFERENCE)
    return np.ascontiguousarray(wide()[y : y + height, x : x + width])


def frames() -> list[U8]:
    """The clip: pans to the right, with a few streaks in each frame, more of them the later it is."""
    rng = np.random.default_rng(5)
    made = []
    for index in range(FRAMES):
        scene = wide().astype(np.int16)
        for _ in range(2 + index):
            x, y = rng.integers(0, 84), rng.integers(0, 48)
            scene[y : y + 8, x] = 200
        frame = scene[:, left_of(index) : left_of(index) + 72] + (10 if index == LIT else 0)
        made.append(np.clip(frame, 0, 255).astype(np.uint8))
    return made


def stabilized_frame(index: int) -> U8:
    """A frame as the reference frame's camera would have taken it, by plain cutting."""
    x, y, width, height = REGION
    x += left_of(REFERENCE) - left_of(index)
    cut = frames()[index][y : y + height, x : x + width].astype(np.int16) - (10 if index == LIT else 0)
    return np.clip(cut, 0, 255).astype(np.uint8)


def stabilization() -> Stabilization:
    """How the frames were taken."""
    poses = {}
    for index in USED:
        matrix = np.eye(3)
        matrix[0, 2] = left_of(REFERENCE) - left_of(index)
        offset = np.full(3, 10.0 if index == LIT else 0.0)
        poses[index] = Pose(matrix, np.ones(3), offset, residual=0.05)
    return Stabilization("translation", Region(0, 0, 72, 56), REGION, poses, dropped={DROPPED: "blurred"})


def posterior() -> Posterior:
    """The scene, believed narrowly but for a strip."""
    sd = np.full((REGION.height, REGION.width), 0.2, np.float32)
    sd[DIM] = 6
    return Posterior(rain_free().astype(np.float32), sd)


def passing(index: int) -> NDArray[np.bool_]:
    """Passing things of a frame."""
    mask = np.zeros((REGION.height, REGION.width), bool)
    if index == WALKED:
        mask[20:28, 24:48] = True
    if index == COVERED:
        mask[:28] = True
    return mask


def moving() -> Findings:
    """Something sways, something passes."""
    grid = Grid(REGION.height, REGION.width, 4)
    shape = (REGION.height, REGION.width)
    areas = {kind: np.zeros(shape, bool) for kind in KINDS}
    areas["swaying"][SWAYING] = True
    areas["passing"] = passing(WALKED) | passing(COVERED)
    masks = [passing(index) for index in USED]
    packed = np.stack([np.packbits(mask[::4, ::4].ravel()) for mask in masks])
    share = np.array([mask.mean() for mask in masks])
    return Findings(
        areas=areas,
        doubtful=areas["swaying"].copy(),
        share=share,
        labels=["something sways"],
        grid=grid,
        packed=packed,
    )


def verdict() -> Verdict:
    """A person should look at the strip."""
    places = np.zeros((REGION.height, REGION.width), bool)
    places[DIM] = True
    reason = Reason("unsure", "the background is ambiguous in 25 % of the frame", "look", 0.25)
    return Verdict("look", (reason,), places)


def make(folder: Path, **changed: Any) -> Path:
    """The project, with two candidates; the first is free of rain. changed: in place of what was found."""
    with Project.create(folder / "project") as project:
        finish(add(project, [write_clip(folder / "pan.mkv", frames())], Origin(licence="CC0")))
        (sequence,) = sequences(project)
        found = {
            "stabilization": stabilization(),
            "posterior": posterior(),
            "moving": moving(),
            "verdict": verdict(),
            **changed,
        }
        cleaned = SimpleNamespace(selection=SimpleNamespace(indices=USED), **found)
        put = project.artefacts.put
        clean = rain_free()
        rows = []
        for rank, (name, picture) in enumerate(
            (("n19-vote-steady", clean), ("n19-p50-steady", cv2.add(clean, np.full(3, 4.0)))), 1
        ):
            recipe = {"frames": 19, "rule": "percentile", "steady": True, "name": name, "words": name}
            rows.append(
                CandidateRow(
                    name=name,
                    recipe=StoredRecipe(recipe),
                    recipe_hash=f"{rank:016d}",
                    percentile=40.0,
                    eta=40,
                    silent_share=0.0,
                    scores=Scores(streaks=0.1, detail=0.1, darkening=0.1, disagreement=0.1),
                    picture=put(encode_png(np.asarray(picture, np.uint8)), ".png"),
                    rank=rank,
                )
            )
        row = AnalysisRow(
            settings=AnalysisSettings.of_recipe(None, frames=None, rules=1),
            reference_frame=REFERENCE,
            region=REGION,
            rain=[rain_amount(stabilized_frame(i), clean) if i in USED else None for i in range(FRAMES)],
            reference=put(encode_png(stabilized_frame(REFERENCE)), ".png"),
            findings=findings.keep(project.artefacts, cleaned),  # type: ignore[arg-type]
        )
        store_analysis(project, sequence.id, row, rows)
    return folder / "project"
