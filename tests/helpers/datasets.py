"""A small written data set, and other people's readers of it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rainclean.dataset import Files, Layout, PairKey, Widths, layout
from rainclean.dataset.manifest import ManifestRow, write_manifest
from rainclean.png import encode_png, pixels_sha256

SIZE = (12, 16)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


@dataclass
class DataSet:
    root: Path
    layout: str
    rows: list[ManifestRow]

    def row(self, split: str, place: int = 0) -> ManifestRow:
        return [row for row in self.rows if row.split == split][place]

    def path(self, name: str) -> Path:
        return self.root / name


def a_row(**changes: object) -> ManifestRow:
    values: dict[str, object] = {
        "split": "train", "sequence": "yard-1", "scene": "yard", "rainy": "a.png", "clean": "b.png", "exclude": "",
        "confidence": "", "frame": 7, "pts_seconds": 0.28, "x": 0, "y": 4, "width": SIZE[1], "height": SIZE[0],
        "recipe": "100 frames, η*", "recipe_hash": "0123456789abcdef",
        "decision": "11111111-2222-3333-4444-555555555555", "decision_kind": "person", "rain_share": 0.1,
        "rain_amount": 2.5, "score": 0.5, "streaks": 0.1, "detail": 0.1, "darkening": 0.1, "disagreement": 0.2,
        "rainy_sha256": "0" * 64, "clean_sha256": "1" * 64, "rainy_pixels_sha256": "2" * 64,
        "clean_pixels_sha256": "3" * 64, "exclude_sha256": "", "confidence_sha256": "",
    }  # fmt: skip
    return ManifestRow(**{**values, **changes})  # type: ignore[arg-type]


def keys(pairs: int = 3) -> list[PairKey]:
    """Three pairs each of scene 0 (train) and scene 1 (test)."""
    return [
        PairKey(split=s, scene=n, frame=f, x=4 * f, y=0, serial=f)
        for n, s in enumerate(("train", "test"))
        for f in range(pairs)
    ]


def write(root: Path, name: str, pairs: Sequence[PairKey] | None = None) -> DataSet:
    """What an export leaves: pairs, masks with the first of them, lists, manifest."""
    form, stored = layout(name), []
    pairs = keys() if pairs is None else pairs
    widths = Widths.for_pairs(pairs)
    for number, key in enumerate(pairs):
        paths = form.paths(key, widths)
        rainy, clean = picture(2 * number), picture(2 * number + 1)
        if form.shares_clean:
            clean = picture(1000 * key.scene + key.x)
        data = {"rainy": encode_png(rainy), "clean": encode_png(clean)}
        masks = {}
        if number == 0:
            data["exclude"] = encode_png(np.zeros(SIZE, np.uint8))
            data["confidence"] = encode_png(np.full(SIZE, 200, np.uint8))
            masks = {
                "exclude": paths.exclude, "exclude_sha256": sha(data["exclude"]),
                "confidence": paths.confidence, "confidence_sha256": sha(data["confidence"]),
            }  # fmt: skip
        row = a_row(
            split=key.split, scene=f"scene{key.scene}", rainy=paths.rainy, clean=paths.clean, frame=key.frame,
            rainy_sha256=sha(data["rainy"]), clean_sha256=sha(data["clean"]),
            rainy_pixels_sha256=pixels_sha256(rainy), clean_pixels_sha256=pixels_sha256(clean), **masks,
        )  # fmt: skip
        stored.append((row, data))
    store(root, form, widths, stored)
    rows = [row for row, _ in stored]
    Files(root).write("manifest.csv", write_manifest(rows))
    return DataSet(root, name, rows)


def store(root: Path, form: Layout, widths: Widths, pairs: Iterable[tuple[ManifestRow, Mapping[str, bytes]]]) -> None:
    """Write pictures and lists as an export does: into files, or into containers."""
    pairs, files = list(pairs), Files(root)
    packer = form.packer(root, widths, SIZE[0] * SIZE[1])
    with packer or nullcontext():
        for row, values in pairs:
            if packer is not None:
                packer.add(row, values)
            else:
                for role, content in values.items():
                    files.write(getattr(row, role), content)
    for each, content in form.lists(row for row, _ in pairs).items():
        files.write(each, content)


def spa_training_reader(root: Path) -> list[tuple[Path, Path]]:
    """As the published training code takes its list apart: relative to where it is started."""
    with (root / "real_world.txt").open(newline="") as lines:
        return [(root / line.split(" ")[0], root / line.split(" ")[1][:-1]) for line in lines]


def spa_test_reader(root: Path) -> list[tuple[Path, Path]]:
    """As the published test code does: a dot goes before each path."""
    with (root / "real_test_1000.txt").open(newline="") as lines:
        return [(root / ("." + line.split(" ")[0]), root / ("." + line.split(" ")[1][:-1])) for line in lines]


def sorted_order_reader(root: Path, split: str) -> list[tuple[Path, Path]]:
    """As readers of paired folders do: both sides sorted, then joined place by place."""
    sides = [sorted((root / split / side).iterdir()) for side in ("input", "target")]
    return list(zip(*sides, strict=True))
