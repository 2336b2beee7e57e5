"""Folders of images with colour profiles in a project: converted and said, and as they were in projects of before."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.project.clips.clip_files import open_sequence
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.storage.database import Project
from rainclean.errors import InputError
from tests.helpers.colour_profiles import WIDE
from tests.helpers.rainy_clips import rainy_frames
from tests.pipeline.project.conftest import Add


def frames(folder: Path) -> Path:
    folder.mkdir()
    for number, frame in enumerate(rainy_frames(1, 12)):
        Image.fromarray(frame).save(folder / f"{number:03}.png", icc_profile=WIDE)
    return folder


def test_conversion_is_said_and_older_projects_keep_their_colours(tmp_path: Path, project: Project, put: Add) -> None:
    folder = frames(tmp_path / "wide")
    added = put(folder)
    assert added.notes == [f"{folder}: 12 of 12 images: colour profile Wide P3: converted to sRGB"]
    (sequence,) = sequences(project)
    with open_sequence(project, sequence) as source:
        converted = next(iter(source.read())).rgb
    with project.transaction():  # as an older rainclean added it
        project.execute("UPDATE clip SET notes = '[]'")
    with open_sequence(project, sequence) as source:
        assert np.array_equal(next(iter(source.read())).rgb, rainy_frames(1, 12)[0])
        assert not any("profile" in note for note in source.info.notes)
    assert np.abs(converted.astype(int) - rainy_frames(1, 12)[0]).max() > 10


def test_a_clip_that_was_turned_otherwise_is_refused(tmp_path: Path, project: Project, put: Add) -> None:
    put(frames(tmp_path / "wide"))
    with project.transaction():
        project.execute("UPDATE clip SET width = height, height = width")
    with pytest.raises(InputError, match="an older rainclean read it as 56×72; add it to a new project"):
        open_sequence(project, sequences(project)[0])
