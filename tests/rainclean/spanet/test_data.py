"""Examples are functions of seed and number; both sides of a pair stay together; masks and weights do what they say."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from rainclean.dataset.pairs import rain_mask
from rainclean.dataset.reader import read_dataset
from rainclean.png import encode_png
from rainclean.spanet.data import Batch, Batches, Broken, Cut, Example, Examples, cut_alike, example_mask, together
from tests.helpers.datasets import write
from tests.helpers.training_pairs import streaked, write_dataset


def examples(root: Path, seed: int = 5, **options: bool) -> Examples:
    pairs = read_dataset(root).split("train")
    return Examples(pairs, Cut(24, flip=True), "threshold", seed, **options)


def example(data: Examples, number: int) -> Example:
    made = data[number]
    assert isinstance(made, Example)
    return made


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "pairs")


def test_an_example_depends_on_seed_and_number_alone(dataset: Path) -> None:
    data, again = examples(dataset), examples(dataset)
    first = {number: example(data, number) for number in range(25)}
    for number in (24, 3, 11, 0):  # in another order, from another reader
        for name in ("rainy", "clean", "mask", "weight"):
            assert torch.equal(getattr(example(again, number), name), getattr(first[number], name))
    other = example(examples(dataset, seed=6), 3)
    assert not torch.equal(other.rainy, first[3].rainy)


def test_every_round_takes_every_pair_once_in_an_order_of_its_own(dataset: Path) -> None:
    data = examples(dataset)
    rounds = [[data.place(9 * turn + number) for number in range(9)] for turn in range(3)]
    assert all(sorted(places) == list(range(9)) for places in rounds)
    assert len({tuple(places) for places in rounds}) == 3


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_the_same_with_any_number_of_workers(dataset: Path, workers: int) -> None:
    data = examples(dataset)
    loader = DataLoader(
        data, batch_sampler=Batches(2, 5, 4), collate_fn=together, num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
    )  # fmt: skip
    made = list(loader)
    assert len(made) == 3
    for step, batch in enumerate(made, 2):
        assert isinstance(batch, Batch)
        for slot in range(4):
            expected = example(data, 4 * step + slot)
            assert torch.equal(batch.rainy[slot], expected.rainy) and torch.equal(batch.mask[slot], expected.mask)


def test_devices_share_a_batch_without_gaps() -> None:
    whole = list(Batches(3, 6, 8))
    parts = [list(Batches(3, 6, 8, rank=rank, devices=4)) for rank in range(4)]
    for step, numbers in enumerate(whole):
        assert [number for part in parts for number in part[step]] == numbers


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 70), width=st.integers(1, 70), size=st.integers(16, 48), seed=st.integers(0, 2**32),
    flip=st.booleans(),
)  # fmt: skip
def test_both_sides_are_cut_alike(height: int, width: int, size: int, seed: int, flip: bool) -> None:
    draw = np.random.default_rng(seed)
    rainy = draw.integers(0, 200, (height, width, 3), dtype=np.uint8)
    clean = rainy + 20
    places = np.mgrid[:height, :width].astype(np.uint8)  # tell where a value came from
    one, other, rows, columns = cut_alike([rainy, clean, *places], Cut(size, 0.8, flip), draw)
    rows, columns = rows.astype(int), columns.astype(int)
    assert one.shape == other.shape == (size, size, 3) and rows.shape == columns.shape == (size, size)
    assert np.abs(other.astype(int) - one - 20).max() <= 1  # interpolation rounds
    assert (np.diff(rows, axis=0) >= 0).all() and (rows == rows[:, :1]).all()
    steps = np.diff(columns, axis=1)
    assert (steps >= 0).all() or (flip and (steps <= 0).all())
    largest = min(size, height, width)
    assert largest * 0.8**0.5 - 1 <= np.ptp(rows) + 1 <= largest


def test_masks_by_name() -> None:
    rainy, clean = streaked(1)
    assert (example_mask(rainy, clean, "threshold") == 255 * rain_mask(rainy, clean)).all()
    darker = clean.copy()
    darker[3, 4, 2] -= 1  # the released code's unsigned difference wraps: any difference counts
    assert np.argwhere(example_mask(darker, clean, "any-difference")).tolist() == [[3, 4]]
    assert not example_mask(darker, clean, "threshold").any()


@pytest.mark.parametrize(("form", "expected"), [(None, (227, 172)), ("expected error", (200, 26))])
def test_exclusion_and_confidence_become_the_weight(dataset: Path, form: str | None, expected: tuple[int, int]) -> None:
    pair = read_dataset(dataset).split("train")[0]
    exclude, confidence = (np.zeros((40, 40), np.uint8) for _ in range(2))
    exclude[:, :20], confidence[:20], confidence[20:] = 255, 200, 90 if form is None else 9
    if form is not None:  # older exports do not say what their confidence pictures hold
        (dataset / "export.json").write_text(json.dumps({"confidence_form": form}))
    for name, mask in (("exclude", exclude), ("confidence", confidence)):
        (dataset / name).mkdir()
        (dataset / name / f"{pair.stem}.png").write_bytes(encode_png(mask))
    data = Examples(read_dataset(dataset).split("train")[:1], Cut(40, 1.0), "threshold", 0)
    weight = example(data, 0).weight[0].numpy()
    assert (weight[:, :20] == 0).all()
    assert (weight[:20, 20:] == expected[0]).all() and (weight[20:, 20:] == expected[1]).all()


def test_reads_our_exports_in_every_layout(tmp_path: Path) -> None:
    for name in ("spa", "paired"):
        write(tmp_path / name, name)
        made = example(Examples(read_dataset(tmp_path / name).split("train"), Cut(8), "threshold", 0), 1)
        assert made.rainy.shape == made.clean.shape == (3, 8, 8) and made.mask.shape == made.weight.shape == (1, 8, 8)


def test_reads_spa_data_as_published_and_as_it_travels(tmp_path: Path) -> None:
    """Scenes from the folders; CRLF, no last newline, a leading slash, another root in the list, JPEG."""
    import cv2

    lines = []
    for scene, frame in (("001", "001-3"), ("002", "002-7")):
        stem = f"{scene}/{frame}/{frame}_0_256"
        for side, picture in zip(("real_world", "real_world_gt"), streaked(int(scene)), strict=True):
            path = tmp_path / side / f"{stem}.jpg"
            path.parent.mkdir(parents=True)
            cv2.imwrite(str(path), picture[..., ::-1])
        lines.append(f"/data/real_world/{stem}.jpg /data/real_world_gt/{stem}.jpg")
    (tmp_path / "real_world.txt").write_bytes("\r\n".join(lines).encode())
    dataset = read_dataset(tmp_path)
    assert [pair.scene for pair in dataset.split("train")] == ["001", "002"]
    assert example(Examples(dataset.split("train"), Cut(16), "threshold", 0), 0).rainy.shape == (3, 16, 16)


def test_a_broken_picture_is_named_or_skipped(dataset: Path) -> None:
    broken = sorted((dataset / "train" / "input").iterdir())[4]
    broken.write_bytes(broken.read_bytes()[:-40])
    data = examples(dataset)
    number = next(n for n in range(9) if data.place(n) == 4)
    made = data[number]
    assert isinstance(made, Broken) and str(broken) in made.error
    assert together([example(data, (number + 1) % 9), made]) == made
    skipping = examples(dataset, skip_broken=True)
    passed = example(skipping, number)
    assert str(broken) in passed.skipped[0]
    assert sum(bool(example(skipping, n).skipped) for n in range(9)) == 1


def test_only_broken_pictures_end_the_run_even_when_skipping(dataset: Path) -> None:
    for path in (dataset / "train" / "target").iterdir():
        path.write_bytes(b"")
    made = examples(dataset, skip_broken=True)[0]
    assert isinstance(made, Broken) and "every one of 9 pairs" in made.error


def test_sides_of_different_size_are_told_with_both_names(dataset: Path) -> None:
    path = sorted((dataset / "train" / "target").iterdir())[0]
    path.write_bytes(encode_png(streaked(1, 30)[1]))
    data = examples(dataset)
    made = data[next(n for n in range(9) if data.place(n) == 0)]
    assert isinstance(made, Broken)
    assert all(text in made.error for text in (str(path), "train/input/000-0000_0_0.png", "30×30", "40×40"))
