"""Thumbnails: small, kept, and made again whatever happens to them."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.project.clips.thumbnails import THUMBNAILS, thumbnail
from pipeline.project.storage.database import Project
from rainclean.errors import InputError
from rainclean.png import encode_png
from tests.helpers.rainy_clips import background


@pytest.fixture
def name(project: Project) -> str:
    return project.artefacts.put(encode_png(background(1, (640, 360))), ".png")


def kept(project: Project) -> list[Path]:
    return sorted((project.folder / THUMBNAILS).iterdir())


def test_it_is_the_picture_made_small(project: Project, name: str) -> None:
    small = thumbnail(project.folder, name)
    assert small.shape == (108, 192, 3) and small.dtype == np.uint8
    blocks = background(1, (640, 360))[:360, :640].reshape(36, 10, 64, 10, 3).mean((1, 3))
    assert np.abs(thumbnail(project.folder, name, 64).astype(float) - blocks).mean() < 6
    # Right way round: red is red.
    assert np.abs(small.reshape(-1, 3).mean(0) - background(1, (640, 360)).reshape(-1, 3).mean(0)).max() < 3


def test_small_and_grey_pictures(project: Project) -> None:
    grey = project.artefacts.put(encode_png(np.full((20, 30), 77, np.uint8)), ".png")
    assert (np.abs(thumbnail(project.folder, grey).astype(int) - 77) <= 2).all()
    assert thumbnail(project.folder, grey).shape == (20, 30, 3)


def test_it_is_kept_and_fast(project: Project, name: str) -> None:
    first = thumbnail(project.folder, name)
    project.artefacts.path(name).unlink()  # not read again
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        again = thumbnail(project.folder, name)
        seconds.append(time.perf_counter() - began)
    assert np.abs(again.astype(int) - first).mean() < 8  # a JPEG
    assert min(seconds) < 0.005
    assert [p.name for p in kept(project)] == [f"{Path(name).stem}-192.jpg"]


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "gone"])
def test_damaged_ones_are_made_again(project: Project, name: str, damage: str) -> None:
    first = thumbnail(project.folder, name)
    (path,) = kept(project)
    whole = path.read_bytes()
    left = {"cut": whole[: len(whole) // 2], "empty": b"", "text": b"no picture"}
    path.unlink() if damage == "gone" else path.write_bytes(left[damage])
    np.testing.assert_array_equal(thumbnail(project.folder, name), first)
    assert path.read_bytes() == whole


def test_where_nothing_can_be_written(project: Project, name: str) -> None:
    (project.folder / THUMBNAILS).write_text("in the way")
    assert thumbnail(project.folder, name).shape == (108, 192, 3)


def test_a_missing_picture_is_told(project: Project) -> None:
    with pytest.raises(InputError, match="No such file"):
        thumbnail(project.folder, "0" * 64 + ".png")


def test_from_many_threads_at_once(project: Project, name: str) -> None:
    found = []
    threads = [threading.Thread(target=lambda: found.append(thumbnail(project.folder, name))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(kept(project)) == 1
